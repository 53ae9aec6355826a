//! A disk that fails at one step of a write: the run ends with an error, and started again it goes on to the same bits.

use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tempfile::{NamedTempFile, TempPath};
use wise_srnet::atomic_file::{Disk, System};
use wise_srnet::experiment::{HeadKind, Plan, Registry};
use wise_srnet::training::{FitError, Outcome};

use super::state::state;
use super::{StopAfter, run_of, small_plan, train};

const HEAD: HeadKind = HeadKind::WiseSrnet;

/// Does a number of steps, fails at the next one, and works again.
#[derive(Debug)]
struct FailsAfter {
    steps: usize,
    done: AtomicUsize,
}

impl FailsAfter {
    fn step(&self) -> io::Result<()> {
        if self.done.fetch_add(1, Ordering::Relaxed) == self.steps {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    fn has_failed(&self) -> bool {
        self.done.load(Ordering::Relaxed) > self.steps
    }
}

impl Disk for FailsAfter {
    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        self.step()?;
        System.create_folder(folder)
    }

    fn create(&self, folder: &Path) -> io::Result<NamedTempFile> {
        self.step()?;
        System.create(folder)
    }

    /// Fails when half of the bytes are written.
    fn write(&self, file: &mut NamedTempFile, bytes: &[u8]) -> io::Result<()> {
        let (first, second) = bytes.split_at(bytes.len() / 2);
        file.write_all(first)?;
        self.step()?;
        file.write_all(second)
    }

    fn sync(&self, file: &NamedTempFile) -> io::Result<()> {
        self.step()?;
        System.sync(file)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step()?;
        System.rename(from, to)
    }

    fn publish(&self, file: TempPath, to: &Path) -> io::Result<()> {
        self.step()?;
        System.publish(file, to)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.step()?;
        System.sync_folder(folder)
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
        let disk = FailsAfter {
            steps: faults,
            done: AtomicUsize::new(0),
        };
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
