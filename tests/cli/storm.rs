//! A run that is killed again and again, at moments that nobody chose, ends with the bits of one that was left alone.
//!
//! The environment variable `CRASH_STORM_KILLS` asks for more kills than the few that a usual test run has time for:
//! `CRASH_STORM_KILLS=200 cargo test --release --test cli storm -- --nocapture`.

use std::fs;
use std::time::{Duration, Instant, SystemTime};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::lab::{Ended, Lab, RUN, TINY};

/// Kills of a usual test run.
const KILLS: usize = 12;

/// Two epochs of twelve steps, each of which is saved.
fn lab() -> Lab {
    let text = TINY
        .replacen(
            "epochs: 5,",
            "epochs: 2, save_every_steps: 1, checkpoints: EveryEpochs(1),",
            1,
        )
        .replacen("batch_size: 16", "batch_size: 3", 1);
    Lab::with(&text)
}

/// What has been done to runs so far.
struct Storm {
    random: ChaCha8Rng,
    /// The time that a run takes from its start to its end.
    whole: Duration,
    /// Processes ended by SIGKILL.
    kills: usize,
    /// Those of them that left a file half written.
    within_a_write: usize,
    /// Processes asked to end by SIGTERM; some of them were killed while they were about it.
    terminations: usize,
}

impl Storm {
    /// Starts the run, or goes on with it, and ends it at a random moment; whether it was done before that.
    ///
    /// Some moments lie anywhere between start and end, most of them soon after the first save; some wait for the next time
    /// that a file is being written.
    fn strike(&mut self, lab: &Lab) -> bool {
        let threads = ["1", "2"][self.random.gen_range(0..2)];
        let before = last_save(lab);
        let mut running = lab.start(&["--threads", threads]);
        let anywhere = self.random.gen_bool(0.25);
        let mut from = anywhere.then(Instant::now);
        let longest = if anywhere { self.whole } else { self.whole / 25 };
        let delay = longest.mul_f64(self.random.gen_range(0.0..1.0));
        let waits_for_a_write = self.random.gen_bool(0.4);
        let struck = running.wait_for(|lab| {
            if from.is_none() && last_save(lab) != before {
                from = Some(Instant::now());
            }
            from.is_some_and(|from| from.elapsed() >= delay) && (!waits_for_a_write || is_writing(lab))
        });
        if !struck {
            return is_done(&running.end());
        }
        if self.random.gen_bool(0.2) {
            running.signal("TERM");
            self.terminations += 1;
            if self.random.gen_bool(0.5) {
                return is_done(&running.end());
            }
            std::thread::sleep(Duration::from_millis(self.random.gen_range(0..60)));
        }
        let done = is_done(&running.kill());
        self.kills += usize::from(!done);
        self.within_a_write += usize::from(!done && is_writing(lab));
        done
    }
}

/// When the run's state was last saved.
fn last_save(lab: &Lab) -> Option<SystemTime> {
    let file = fs::metadata(lab.results(RUN).join("last.safetensors"));
    file.and_then(|file| file.modified()).ok()
}

/// Whether a run's or the experiment's folder has a file that is not finished.
fn is_writing(lab: &Lab) -> bool {
    [lab.results(RUN), lab.results("")].into_iter().any(|folder| {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut names = entries.map(|entry| entry.file_name());
        names.any(|name| name.to_string_lossy().starts_with(".writing-"))
    })
}

/// Whether the process had nothing left to do. Any other end than by a signal is a failure.
fn is_done(ended: &Ended) -> bool {
    assert!(matches!(ended.code, None | Some(0 | 130)), "{}", ended.stderr);
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    ended.code == Some(0)
}

#[test]
fn a_storm_of_kills_costs_nothing_but_time() {
    let wanted = std::env::var("CRASH_STORM_KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    let started = Instant::now();
    let whole = lab();
    whole.train(&["--threads", "2"]);
    let mut storm = Storm {
        random: ChaCha8Rng::seed_from_u64(0),
        whole: started.elapsed(),
        kills: 0,
        within_a_write: 0,
        terminations: 0,
    };
    let mut runs = 0;
    while storm.kills < wanted {
        let lab = lab();
        runs += 1;
        while storm.kills < wanted && !storm.strike(&lab) {}
        lab.train(&[]);
        lab.assert_same_results(&whole);
    }
    println!(
        "{} kills ({} of them within a write) and {} terminations survived, in {runs} runs",
        storm.kills, storm.within_a_write, storm.terminations
    );
}
