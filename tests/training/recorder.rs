//! A model of a disk: what was done to the files below a folder, step by step, and what a power cut after any of these
//! steps can leave, with everything that the disk had not been told to keep present, lost, torn or zero.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tempfile::{NamedTempFile, TempPath};
use wise_srnet::atomic_file::{Disk, System};

/// A step of writing. Paths begin at the recorder's folder.
#[derive(Debug)]
pub enum Step {
    Folder(String),
    Create(String),
    /// Bytes at the end of a file.
    Write(String, Vec<u8>),
    Sync(String),
    Rename(String, String),
    SyncFolder(String),
}

/// The real disk, which notes what happens below a folder.
#[derive(Debug)]
pub struct Recorder {
    root: PathBuf,
    steps: Mutex<Vec<Step>>,
}

impl Recorder {
    /// Of a folder that is there. What it holds already is noted as written and flushed.
    pub fn of(root: &Path) -> Self {
        let recorder = Self {
            root: root.to_owned(),
            steps: Mutex::default(),
        };
        recorder.note_all(root);
        recorder
    }

    fn note_all(&self, folder: &Path) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.note(Step::Folder(self.name(&path)));
                self.note_all(&path);
            } else {
                self.note(Step::Create(self.name(&path)));
                self.note(Step::Write(self.name(&path), fs::read(&path).unwrap()));
                self.note(Step::Sync(self.name(&path)));
            }
        }
        self.note(Step::SyncFolder(self.name(folder)));
    }

    /// The steps so far.
    pub fn steps(&self) -> std::sync::MutexGuard<'_, Vec<Step>> {
        self.steps.lock().unwrap()
    }

    fn note(&self, step: Step) {
        self.steps().push(step);
    }

    fn name(&self, path: &Path) -> String {
        let name = path.strip_prefix(&self.root).expect("nothing is written elsewhere");
        name.to_str().unwrap().to_owned()
    }
}

impl Disk for Recorder {
    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        let mut missing: Vec<&Path> = folder.ancestors().take_while(|folder| !folder.exists()).collect();
        missing.reverse();
        System.create_folder(folder)?;
        missing
            .iter()
            .for_each(|folder| self.note(Step::Folder(self.name(folder))));
        Ok(())
    }

    fn create(&self, folder: &Path) -> io::Result<NamedTempFile> {
        let file = System.create(folder)?;
        self.note(Step::Create(self.name(file.path())));
        Ok(file)
    }

    fn write(&self, file: &mut NamedTempFile, bytes: &[u8]) -> io::Result<()> {
        self.note(Step::Write(self.name(file.path()), bytes.to_vec()));
        System.write(file, bytes)
    }

    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.note(Step::Write(self.name(path), bytes.to_vec()));
        System.append(path, bytes)
    }

    fn sync(&self, file: &NamedTempFile) -> io::Result<()> {
        self.note(Step::Sync(self.name(file.path())));
        System.sync(file)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.note(Step::Rename(self.name(from), self.name(to)));
        System.rename(from, to)
    }

    fn publish(&self, file: TempPath, to: &Path) -> io::Result<()> {
        self.note(Step::Rename(self.name(&file), self.name(to)));
        System.publish(file, to)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        // Of what is above its own folder the model knows nothing.
        if folder.starts_with(&self.root) {
            self.note(Step::SyncFolder(self.name(folder)));
        }
        System.sync_folder(folder)
    }
}

/// What became of bytes that were written but not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    Kept,
    Lost,
    Torn,
    Zeros,
}

pub const FATES: [Fate; 4] = [Fate::Kept, Fate::Lost, Fate::Torn, Fate::Zeros];

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

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node<'a> {
    Folder,
    /// Known by its first name.
    File(&'a str),
}

/// A change of a folder's names: something gets a name and may lose another.
#[derive(Clone)]
struct Naming<'a> {
    node: Node<'a>,
    gained: &'a str,
    lost: Option<&'a str>,
}

impl<'a> Naming<'a> {
    fn apply(&self, names: &mut BTreeMap<&'a str, Node<'a>>) {
        if let Some(lost) = self.lost
            && names.get(lost) == Some(&self.node)
        {
            names.remove(lost);
        }
        names.insert(self.gained, self.node);
    }
}

/// What a power cut leaves of a file: the bytes that were synced, and those that were not with their fate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Remains<'a> {
    /// Known by its first name.
    pub file: &'a str,
    synced: usize,
    written: usize,
    pub fate: Fate,
}

