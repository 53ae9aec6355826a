//! NumPy's `.npy` files of 32-bit floating-point numbers in C order: images in, feature maps out.
//!
//! The format is that of `numpy.lib.format`: eight bytes of signature and version, the length of a header, the header (a
//! dictionary as Python writes it, with the keys `descr`, `fortran_order` and `shape`), and the values.

use thiserror::Error;

const SIGNATURE: &[u8] = b"\x93NUMPY";

/// 32-bit floating point, little-endian.
const F32: &str = "<f4";

/// The longest header, in bytes. NumPy reads no longer one either, unless it is told to.
const LONGEST_HEADER: usize = 10_000;

/// The values of a written file start at a multiple of this many bytes, so that they can be mapped into memory.
const ALIGNMENT: usize = 64;

/// What is wrong with a `.npy` file, as the end of a sentence that begins with its name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NpyError {
    /// It isn't one, or a damaged one.
    #[error("is not a readable .npy file: {0}")]
    Unreadable(&'static str),
    /// Its values are of another type or in another order.
    #[error("holds an array {shape:?} of '{descr}'{}", if *.fortran_order { " in Fortran order" } else { "" })]
    OtherArray {
        /// The array's sizes.
        shape: Vec<usize>,
        /// The type of its values, as NumPy writes it.
        descr: String,
        /// Whether the first axis is the innermost.
        fortran_order: bool,
    },
    /// It ends too early or too late.
    #[error("holds an array {shape:?} of '{F32}', but {bytes} bytes of values: it is damaged")]
    Length {
        /// The array's sizes.
        shape: Vec<usize>,
        /// What follows the header.
        bytes: usize,
    },
}

/// An array of any number of axes.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Its sizes, the outermost axis first.
    pub shape: Vec<usize>,
    /// Row-major; as many as the product of the shape.
    pub values: Vec<f32>,
}

impl Array {
    /// The array that a file of these bytes holds.
    ///
    /// # Errors
    /// Bytes that are no `.npy` file, values of another type or order, more or fewer values than the shape has.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NpyError> {
        let (header, bytes) = split(bytes).ok_or(NpyError::Unreadable("it has no whole header of such a file"))?;
        let no_array = NpyError::Unreadable("its header describes no array of numbers");
        let Header {
            descr,
            fortran_order,
            shape,
        } = Header::parse(header).ok_or(no_array)?;
        if descr != F32 || fortran_order {
            return Err(NpyError::OtherArray {
                shape,
                descr,
                fortran_order,
            });
        }
        let wanted = shape
            .iter()
            .try_fold(size_of::<f32>(), |all, &size| all.checked_mul(size));
        if wanted != Some(bytes.len()) {
            let bytes = bytes.len();
            return Err(NpyError::Length { shape, bytes });
        }
        let (values, _) = bytes.as_chunks();
        let values = values.iter().copied().map(f32::from_le_bytes).collect();
        Ok(Self { shape, values })
    }

    /// A file that holds the array.
    pub fn to_bytes(&self) -> Vec<u8> {
        const LENGTH: usize = size_of::<u32>();
        let sizes: String = self.shape.iter().map(|size| format!("{size}, ")).collect();
        let mut header = format!("{{'descr': '{F32}', 'fortran_order': False, 'shape': ({sizes}), }}");
        let before = SIGNATURE.len() + 2 + LENGTH;
        let padded = (before + header.len() + 1).next_multiple_of(ALIGNMENT) - before - 1;
        header = format!("{header:padded$}\n");
        // A header of 4 GiB would need a shape of a thousand million axes.
        let length = u32::try_from(header.len()).unwrap_or(u32::MAX).to_le_bytes();
        let start = [SIGNATURE, &[2, 0], &length, header.as_bytes()].concat();
        let values = self.values.iter().flat_map(|value| value.to_le_bytes());
        start.into_iter().chain(values).collect()
    }
}

/// A file's header and what follows it.
fn split(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (&[version, _], rest) = bytes.strip_prefix(SIGNATURE)?.split_first_chunk()?;
    let (length, rest) = if version == 1 {
        let (length, rest) = rest.split_first_chunk()?;
        (usize::from(u16::from_le_bytes(*length)), rest)
    } else {
        let (length, rest) = rest.split_first_chunk()?;
        (usize::try_from(u32::from_le_bytes(*length)).ok()?, rest)
    };
    let (header, values) = rest.split_at_checked(length).filter(|_| length <= LONGEST_HEADER)?;
    Some((std::str::from_utf8(header).ok()?, values))
}

/// What a file says about its values.
#[derive(Default)]
struct Header {
    descr: String,
    fortran_order: bool,
    shape: Vec<usize>,
}

