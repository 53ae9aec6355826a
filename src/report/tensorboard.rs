//! The epochs of a run as an event file, which TensorBoard shows: the scalars of `history.csv` over the epochs.
//!
//! The format is TFRecord: each record is its length, a checksum of the length, the data, and a checksum of the data.
//! The data are protocol-buffer messages `Event`. Sources: TensorFlow's `record_writer.h`, `event.proto` and
//! `summary.proto`.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::epoch_row::EpochRow;
use super::{ReportError, files};
use crate::atomic_file::Disk;
use crate::input_file;

/// The first event says which version of the format follows.
const VERSION: &str = "brain.Event:2";

/// Writes a run's epochs.
///
/// The same rows give the same bytes: an event's time is the start of the run, which the file itself keeps, plus the
/// seconds of its epochs. So a file that holds the first epochs is appended to, which a TensorBoard that is watching it
/// notices, and any other file is replaced: no epoch is lost or there twice, wherever a run was stopped. So is one that
/// has a second name, as in a backup of hard links: that stays as it was.
///
/// # Errors
/// [`ReportError::File`] when the file cannot be written.
pub fn write_events(disk: &dyn Disk, path: &Path, rows: &[EpochRow]) -> Result<(), ReportError> {
    let existing = input_file::read(path).unwrap_or_default();
    let start = start_of(&existing).unwrap_or_else(|| now() - rows.iter().map(seconds).sum::<f64>());
    let bytes = encode(rows, start);
    match bytes.strip_prefix(&existing[..]) {
        Some(rest) if !existing.is_empty() && has_one_name(path) => {
            append(disk, path, rest).map_err(ReportError::file("write", path))
        }
        _ => files::replace(disk, path, &bytes),
    }
}

#[cfg(unix)]
fn has_one_name(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(path).is_ok_and(|metadata| metadata.nlink() == 1)
}

#[cfg(not(unix))]
fn has_one_name(_path: &Path) -> bool {
    true
}

fn append(disk: &dyn Disk, path: &Path, rest: &[u8]) -> io::Result<()> {
    if rest.is_empty() {
        return Ok(());
    }
    disk.append(path, rest)
}

fn now() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |time| time.as_secs_f64())
}

/// An epoch's time; one that was not recorded counts as none.
fn seconds(row: &EpochRow) -> f64 {
    if row.seconds.is_finite() { row.seconds } else { 0.0 }
}

/// The time of a file's first event, if it has an undamaged one.
fn start_of(file: &[u8]) -> Option<f64> {
    let event = file.get(12..)?;
    let time = event.strip_prefix(&[WALL_TIME])?.first_chunk()?;
    Some(f64::from_le_bytes(*time)).filter(|&time| file.starts_with(&encode(&[], time)))
}

fn encode(rows: &[EpochRow], start: f64) -> Vec<u8> {
    let mut file = Vec::new();
    let mut version = event(start, 0);
    field(&mut version, FILE_VERSION, VERSION.as_bytes());
    record(&mut file, &version);
    let mut time = start;
    for row in rows {
        time += seconds(row);
        let mut event = event(time, row.epoch);
        field(&mut event, SUMMARY, &summary(row));
        record(&mut file, &event);
    }
    file
}

/// The scalars of an epoch; those that were not recorded are left out.
fn scalars(row: &EpochRow) -> Vec<(&'static str, f64)> {
    let all = [
        ("loss/train", Some(row.train_loss)),
        ("loss/test", Some(row.test_loss)),
        ("loss/validation", row.validation_loss),
        ("accuracy/train", Some(row.train_accuracy)),
        ("accuracy/test", Some(row.test_accuracy)),
        ("accuracy/validation", row.validation_accuracy),
        ("accuracy/test_top5", row.test_top5_accuracy),
        ("learning_rate", Some(row.learning_rate)),
        ("seconds", Some(row.seconds)),
    ];
    let recorded = all.into_iter().filter_map(|(tag, value)| Some((tag, value?)));
    recorded.filter(|(_, value)| !value.is_nan()).collect()
}

fn summary(row: &EpochRow) -> Vec<u8> {
    let mut summary = Vec::new();
    for (tag, value) in scalars(row) {
        let mut scalar = Vec::new();
        field(&mut scalar, TAG, tag.as_bytes());
        scalar.push(SIMPLE_VALUE);
        scalar.extend((value as f32).to_le_bytes());
        field(&mut summary, VALUE, &scalar);
    }
    summary
}

