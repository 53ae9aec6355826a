//! Images from and feature maps to NumPy's `.npy` files.

use std::fs;
use std::path::Path;

use npyz::{DType, NpyFile, NpyHeader, Order, WriterBuilder};

use super::error::CommandError;
use crate::atomic_file;

/// Reads a batch of preprocessed images: `batch × size × size × 3`, 32-bit floating point, in C order.
///
/// # Errors
/// A file that can't be read, or holds another array; what is wrong is said.
pub fn read_images(path: &Path, size: usize) -> Result<Vec<f32>, CommandError> {
    let unusable = |reason: String| CommandError::Usage(format!("'{}' {reason}", path.display()));
    let bytes = fs::read(path).map_err(|source| CommandError::Io {
        path: path.to_owned(),
        source,
    })?;
    let mut rest = bytes.as_slice();
    let header =
        NpyHeader::from_reader(&mut rest).map_err(|error| unusable(format!("is not a readable .npy file: {error}")))?;
    let found = || format!("holds an array {:?} of {}", header.shape(), header.dtype().descr());
    let wanted = format!("an array [images, {size}, {size}, 3] of '<f4' in C order is needed");
    let is_f32 = matches!(header.dtype(), DType::Plain(kind) if kind.to_string() == "<f4");
    let sizes = [size as u64, size as u64, 3];
    if !is_f32 || header.shape().get(1..) != Some(&sizes) {
        return Err(unusable(format!("{}: {wanted}", found())));
    }
    if header.order() != Order::C {
        return Err(unusable(format!("holds its array in Fortran order: {wanted}")));
    }
    let values = header
        .shape()
        .iter()
        .try_fold(4_u64, |bytes, &size| bytes.checked_mul(size));
    if values != Some(rest.len() as u64) {
        return Err(unusable(format!(
            "{}, but {} bytes of values: it is damaged",
            found(),
            rest.len()
        )));
    }
    NpyFile::with_header(header, rest)
        .into_vec()
        .map_err(|error| unusable(format!("can't be read: {error}")))
}

/// Writes maps, `batch × height × width × channels`, in one step.
pub fn write_maps(path: &Path, maps: &[f32], shape: [usize; 4]) -> Result<(), CommandError> {
    let mut bytes = Vec::with_capacity(size_of_val(maps) + 128);
    let options = npyz::WriteOptions::new().default_dtype();
    let written = options
        .shape(&shape.map(|size| size as u64))
        .writer(&mut bytes)
        .begin_nd()
        .and_then(|mut writer| {
            writer.extend(maps)?;
            writer.finish()
        })
        .and_then(|()| atomic_file::replace(path, &bytes));
    written.map_err(|source| CommandError::Io {
        path: path.to_owned(),
        source,
    })
}
