//! What can be typed: the subcommands and their options.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use super::examples;
use crate::experiment::{Experiment, ExperimentError, ExperimentFile, HeadKind, Overrides, Setting, head_named};
use crate::kernels::simd::InstructionSet;
use crate::plan::Precision;
use crate::text::{one_of, printable};

/// Image-classification experiments: Global Average Pooling against Wise-SrNet and other heads that keep spatial
/// information.
#[derive(Debug, Parser)]
#[command(
    version,
    override_usage = "wise-srnet EXPERIMENT.ron [OPTIONS]\n       wise-srnet <COMMAND>"
)]
#[command(after_help = examples::ALL)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

impl Arguments {
    /// The process's arguments. An experiment file in the place of a subcommand means `run`.
    pub fn of_process() -> Self {
        Self::parse_from(with_subcommand(std::env::args_os().collect()))
    }
}

fn with_subcommand(mut arguments: Vec<OsString>) -> Vec<OsString> {
    if arguments.get(1).is_some_and(|first| is_file(first)) {
        arguments.insert(1, "run".into());
    }
    arguments
}

/// Whether a word is no subcommand: it ends like an experiment file, has a folder before it, or is the name of something
/// in the current folder. A file named `check` takes no subcommand away.
fn is_file(word: &OsStr) -> bool {
    let path = Path::new(word);
    let is_subcommand = || {
        Arguments::command()
            .get_subcommands()
            .any(|command| command.get_name() == word)
    };
    path.extension().is_some() || path.components().count() > 1 || path.exists() && word != "help" && !is_subcommand()
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a first experiment file for a folder of photographs
    #[command(after_help = examples::NEW)]
    New(NewArguments),
    /// Train every head and seed of an experiment, or go on where it was interrupted, and write the report
    #[command(after_help = examples::RUN)]
    Run(RunArguments),
    /// Read an experiment file and its data set, and print the plan, its cost and what is wrong; trains nothing
    #[command(after_help = examples::CHECK)]
    Check(CheckArguments),
    /// Print the layers of an experiment's network and heads: shapes, parameters, multiply-adds
    #[command(after_help = examples::SUMMARY)]
    Summary(SummaryArguments),
    /// Draw reports again from stored histories, Keras-style CSV files too
    #[command(after_help = examples::REPORT)]
    Report(ReportArguments),
    /// Classify the test split with a trained network: Top-1, Top-5, confusion matrix
    #[command(after_help = examples::EVALUATE)]
    Evaluate(EvaluateArguments),
    /// Classify photographs with a trained network, and show what in them speaks for a class
    #[command(after_help = examples::PREDICT)]
    Predict(PredictArguments),
    /// Write a trained network as a weights file that Keras loads
    #[command(after_help = examples::EXPORT)]
    Export(ExportArguments),
    /// Compute a backbone's feature maps in inference mode, from one NumPy file to another
    #[command(after_help = examples::FEATURES)]
    Features(FeaturesArguments),
    /// Measure the time of a training step on random input
    #[command(after_help = examples::BENCH)]
    Bench(BenchArguments),
    /// Print a script with which a shell completes this program's commands
    #[command(after_help = examples::COMPLETIONS)]
    Completions(CompletionsArguments),
}

/// An experiment file, and what of it.
#[derive(Debug, Args)]
pub struct ExperimentArguments {
    /// The experiment file
    #[arg(value_name = "EXPERIMENT.ron")]
    pub path: PathBuf,
    /// Set a field as if the file said so, the value in the file's notation: `--set optimizer.learning_rate=0.01`. Can be
    /// repeated; options with names of their own, such as `--epochs`, win over it
    #[arg(long = "set", value_name = "FIELD=VALUE")]
    settings: Vec<Setting>,
    /// Use only this one of the file's variants
    #[arg(long, value_name = "NAME")]
    variant: Option<String>,
}

impl ExperimentArguments {
    /// All experiments that are asked for.
    pub fn all(&self) -> Result<Vec<Experiment>, ExperimentError> {
        let file = ExperimentFile::load(&self.path, &self.settings)?;
        match &self.variant {
            Some(name) => Ok(vec![file.into_variant(name)?]),
            None => Ok(file.into_experiments()),
        }
    }