impl Remains<'_> {
    /// Whether the disk was told to keep all of it.
    pub fn is_synced(&self) -> bool {
        self.synced == self.written
    }
}

/// What a power cut leaves: a file for each name, or a folder.
pub type Left<'a> = BTreeMap<&'a str, Option<Remains<'a>>>;

/// A disk after some steps.
#[derive(Default)]
pub struct Model<'a> {
    /// The names as a process sees them.
    seen: BTreeMap<&'a str, Node<'a>>,
    /// Those that the disk was told to keep.
    kept: BTreeMap<&'a str, Node<'a>>,
    /// The changes between the two.
    pending: Vec<Naming<'a>>,
    /// The bytes of each file, and how many of them were synced.
    bytes: BTreeMap<&'a str, (Vec<u8>, usize)>,
}

fn parent(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}

impl<'a> Model<'a> {
    pub fn take(&mut self, step: &'a Step) {
        let naming = match step {
            Step::Folder(name) => Naming {
                node: Node::Folder,
                gained: name,
                lost: None,
            },
            Step::Create(file) => Naming {
                node: Node::File(file),
                gained: file,
                lost: None,
            },
            Step::Rename(from, to) => Naming {
                node: self.seen[from.as_str()],
                gained: to,
                lost: Some(from),
            },
            Step::Write(name, bytes) => return self.file(name).0.extend(bytes),
            Step::Sync(name) => {
                let (bytes, synced) = self.file(name);
                *synced = bytes.len();
                return;
            }
            Step::SyncFolder(folder) => {
                let (flushed, pending) = std::mem::take(&mut self.pending)
                    .into_iter()
                    .partition(|naming| parent(naming.gained) == folder);
                self.pending = pending;
                let flushed: Vec<Naming<'_>> = flushed;
                flushed.iter().for_each(|naming| naming.apply(&mut self.kept));
                return;
            }
        };
        naming.apply(&mut self.seen);
        self.pending.push(naming);
    }

    fn file(&mut self, name: &str) -> &mut (Vec<u8>, usize) {
        let Node::File(file) = self.seen[name] else {
            panic!("{name} is a folder")
        };
        self.bytes.entry(file).or_default()
    }

    /// Whether a process sees something of this name.
    pub fn has(&self, name: &str) -> bool {
        self.seen.contains_key(name)
    }

    /// Everything that a power cut can leave now. Each new name that is not yet synced has reached the disk or not,
    /// whatever became of the others, and nothing is left of a folder that has not; a renaming as such is done or not done.
    pub fn cuts(&self) -> Vec<Left<'a>> {
        let mut cuts = Vec::new();
        for chosen in 0..1_u32 << self.pending.len() {
            let mut names = self.kept.clone();
            let reached = self.pending.iter().enumerate();
            let reached = reached.filter(|(place, _)| chosen & (1 << place) != 0);
            reached.for_each(|(_, naming)| naming.apply(&mut names));
            cuts.extend(FATES.map(|fate| self.left(&names, fate)));
        }
        cuts
    }

    fn left(&self, names: &BTreeMap<&'a str, Node<'a>>, fate: Fate) -> Left<'a> {
        let mut left = Left::new();
        for (&name, &node) in names {
            // A folder comes before what is in it.
            if !parent(name).is_empty() && !left.contains_key(parent(name)) {
                continue;
            }
            let remains = match node {
                Node::Folder => None,
                Node::File(file) => {
                    let (written, synced) = self
                        .bytes
                        .get(file)
                        .map_or((0, 0), |(bytes, synced)| (bytes.len(), *synced));
                    let fate = if synced == written { Fate::Kept } else { fate };
                    Some(Remains {
                        file,
                        synced,
                        written,
                        fate,
                    })
                }
            };
            left.insert(name, remains);
        }
        left
    }

    /// Puts a folder that isn't there where a power cut would have left it. What was cut was seen by this model, now or
    /// earlier.
    pub fn restore(&self, folder: &Path, left: &Left<'_>) {
        fs::create_dir(folder).unwrap();
        for (name, remains) in left {
            let path = folder.join(name);
            let Some(remains) = remains else {
                fs::create_dir(path).unwrap();
                continue;
            };
            let all = self.bytes.get(remains.file).map_or(&[][..], |(bytes, _)| bytes);
            let (synced, rest) = all[..remains.written].split_at(remains.synced);
            fs::write(path, [synced, &remains.fate.befall(rest)].concat()).unwrap();
        }
    }
}
