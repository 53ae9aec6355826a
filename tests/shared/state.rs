//! What two runs must have in common to count as the same run: for the tests of training and of the command line.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use wise_srnet::training::Checkpoint;

/// Everything that a checkpoint holds but clock times.
#[derive(Debug, PartialEq)]
pub struct State {
    bits: BTreeMap<String, Vec<u32>>,
    scalars: BTreeMap<String, f64>,
    position: String,
}

impl State {
    fn of(file: &Path) -> Self {
        let Checkpoint {
            snapshot, mut position, ..
        } = Checkpoint::load(file).unwrap();
        position.seconds = 0.0;
        position.last.iter_mut().for_each(|epoch| epoch.seconds = 0.0);
        let velocities = snapshot.velocities.into_iter();
        let velocities = velocities.map(|(name, tensor)| (format!("velocity of {name}"), tensor));
        let tensors = snapshot.tensors.into_iter().chain(velocities);
        let bits = tensors.map(|(name, tensor)| (name, tensor.values.iter().map(|value| value.to_bits()).collect()));
        Self {
            bits: bits.collect(),
            scalars: snapshot.scalars,
            position: format!("{position:?}"),
        }
    }
}

/// The last, best and kept checkpoints of a run by their files' names. The one before the last depends on where a run was
/// interrupted, and is left out.
pub fn state(run_folder: &Path) -> BTreeMap<String, State> {
    let names = fs::read_dir(run_folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let is_result = |name: &String| name.ends_with(".safetensors") && name != "previous.safetensors";
    let states: BTreeMap<_, _> = names
        .filter(is_result)
        .map(|name| {
            let state = State::of(&run_folder.join(&name));
            (name, state)
        })
        .collect();
    assert!(
        states.contains_key("last.safetensors"),
        "{}",
        run_folder.to_string_lossy()
    );
    states
}

/// A table's lines without the column of clock times, if it has one.
pub fn without_seconds(table: &Path) -> Vec<String> {
    let text = fs::read_to_string(table).unwrap();
    let mut titles = text.lines().next().unwrap().split(',');
    let column = titles.position(|name| name == "seconds");
    let without = |line: &str| {
        let fields = line.split(',').enumerate();
        let kept = fields.filter(|(place, _)| Some(*place) != column);
        kept.map(|(_, field)| field).collect::<Vec<_>>().join(",")
    };
    text.lines().map(without).collect()
}

/// All files below a folder, by their paths in it.
pub fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            found.extend(files(&path).into_iter().map(|inner| format!("{name}/{inner}")));
        } else {
            found.push(name);
        }
    }
    found.sort();
    found
}
