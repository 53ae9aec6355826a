//! The head pools in steps of 3 and then covers 5×5, as a 16×16 map (512 px) needs; at 224 px the map is 7×7.

use wise_srnet::heads::WiseSrNet;
use wise_srnet::networks::DenseNet169;
use wise_srnet::training::BackboneType;

fn main() {
    let backbone = BackboneType::<7, 1664>::of::<DenseNet169, 224>();
    let _ = backbone.with_head::<WiseSrNet<1664, 3, 5>>(0, 6);
}
