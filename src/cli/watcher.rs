//! What happens after each step and epoch of a run: progress is shown, and what the epoch gave is stored.

use std::error::Error;
use std::ops::ControlFlow;

use super::events::{Event, Events};
use super::interrupt::Interrupt;
use super::output;
use super::progress::RunProgress;
use super::results::{Results, row};
use super::results_folder::run_path;
use crate::experiment::{Plan, Run};
use crate::layers::Visited;
use crate::report::{PredictedImage, RunState, SpatialKernel, write_run_state};
use crate::training::{EpochResult, HEAD, Model, Observer, Prediction, Progress, TrainedEpoch};

/// Follows one run.
pub struct Watcher<'a, 'r> {
    pub plan: &'a Plan<'a>,
    pub run: Run,
    pub results: &'a mut Results<'r>,
    pub progress: RunProgress,
    pub interrupt: &'a Interrupt,
    pub events: Events,
    /// Whether a person has been told that the run makes no progress.
    pub warned: bool,
}

impl Observer for Watcher<'_, '_> {
    fn step(&mut self, progress: Progress) -> ControlFlow<()> {
        self.progress.step(&progress);
        self.interrupt.flow()
    }

    fn evaluated(&mut self, _: usize) -> ControlFlow<()> {
        self.interrupt.flow()
    }

    fn trained(&mut self, epoch: TrainedEpoch<'_>) -> Result<(), Box<dyn Error + Send + Sync>> {
        let predictions: Vec<PredictedImage> = epoch
            .predictions
            .iter()
            .map(|each| predicted(self.plan, each))
            .collect();
        if epoch.is_best {
            self.results.found_best(self.run);
        }
        let kernel = head_kernel(epoch.model);
        let state = RunState {
            predictions: &predictions,
            is_best: epoch.is_best,
            kernel: kernel.as_ref(),
        };
        self.results.lock().check()?;
        let run = run_path(self.results.folder(), self.run)?;
        Ok(write_run_state(self.results.lock(), &run, state)?)
    }

    fn epoch(&mut self, result: &EpochResult) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.progress.epoch(result);
        let row = row(self.run, result);
        self.events.tell(&Event::EpochFinished(&row))?;
        self.results.push(row);
        if !self.warned
            && let Some(told) = self.results.no_progress(self.run.head.name(), self.run.seed)
        {
            self.warned = true;
            output::tell(format_args!("warning: {}: {told}", self.run));
        }
        Ok(self.results.write_epoch()?)
    }
}

fn predicted(plan: &Plan<'_>, prediction: &Prediction) -> PredictedImage {
    let (test, classes) = (&plan.splits.test, &plan.dataset.classes);
    let name = |class: usize| classes[class].clone();
    PredictedImage {
        image: test.place(prediction.image),
        class: name(test.label(prediction.image)),
        taken_for: prediction.classes.iter().copied().map(name).collect(),
        probability: prediction.probability,
    }
}

/// The kernel of the head's depthwise convolution, if the head has one.
fn head_kernel(model: &mut dyn Model) -> Option<SpatialKernel> {
    let mut kernel = None;
    model.for_each(&mut |visited| {
        if let Visited::Tensor(tensor) = visited
            && tensor.name.starts_with(HEAD)
            && tensor.name.ends_with("kernel")
        {
            kernel = kernel.take().or_else(|| SpatialKernel::of(tensor.shape, tensor.values));
        }
    });
    kernel
}