/// Keys of fields: the field's number and, in the last three bits, the kind of its value: 0 for a variable-length
/// number, 1 for eight bytes, 2 for a length and bytes, 5 for four bytes.
const fn key(field: u8, kind: u8) -> u8 {
    field << 3 | kind
}

/// Of `Event`.
const WALL_TIME: u8 = key(1, 1);
const STEP: u8 = key(2, 0);
const FILE_VERSION: u8 = key(3, 2);
const SUMMARY: u8 = key(5, 2);
/// Of `Summary`.
const VALUE: u8 = key(1, 2);
/// Of `Summary.Value`.
const TAG: u8 = key(1, 2);
const SIMPLE_VALUE: u8 = key(2, 5);

/// An event without content; `step` is what TensorBoard's horizontal axis shows.
fn event(time: f64, step: u64) -> Vec<u8> {
    let mut event = vec![WALL_TIME];
    event.extend(time.to_le_bytes());
    event.push(STEP);
    varint(&mut event, step);
    event
}

fn field(message: &mut Vec<u8>, key: u8, bytes: &[u8]) {
    message.push(key);
    varint(message, bytes.len() as u64);
    message.extend(bytes);
}

/// Seven bits a byte, the lowest first; all bytes but the last have their highest bit set.
fn varint(message: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        message.push(number as u8 | 0x80);
        number >>= 7;
    }
    message.push(number as u8);
}

fn record(file: &mut Vec<u8>, data: &[u8]) {
    let length = (data.len() as u64).to_le_bytes();
    file.extend(length);
    file.extend(checksum(&length));
    file.extend(data);
    file.extend(checksum(data));
}

