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
use crate::program::{Parameter, Program, Settings, Step};

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
    #[serde(flatten)]
    program: Option<Listing>,
}

/// A part of a program.
#[derive(Serialize)]
struct Listing {
    operations: Vec<Operation>,
    tensors: Vec<Tensor>,
}

#[derive(Serialize)]
struct Operation {
    operation: &'static str,
    inputs: Vec<usize>,
    output: usize,
    shape: Vec<usize>,
    multiply_adds: u64,
    #[serde(flatten)]
    settings: Settings,
    parameters: Vec<String>,
}

#[derive(Serialize)]
struct Tensor {
    name: String,
    shape: Vec<usize>,
    trainable: bool,
    non_negative: bool,
}

impl Listing {
    fn of(program: &Program, steps: &[Step]) -> Self {
        let operation = |step: &Step| Operation {
            operation: step.instruction.name(),
            inputs: step.inputs.iter().map(|input| input.index()).collect(),
            output: step.output.index(),
            shape: program.shape(step.output).to_vec(),
            multiply_adds: step.instruction.multiply_adds(),
            settings: step.instruction.settings(),
            parameters: program.parameters_of(step).map(|tensor| tensor.name.clone()).collect(),
        };
        let tensors = steps.iter().flat_map(|step| program.parameters_of(step));
        Self {
            operations: steps.iter().map(operation).collect(),
            tensors: tensors.map(Tensor::of).collect(),
        }
    }
}

impl Tensor {
    fn of(parameter: &Parameter) -> Self {
        Self {
            name: parameter.name.clone(),
            shape: parameter.shape.clone(),
            trainable: parameter.trainable,
            non_negative: parameter.non_negative,
        }
    }
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
    let listing = |cost: &Cost, steps: fn(&Program) -> &[Step]| {
        (arguments.program).then(|| Listing::of(&cost.program, steps(&cost.program)))
    };
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
            program: listing(first, |program| program.parts().0),
        },
        heads: heads
            .iter()
            .map(|(head, cost)| NamedPart {
                name: head.name(),
                part: Part {
                    size: cost.head,
                    feature_map,
                    program: listing(cost, |program| program.parts().1),
                },
            })
            .collect(),
    };
    if arguments.json {
        return output::json(&summary);
    }
    output::between(index)?;
    print(&summary, &heads, arguments.program)
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

fn print(summary: &Summary<'_>, heads: &[(HeadKind, Cost)], with_program: bool) -> Result<(), CommandError> {
    let Some((_, first)) = heads.first() else { return Ok(()) };
    let [height, width, channels] = summary.backbone.feature_map;
    output::line(&format!(
        "{}: {}, {} × {} pixels, {} classes; feature map {height} × {width} × {channels}",
        summary.experiment, summary.network, summary.image_size, summary.image_size, summary.classes
    ))?;
    output::line("")?;
    if with_program {
        return print_program(heads, &first.program);
    }
    let mut table = Table::new(&[Side::Left]);
    table.row(["layer", "output", "parameters", "multiply-adds"]);
    let add_layers = |table: &mut Table, program: &Program, steps: &[Step]| {
        steps.iter().for_each(|step| add_layer(table, program, step));
    };
    add_layers(&mut table, &first.program, first.program.parts().0);
    add_total(&mut table, summary.network, first.backbone);
    for (head, cost) in heads {
        table.text("");
        table.text(format!("head {head}"));
        add_layers(&mut table, &cost.program, cost.program.parts().1);
        add_total(&mut table, head.name(), cost.head);
        add_total(&mut table, "with backbone", cost.total());
    }
    output::table(&table)
}

/// Prints what each operation reads and makes: `%3` is the value that the operation of this number makes, `%0` the images.
fn print_program(heads: &[(HeadKind, Cost)], first: &Program) -> Result<(), CommandError> {
    let mut table = Table::new(&[Side::Right, Side::Left, Side::Left, Side::Left, Side::Left, Side::Left]);
    table.row(["value", "operation", "reads", "output", "settings", "layer"]);
    table.row([
        &value(first.images.index()),
        "images",
        "",
        &sizes(first.shape(first.images)),
    ]);
    let add = |table: &mut Table, program: &Program, steps: &[Step]| {
        steps.iter().for_each(|step| add_operation(table, program, step));
    };
    add(&mut table, first, first.parts().0);
    for (head, cost) in heads {
        table.text("");
        table.text(format!("head {head}"));
        add(&mut table, &cost.program, cost.program.parts().1);
    }
    output::table(&table)
}

fn value(index: usize) -> String {
    format!("%{index}")
}

fn sizes(sizes: &[usize]) -> String {
    sizes.iter().map(usize::to_string).collect::<Vec<_>>().join("×")
}

fn add_operation(table: &mut Table, program: &Program, step: &Step) {
    let inputs: Vec<String> = step.inputs.iter().map(|input| value(input.index())).collect();
    table.row([
        value(step.output.index()),
        step.instruction.name().to_owned(),
        inputs.join(" "),
        sizes(program.shape(step.output)),
        step.instruction.settings().to_string(),
        program.layer_of(step).unwrap_or_default().to_owned(),
    ]);
}

fn add_layer(table: &mut Table, program: &Program, step: &Step) {
    let parameters = program
        .parameters_of(step)
        .map(|parameter| parameter.size() as u64)
        .sum();
    let products = step.instruction.multiply_adds();
    let output = sizes(program.shape(step.output));
    table.row([
        step.instruction.name().to_owned(),
        output,
        grouped(parameters),
        grouped(products),
    ]);
}

fn add_total(table: &mut Table, name: &str, size: Size) {
    let (parameters, products) = (grouped(size.parameters), grouped(size.multiply_adds));
    table.row([name.to_owned(), "in all".to_owned(), parameters, products]);
    table.row(["", "trainable", &grouped(size.trainable)]);
}
