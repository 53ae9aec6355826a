//! Rows and facts for the tests of this folder.

use super::predictions::RunPredictions;
use super::{EpochRow, ExperimentFacts, HeadFacts, PredictedImage};

/// One epoch with the given test accuracy; the other values follow from it.
pub fn row(head: &str, seed: u64, epoch: u64, test_accuracy: f64) -> EpochRow {
    EpochRow {
        head: head.to_string(),
        seed,
        epoch,
        learning_rate: 0.045,
        train_loss: 2.0 - test_accuracy,
        train_accuracy: test_accuracy / 2.0,
        test_loss: 1.8 - test_accuracy,
        test_accuracy,
        seconds: 12.5,
        validation_loss: None,
        validation_accuracy: None,
        test_top5_accuracy: None,
    }
}

/// An experiment on six classes with 600 test images.
pub fn facts(heads: &[&str]) -> ExperimentFacts {
    let head = |name: &&str| HeadFacts {
        name: name.to_string(),
        parameters: 12_652_870,
        trainable: 12_494_470,
        multiply_adds: 3_360_000_000,
    };
    ExperimentFacts {
        name: "intel_mini_resnet".to_string(),
        network: "mini_resnet".to_string(),
        image_size: 64,
        classes: ["buildings", "forest", "glacier", "mountain", "sea", "street"]
            .map(String::from)
            .to_vec(),
        train_images: 1500,
        test_images: 600,
        validation_images: None,
        epochs: 20,
        batch_size: 32,
        seeds: vec![0, 1],
        heads: heads.iter().map(head).collect(),
        settings: vec![("optimizer".to_string(), "SGD, momentum 0.9".to_string())],
        notes: Vec::new(),
        program_version: "0.1.0".to_string(),
    }
}

/// Equality up to rounding.
pub fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-12
}

/// What a run's test images were taken for: their class, and the answer.
pub fn predictions(head: &str, seed: u64, answers: &[(&str, &str)]) -> RunPredictions {
    let image = |(image, (class, answer)): (usize, &(&str, &str))| PredictedImage {
        image: format!("{image}.jpg"),
        class: class.to_string(),
        taken_for: vec![answer.to_string()],
        probability: 0.5,
    };
    RunPredictions {
        head: head.to_string(),
        seed,
        epoch: 1,
        images: answers.iter().enumerate().map(image).collect(),
    }
}
