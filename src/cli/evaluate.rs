//! `wise-srnet evaluate`: how a trained network classifies the test split.

use std::ops::ControlFlow;
use std::process::ExitCode;

use serde::Serialize;

use super::arguments::EvaluateArguments;
use super::error::CommandError;
use super::table::{Side, Table};
use super::text::{NAME_COLUMNS, count, cut, grouped, listed, printable};
use super::trained::Trained;
use super::{machine, next, output};
use crate::data::Split;
use crate::experiment::{Overrides, Plan, Registry};
use crate::training::{Checkpoint, Confusion, Evaluation, EvaluationError, Model, evaluate as classify};

/// The object that `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    experiment: &'a str,
    network: &'a str,
    image_size: usize,
    head: &'a str,
    seed: u64,
    /// Epochs that the network was trained for.
    epochs: u64,
    images: u64,
    loss: f64,
    top1: f64,
    top5: f64,
    classes: &'a [String],
    /// A row for each class, a column for each class that an image of it was taken for.
    confusion: &'a [Vec<u64>],
}

/// Evaluates and prints.
pub fn evaluate(arguments: EvaluateArguments, registry: &Registry) -> Result<ExitCode, CommandError> {
    let trained = Trained::open(&arguments.checkpoint)?;
    let Checkpoint { identity, position, .. } = &trained.checkpoint;
    let pool = machine::pool(arguments.processor)?;
    let plan = pool.install(|| plan(&arguments, registry))?;
    assert_same(&arguments, &trained, &plan)?;
    let (evaluation, confusion) = pool.install(|| {
        let mut model = trained.model(registry, arguments.precision)?;
        let measured = measure(&mut *model, &plan.splits.test, plan.experiment.batch_size);
        measured.map_err(|error| match error {
            EvaluationError::NotFinite { image } => trained.not_finite(&image),
            error => error.into(),
        })
    })?;
    let report = Report {
        experiment: &plan.experiment.name,
        network: &identity.network,
        image_size: identity.image_size,
        head: &identity.head,
        seed: identity.seed,
        epochs: position.epochs,
        images: evaluation.images,
        loss: evaluation.loss(),
        top1: evaluation.accuracy(),
        top5: evaluation.top5_accuracy(),
        classes: &plan.dataset.classes,
        confusion: confusion.rows(),
    };
    if arguments.json {
        output::json(&report)?;
    } else {
        print(&report)?;
        next::predict("see where in an image the network looks", &trained.path);
    }
    Ok(ExitCode::SUCCESS)
}

/// The experiment with its data set. Its weights are where a training starts: nothing here needs them.
fn plan<'r>(arguments: &EvaluateArguments, registry: &'r Registry) -> Result<Plan<'r>, CommandError> {
    let mut experiment = arguments.experiment.only()?;
    experiment.weights = None;
    let changes = Overrides {
        data: arguments.data.clone(),
        batch_size: arguments.batch_size,
        limit_test: arguments.limit_test,
        ..Overrides::default()
    };
    changes.apply(&mut experiment)?;
    Ok(Plan::new(experiment, registry)?)
}

/// Whether the checkpoint is of a run of the experiment.
fn assert_same(arguments: &EvaluateArguments, trained: &Trained, plan: &Plan<'_>) -> Result<(), CommandError> {
    let identity = &trained.checkpoint.identity;
    let experiment = &plan.experiment;
    let size = |size: usize| format!("{size} pixels");
    let head = arguments.head.map_or(identity.head.clone(), |head| head.to_string());
    let (own, other) = (&identity.classes, &plan.dataset.classes);
    let facts = [
        (
            identity.network == experiment.network,
            format!("the network {}", printable(&identity.network)),
            format!("the network {}", experiment.network),
        ),
        (
            identity.image_size == experiment.image_size,
            size(identity.image_size),
            size(experiment.image_size),
        ),
        (
            identity.head == head,
            format!("the head {}", printable(&identity.head)),
            format!("the head {head}"),
        ),
        (own == other, names(own, other), names(other, own)),
    ];
    match facts.into_iter().find(|(is_same, ..)| !is_same) {
        None => Ok(()),
        Some((_, found, wanted)) => Err(CommandError::Usage(format!(
            "'{}' is a checkpoint with {found}, but {} is asked for with {wanted}",
            printable(&trained.path),
            printable(&arguments.experiment.path)
        ))),
    }
}

