//! Everything that the program reads, damaged in thousands of ways: each reader answers, with a value or an error. The
//! short form of `fuzz/run`, with the same readers and seeds and changes that are always the same.

#[path = "../fuzz/src/readers.rs"]
mod readers;
#[path = "../fuzz/src/seeds.rs"]
mod seeds;

use std::panic::catch_unwind;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use rand::Rng;
use wise_srnet::random::stream;

/// Inputs of a reader, beside the seeds themselves.
const INPUTS: usize = 5_000;

/// Inputs where pages are made of each.
const PAGES: usize = 500;

/// Inputs where pictures are drawn of each, too.
const PICTURES: usize = 40;

/// The longest that a reader's inputs together may take before it counts as hanging.
const PATIENCE: Duration = Duration::from_secs(300);

/// A seed with up to four changes: cut, with a bit or byte changed, with an absurd length in it, with a piece too few or
/// a piece of another seed too many.
fn changed(seeds: &[Vec<u8>], random: &mut impl Rng) -> Vec<u8> {
    let mut bytes = seeds[random.gen_range(0..seeds.len())].clone();
    let other = &seeds[random.gen_range(0..seeds.len())];
    for _ in 0..random.gen_range(1..=4) {
        if bytes.is_empty() || other.is_empty() {
            break;
        }
        let at = random.gen_range(0..bytes.len());
        let end = bytes.len().min(at + random.gen_range(1..=16));
        let from = random.gen_range(0..other.len());
        let to = other.len().min(from + random.gen_range(1..=64));
        match random.gen_range(0..7) {
            0 => bytes.truncate(at),
            1 => bytes[at] ^= 1 << random.gen_range(0..8),
            2 => bytes[at] = random.r#gen(),
            3 => bytes[at..end].fill(0xff),
            4 => bytes[at..end].fill(0),
            5 => drop(bytes.drain(at..end)),
            _ => drop(bytes.splice(at..at, other[from..to].iter().copied())),
        }
    }
    bytes
}

/// Asserts that a reader answers every input.
#[track_caller]
fn assert_answers(target: &'static str, read: readers::Reader, inputs: usize) {
    let (sender, progress) = channel();
    let worker = thread::spawn(move || {
        let seeds = seeds::of(target);
        let changed = (0..inputs).map(|number| changed(&seeds, &mut stream(0, target, &[number as u64])));
        for (number, input) in seeds.iter().cloned().chain(changed).enumerate() {
            let answered = catch_unwind(|| read(&input)).is_ok();
            assert!(
                answered,
                "{target}: input {number} of {} bytes, {input:02x?}",
                input.len()
            );
        }
        sender.send(()).unwrap();
    });
    let ended = progress.recv_timeout(PATIENCE);
    assert_ne!(ended, Err(RecvTimeoutError::Timeout), "{target} hangs");
    worker.join().unwrap();
}

macro_rules! readers {
    ($($name:ident: $inputs:ident of $reader:ident;)*) => {
        $(#[test] fn $name() { assert_answers(stringify!($reader), readers::$reader, $inputs); })*
    };
}

readers! {
    damaged_images_are_answered: INPUTS of image;
    damaged_zip_files_are_answered: INPUTS of zip;
    damaged_lists_are_answered: INPUTS of lists;
    damaged_keras_files_are_answered: INPUTS of keras_h5;
    damaged_experiment_files_are_answered: INPUTS of experiment_file;
    damaged_checkpoints_are_answered: INPUTS of checkpoint;
    damaged_arrays_are_answered: INPUTS of npy;
    damaged_results_are_answered: INPUTS of results;
    damaged_results_become_pages: PAGES of report;
    damaged_results_are_drawn: PICTURES of pictures;
}

#[test]
fn every_reader_is_among_them() {
    assert_eq!(readers::ALL.len(), 9);
    for (target, read) in readers::ALL {
        let seeds = seeds::of(target);
        assert!(!seeds.is_empty(), "{target}");
        seeds.iter().for_each(|seed| read(seed));
    }
}
