//! `wise-srnet summary`: the layers of an experiment's network and heads.

use std::process::ExitCode;

use serde::Serialize;

use super::arguments::SummaryArguments;
use super::error::CommandError;
use super::text::grouped;
use crate::data::open;
use crate::experiment::{Cost, Experiment, HeadKind, Registry, Size};
use crate::layers::LayerRecord;

/// The classes that are assumed where the data set isn't there: those of MIT Indoor Scenes.
const ASSUMED_CLASSES: usize = 67;

/// The object that `--json` prints.
#[derive(Serialize)]
struct Summary<'a> {
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

/// Prints the summary.
pub fn summary(arguments: SummaryArguments, registry: &Registry) -> Result<ExitCode, CommandError> {
    let experiment = Experiment::load(&arguments.experiment)?;
    let classes = match arguments.classes {
        Some(classes) => classes as usize,
        None => classes_of(&experiment),
    };
    let mut heads = Vec::new();
    let mut feature_map = [0; 3];
    for &head in &experiment.heads {
        let built = registry.build(&experiment, head, 0, classes);
        let mut model = built.map_err(|problem| experiment.invalid(vec![problem]))?;
        feature_map = model.feature_map();
        heads.push((head, Cost::of(&mut *model)?));
    }
    let Some((_, first)) = heads.first() else {
        return Ok(ExitCode::SUCCESS);
    };
    let summary = Summary {
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
        println!(
            "{}",
            serde_json::to_string(&summary).map_err(|error| CommandError::Usage(error.to_string()))?
        );
    } else {
        print(&summary, &heads);
    }
    Ok(ExitCode::SUCCESS)
}

/// The classes of the experiment's data set, if it is there.
fn classes_of(experiment: &Experiment) -> usize {
    match open(&experiment.data.layout, experiment.data.path.as_deref()) {
        Ok(dataset) => dataset.classes.len(),
        Err(_) => {
            eprintln!("note: the data set isn't there; {ASSUMED_CLASSES} classes are assumed (see --classes)");
            ASSUMED_CLASSES
        }
    }
}

fn print(summary: &Summary<'_>, heads: &[(HeadKind, Cost)]) {
    let Some((_, first)) = heads.first() else { return };
    let [height, width, channels] = summary.backbone.feature_map;
    println!(
        "{}, {} × {} pixels, {} classes; feature map {height} × {width} × {channels}",
        summary.network, summary.image_size, summary.image_size, summary.classes
    );
    println!(
        "\n{:<28} {:>18} {:>12} {:>16}",
        "layer", "output", "parameters", "multiply-adds"
    );
    first.layers.backbone.iter().for_each(print_layer);
    print_total(summary.network, first.backbone);
    for (head, cost) in heads {
        println!("\nhead {head}");
        cost.layers.head.iter().for_each(print_layer);
        print_total(head.name(), cost.head);
        print_total("with backbone", cost.total());
    }
}

fn print_layer(layer: &LayerRecord) {
    let output: Vec<String> = layer.output.iter().map(usize::to_string).collect();
    let (parameters, products) = (grouped(layer.parameters as u64), grouped(layer.multiply_adds));
    println!(
        "{:<28} {:>18} {parameters:>12} {products:>16}",
        layer.name,
        output.join("×")
    );
}

fn print_total(name: &str, size: Size) {
    println!(
        "{name:<47} {:>12} {:>16}",
        grouped(size.parameters),
        grouped(size.multiply_adds)
    );
    println!("{:<47} {:>12} trainable", "", grouped(size.trainable));
}
