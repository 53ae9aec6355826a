//! 60 + 32 channels are not in the table of sums.

use dfdx::prelude::Module;
use wise_srnet::layers::{Concat, Conv2D, FeatureMap, Identity};
use wise_srnet::shapes::Same;

type Block = Concat<Identity, Conv2D<60, 32, 3, 1, Same>>;

fn run(block: &Block, map: FeatureMap<28, 60>) {
    block.forward(map);
}

fn main() {}
