//! What a power cut can leave of a run's folder: the folder after every step of every write, with everything that the
//! disk had not been told to keep present, lost, empty or torn. Whatever is left, the run goes on to the same bits.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempPath};
use wise_srnet::atomic_file::{Disk, System};
use wise_srnet::experiment::{HeadKind, Registry};

use super::state::state;
use super::{StopAfter, run_of, small_plan, train};

const HEAD: HeadKind = HeadKind::WiseSrnetDropout;

/// A step of writing.
#[derive(Debug)]
enum Step {
    Create(String),
    Write(String, Vec<u8>),
    Sync(String),
    Rename(String, String),
    SyncFolder,
}

/// The real disk, which notes what happens in one folder.
#[derive(Debug)]
struct Recorder {
    folder: PathBuf,
    steps: RefCell<Vec<Step>>,
}

impl Recorder {
    fn note(&self, step: Step) {
        self.steps.borrow_mut().push(step);
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

impl Disk for Recorder {
    fn create(&self, folder: &Path) -> io::Result<NamedTempFile> {
        assert_eq!(folder, self.folder, "a run writes into its own folder only");
        let file = System.create(folder)?;
        self.note(Step::Create(name(file.path())));
        Ok(file)
    }

    fn write(&self, file: &mut NamedTempFile, bytes: &[u8]) -> io::Result<()> {
        self.note(Step::Write(name(file.path()), bytes.to_vec()));
        System.write(file, bytes)
    }

    fn sync(&self, file: &NamedTempFile) -> io::Result<()> {
        self.note(Step::Sync(name(file.path())));
        System.sync(file)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.note(Step::Rename(name(from), name(to)));
        System.rename(from, to)
    }

    fn publish(&self, file: TempPath, to: &Path) -> io::Result<()> {
        self.note(Step::Rename(name(&file), name(to)));
        System.publish(file, to)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        if folder == self.folder {
            self.note(Step::SyncFolder);
        }
        System.sync_folder(folder)
    }
}

/// What became of bytes that were written but not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    Kept,
    Lost,
    Torn,
    Zeros,
}

const FATES: [Fate; 4] = [Fate::Kept, Fate::Lost, Fate::Torn, Fate::Zeros];

impl Fate {
    fn befall(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Fate::Kept => bytes.to_vec(),
            Fate::Lost => Vec::new(),
            Fate::Torn => bytes[..bytes.len() / 2].to_vec(),
            Fate::Zeros => vec![0; bytes.len()],
        }
    }
}

/// A change of a folder's names: a file, known by its first name, gets a name and may lose another.
#[derive(Clone)]
struct Naming<'a> {
    file: &'a str,
    gained: &'a str,
    lost: Option<&'a str>,
}

impl<'a> Naming<'a> {
    fn apply(&self, names: &mut BTreeMap<&'a str, &'a str>) {
        if let Some(lost) = self.lost
            && names.get(lost) == Some(&self.file)
        {
            names.remove(lost);
        }
        names.insert(self.gained, self.file);
    }
}

/// What a power cut leaves: for each name its file, known by its first name, and the fate of its bytes.
type Left<'a> = BTreeMap<&'a str, (&'a str, Fate)>;

/// Everything that a power cut after `steps` can leave. Each new name that is not yet synced has reached the disk or not,
/// whatever became of the others; a renaming as such is done or not done.
fn after_a_cut(steps: &[Step]) -> Vec<Left<'_>> {
    let (mut seen, mut kept) = (BTreeMap::new(), BTreeMap::new());
    let mut pending: Vec<Naming<'_>> = Vec::new();
    let mut synced = BTreeSet::new();
    for step in steps {
        let naming = match step {
            Step::Create(file) => Naming {
                file,
                gained: file,
                lost: None,
            },
            Step::Rename(from, to) => Naming {
                file: seen[from.as_str()],
                gained: to,
                lost: Some(from),
            },
            Step::Write(file, _) => {
                synced.remove(file.as_str());
                continue;
            }
            Step::Sync(file) => {
                synced.insert(file.as_str());
                continue;
            }
            Step::SyncFolder => {
                pending.drain(..).for_each(|naming| naming.apply(&mut kept));
                continue;
            }
        };
        naming.apply(&mut seen);
        pending.push(naming);
    }
    let mut cuts = Vec::new();
    for chosen in 0..1_u32 << pending.len() {
        let mut names = kept.clone();
        let reached = pending.iter().enumerate();
        let reached = reached.filter(|(place, _)| chosen & (1 << place) != 0);
        reached.for_each(|(_, naming)| naming.apply(&mut names));
        cuts.extend(FATES.map(|fate| {
            let fate_of = |file| if synced.contains(file) { Fate::Kept } else { fate };
            names
                .iter()
                .map(|(&name, &file)| (name, (file, fate_of(file))))
                .collect()
        }));
    }
    cuts
}

