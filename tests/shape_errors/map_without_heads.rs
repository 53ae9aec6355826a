//! A map of 2×2 is too small for the paper's heads.

use dfdx::prelude::Const;
use wise_srnet::heads::HeadsOver;

fn main() {
    let _: Option<<Const<2> as HeadsOver>::WiseSrNet<64>> = None;
}
