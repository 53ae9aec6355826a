//! From a file's path and the command line's changes to plans, and to what they cost.

use rayon::ThreadPool;

use super::arguments::{Changes, ExperimentArguments};
use super::error::CommandError;
use super::progress::ImagesProgress;
use crate::data::Inspection;
use crate::experiment::{Cost, Experiment, HeadKind, Plan, PlanError, Registry, Run};

/// Reads and checks a file's experiments and opens their data sets.
pub fn plans<'r>(
    experiment: &ExperimentArguments,
    changes: &Changes,
    registry: &'r Registry,
) -> Result<Vec<Plan<'r>>, CommandError> {
    planned(experiment, changes, |experiment, progress| {
        Plan::with_progress(experiment, registry, progress)
    })
}

/// As [`plans`], and decodes all images; those that cannot be used are left out, however many.
pub fn inspected<'r>(
    experiment: &ExperimentArguments,
    changes: &Changes,
    registry: &'r Registry,
) -> Result<Vec<(Plan<'r>, Inspection)>, CommandError> {
    planned(experiment, changes, |experiment, progress| {
        Plan::inspected(experiment, registry, progress)
    })
}

/// What `plan` makes of each experiment, with the progress of decoding on the terminal.
fn planned<T>(
    experiment: &ExperimentArguments,
    changes: &Changes,
    plan: impl Fn(Experiment, &(dyn Fn(usize, usize) + Sync)) -> Result<T, PlanError>,
) -> Result<Vec<T>, CommandError> {
    let progress = ImagesProgress::new();
    let tell = |done, all| progress.tell(done, all);
    let experiments = changed(experiment, changes)?.into_iter();
    experiments.map(|experiment| Ok(plan(experiment, &tell)?)).collect()
}

/// The file's experiments with the command line's changes.
fn changed(experiment: &ExperimentArguments, changes: &Changes) -> Result<Vec<Experiment>, CommandError> {
    let mut experiments = experiment.all()?;
    let mut all = experiments.iter_mut();
    all.try_for_each(|experiment| changes.overrides().apply(experiment))?;
    Ok(experiments)
}

/// The cost of the network with each of the plan's heads, for which it is built and traced on the pool.
pub fn costs(plan: &Plan<'_>, pool: &ThreadPool) -> Result<Vec<(HeadKind, Cost)>, CommandError> {
    let cost = |&head| Ok((head, Cost::of(&mut *plan.build(Run { head, seed: 0 })?)?));
    pool.install(|| plan.experiment.heads.iter().map(cost).collect())
}

/// The images of a plan's largest step.
pub fn largest_step(plan: &Plan<'_>) -> usize {
    plan.experiment.batch_size.min(plan.splits.train.len())
}

#[cfg(test)]
mod tests {
    use rayon::ThreadPoolBuilder;

    use super::*;
    use crate::stopwatch::stopwatch;

    const EXPERIMENT: &str = r#"Experiment(
        name: "costs",
        network: "mini_resnet",
        image_size: 64,
        heads: [gap],
        epochs: 1,
        batch_size: 2,
        data: (layout: Generated(train_per_class: 2, test_per_class: 1, image_size: 64, seed: 0)),
    )"#;

    #[test]
    fn costs_are_estimated_on_the_pool_that_has_as_many_threads_as_asked_for() {
        let registry = Registry::builtin();
        let plan = Plan::new(Experiment::parse(EXPERIMENT, "costs.ron").unwrap(), &registry).unwrap();
        let pool = ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let (costs, times) = stopwatch(|| costs(&plan, &pool).unwrap());
        assert_eq!(costs.len(), 1);
        assert!(costs[0].1.total().multiply_adds > 0);
        // What is computed on this thread goes to a pool with a thread for each core.
        assert!(times.is_empty(), "computed on the caller's thread: {times:?}");
    }
}
