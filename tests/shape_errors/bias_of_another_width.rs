//! A convolution to 32 channels with a bias for 64.

use dfdx::prelude::Module;
use wise_srnet::layers::{Bias, Conv2D, Images};
use wise_srnet::shapes::Same;

type Stem = Conv2D<3, 32, 3, 2, Same, Bias<64>>;

fn run(stem: &Stem, images: Images<64>) {
    stem.forward(images);
}

fn main() {}
