//! Where results were computed: `environment.json` beside them, with an entry for each time that a command went on with
//! them.

use std::env::consts;
use std::path::Path;
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::error::CommandError;
use super::text::{printable, utc};
use super::{machine, output};
use crate::atomic_file::replace_on;
use crate::input_file;
use crate::kernels::product::Unit;
use crate::kernels::simd::InstructionSet;
use crate::plan::Precision;
use crate::runner::Lock;
use crate::runner::folder::ENVIRONMENT;

#[derive(Default, Serialize, Deserialize)]
struct Environment {
    /// The first one started the results.
    sessions: Vec<Session>,
}

/// What one command computed with. Results depend on the instruction set, and in bf16 on the unit that multiplies, and on nothing
/// else of it.
#[derive(Serialize, Deserialize)]
struct Session {
    /// In UTC, as `2026-11-25T22:50:00Z`.
    started: String,
    program_version: String,
    /// What the program was compiled for, in Rust's terms.
    target: String,
    operating_system: String,
    /// `None` where the system doesn't tell.
    cpu: Option<String>,
    /// Those that this process may use.
    cores: Option<usize>,
    threads: usize,
    instruction_set: String,
    /// What multiplied bf16 values; `None` in f32.
    #[serde(default)]
    bf16_unit: Option<String>,
}

/// Notes that a command begins to compute results for this folder, in this precision and on the current thread's pool.
pub fn record(lock: &Lock<'_>, precision: Precision) -> Result<(), CommandError> {
    let path = lock.folder().join(ENVIRONMENT);
    let mut environment = stored(&path);
    let unit = (precision == Precision::Bf16).then(|| Unit::current().name().to_owned());
    warn_of_other_bits(&environment, unit.as_deref());
    environment.sessions.push(Session {
        started: utc(SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs()),
        program_version: env!("CARGO_PKG_VERSION").to_owned(),
        target: env!("TARGET").to_owned(),
        operating_system: machine::operating_system().unwrap_or_else(|| consts::OS.to_owned()),
        cpu: machine::cpu_model(),
        cores: thread::available_parallelism().ok().map(usize::from),
        threads: rayon::current_num_threads(),
        instruction_set: InstructionSet::current().name().to_owned(),
        bf16_unit: unit,
    });
    let io = |source| CommandError::Io {
        path: path.clone(),
        source,
    };
    let mut text = serde_json::to_string_pretty(&environment).map_err(|error| io(error.into()))?;
    text.push('\n');
    replace_on(lock, &path, None, text.as_bytes()).map_err(io)
}

/// Says if the results so far come from an instruction set, or a unit, that rounds differently from the one in use.
fn warn_of_other_bits(environment: &Environment, unit: Option<&str>) {
    let current = InstructionSet::current();
    let of_name = |name: &str| InstructionSet::ALL.into_iter().find(|set| set.name() == name);
    let mut sets = environment.sessions.iter().map(|session| &session.instruction_set);
    if let Some(other) = sets.find_map(|name| of_name(name).filter(|set| !set.agrees_with(current))) {
        output::tell(format_args!(
            "warning: results in this folder were computed with the instruction set {other}, and go on with {current}: the \
             two round differently, so these runs can't be repeated bit by bit (`--simd {other}` keeps to one)"
        ));
    }
    let mut units = environment
        .sessions
        .iter()
        .filter_map(|session| session.bf16_unit.as_deref());
    if let Some(unit) = unit
        && let Some(other) = units.find(|other| *other != unit)
    {
        output::tell(format_args!(
            "warning: bf16 results in this folder were multiplied by {other}, and go on by {unit}: the two round sums \
             differently, so these runs can't be repeated bit by bit{}",
            if unit == Unit::Amx.name() {
                " (`--simd avx2` keeps to vectors)"
            } else {
                ""
            }
        ));
    }
}

/// The sessions so far. A file that can't be read is no reason not to train.
fn stored(path: &Path) -> Environment {
    if !path.exists() {
        return Environment::default();
    }
    let read = input_file::read(path).and_then(|bytes| Ok(serde_json::from_slice(&bytes)?));
    read.unwrap_or_else(|error| {
        output::tell(format_args!(
            "warning: {} is not readable and is begun again: {error}",
            printable(path)
        ));
        Environment::default()
    })
}
