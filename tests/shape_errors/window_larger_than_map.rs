//! Three poolings in steps of 3 leave nothing of a 16×16 map for the third.

use dfdx::prelude::Module;
use wise_srnet::layers::{AvgPool2D, FeatureMap};

type Pools = (AvgPool2D<3, 3>, AvgPool2D<3, 3>, AvgPool2D<3, 3>);

fn run(pools: &Pools, map: FeatureMap<16, 8>) {
    pools.forward(map);
}

fn main() {}
