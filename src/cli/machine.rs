//! The machine: its threads, its memory, its speed.

use std::path::Path;
use std::time::Instant;

use rayon::{ThreadPool, ThreadPoolBuilder};
use tracing::info;

use super::arguments::Processor;
use super::error::CommandError;
use crate::kernels::product;
use crate::kernels::simd::InstructionSet;

/// The pool in which everything is computed, with the instruction set that is asked for.
pub fn pool(processor: Processor) -> Result<ThreadPool, CommandError> {
    if let Some(set) = processor.simd {
        set.pin()?;
    }
    let pool = ThreadPoolBuilder::new().num_threads(processor.threads.map_or(0, usize::from));
    let pool = pool.thread_name(|index| format!("worker-{index}")).build()?;
    info!(threads = pool.current_num_threads(), instructions = %InstructionSet::current(), "computing");
    Ok(pool)
}

/// The most memory that this process has had resident, in bytes; `None` where the system doesn't tell.
pub fn peak_memory() -> Option<u64> {
    kibibytes(Path::new("/proc/self/status"), "VmHWM:")
}

/// The memory that this process has resident, in bytes; `None` where the system doesn't tell.
pub fn resident_memory() -> Option<u64> {
    kibibytes(Path::new("/proc/self/status"), "VmRSS:")
}

/// The processor's name; `None` where the system doesn't tell.
pub fn cpu_model() -> Option<String> {
    value_after(Path::new("/proc/cpuinfo"), "model name")
        .map(|value| value.trim_start_matches([':', ' ', '\t']).to_owned())
}

/// The system's name and version; `None` where it doesn't tell.
pub fn operating_system() -> Option<String> {
    value_after(Path::new("/etc/os-release"), "PRETTY_NAME=").map(|value| value.trim_matches('"').to_owned())
}

/// What stands behind `label` on the first line that begins so in one of Linux' text files.
pub fn value_after(file: &Path, label: &str) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix(label))?;
    Some(value.trim().to_owned())
}

/// A line `label N kB` of one of Linux' status files.
pub fn kibibytes(file: &Path, label: &str) -> Option<u64> {
    let value = value_after(file, label)?;
    value.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

/// Floating-point operations a second in a large matrix product on the current pool: the fastest of a few.
pub fn product_speed() -> f64 {
    const SIZE: usize = 512;
    const ROWS: usize = 1 << 13;
    let (x, w) = (vec![0.5; ROWS * SIZE], vec![0.5; SIZE * SIZE]);
    let mut y = vec![0.0; ROWS * SIZE];
    let seconds = (0..4).map(|_| {
        let start = Instant::now();
        product::forward(&x, &w, None, SIZE, SIZE, &mut y);
        start.elapsed().as_secs_f64()
    });
    (2 * ROWS * SIZE * SIZE) as f64 / seconds.fold(f64::INFINITY, f64::min)
}
