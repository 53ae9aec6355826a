//! `wise-srnet features`: a backbone's feature maps in inference mode, for images in a NumPy file.

use std::process::ExitCode;

use super::arguments::FeaturesArguments;
use super::error::CommandError;
use super::text::printable;
use super::{machine, npy, output};
use crate::experiment::{HeadKind, Registry};
use crate::training::Model;
use crate::weights::Pretrained;

/// Images that run through the network at once: memory doesn't grow with their number.
const BATCH: usize = 8;

/// Computes and writes the maps.
pub fn features(arguments: FeaturesArguments, registry: &Registry) -> Result<ExitCode, CommandError> {
    let images = npy::read_images(&arguments.input, arguments.size)?;
    let pool = machine::pool(arguments.processor)?;
    let (maps, shape) = pool.install(|| maps(&arguments, registry, &images))?;
    npy::write_maps(&arguments.output, &maps, shape)?;
    let shape = shape.map(|size| size.to_string()).join(" × ");
    output::line(&format!("{shape} values written to {}", printable(&arguments.output)))?;
    Ok(ExitCode::SUCCESS)
}

/// The images' maps, and their shape.
fn maps(
    arguments: &FeaturesArguments,
    registry: &Registry,
    images: &[f32],
) -> Result<(Vec<f32>, [usize; 4]), CommandError> {
    let model = model(arguments, registry)?;
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
    Ok((maps, [images.len() / image, height, width, channels]))
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
