//! What a power cut can leave of results: the folder after every step of every write, with everything that the disk had
//! not been told to keep present, lost, torn or zero. Whatever is left, the same command goes on to the same results.

use std::collections::BTreeSet;
use std::fs;

use wise_srnet::atomic_file::is_leftover;
use wise_srnet::experiment::{HeadKind, Registry};
use wise_srnet::runner::folder::{EVENTS, LAST, PREVIOUS};

use super::recorder::{FATES, Fate, Left, Model, Recorder, Step};
use super::results::{Place, every_nth, file_name};
use super::state::state;
use super::{StopAfter, run_of, small_plan, train};

const HEAD: HeadKind = HeadKind::WiseSrnetDropout;

/// What power cuts leave.
struct Cuts<'a> {
    /// The disk after the last step.
    end: Model<'a>,
    /// How many there were.
    all: usize,
    /// The different folders that they leave, in the order in which they come about.
    lefts: Vec<Left<'a>>,
}

/// Cuts the power after each of the steps from the one at `begin` on. A state of a run that was saved, or the one before
/// it, is always left.
fn cut<'a>(steps: &'a [Step], begin: usize) -> Cuts<'a> {
    let (mut end, mut all, mut lefts, mut seen) = (Model::default(), 0, Vec::new(), BTreeSet::new());
    let mut saved = BTreeSet::new();
    for (place, step) in steps.iter().enumerate() {
        end.take(step);
        if let Step::SyncFolder(folder) = step
            && end.has(&format!("{folder}/{LAST}"))
        {
            saved.insert(folder);
        }
        if place + 1 < begin {
            continue;
        }
        for mut left in end.cuts() {
            all += 1;
            for run in &saved {
                let is_there = [LAST, PREVIOUS].map(|name| left.contains_key(format!("{run}/{name}").as_str()));
                assert!(is_there.contains(&true), "{run} is lost: {left:?}");
            }
            // Files that nothing but a sweep ever looks at make no folder another one.
            left.retain(|name, _| !is_leftover(file_name(name)));
            if seen.insert(left.clone()) {
                lefts.push(left);
            }
        }
    }
    Cuts { end, all, lefts }
}

#[test]
fn whatever_a_power_cut_leaves_the_run_goes_on_to_the_same_bits() {
    let registry = Registry::builtin();
    let plan = small_plan(&registry);
    let place = tempfile::tempdir().unwrap();
    let disk = place.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let recorder = Recorder::of(&disk);
    let whole = disk.join("run");
    let mut fit = plan.fit(run_of(HEAD), &whole);
    (fit.disk, fit.save_every_steps, fit.keep_every) = (&recorder, 1, Some(1));
    fit.run(&mut *plan.build(run_of(HEAD)).unwrap(), &mut StopAfter::never())
        .unwrap();
    let expected = state(&whole);
    assert_eq!(expected.len(), 4, "last, best and two kept epochs");

    let steps = recorder.steps();
    let Cuts { end, all, lefts } = cut(&steps, 0);
    for left in &lefts {
        let folder = place.path().join("cut");
        end.restore(&folder, left);
        let run = folder.join("run");
        let same = |fit: &mut wise_srnet::training::Fit<'_>| (fit.save_every_steps, fit.keep_every) = (1, Some(1));
        train(&plan, HEAD, &run, same, &mut StopAfter::never()).unwrap_or_else(|error| panic!("{left:?}: {error}"));
        assert!(state(&run) == expected, "other bits after {left:?}");
        fs::remove_dir_all(&folder).unwrap();
    }
    let (steps, folders) = (steps.len(), lefts.len());
    assert!(all > 500 && folders >= 20, "{all} power cuts, {folders} folders");
    println!("{steps} steps of writing, {all} power cuts, {folders} different folders left");
}

/// Goes on from what power cuts during the command on this place leave.
fn cut_the_power_during_a_command(place: &Place) {
    let recorder = Recorder::of(place.disk());
    let begin = recorder.steps().len();
    place.train_on(&recorder).unwrap();
    place.assert_whole_results(&"nothing");

    let steps = recorder.steps();
    let Cuts { end, all, lefts } = cut(&steps, begin);
    let names = lefts.iter().flatten();
    for (name, remains) in names.filter_map(|(name, left)| Some((name, left.as_ref()?))) {
        // TensorBoard's events are appended to, and looked through by the next start.
        let may_be_torn = file_name(name) == EVENTS;
        assert!(remains.is_synced() || may_be_torn, "{name} may be left torn");
    }
    let tried = every_nth(&lefts);
    for left in &tried {
        let cut = Place::new();
        fs::remove_dir(cut.disk()).unwrap();
        end.restore(cut.disk(), left);
        cut.train().unwrap_or_else(|error| panic!("{left:?}: {error}"));
        cut.assert_whole_results(left);
    }
    println!(
        "{} steps of writing, {all} power cuts, {} different folders left, {} of them gone on from",
        steps.len() - begin,
        lefts.len(),
        tried.len()
    );
}

#[test]
fn whatever_a_power_cut_leaves_of_a_commands_results_they_end_as_the_same() {
    cut_the_power_during_a_command(&Place::new());
}

#[test]
fn whatever_a_power_cut_leaves_of_results_that_a_command_mends_they_end_as_the_same() {
    cut_the_power_during_a_command(&Place::damaged());
}

#[test]
fn the_model_of_a_disk_keeps_what_was_synced_and_may_lose_the_rest() {
    let text = str::to_owned;
    let write = |file: &str| [Step::Create(text(file)), Step::Write(text(file), vec![1])];
    let mut steps = Vec::from(write("a"));
    let left = |steps: &[Step], name: &str| -> BTreeSet<Option<(String, Fate)>> {
        let mut model = Model::default();
        steps.iter().for_each(|step| model.take(step));
        let lefts = model.cuts().into_iter();
        let remains = lefts.map(|left| left.get(name).copied().flatten());
        remains
            .map(|remains| remains.map(|remains| (remains.file.to_owned(), remains.fate)))
            .collect()
    };
    let any = |file: &str| FATES.map(|fate| Some((text(file), fate)));
    assert_eq!(left(&steps, "a"), any("a").into_iter().chain([None]).collect());
    steps.push(Step::Sync(text("a")));
    let whole = |file: &str| Some((text(file), Fate::Kept));
    assert_eq!(left(&steps, "a"), [None, whole("a")].into());
    steps.extend([Step::Rename(text("a"), text("last")), Step::SyncFolder(text(""))]);
    assert_eq!(left(&steps, "last"), [whole("a")].into());
    steps.extend(write("b"));
    steps.push(Step::Rename(text("b"), text("last")));
    let torn_or_old = any("b").into_iter().chain([whole("a")]).collect();
    assert_eq!(left(&steps, "last"), torn_or_old, "renamed without a sync");
    steps.extend([Step::Folder(text("run")), Step::Create(text("run/c"))]);
    steps.extend([Step::Sync(text("run/c")), Step::SyncFolder(text("run"))]);
    assert_eq!(left(&steps, "run/c"), [None, whole("run/c")].into(), "with its folder");
    steps.extend([Step::SyncFolder(text("")), Step::Write(text("run/c"), vec![2])]);
    assert_eq!(left(&steps, "run/c"), any("run/c").into(), "appended to");
}
