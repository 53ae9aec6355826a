//! A trained network from its checkpoint, which knows what it is of.

use std::path::Path;

use super::error::CommandError;
use crate::experiment::{HeadKind, Registry, UnknownHead};
use crate::training::{Checkpoint, Misfit, Model};

/// Builds the checkpoint's network and gives it the checkpoint's weights. `path` is for messages.
pub fn model(checkpoint: &Checkpoint, path: &Path, registry: &Registry) -> Result<Box<dyn Model>, CommandError> {
    let identity = &checkpoint.identity;
    let unusable = |reason: String| CommandError::Usage(format!("'{}' can't be used: {reason}", path.display()));
    let head: HeadKind = identity
        .head
        .parse()
        .map_err(|error: UnknownHead| unusable(error.to_string()))?;
    let classes = identity.classes.len();
    if classes == 0 {
        return Err(unusable("it names no classes".to_owned()));
    }
    let build = |classes| {
        registry
            .build_named(&identity.network, identity.image_size, head, 0, classes)
            .map_err(|problem| unusable(problem.to_string()))
    };
    let snapshot = &checkpoint.snapshot;
    let misfit = |misfit: Misfit| unusable(misfit.to_string());
    snapshot.fits(&mut *build(0)?, classes).map_err(misfit)?;
    let mut model = build(classes)?;
    snapshot.restore(&mut *model, None).map_err(misfit)?;
    Ok(model)
}