    /// The one that is asked for.
    pub fn only(&self) -> Result<Experiment, ExperimentError> {
        let file = ExperimentFile::load(&self.path, &self.settings)?;
        match &self.variant {
            Some(name) => file.into_variant(name),
            None => file.into_only(),
        }
    }

    /// The words by which another command is asked for the same.
    pub fn words(&self) -> Vec<OsString> {
        let mut words = vec![self.path.clone().into_os_string()];
        for setting in &self.settings {
            words.extend(["--set".into(), setting.to_string().into()]);
        }
        if let Some(variant) = &self.variant {
            words.extend(["--variant".into(), variant.into()]);
        }
        words
    }
}

/// Changes of an experiment.
#[derive(Debug, Args)]
pub struct Changes {
    /// Folder or zip file that holds the data set's layout (for Intel: the parent of seg_train and seg_test)
    #[arg(long, value_name = "PATH")]
    pub data: Option<PathBuf>,
    /// Passes over the training images
    #[arg(long, value_name = "N")]
    epochs: Option<usize>,
    /// Images per step
    #[arg(long, value_name = "N")]
    batch_size: Option<usize>,
    /// Train on this many images only, balanced over the classes
    #[arg(long, value_name = "N")]
    limit_train: Option<usize>,
    /// Test on this many images only, balanced over the classes
    #[arg(long, value_name = "N")]
    limit_test: Option<usize>,
    /// Heads to train, separated by commas
    #[arg(long, value_name = "A,B", value_delimiter = ',', value_parser = head_named)]
    heads: Option<Vec<HeadKind>>,
    /// Seeds, separated by commas
    #[arg(long, value_name = "0,1,2", value_delimiter = ',')]
    seeds: Option<Vec<u64>>,
    /// Weights of the network without its head, or `none` for random ones
    #[arg(long, value_name = "FILE|none")]
    weights: Option<PathBuf>,
    /// How maps are stored and what products are made of: f32 or bf16
    #[arg(long, value_name = "NAME", value_parser = precision_named)]
    precision: Option<Precision>,
}

impl Changes {
    pub fn overrides(&self) -> Overrides {
        Overrides {
            data: self.data.clone(),
            epochs: self.epochs,
            batch_size: self.batch_size,
            limit_train: self.limit_train,
            limit_test: self.limit_test,
            heads: self.heads.clone(),
            seeds: self.seeds.clone(),
            weights: self.weights.clone(),
            precision: self.precision,
        }
    }
}

/// The precision of a name.
fn precision_named(name: &str) -> Result<Precision, String> {
    let precision = Precision::ALL.into_iter().find(|precision| precision.name() == name);
    precision.ok_or_else(|| {
        format!(
            "unknown precision `{}`: {}",
            printable(name),
            one_of(Precision::ALL.map(Precision::name))
        )
    })
}

#[derive(Debug, Args)]
pub struct NewArguments {
    /// The file to write; nothing is written over
    #[arg(value_name = "NAME.ron")]
    pub file: PathBuf,
    /// Folder or zip file with one folder of photographs per class, or with training and test images apart
    #[arg(long, value_name = "PATH")]
    pub data: PathBuf,
    /// Name of a registered network
    #[arg(long, default_value = "mini_resnet")]
    pub network: String,
    /// Height and width of the images, in pixels; the network's smallest if left out
    #[arg(long)]
    pub size: Option<usize>,
}

#[derive(Debug, Args)]
pub struct RunArguments {
    #[command(flatten)]
    pub experiment: ExperimentArguments,
    #[command(flatten)]
    pub changes: Changes,
    #[command(flatten)]
    pub processor: Processor,
    #[command(flatten)]
    pub out: Out,
    /// Delete the checkpoints and histories of these runs and start over
    #[arg(long)]
    pub fresh: bool,
    /// Go on with images whose files hold something else than when the results were begun
    #[arg(long)]
    pub accept_changed_images: bool,
    /// Train even if a step is estimated to need far more memory than there is
    #[arg(long)]
    pub ignore_memory: bool,
    /// What goes to standard output: the report's path, or one JSON object a line for everything that happens
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub log_format: LogFormat,
}

