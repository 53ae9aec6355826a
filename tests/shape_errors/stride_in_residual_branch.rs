//! The branch halves the map; the shortcut around it doesn't.

use dfdx::prelude::Module;
use wise_srnet::layers::{Conv2D, FeatureMap, Shortcut};
use wise_srnet::shapes::Same;

type Block = Shortcut<(Conv2D<64, 64, 3, 2, Same>, Conv2D<64, 64, 3, 1, Same>)>;

fn run(block: &Block, map: FeatureMap<56, 64>) {
    block.forward(map);
}

fn main() {}
