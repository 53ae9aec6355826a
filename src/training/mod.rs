//! Training: a network with a head behind one interface, its updates, and the loop around them. Knows neither
//! experiment files nor reports.

mod checkpoint;
mod checkpoint_error;
mod checkpoint_file;
mod confusion;
mod eager;
mod evaluation;
mod explanation;
mod fit;
mod fit_error;
mod model;
mod no_progress;
mod optimizer;
mod planned;
mod prediction;
mod run_folder;
mod schedule;
mod snapshot;

pub use crate::typed::{BACKBONE, BackboneType, BuildError, HEAD, TracedNetwork};
pub use checkpoint::{Checkpoint, Identity, Position};
pub use checkpoint_error::{CheckpointError, Unusable};
pub use confusion::Confusion;
pub use eager::EagerBackboneType;
pub use evaluation::{Evaluation, EvaluationError, Visit, evaluate};
pub use explanation::Explanation;
pub use fit::{EpochResult, Fit, Observer, Outcome, Progress, Scores, Splits, Standing, TrainedEpoch};
pub use fit_error::FitError;
pub use model::{Model, Step};
pub use no_progress::NoProgress;
pub use optimizer::{Optimizer, Sgd};
pub use planned::Planned;
pub use prediction::{Prediction, are_finite, probabilities, ranking};
pub use run_folder::BestWeights;
pub use schedule::Schedule;
pub use snapshot::{Misfit, Snapshot, StoredTensor};
