//! `wise-srnet summary`: the layers of an experiment's network and heads.

use std::process::ExitCode;

use serde::Serialize;

use super::arguments::SummaryArguments;
use super::error::CommandError;
use super::table::{Side, Table};
use super::text::grouped;
use super::{next, output};
use crate::data::open;
use crate::experiment::{Cost, Experiment, HeadKind, Registry, Size};
use crate::layers::LayerRecord;

/// The classes that are assumed where the data set isn't there: those of MIT Indoor Scenes.
const ASSUMED_CLASSES: usize = 67;

/// The object that `--json` prints.
#[derive(Serialize)]
struct Summary<'a> {
    experiment: &'a str,
    network: &'a str,
    image_size: usize,
    classes: usize,
    batch_size: usize,
    epochs: usize,
    seeds: &'a [u64],
    backbone: Part,
    heads: Vec<NamedPart>,
}

#[derive(Serialize)]
struct Part {
    #[serde(flatten)]
    size: Size,
    /// Height, width and channels.
    feature_map: [usize; 3],
}

#[derive(Serialize)]
struct NamedPart {
    name: &'static str,
    #[serde(flatten)]
    part: Part,
}

/// Prints the summary of each experiment.
pub fn summary(arguments: SummaryArguments, registry: &Registry) -> Result<ExitCode, CommandError> {
    for (index, experiment) in arguments.experiment.all()?.iter().enumerate() {
        summarize(experiment, index, &arguments, registry)?;
    }
    if !arguments.json {
        let mut check = vec!["check".into()];
        check.extend(arguments.experiment.words());
        next::say("see what training would cost", &check);
    }
    Ok(ExitCode::SUCCESS)
}

fn summarize(
    experiment: &Experiment,
    index: usize,
    arguments: &SummaryArguments,
    registry: &Registry,
) -> Result<(), CommandError> {
    let classes = match arguments.classes {
        Some(classes) => classes as usize,
        None => classes_of(experiment),
    };
    let mut heads = Vec::new();
    let mut feature_map = [0; 3];
    for &head in &experiment.heads {
        let built = registry.build(experiment, head, 0, classes);
        let mut model = built.map_err(|problem| experiment.invalid(vec![problem]))?;
        feature_map = model.feature_map();
        heads.push((head, Cost::of(&mut *model)?));
    }
    let Some((_, first)) = heads.first() else { return Ok(()) };
    let summary = Summary {
        experiment: &experiment.name,
        network: &experiment.network,
        image_size: experiment.image_size,
        classes,
        batch_size: experiment.batch_size,
        epochs: experiment.epochs,
        seeds: &experiment.seeds,
        backbone: Part {
            size: first.backbone,
            feature_map,
        },
        heads: heads
            .iter()
            .map(|(head, cost)| NamedPart {
                name: head.name(),
                part: Part {
                    size: cost.head,
                    feature_map,
                },
            })
            .collect(),
    };
    if arguments.json {
        return output::json(&summary);
    }
    output::between(index)?;
    print(&summary, &heads)
}

/// The classes of the experiment's data set, if it is there.
fn classes_of(experiment: &Experiment) -> usize {
    match open(&experiment.data.layout, experiment.data.path.as_deref()) {
        Ok(dataset) => dataset.classes.len(),
        Err(_) => {
            output::tell(format_args!(
                "note: the data set isn't there; {ASSUMED_CLASSES} classes are assumed (see --classes)"
            ));
            ASSUMED_CLASSES
        }
    }
}

fn print(summary: &Summary<'_>, heads: &[(HeadKind, Cost)]) -> Result<(), CommandError> {
    let Some((_, first)) = heads.first() else { return Ok(()) };
    let [height, width, channels] = summary.backbone.feature_map;
    output::line(&format!(
        "{}: {}, {} × {} pixels, {} classes; feature map {height} × {width} × {channels}",
        summary.experiment, summary.network, summary.image_size, summary.image_size, summary.classes
    ))?;
    output::line("")?;
    let mut table = Table::new(&[Side::Left]);
    table.row(["layer", "output", "parameters", "multiply-adds"]);
    first
        .layers
        .backbone
        .iter()
        .for_each(|layer| add_layer(&mut table, layer));
    add_total(&mut table, summary.network, first.backbone);
    for (head, cost) in heads {
        table.text("");
        table.text(format!("head {head}"));
        cost.layers.head.iter().for_each(|layer| add_layer(&mut table, layer));
        add_total(&mut table, head.name(), cost.head);
        add_total(&mut table, "with backbone", cost.total());
    }
    output::table(&table)
}

fn add_layer(table: &mut Table, layer: &LayerRecord) {
    let output: Vec<String> = layer.output.iter().map(usize::to_string).collect();
    let (parameters, products) = (grouped(layer.parameters as u64), grouped(layer.multiply_adds));
    table.row([layer.name.to_owned(), output.join("×"), parameters, products]);
}

fn add_total(table: &mut Table, name: &str, size: Size) {
    let (parameters, products) = (grouped(size.parameters), grouped(size.multiply_adds));
    table.row([name.to_owned(), "in all".to_owned(), parameters, products]);
    table.row(["", "trainable", &grouped(size.trainable)]);
}