/// Some classes beside others: the first that differs or, where their numbers do, all.
fn names(classes: &[String], others: &[String]) -> String {
    let differing = classes.iter().zip(others).position(|(one, other)| one != other);
    match differing {
        Some(place) if classes.len() == others.len() => {
            format!("'{}' as class {}", cut(&classes[place], NAME_COLUMNS), place + 1)
        }
        _ => format!("the {} classes {}", grouped(classes.len() as u64), listed(classes, "")),
    }
}

fn measure(
    model: &mut dyn Model,
    split: &Split,
    batch_size: usize,
) -> Result<(Evaluation, Confusion), EvaluationError> {
    let mut confusion = Confusion::new(split.class_counts().len());
    let evaluation = classify(model, split, batch_size, &mut |indices, logits| {
        let labels: Vec<usize> = indices.iter().map(|&index| split.label(index)).collect();
        confusion.add(logits, &labels);
        ControlFlow::Continue(())
    })?;
    Ok((evaluation.unwrap_or_default(), confusion))
}

/// The most classes whose whole confusion matrix is printed.
const LARGEST_MATRIX: usize = 20;

fn print(report: &Report<'_>) -> Result<(), CommandError> {
    output::line(&format!(
        "{}, {} pixels, {}, seed {}, after {}; {} of the test split of {}",
        report.network,
        report.image_size,
        report.head,
        report.seed,
        count(report.epochs as usize, "epoch"),
        count(report.images as usize, "image"),
        report.experiment
    ))?;
    output::line(&format!(
        "Top-1 {:.2} %   Top-5 {:.2} %   loss {:.4}",
        100.0 * report.top1,
        100.0 * report.top5,
        report.loss
    ))?;
    output::line("")?;
    output::table(&classes(report))
}

/// How each class fared, and for small numbers of classes what its images were taken for.
fn classes(report: &Report<'_>) -> Table {
    let mut table = Table::new(&[Side::Right, Side::Left, Side::Right, Side::Right, Side::Left]);
    let numbers = if report.classes.len() <= LARGEST_MATRIX {
        1..report.classes.len() + 1
    } else {
        0..0
    };
    let titles = ["", "class", "images", "right", "mistaken most for"].map(str::to_owned);
    table.row(
        titles
            .into_iter()
            .chain(numbers.clone().map(|number| number.to_string())),
    );
    for (class, (name, row)) in report.classes.iter().zip(report.confusion).enumerate() {
        let images: u64 = row.iter().sum();
        let right = match row.get(class) {
            Some(&right) if images > 0 => format!("{:.1} %", 100.0 * right as f64 / images as f64),
            _ => "-".to_owned(),
        };
        let cells = [
            (class + 1).to_string(),
            cut(name, NAME_COLUMNS),
            images.to_string(),
            right,
            mistaken_for(report, class),
        ];
        table.row(
            cells
                .into_iter()
                .chain(numbers.clone().map(|number| row[number - 1].to_string())),
        );
    }
    if numbers.is_empty() {
        table.text("`--json` has the whole confusion matrix");
    } else {
        table.text("numbered columns: the images that were taken for this class");
    }
    table
}

/// The class that images of this one were wrongly taken for most often.
fn mistaken_for(report: &Report<'_>, class: usize) -> String {
    let taken = report.confusion[class].iter().enumerate();
    let wrong = taken.filter(|(other, images)| *other != class && **images > 0);
    let most = wrong.rev().max_by_key(|(_, images)| **images);
    most.map_or("-".to_owned(), |(other, images)| {
        format!("{} ({images})", cut(&report.classes[other], NAME_COLUMNS))
    })
}
