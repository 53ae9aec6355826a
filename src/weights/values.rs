//! The values of a data set in an HDF5 file, as 32-bit floating point numbers.

use half::{bf16, f16};
use hdf5_pure::{Dataset, Datatype, DatatypeByteOrder};

/// What a chunk may take unpacked beyond its data set, in bytes.
const CHUNK: u64 = 1 << 20;

/// What one chunk's entry in an index takes, in bytes: about.
const CHUNK_ENTRY: u64 = 128;

/// How a value is stored.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// Or in 64 bits, which are rounded as Keras rounds them for a network of 32 bits.
    Float,
    F16,
    Bf16,
}

impl Kind {
    fn of(datatype: &Datatype) -> Option<Self> {
        match datatype {
            Datatype::FloatingPoint { size: 4 | 8, .. } => Some(Self::Float),
            Datatype::FloatingPoint {
                size: 2,
                byte_order: DatatypeByteOrder::LittleEndian,
                layout,
            } => match layout.exponent_size {
                5 => Some(Self::F16),
                8 => Some(Self::Bf16),
                _ => None,
            },
            // HDF5 has no name for Keras' `bfloat16`: its bytes are stored as they are.
            Datatype::Opaque { size: 2, .. } => Some(Self::Bf16),
            _ => None,
        }
    }
}

/// The values of a data set of this shape, row-major. 16 bits become 32 without a loss.
///
/// # Errors
/// A sentence on what is not as it should be, behind the tensor's name.
pub(super) fn read(dataset: &Dataset, shape: &[usize]) -> Result<Vec<f32>, String> {
    let unreadable = |error| format!("can't be read ({error})");
    let datatype = dataset.datatype().map_err(unreadable)?;
    let Some(kind) = Kind::of(&datatype) else {
        let kind = dataset.dtype().map_err(unreadable)?;
        return Err(format!("is {kind}, not floating point of 16, 32 or 64 bits"));
    };
    let count: u64 = shape.iter().map(|&size| size as u64).product();
    check_chunks(dataset, count)?;
    let values = match kind {
        Kind::Float => dataset.read_f32().map_err(unreadable)?,
        Kind::F16 => halves(dataset, |bytes| f16::from_le_bytes(bytes).to_f32())?,
        Kind::Bf16 => halves(dataset, |bytes| bf16::from_le_bytes(bytes).to_f32())?,
    };
    if values.len() as u64 == count {
        Ok(values)
    } else {
        Err(format!("has {} values, but the shape {shape:?}", values.len()))
    }
}

fn halves(dataset: &Dataset, value: impl Fn([u8; 2]) -> f32) -> Result<Vec<f32>, String> {
    let bytes = dataset.read_raw().map_err(|error| format!("can't be read ({error})"))?;
    let (halves, _) = bytes.as_chunks();
    Ok(halves.iter().map(|&half| value(half)).collect())
}

/// Chunks are unpacked whole, whatever their data set needs of them, and each has an entry in an index.
fn check_chunks(dataset: &Dataset, count: u64) -> Result<(), String> {
    let unreadable = |error| format!("can't be read ({error})");
    let Some(chunk) = dataset.chunk_shape().map_err(unreadable)? else {
        return Ok(());
    };
    let sizes = dataset.shape().map_err(unreadable)?;
    let values = product(chunk.iter().copied());
    let chunks = product(
        sizes
            .iter()
            .zip(&chunk)
            .map(|(size, &chunk)| size.div_ceil(chunk.max(1))),
    );
    let room = count.saturating_mul(8).saturating_add(CHUNK);
    let fits = |count: Option<u64>, each: u64| {
        count
            .and_then(|count| count.checked_mul(each))
            .is_some_and(|bytes| bytes <= room)
    };
    if fits(values, 8) && fits(chunks, CHUNK_ENTRY) {
        Ok(())
    } else {
        Err(format!(
            "is stored in chunks of the shape {chunk:?}, which is no size for the shape {sizes:?}"
        ))
    }
}

