//! `wise-srnet predict`: what a trained network says of photographs, and where in them it sees it.

use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;

use super::arguments::PredictArguments;
use super::error::CommandError;
use super::explanations::{Explained, Explanations};
use super::table::Side;
use super::text::{NAME_COLUMNS, count, cut, printable, width};
use super::trained::Trained;
use super::{left_out, machine, output};
use crate::data::{Batch, DataError, Loader, LoaderOptions, Order, Split, Unlabelled, unlabelled};
use crate::experiment::Registry;
use crate::training::{Model, are_finite, probabilities, ranking};

/// Images that run through the network at once.
const BATCH: usize = 8;

/// One line of `--json`: what is said of one image.
#[derive(Serialize)]
struct Prediction<'a> {
    image: &'a str,
    /// The likeliest classes, the likeliest first; none if the image could not be read.
    classes: &'a [Likely<'a>],
    explanation: Option<Explained>,
    error: Option<String>,
}

#[derive(Serialize)]
struct Likely<'a> {
    class: &'a str,
    probability: f64,
}

/// Predicts and prints.
pub fn predict(arguments: PredictArguments, registry: &Registry) -> Result<ExitCode, CommandError> {
    let trained = Trained::open(&arguments.checkpoint)?;
    let classes = &trained.checkpoint.identity.classes;
    let explanations = arguments
        .explain
        .as_deref()
        .map(|folder| Explanations::new(folder, arguments.class.as_deref(), classes))
        .transpose()?;
    let Unlabelled {
        split,
        problems,
        left_out,
    } = unlabelled(&arguments.images);
    // As the network was trained, whatever an experiment file says now.
    let split = split.oriented(trained.checkpoint.identity.orientation);
    let mut printer = Printer::new(&arguments, classes, &split);
    for (path, problem) in problems {
        printer.failed(&path.to_string_lossy(), problem)?;
    }
    let left_out = left_out::of_pictures(&left_out);
    left_out.for_each(|sentence| output::tell(format_args!("note: {sentence}")));
    let pool = machine::pool(arguments.processor)?;
    pool.install(|| {
        let mut model = trained.model(registry, arguments.precision)?;
        let mut predictor = Predictor {
            trained: &trained,
            model: &mut *model,
            split: &split,
            explanations,
            printer: &mut printer,
        };
        predictor.all()
    })?;
    Ok(printer.end(arguments.explain.as_deref()))
}

struct Predictor<'a, 'p> {
    trained: &'a Trained,
    model: &'a mut dyn Model,
    split: &'a Split,
    explanations: Option<Explanations<'p>>,
    printer: &'a mut Printer<'p>,
}

impl Predictor<'_, '_> {
    /// Images are loaded one by one, so that one that can't be read costs no other.
    fn all(&mut self) -> Result<(), CommandError> {
        let options = LoaderOptions {
            image_size: self.model.image_size(),
            batch_size: 1,
            order: Order::Sequential,
            augmentation: None,
            seed: 0,
            epoch: 0,
            first_batch: 0,
        };
        let mut images = Loader::new(self.split, options)?.enumerate().peekable();
        while images.peek().is_some() {
            self.some(images.by_ref().take(BATCH).collect())?;
        }
        Ok(())
    }

    fn some(&mut self, images: Vec<(usize, Result<Batch, DataError>)>) -> Result<(), CommandError> {
        let mut pixels = Vec::new();
        let mut readable = 0;
        for (_, image) in &images {
            if let Ok(image) = image {
                pixels.extend_from_slice(&image.images);
                readable += 1;
            }
        }
        let maps = self.model.features(pixels, readable)?;
        let logits = self.model.logits_of_features(maps.clone(), readable)?;
        let map = self.model.feature_map().iter().product();
        let mut results = maps
            .chunks_exact(map)
            .zip(logits.chunks_exact(self.printer.classes.len()));
        for (index, image) in images {
            match image {
                Err(error) => self.printer.failed(&self.split.name(index), error)?,
                Ok(_) => {
                    if let Some((map, logits)) = results.next() {
                        self.one(index, map, logits)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn one(&mut self, index: usize, map: &[f32], logits: &[f32]) -> Result<(), CommandError> {
        let name = self.split.name(index);
        if !are_finite(logits) {
            return Err(self.trained.not_finite(&name));
        }
        let explanation = match &mut self.explanations {
            Some(explanations) => {
                let photograph = self.split.decode(index)?;
                Some(explanations.explain(self.model, map, logits, &name, &photograph)?)
            }
            None => None,
        };
        self.printer.predicted(&name, logits, explanation)
    }
}

/// Prints what is said of each image as soon as it is known.
struct Printer<'a> {
    json: bool,
    top: usize,
    classes: &'a [String],
    images: usize,
    failed: usize,
    /// Columns for the names of images and classes. An image's name that needs more is whole nevertheless: it says where
    /// the image is.
    widths: [usize; 2],
}

impl<'a> Printer<'a> {
    fn new(arguments: &PredictArguments, classes: &'a [String], split: &Split) -> Self {
        let widest = |names: &mut dyn Iterator<Item = usize>| names.max().unwrap_or(0).min(NAME_COLUMNS);
        Self {
            json: arguments.json,
            top: (arguments.top as usize).min(classes.len()),
            classes,
            images: 0,
            failed: 0,
            widths: [
                widest(&mut (0..split.len()).map(|index| width(&printable(split.name(index))))),
                widest(&mut classes.iter().map(|class| width(&cut(class, NAME_COLUMNS)))),
            ],
        }
    }

    fn predicted(&mut self, image: &str, logits: &[f32], explanation: Option<Explained>) -> Result<(), CommandError> {
        self.images += 1;
        let probabilities = probabilities(logits);
        let likely = ranking(logits).into_iter().take(self.top).map(|class| Likely {
            class: &self.classes[class],
            probability: probabilities[class],
        });
        let classes: Vec<Likely<'_>> = likely.collect();
        if self.json {
            return output::json(&Prediction {
                image,
                classes: &classes,
                explanation,
                error: None,
            });
        }
        let [image_width, class_width] = self.widths;
        let mut text = Side::Left.pad(&printable(image), image_width);
        for likely in &classes {
            let class = Side::Right.pad(&cut(likely.class, NAME_COLUMNS), class_width);
            text.push_str(&format!("  {class} {:6.2} %", 100.0 * likely.probability));
        }
        output::line(&text)
    }

    fn failed(&mut self, image: &str, error: DataError) -> Result<(), CommandError> {
        self.images += 1;
        self.failed += 1;
        let error = CommandError::from(error).chain();
        output::tell_lines(format_args!("error: {error}"));
        if !self.json {
            return Ok(());
        }
        output::json(&Prediction {
            image,
            classes: &[],
            explanation: None,
            error: Some(error),
        })
    }

    /// The exit code: an error if an image could not be read.
    fn end(&self, explained: Option<&Path>) -> ExitCode {
        if let Some(folder) = explained.filter(|_| !self.json && self.failed < self.images) {
            output::tell(format_args!("next: look at the heat maps in {}", printable(folder)));
        }
        if self.failed == 0 {
            return ExitCode::SUCCESS;
        }
        output::tell(format_args!(
            "error: {} of {} could not be read",
            self.failed,
            count(self.images, "image")
        ));
        ExitCode::FAILURE
    }
}
