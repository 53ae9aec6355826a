//! One branch halves the map, the other keeps it: they can't stand side by side.

use dfdx::prelude::Module;
use wise_srnet::layers::{Concat, Conv2D, FeatureMap};
use wise_srnet::shapes::Same;

type Block = Concat<Conv2D<64, 32, 3, 1, Same>, Conv2D<64, 32, 3, 2, Same>>;

fn run(block: &Block, map: FeatureMap<28, 64>) {
    block.forward(map);
}

fn main() {}