impl RunArguments {
    /// The words behind `run`.
    pub fn of(words: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let command = Self::augment_args(clap::Command::new("run").no_binary_name(true));
        Self::from_arg_matches(&command.try_get_matches_from(words)?)
    }
}

/// For whom standard output is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// People.
    #[default]
    Text,
    /// Scripts.
    Json,
}

#[derive(Debug, Args)]
pub struct CheckArguments {
    #[command(flatten)]
    pub experiment: ExperimentArguments,
    #[command(flatten)]
    pub changes: Changes,
    #[command(flatten)]
    pub processor: Processor,
    #[command(flatten)]
    pub out: Out,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// What to compute with.
#[derive(Debug, Clone, Copy, Args)]
pub struct Processor {
    /// Threads to compute with; all cores if left out. Results don't depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Vector instructions to compute with; the fastest that the processor has if left out. AVX-512 and AVX2 give the same
    /// results, the portable ones differ by rounding
    #[arg(long, value_name = "SET", value_parser = instruction_set())]
    pub simd: Option<InstructionSet>,
}

fn instruction_set() -> impl TypedValueParser<Value = InstructionSet> {
    let named = |name: String| InstructionSet::ALL.into_iter().find(|set| set.name() == name);
    PossibleValuesParser::new(InstructionSet::ALL.map(InstructionSet::name))
        .try_map(move |name| named(name).ok_or("no such instruction set"))
}

/// Where results go.
#[derive(Debug, Args)]
pub struct Out {
    /// Folder for everything that is written, checkpoints too
    #[arg(long = "out", value_name = "DIR", default_value = "reports")]
    pub folder: PathBuf,
}

#[derive(Debug, Args)]
pub struct SummaryArguments {
    #[command(flatten)]
    pub experiment: ExperimentArguments,
    /// Classes of the data set; read from the data set if left out, 67 if there is none
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub classes: Option<u32>,
    /// List the program: what each operation reads and makes, with its settings and the path to its parameters
    #[arg(long)]
    pub program: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct ReportArguments {
    /// Results folders, history files, or Keras-style CSV files
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Draw one page of all paths into this folder, in place of one for each
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct EvaluateArguments {
    #[command(flatten)]
    pub experiment: ExperimentArguments,
    /// A checkpoint of one of its runs, or a run's folder for its best
    #[arg(long, value_name = "FILE|DIR")]
    pub checkpoint: PathBuf,
    /// Head that the checkpoint must be of
    #[arg(long, value_parser = head_named)]
    pub head: Option<HeadKind>,
    /// Folder or zip file that holds the data set's layout
    #[arg(long, value_name = "PATH")]
    pub data: Option<PathBuf>,
    /// Images that run through the network at once
    #[arg(long, value_name = "N")]
    pub batch_size: Option<usize>,
    /// Classify this many images only, balanced over the classes
    #[arg(long, value_name = "N")]
    pub limit_test: Option<usize>,
    /// How maps are stored and what products are made of, f32 or bf16; as in training if left out
    #[arg(long, value_name = "NAME", value_parser = precision_named)]
    pub precision: Option<Precision>,
    #[command(flatten)]
    pub processor: Processor,
    /// Print one JSON object; the rows of its `confusion` are the images' classes, the columns what they were taken for
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct PredictArguments {
    /// Photographs; folders and zip files are searched for them
    #[arg(required = true, value_name = "IMAGE")]
    pub images: Vec<PathBuf>,
    /// A checkpoint of a run, or a run's folder for its best: it knows its network, head, classes and image size
    #[arg(long, value_name = "FILE|DIR")]
    pub checkpoint: PathBuf,
    /// Print this many classes, the likeliest first
    #[arg(long, value_name = "K", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub top: u32,
    /// Folder for heat maps: which places of each image speak for its class, and which against it
    #[arg(long, value_name = "DIR")]
    pub explain: Option<PathBuf>,
    /// Class to explain; each image's likeliest if left out
    #[arg(long, value_name = "NAME", requires = "explain")]
    pub class: Option<String>,
    /// How maps are stored and what products are made of, f32 or bf16; as in training if left out
    #[arg(long, value_name = "NAME", value_parser = precision_named)]
    pub precision: Option<Precision>,
    #[command(flatten)]
    pub processor: Processor,
    /// Print one JSON object a line for each image
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct ExportArguments {
    /// A checkpoint of a run, or a run's folder for its best
    #[arg(long, value_name = "FILE|DIR")]
    pub checkpoint: PathBuf,
    /// Where to write the weights, in Keras' legacy layout; nothing is written over
    #[arg(long, value_name = "FILE.h5")]
    pub output: PathBuf,
    /// Leave the head out: the layout of Keras' `notop` files
    #[arg(long)]
    pub backbone: bool,
}

#[derive(Debug, Args)]
pub struct FeaturesArguments {
    /// Name of a registered network
    #[arg(long)]
    pub network: String,
    /// Height and width of the images, in pixels
    #[arg(long)]
    pub size: usize,
    /// Weights of the network without its head, from Keras or a checkpoint; `none` for random ones
    #[arg(long, value_name = "FILE|none")]
    pub weights: PathBuf,
    /// Preprocessed images: an array [images, size, size, 3] of 32-bit floating point
    #[arg(long, value_name = "IN.npy")]
    pub input: PathBuf,
    /// Where to write the maps: an array [images, height, width, channels]
    #[arg(long, value_name = "OUT.npy")]
    pub output: PathBuf,
    #[command(flatten)]
    pub processor: Processor,
}

#[derive(Debug, Args)]
pub struct BenchArguments {
    /// Name of a registered network
    #[arg(long)]
    pub network: String,
    /// Height and width of the images, in pixels
    #[arg(long)]
    pub size: usize,
    /// Head
    #[arg(long, default_value = "gap", value_parser = head_named)]
    pub head: HeadKind,
    /// Images per step
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..))]
    pub batch: u16,
    /// Steps to measure, after one to warm up
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub steps: u32,
    /// Measure inference instead of training
    #[arg(long)]
    pub infer: bool,
    /// Make cheap feature maps again in the backward pass instead of keeping them
    #[arg(long)]
    pub recompute: bool,
    /// How maps are stored and what products are made of: f32 or bf16
    #[arg(long, value_name = "NAME", default_value = "f32", value_parser = precision_named)]
    pub precision: Precision,
    /// Measure every precision, one after the other
    #[arg(long, conflicts_with = "precision")]
    pub compare_precision: bool,
    /// Measure even if a step is estimated to need far more memory than there is
    #[arg(long)]
    pub ignore_memory: bool,
    /// Tell also how long each kind of layer takes, in one more step
    #[arg(long)]
    pub by_layer: bool,
    /// List also what a step does, launch by launch: what each reads and writes, and how long it takes in one more step
    #[arg(long)]
    pub plan: bool,
    #[command(flatten)]
    pub processor: Processor,
    /// Print one line of JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct CompletionsArguments {
    /// The shell
    pub shell: Shell,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The commands that a help text shows, each as its words.
    fn shown(command: &clap::Command) -> Vec<Vec<OsString>> {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let lines = help.lines().filter_map(|line| line.strip_prefix("  "));
        // What a shell would do with the output is no business of this program.
        let words = lines.map(|line| line.split(" > ").next().unwrap_or(line).split(' '));
        words.map(|words| words.map(OsString::from).collect()).collect()
    }

    #[test]
    fn every_command_has_examples_and_each_can_be_typed() {
        let program = Arguments::command();
        for command in program.get_subcommands().chain([&program]) {
            let examples = shown(command);
            assert!(!examples.is_empty(), "{} has no example", command.get_name());
            for words in examples {
                let own = with_subcommand(words.clone())[1] == command.get_name();
                assert!(
                    own || std::ptr::eq(command, &program),
                    "{words:?} is of another command"
                );
                Arguments::try_parse_from(with_subcommand(words.clone()))
                    .unwrap_or_else(|error| panic!("{words:?}: {error}"));
                let files = words.iter().filter(|word| word.to_string_lossy().ends_with(".ron"));
                // `new` writes a file that isn't there yet.
                let files = files.filter(|_| words[1] != "new");
                files.for_each(|file| assert!(Path::new(file).is_file(), "{file:?} is not there"));
            }
        }
    }

    #[test]
    fn the_arguments_hold_together() {
        Arguments::command().debug_assert();
    }
}