/// Puts a folder where a power cut would have left it.
fn restore(folder: &Path, left: &Left<'_>, written: &BTreeMap<&str, &[u8]>) {
    fs::create_dir(folder).unwrap();
    for (name, (file, fate)) in left {
        let bytes = written.get(file).copied().unwrap_or_default();
        fs::write(folder.join(name), fate.befall(bytes)).unwrap();
    }
}

#[test]
fn whatever_a_power_cut_leaves_the_run_goes_on_to_the_same_bits() {
    let registry = Registry::builtin();
    let plan = small_plan(&registry);
    let place = tempfile::tempdir().unwrap();
    let whole = place.path().join("whole");
    let recorder = Recorder {
        folder: whole.clone(),
        steps: RefCell::default(),
    };
    let mut fit = plan.fit(run_of(HEAD), &whole);
    (fit.disk, fit.save_every_steps, fit.keep_every) = (&recorder, 1, Some(1));
    fit.run(&mut *plan.build(run_of(HEAD)).unwrap(), &mut StopAfter::never())
        .unwrap();
    let expected = state(&whole);
    assert_eq!(expected.len(), 4, "last, best and two kept epochs");

    let steps = recorder.steps.borrow();
    let written = steps.iter().filter_map(|step| match step {
        Step::Write(file, bytes) => Some((file.as_str(), bytes.as_slice())),
        _ => None,
    });
    let written: BTreeMap<_, _> = written.collect();
    let (mut cuts, mut lefts) = (0, BTreeSet::new());
    for length in 0..=steps.len() {
        for mut left in after_a_cut(&steps[..length]) {
            cuts += 1;
            // Files that nothing but a sweep ever looks at make no folder another one.
            left.retain(|name, _| name.ends_with(".safetensors"));
            lefts.insert(left);
        }
    }
    for left in &lefts {
        let folder = place.path().join("cut");
        restore(&folder, left, &written);
        let same = |fit: &mut wise_srnet::training::Fit<'_>| (fit.save_every_steps, fit.keep_every) = (1, Some(1));
        train(&plan, HEAD, &folder, same, &mut StopAfter::never()).unwrap_or_else(|error| panic!("{left:?}: {error}"));
        assert!(state(&folder) == expected, "other bits after {left:?}");
        fs::remove_dir_all(&folder).unwrap();
    }
    assert!(
        cuts > 500 && lefts.len() >= 20,
        "{cuts} power cuts, {} folders",
        lefts.len()
    );
    println!(
        "{} steps of writing, {cuts} power cuts, {} different folders left",
        steps.len(),
        lefts.len()
    );
}

#[test]
fn the_model_of_a_disk_keeps_what_was_synced_and_may_lose_the_rest() {
    let text = str::to_owned;
    let write = |file: &str| [Step::Create(text(file)), Step::Write(text(file), vec![1])];
    let mut steps = Vec::from(write("a"));
    let left = |steps: &[Step], name: &str| -> BTreeSet<Option<(String, Fate)>> {
        let cuts = after_a_cut(steps).into_iter();
        cuts.map(|left| left.get(name).map(|(file, fate)| ((*file).to_owned(), *fate)))
            .collect()
    };
    let any = |file: &str| FATES.map(|fate| Some((text(file), fate)));
    assert_eq!(left(&steps, "a"), any("a").into_iter().chain([None]).collect());
    steps.push(Step::Sync(text("a")));
    let whole = |file: &str| Some((text(file), Fate::Kept));
    assert_eq!(left(&steps, "a"), [None, whole("a")].into());
    steps.extend([Step::Rename(text("a"), text("last")), Step::SyncFolder]);
    assert_eq!(left(&steps, "last"), [whole("a")].into());
    steps.extend(write("b"));
    steps.push(Step::Rename(text("b"), text("last")));
    let torn_or_old = any("b").into_iter().chain([whole("a")]).collect();
    assert_eq!(left(&steps, "last"), torn_or_old, "renamed without a sync");
}
