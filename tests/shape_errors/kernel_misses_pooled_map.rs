//! A 7×7 map pooled in steps of 2 is 3×3; the head's weights are made for 5×5.

use wise_srnet::heads::{Head, WiseSrNet};

fn over_7x7<H: Head<7, 1664>>() {}

fn main() {
    over_7x7::<WiseSrNet<1664, 2, 5>>();
}
