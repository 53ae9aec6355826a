//! `wise-srnet features`: a backbone's feature maps in inference mode, for images in a NumPy file.

use std::path::Path;
use std::process::ExitCode;

use super::arguments::FeaturesArguments;
use super::error::CommandError;
use super::text::printable;
use super::{machine, output};
use crate::experiment::{HeadKind, Registry};
use crate::npy::{Array, NpyError};
use crate::training::Model;
use crate::weights::Pretrained;
use crate::{atomic_file, input_file};

/// Images that run through the network at once: memory doesn't grow with their number.
const BATCH: usize = 8;

/// Computes and writes the maps.
pub fn features(arguments: FeaturesArguments, registry: &Registry) -> Result<ExitCode, CommandError> {
    let images = images(&arguments.input, arguments.size)?;
    let pool = machine::pool(arguments.processor)?;
    let maps = pool.install(|| maps(&arguments, registry, &images))?;
    write(&arguments.output, &maps)?;
    let shape = maps.shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" × ");
    output::line(&format!("{shape} values written to {}", printable(&arguments.output)))?;
    Ok(ExitCode::SUCCESS)
}

/// A batch of preprocessed images, `batch × size × size × 3`.
fn images(path: &Path, size: usize) -> Result<Vec<f32>, CommandError> {
    let unusable = |reason: String| CommandError::Usage(format!("'{}' {reason}", printable(path)));
    let needed = format!("an array [images, {size}, {size}, 3] of '<f4' in C order is needed");
    let bytes = input_file::read(path).map_err(io(path))?;
    let array = Array::from_bytes(&bytes).map_err(|error| match error {
        NpyError::OtherArray { .. } => unusable(format!("{error}: {needed}")),
        error => unusable(error.to_string()),
    })?;
    if array.shape.get(1..) == Some(&[size, size, 3]) {
        Ok(array.values)
    } else {
        Err(unusable(format!("holds an array {:?} of '<f4': {needed}", array.shape)))
    }
}

/// Writes the maps in one step.
fn write(path: &Path, maps: &Array) -> Result<(), CommandError> {
    atomic_file::sweep_beside(path);
    atomic_file::replace(path, &maps.to_bytes()).map_err(io(path))
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> CommandError {
    |source| CommandError::Io {
        path: path.to_owned(),
        source,
    }
}

/// The images' maps, `batch × height × width × channels`.
fn maps(arguments: &FeaturesArguments, registry: &Registry, images: &[f32]) -> Result<Array, CommandError> {
    let mut model = model(arguments, registry)?;
    let image = model.image_size() * model.image_size() * 3;
    let mut maps = Vec::new();
    for images in images.chunks(BATCH * image) {
        maps.extend(model.features(images.to_vec(), images.len() / image)?);
    }
    let [height, width, channels] = model.feature_map();
    let is_finite = |map: &[f32]| map.iter().all(|value| value.is_finite());
    if let Some(place) = maps
        .chunks_exact(height * width * channels)
        .position(|map| !is_finite(map))
    {
        return Err(CommandError::Usage(format!(
            "the map of image {place} (counted from 0) has values that are not finite numbers: those of the image in '{}' or \
             the weights in '{}' are too large",
            printable(&arguments.input),
            printable(&arguments.weights)
        )));
    }
    Ok(Array {
        shape: vec![images.len() / image, height, width, channels],
        values: maps,
    })
}

fn model(arguments: &FeaturesArguments, registry: &Registry) -> Result<Box<dyn Model>, CommandError> {
    // A model has a head: the smallest will do.
    let mut model = registry
        .build_named(&arguments.network, arguments.size, HeadKind::Gap, 0, 1)
        .map_err(|problem| CommandError::Usage(problem.to_string()))?;
    if arguments.weights.as_os_str() == "none" {
        output::tell("note: random weights, drawn from seed 0");
    } else {
        let weights = Pretrained::open(&arguments.weights, &arguments.network)?;
        let left_out = weights.load_into(&arguments.network, |visit| model.for_each(visit))?;
        if let Some(note) = left_out.note() {
            output::tell(format_args!("note: {note}"));
        }
    }
    Ok(model)
}