impl Header {
    /// Reads the dictionary; its keys may stand in any order.
    fn parse(text: &str) -> Option<Self> {
        let mut rest = text.trim().strip_prefix('{')?.strip_suffix('}')?.trim();
        let mut found = Self::default();
        let mut keys = Vec::new();
        while !rest.is_empty() {
            let (key, after) = string(rest)?;
            let value = after.trim_start().strip_prefix(':')?.trim_start();
            let after = match key {
                "descr" => {
                    let (descr, after) = string(value)?;
                    found.descr = descr.to_owned();
                    after
                }
                "fortran_order" => {
                    found.fortran_order = value.starts_with("True");
                    value.strip_prefix("True").or(value.strip_prefix("False"))?
                }
                "shape" => {
                    let (sizes, after) = value.strip_prefix('(')?.split_once(')')?;
                    found.shape = shape(sizes)?;
                    after
                }
                _ => return None,
            };
            keys.push(key);
            rest = after.trim_start();
            rest = match rest.strip_prefix(',') {
                Some(rest) => rest.trim_start(),
                None if rest.is_empty() => rest,
                None => return None,
            };
        }
        keys.sort_unstable();
        (keys == ["descr", "fortran_order", "shape"]).then_some(found)
    }
}

/// The text between the quotes that `text` starts with, and what follows them.
fn string(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
    text[1..].split_once(quote)
}

/// The sizes in a tuple, which has a comma after its only one.
fn shape(tuple: &str) -> Option<Vec<usize>> {
    let tuple = tuple.trim();
    if tuple.is_empty() {
        return Some(Vec::new());
    }
    let sizes = tuple.strip_suffix(',').unwrap_or(tuple).split(',');
    sizes.map(|size| size.trim().parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, values: &[f32]) -> Vec<u8> {
        let length = u16::try_from(header.len()).unwrap().to_le_bytes();
        let start = [SIGNATURE, &[1, 0], &length, header.as_bytes()].concat();
        let values = values.iter().flat_map(|value| value.to_le_bytes());
        start.into_iter().chain(values).collect()
    }

    fn message(header: &str, values: &[f32]) -> String {
        Array::from_bytes(&file(header, values)).unwrap_err().to_string()
    }

    #[test]
    fn what_is_written_reads_back_and_starts_where_it_can_be_mapped() {
        for shape in [vec![], vec![0], vec![3], vec![2, 1, 3], vec![1; 40]] {
            let values = (0..shape.iter().product()).map(|value| value as f32 - 0.5).collect();
            let array = Array { shape, values };
            let bytes = array.to_bytes();
            assert_eq!(Array::from_bytes(&bytes), Ok(array.clone()));
            assert_eq!((bytes.len() - 4 * array.values.len()) % 64, 0);
        }
    }

    #[test]
    fn a_header_is_read_however_python_may_write_it() {
        let array = Array {
            shape: vec![1, 2],
            values: vec![0.5, -1.0],
        };
        for header in [
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }      \n",
            "{\"shape\":(1,2),\"fortran_order\":False,\"descr\":\"<f4\"}",
            " {'shape' : ( 1, 2, ) , 'descr': '<f4', 'fortran_order': False}",
        ] {
            assert_eq!(
                Array::from_bytes(&file(header, &array.values)),
                Ok(array.clone()),
                "{header}"
            );
        }
    }

    #[test]
    fn an_array_of_another_kind_is_described() {
        assert_eq!(
            message("{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }", &[]),
            "holds an array [3] of '<f8'"
        );
        assert_eq!(
            message("{'descr': '<f4', 'fortran_order': True, 'shape': (3, 4), }", &[]),
            "holds an array [3, 4] of '<f4' in Fortran order"
        );
        for values in [&[][..], &[1.0], &[1.0; 3]] {
            assert_eq!(
                message("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", values),
                format!(
                    "holds an array [2] of '<f4', but {} bytes of values: it is damaged",
                    4 * values.len()
                )
            );
        }
        let endless = format!(
            "{{'descr': '<f4', 'fortran_order': False, 'shape': ({0}, {0}), }}",
            usize::MAX / 2
        );
        assert!(message(&endless, &[]).ends_with("but 0 bytes of values: it is damaged"));
    }

    #[test]
    fn a_header_that_describes_no_array_is_refused() {
        for header in [
            "",
            "{}",
            "{'descr': '<f4', 'fortran_order': False}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'shape': (1,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'more': 1}",
            "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}",
            "{'descr': '<f4', 'fortran_order': Maybe, 'shape': (1,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1,,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1.0,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
            "{'descr': '<f4' 'fortran_order': False, 'shape': (1,)}",
            "{'descr: <f4, fortran_order: False, shape: (1,)}",
            "{é'descr': '<f4', 'fortran_order': False, 'shape': (1,)}",
        ] {
            let said = message(header, &[1.0]);
            assert!(
                said.ends_with("its header describes no array of numbers"),
                "{header}: {said}"
            );
        }
    }

    #[test]
    fn a_file_without_a_whole_header_of_a_sensible_length_is_refused() {
        let whole = file("{'descr': '<f4', 'fortran_order': False, 'shape': (), }", &[]);
        for length in 0..whole.len() {
            let refused = Array::from_bytes(&whole[..length]).unwrap_err().to_string();
            assert!(
                refused.ends_with("it has no whole header of such a file"),
                "{length}: {refused}"
            );
        }
        let long = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': (), }}{:10000}", "");
        assert!(message(&long, &[1.0]).ends_with("it has no whole header of such a file"));
    }
}
