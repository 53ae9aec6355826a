//! A disk that fails at one step of a write: the command ends with an error, and started again it goes on to the same bits
//! and the same report.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tempfile::{NamedTempFile, TempPath};
use wise_srnet::atomic_file::{Disk, System};
use wise_srnet::experiment::{HeadKind, Plan, Registry};
use wise_srnet::runner::folder::{EVENTS, LOCK};
use wise_srnet::training::{FitError, Outcome};

use super::recorder::{Recorder, Step};
use super::results::{Place, every_nth, file_name};
use super::state::{files, state};
use super::{StopAfter, run_of, small_plan, train};

const HEAD: HeadKind = HeadKind::WiseSrnet;

/// Does a number of steps on another disk, fails at the next one, and works again.
#[derive(Debug)]
struct FailsAfter<'d> {
    disk: &'d dyn Disk,
    steps: usize,
    done: AtomicUsize,
}

impl<'d> FailsAfter<'d> {
    fn new(steps: usize, disk: &'d dyn Disk) -> Self {
        let done = AtomicUsize::new(0);
        Self { disk, steps, done }
    }

    /// The disk, if it doesn't fail now.
    fn step(&self) -> io::Result<&'d dyn Disk> {
        if self.done.fetch_add(1, Ordering::Relaxed) == self.steps {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(self.disk)
    }

    fn has_failed(&self) -> bool {
        self.done.load(Ordering::Relaxed) > self.steps
    }
}

impl Disk for FailsAfter<'_> {
    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        self.step()?.create_folder(folder)
    }

    fn create(&self, folder: &Path) -> io::Result<NamedTempFile> {
        self.step()?.create(folder)
    }

    /// Fails when half of the bytes are written.
    fn write(&self, file: &mut NamedTempFile, bytes: &[u8]) -> io::Result<()> {
        match self.step() {
            Ok(disk) => disk.write(file, bytes),
            Err(error) => file.write_all(&bytes[..bytes.len() / 2]).and(Err(error)),
        }
    }

    /// As [`write`](Self::write).
    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        match self.step() {
            Ok(disk) => disk.append(path, bytes),
            Err(error) => System.append(path, &bytes[..bytes.len() / 2]).and(Err(error)),
        }
    }

    fn sync(&self, file: &NamedTempFile) -> io::Result<()> {
        self.step()?.sync(file)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step()?.rename(from, to)
    }

    fn publish(&self, file: TempPath, to: &Path) -> io::Result<()> {
        self.step()?.publish(file, to)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.step()?.sync_folder(folder)
    }
}

fn train_on(plan: &Plan<'_>, folder: &Path, disk: &dyn Disk) -> Result<Outcome, FitError> {
    let mut fit = plan.fit(run_of(HEAD), folder);
    fit.disk = disk;
    fit.run(&mut *plan.build(run_of(HEAD)).unwrap(), &mut StopAfter::never())
}

#[test]
fn a_write_that_fails_at_any_step_costs_nothing_but_the_time() {
    let registry = Registry::builtin();
    let plan = small_plan(&registry);
    let whole = tempfile::tempdir().unwrap();
    train(&plan, HEAD, whole.path(), |_| {}, &mut StopAfter::never()).unwrap();
    let mut faults = 0;
    loop {
        let folder = tempfile::tempdir().unwrap();
        let disk = FailsAfter::new(faults, &System);
        let ended = train_on(&plan, folder.path(), &disk);
        if !disk.has_failed() {
            assert_eq!(ended.unwrap(), Outcome::Finished);
            break;
        }
        let said = ended.unwrap_err().to_string();
        assert!(
            said.contains(".safetensors"),
            "fault {faults} is not told with its file: {said}"
        );
        train(&plan, HEAD, folder.path(), |_| {}, &mut StopAfter::never()).unwrap();
        assert_eq!(state(folder.path()), state(whole.path()), "after fault {faults}");
        faults += 1;
    }
    assert!(faults > 15, "only {faults} steps of writing were tried");
    println!("{faults} faults");
}

/// Lets the disk fail at steps of the command on places that `begin` makes, and goes on.
fn fail_during_a_command(begin: impl Fn() -> Place) {
    let undisturbed = begin();
    let disk = FailsAfter::new(usize::MAX, &System);
    undisturbed.train_on(&disk).unwrap();
    undisturbed.assert_whole_results(&"no fault");

    let steps: Vec<usize> = (0..disk.done.into_inner()).collect();
    let tried = every_nth(&steps);
    for &fault in &tried {
        let place = begin();
        let recorder = Recorder::of(place.disk());
        let said = place.train_on(&FailsAfter::new(fault, &recorder)).unwrap_err();
        let after = format!("fault {fault}: {said}");
        assert!(said.contains(place.disk().to_str().unwrap()), "{after} names no file");
        assert_whole(place.disk(), &recorder.steps(), &after);
        place.train().unwrap_or_else(|error| panic!("after {after}: {error}"));
        place.assert_whole_results(&after);
    }
    println!("{} steps of writing, {} faults", steps.len(), tried.len());
}

/// Asserts that every file below a folder holds what was written to it as a whole. TensorBoard's events are appended to.
fn assert_whole(folder: &Path, steps: &[Step], after: &str) {
    let written = steps.iter().filter_map(|step| match step {
        Step::Write(_, bytes) => Some(bytes.as_slice()),
        _ => None,
    });
    let written: BTreeSet<&[u8]> = written.collect();
    for name in files(folder) {
        let bytes = fs::read(folder.join(&name)).unwrap();
        let is_whole = written.contains(bytes.as_slice()) || [EVENTS, LOCK].contains(&file_name(&name));
        assert!(is_whole, "{name} is half written after {after}");
    }
}

#[test]
fn a_write_of_a_command_that_fails_at_any_step_costs_nothing_but_the_time() {
    fail_during_a_command(Place::new);
}

#[test]
fn a_write_that_fails_while_a_command_mends_results_costs_nothing_but_the_time() {
    fail_during_a_command(Place::damaged);
}

/// A file system that can't flush a folder, and says so with this kind of error.
#[derive(Debug)]
struct KeepsNoNames(io::ErrorKind);

impl Disk for KeepsNoNames {
    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        Err(self.0.into())
    }
}

/// Keeps what is told.
#[derive(Clone)]
struct Told(Arc<Mutex<Vec<u8>>>);

impl Write for Told {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_file_system_that_cannot_flush_folders_is_trained_on_with_one_warning() {
    let registry = Registry::builtin();
    let plan = small_plan(&registry);
    let whole = tempfile::tempdir().unwrap();
    train(&plan, HEAD, whole.path(), |_| {}, &mut StopAfter::never()).unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let writer = Told(Arc::clone(&told));
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
    tracing::subscriber::with_default(subscriber, || {
        for kind in [io::ErrorKind::InvalidInput, io::ErrorKind::Unsupported] {
            let folder = tempfile::tempdir().unwrap();
            train_on(&plan, folder.path(), &KeepsNoNames(kind)).unwrap();
            assert_eq!(state(folder.path()), state(whole.path()), "{kind}");
        }
    });
    let told = String::from_utf8(told.lock().unwrap().clone()).unwrap();
    assert_eq!(told.matches("can't flush a folder").count(), 1, "{told}");
}
