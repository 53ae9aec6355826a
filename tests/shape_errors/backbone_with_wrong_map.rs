//! This stem's map is 56×56 at 224 px, not 28×28.

use wise_srnet::layers::{Conv2D, MaxPool2D};
use wise_srnet::shapes::Pad;
use wise_srnet::training::BackboneType;

type Stem = (Conv2D<3, 64, 7, 2, Pad<3>>, MaxPool2D<3, 2, Pad<1>>);

fn main() {
    let _ = BackboneType::<28, 64>::of::<Stem, 224>();
}