fn product(mut sizes: impl Iterator<Item = u64>) -> Option<u64> {
    sizes.try_fold(1, u64::checked_mul)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hdf5_pure::{DatasetBuilder, File, FileBuilder, FloatingPointLayout, make_f32_type};

    fn read_back(
        shape: &[usize],
        write: impl FnOnce(&mut DatasetBuilder) -> &mut DatasetBuilder,
    ) -> Result<Vec<f32>, String> {
        let mut file = FileBuilder::new();
        write(file.create_dataset("values"));
        let file = File::from_bytes(file.finish().unwrap()).unwrap();
        read(&file.dataset("values").unwrap(), shape)
    }

    fn half(exponent_size: u8, mantissa_size: u8, byte_order: DatatypeByteOrder) -> Datatype {
        Datatype::FloatingPoint {
            size: 2,
            byte_order,
            layout: FloatingPointLayout {
                bit_offset: 0,
                bit_precision: 16,
                exponent_location: mantissa_size,
                exponent_size,
                mantissa_location: 0,
                mantissa_size,
                exponent_bias: (1 << (exponent_size - 1)) - 1,
            },
        }
    }

    #[test]
    fn sixteen_bits_become_thirty_two_without_a_loss_and_sixty_four_are_rounded() {
        let little = DatatypeByteOrder::LittleEndian;
        // 1, −2, 65504 and the smallest positive value.
        let f16 = vec![0x00, 0x3c, 0x00, 0xc0, 0xff, 0x7b, 0x01, 0x00];
        let values = read_back(&[4], |to| to.with_raw_data(half(5, 10, little), f16.clone(), 4)).unwrap();
        assert_eq!(values, [1.0, -2.0, 65504.0, 2.0_f32.powi(-24)]);
        // 1, −2 and 3.140625; once as HDF5's own kind, once as the opaque bytes that Keras writes.
        let bf16 = vec![0x80, 0x3f, 0x00, 0xc0, 0x49, 0x40];
        let opaque = Datatype::Opaque {
            size: 2,
            tag: Vec::new(),
        };
        for datatype in [half(8, 7, little), opaque] {
            let values = read_back(&[3], |to| to.with_raw_data(datatype, bf16.clone(), 3)).unwrap();
            assert_eq!(values, [1.0, -2.0, 3.140625]);
        }
        let values = read_back(&[2], |to| to.with_f64_data(&[0.1, -1.5])).unwrap();
        assert_eq!(values, [0.1_f32, -1.5]);
        for refused in [
            read_back(&[1], |to| to.with_i32_data(&[1])),
            read_back(&[4], |to| {
                to.with_raw_data(half(5, 10, DatatypeByteOrder::BigEndian), f16, 4)
            }),
        ] {
            assert!(
                refused
                    .unwrap_err()
                    .ends_with("not floating point of 16, 32 or 64 bits")
            );
        }
    }

    #[test]
    fn packed_values_are_read_and_chunks_beyond_all_proportion_refused() {
        let values: Vec<f32> = (0..3000).map(|value| value as f32).collect();
        let chunked = |chunk: u64| {
            read_back(&[3000], |to| {
                to.with_f32_data(&values)
                    .with_shape(&[3000])
                    .with_maxshape(&[hdf5_pure::MaxExtent::Unlimited]);
                to.with_chunks(&[chunk]).with_deflate(6)
            })
        };
        assert_eq!(chunked(1000).unwrap(), values);
        assert_eq!(chunked(10_000).unwrap(), values);
        let message = chunked(10_000_000).unwrap_err();
        assert!(message.contains("chunks of the shape [10000000]"), "{message}");
        let pieces = read_back(&[20_000], |to| {
            to.with_raw_data(make_f32_type(), vec![0; 80_000], 20_000)
                .with_chunks(&[1])
        });
        assert!(pieces.unwrap_err().contains("chunks of the shape [1]"));
    }

    #[test]
    fn another_number_of_values_than_the_shape_has_is_told() {
        let message = read_back(&[3], |to| to.with_f32_data(&[1.0, 2.0])).unwrap_err();
        assert_eq!(message, "has 2 values, but the shape [3]");
    }
}
