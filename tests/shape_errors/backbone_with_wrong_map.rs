//! The map of DenseNet169 is 7×7 at 224 px, not 8×8.

use wise_srnet::networks::DenseNet169;
use wise_srnet::training::model::BackboneType;

fn main() {
    let _ = BackboneType::<8, 1664>::of::<DenseNet169, 224>();
}