/// CRC-32C, turned and shifted so that a checksum of data that hold checksums stays a good one.
fn checksum(data: &[u8]) -> [u8; 4] {
    let sum = crc32c::crc32c(data);
    sum.rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::super::examples::row;
    use super::*;
    use crate::atomic_file::System;
    use crate::runner::folder::EVENTS;

    /// CRC-32C bit by bit, from its polynomial.
    fn crc(data: &[u8]) -> u32 {
        !data.iter().fold(!0, |sum: u32, &byte| {
            (0..8).fold(sum ^ u32::from(byte), |sum, _| (sum >> 1) ^ (0x82f6_3b78 * (sum & 1)))
        })
    }

    fn take<'a, const N: usize>(bytes: &mut &'a [u8]) -> &'a [u8; N] {
        let (first, rest) = bytes.split_first_chunk().expect("the file ends within a record");
        *bytes = rest;
        first
    }

    /// The data of all records, whose checksums must be right.
    fn records(mut file: &[u8]) -> Vec<&[u8]> {
        let masked = |data: &[u8]| crc(data).rotate_right(15).wrapping_add(0xa282_ead8);
        let mut records = Vec::new();
        while !file.is_empty() {
            let length = take::<8>(&mut file);
            assert_eq!(u32::from_le_bytes(*take(&mut file)), masked(length));
            let (data, rest) = file.split_at(u64::from_le_bytes(*length) as usize);
            file = rest;
            assert_eq!(u32::from_le_bytes(*take(&mut file)), masked(data));
            records.push(data);
        }
        records
    }

    /// The fields of a message: numbers of fields with their bytes, or with a number's bytes.
    fn fields(mut message: &[u8]) -> Vec<(u8, Vec<u8>)> {
        let number = |message: &mut &[u8]| {
            let (mut value, mut shift) = (0_u64, 0);
            loop {
                let [byte] = *take(message);
                value |= u64::from(byte & 0x7f) << shift;
                shift += 7;
                if byte < 0x80 {
                    return value;
                }
            }
        };
        let mut fields = Vec::new();
        while !message.is_empty() {
            let [key] = *take(&mut message);
            let value = match key & 7 {
                0 => number(&mut message).to_le_bytes().to_vec(),
                1 => take::<8>(&mut message).to_vec(),
                5 => take::<4>(&mut message).to_vec(),
                2 => {
                    let length = number(&mut message) as usize;
                    let (value, rest) = message.split_at(length);
                    message = rest;
                    value.to_vec()
                }
                kind => panic!("{kind} is no kind of value in these files"),
            };
            fields.push((key >> 3, value));
        }
        fields
    }

    /// Time, step and scalars of an event.
    fn read(event: &[u8]) -> (f64, u64, Vec<(String, f32)>) {
        let fields_of_event = fields(event);
        let of = |number| &fields_of_event.iter().find(|(field, _)| *field == number).unwrap().1;
        let scalars = fields(of(5)).into_iter().map(|(_, value)| {
            let value = fields(&value);
            let tag = String::from_utf8(value[0].1.clone()).unwrap();
            (tag, f32::from_le_bytes(value[1].1[..].try_into().unwrap()))
        });
        (
            f64::from_le_bytes(of(1)[..].try_into().unwrap()),
            u64::from_le_bytes(of(2)[..].try_into().unwrap()),
            scalars.collect(),
        )
    }

    #[test]
    fn checksums_are_crc_32c() {
        assert_eq!(crc(b"123456789"), 0xe306_9283, "the polynomial's published check value");
        assert_eq!(crc32c::crc32c(b"123456789"), 0xe306_9283);
    }

    #[test]
    fn every_epoch_is_one_event_with_its_scalars() {
        let mut rows: Vec<EpochRow> = (1..=200).map(|epoch| row("gap", 0, epoch, 0.5)).collect();
        rows[199].test_loss = f64::NAN;
        rows[199].validation_accuracy = Some(0.25);
        let file = encode(&rows, 1e9);
        let records = records(&file);
        assert_eq!(records.len(), 201);
        assert_eq!(fields(records[0])[2].1, b"brain.Event:2");
        let (time, step, scalars) = read(records[200]);
        assert_eq!((time, step), (1e9 + 200.0 * 12.5, 200));
        let expected = [
            ("loss/train", 1.5),
            ("accuracy/train", 0.25),
            ("accuracy/test", 0.5),
            ("accuracy/validation", 0.25),
            ("learning_rate", 0.045),
            ("seconds", 12.5),
        ];
        assert_eq!(scalars, expected.map(|(tag, value)| (tag.to_owned(), value)));
    }

    #[test]
    fn a_file_that_was_cut_or_damaged_is_made_whole_and_a_longer_one_shorter() {
        let rows: Vec<EpochRow> = (1..=4).map(|epoch| row("gap", 0, epoch, 0.5)).collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(EVENTS);
        write_events(&System, &path, &rows[..2]).unwrap();
        let two = fs::read(&path).unwrap();
        write_events(&System, &path, &rows).unwrap();
        let four = fs::read(&path).unwrap();
        assert!(four.starts_with(&two) && records(&four).len() == 5);

        for length in encode(&[], 0.0).len()..four.len() {
            fs::write(&path, &four[..length]).unwrap();
            write_events(&System, &path, &rows).unwrap();
            assert_eq!(fs::read(&path).unwrap(), four, "cut to {length} bytes");
        }
        let mut damaged = four.clone();
        damaged[60] ^= 1;
        fs::write(&path, damaged).unwrap();
        write_events(&System, &path, &rows).unwrap();
        assert_eq!(fs::read(&path).unwrap(), four);
        write_events(&System, &path, &rows[..2]).unwrap();
        assert_eq!(fs::read(&path).unwrap(), two);
        for noise in [&b""[..], b"no event file", &[0; 100]] {
            fs::write(&path, noise).unwrap();
            write_events(&System, &path, &rows).unwrap();
            assert_eq!(records(&fs::read(&path).unwrap()).len(), 5);
        }
    }

    #[test]
    fn a_second_name_of_the_file_keeps_what_it_had() {
        let rows: Vec<EpochRow> = (1..=2).map(|epoch| row("gap", 0, epoch, 0.5)).collect();
        let folder = tempfile::tempdir().unwrap();
        let [path, backup] = [EVENTS, "backup"].map(|name| folder.path().join(name));
        write_events(&System, &path, &rows[..1]).unwrap();
        fs::hard_link(&path, &backup).unwrap();
        let one = fs::read(&backup).unwrap();
        write_events(&System, &path, &rows).unwrap();
        assert_eq!(fs::read(&backup).unwrap(), one);
        assert_eq!(records(&fs::read(&path).unwrap()).len(), 3);
    }
}
