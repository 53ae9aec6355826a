//! The dense layer reads a map of 8×8; the network's is 12×12.

use dfdx::prelude::{Const, Module};
use wise_srnet::layers::{Dense, FeatureMap};

type Classifier = Dense<128, 8, Const<10>>;

fn run(classifier: &Classifier, map: FeatureMap<12, 128>) {
    classifier.forward(map);
}

fn main() {}
