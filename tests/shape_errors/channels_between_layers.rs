//! The convolution writes 32 channels; the normalisation behind it takes 64.

use dfdx::prelude::Module;
use wise_srnet::layers::{BatchNorm2D, Conv2D, Images};
use wise_srnet::shapes::Same;

type Stem = (Conv2D<3, 32, 3, 2, Same>, BatchNorm2D<64>);

fn run(stem: &Stem, images: Images<64>) {
    stem.forward(images);
}

fn main() {}
