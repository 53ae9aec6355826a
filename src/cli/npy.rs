//! Images from and feature maps to NumPy's `.npy` files.

use std::path::Path;

use npyz::{DType, NpyFile, NpyHeader, Order, WriterBuilder};

use super::error::CommandError;
use super::text::printable;
use crate::{atomic_file, input_file};

/// Reads a batch of preprocessed images: `batch × size × size × 3`, 32-bit floating point, in C order.
///
/// # Errors
/// A file that can't be read, or holds another array; what is wrong is said.
pub fn read_images(path: &Path, size: usize) -> Result<Vec<f32>, CommandError> {
    let unusable = |reason: String| CommandError::Usage(format!("'{}' {reason}", printable(path)));
    let bytes = input_file::read(path).map_err(|source| CommandError::Io {
        path: path.to_owned(),
        source,
    })?;
    if !is_harmless(&bytes) {
        return Err(unusable(
            "is not a readable .npy file: no array of images has such a header".to_owned(),
        ));
    }
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

/// Whether a file's header may be parsed: the parser reserves the length that the file claims, descends into as many
/// brackets as there are, and multiplies sizes without looking.
fn is_harmless(bytes: &[u8]) -> bool {
    const LONGEST: usize = 4096;
    const MOST_BRACKETS: usize = 16;
    let header = match *bytes {
        [_, _, _, _, _, _, 1, _, a, b, ref rest @ ..] => rest.get(..usize::from(u16::from_le_bytes([a, b]))),
        [_, _, _, _, _, _, _, _, a, b, c, d, ref rest @ ..] => {
            let length = usize::try_from(u32::from_le_bytes([a, b, c, d]));
            length.ok().and_then(|length| rest.get(..length))
        }
        _ => None,
    };
    let Some(header) = header.filter(|header| header.len() <= LONGEST) else {
        return false;
    };
    let brackets = header.iter().filter(|byte| matches!(byte, b'(' | b'[' | b'{')).count();
    let numbers = header
        .split(|byte| !byte.is_ascii_digit())
        .filter(|digits| !digits.is_empty());
    let mut numbers = numbers.map(|digits| std::str::from_utf8(digits).ok()?.parse::<u64>().ok());
    let product = numbers.try_fold(1_u64, |product, number| product.checked_mul(number?.max(1)));
    brackets <= MOST_BRACKETS && product.is_some()
}

/// Writes maps, `batch × height × width × channels`, in one step.
pub fn write_maps(path: &Path, maps: &[f32], shape: [usize; 4]) -> Result<(), CommandError> {
    atomic_file::sweep_beside(path);
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
