//! The memory that training takes against the memory that there is: asked before the first step, because the system ends a
//! program that takes too much without a word.

use std::fs;
use std::path::Path;

use super::error::CommandError;
use super::machine::{kibibytes, value_after};
use super::text::bytes;
use crate::experiment::{Cost, HeadKind, Step};

/// By how much a step can be above the available memory and still fit: its plan tells what it takes to a few per cent, and the
/// system has some memory that it can give up. What is above by more can't fit.
const SLACK: f64 = 1.1;

/// What a step takes and what there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    step: Step,
    /// The option that says how many images a step has.
    batch_option: &'static str,
    /// Bytes of a step with the head that takes most.
    pub needed: u64,
    /// Bytes that can be had; `None` where the system doesn't tell.
    pub available: Option<u64>,
    /// Images of the largest batch that is sure to fit, where the system tells.
    pub largest_batch: Option<u64>,
}

/// Whether training fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Room {
    /// Surely, or nothing is known of the machine.
    Enough,
    /// Only if the system gives up what it can.
    Doubtful,
    /// Surely not.
    TooLittle,
}

impl Memory {
    /// For steps of `batch_size` images with each of these heads.
    pub fn of(costs: &[(HeadKind, Cost)], batch_size: usize) -> Self {
        let costs = || costs.iter().map(|(_, cost)| cost);
        let step = Step::Training;
        let available = available();
        Self {
            step,
            batch_option: "--batch-size",
            needed: costs().map(|cost| cost.step_bytes(step, batch_size)).max().unwrap_or(0),
            available,
            largest_batch: available.and_then(|bytes| costs().map(|cost| cost.largest_batch(step, bytes)).min()),
        }
    }

    /// For steps of `bench`.
    pub fn of_bench(cost: &Cost, step: Step, batch: usize) -> Self {
        let available = available();
        Self {
            step,
            batch_option: "--batch",
            needed: cost.step_bytes(step, batch),
            available,
            largest_batch: available.map(|bytes| cost.largest_batch(step, bytes)),
        }
    }

    fn room(&self) -> Room {
        match self.available {
            Some(available) if self.needed as f64 > SLACK * available as f64 => Room::TooLittle,
            Some(available) if self.needed > available => Room::Doubtful,
            _ => Room::Enough,
        }
    }

    /// What has to be said before the first step, if it may not fit.
    ///
    /// # Errors
    /// The same, if it can't fit and isn't to be tried all the same.
    pub fn judge(&self, try_anyway: bool) -> Result<Option<String>, CommandError> {
        match self.room() {
            Room::Enough => Ok(None),
            Room::TooLittle if !try_anyway => Err(CommandError::Memory(self.complaint())),
            Room::Doubtful | Room::TooLittle => Ok(Some(self.complaint())),
        }
    }

    /// What is wrong, and what to do about it.
    pub fn complaint(&self) -> String {
        let needed = bytes(self.needed);
        let available = self.available.map_or_else(|| "unknown".to_owned(), bytes);
        let advice = match self.largest_batch {
            Some(batch @ 1..) => format!("`{} {batch}` is sure to fit", self.batch_option),
            _ => "not even a batch of one image is sure to fit".to_owned(),
        };
        let step = match self.step {
            Step::Training => "a training step",
            Step::Inference => "an inference step",
        };
        let said = format!("{step} takes up to {needed} of memory, and {available} are available: {advice}");
        match self.room() {
            Room::TooLittle => said + ", and `--ignore-memory` tries it as it is",
            Room::Enough | Room::Doubtful => said,
        }
    }

    /// What `check` says, if training may not fit.
    pub fn warning(&self) -> Option<String> {
        (self.room() != Room::Enough).then(|| self.complaint())
    }
}

/// The memory that can be had without swapping, in bytes: the least of what the system has left and what each control group
/// of this process may still take.
fn available() -> Option<u64> {
    available_in(Path::new("/"))
}

/// As [`available`], with the system's files below `root`.
fn available_in(root: &Path) -> Option<u64> {
    let system = kibibytes(&root.join("proc/meminfo"), "MemAvailable:");
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let left = groups.lines().filter_map(|line| left_in_groups(root, line));
    left.chain(system).min()
}

/// The files of a control group that tell of its memory.
struct Names {
    limit: &'static str,
    used: &'static str,
    /// The label in `memory.stat` of what is given up on demand: cached files.
    reclaimable: &'static str,
}

/// Linux' second version of control groups.
const UNIFIED: Names = Names {
    limit: "memory.max",
    used: "memory.current",
    reclaimable: "inactive_file ",
};

/// The first.
const SEPARATE: Names = Names {
    limit: "memory.limit_in_bytes",
    used: "memory.usage_in_bytes",
    reclaimable: "total_inactive_file ",
};

/// What the group of a line `number:controllers:path` and those above it leave.
fn left_in_groups(root: &Path, line: &str) -> Option<u64> {
    let mut fields = line.splitn(3, ':').skip(1);
    let (controllers, path) = (fields.next()?, fields.next()?);
    let (base, names) = match controllers {
        "" => ("sys/fs/cgroup", UNIFIED),
        some if some.split(',').any(|controller| controller == "memory") => ("sys/fs/cgroup/memory", SEPARATE),
        _ => return None,
    };
    // Inside a container the path can be the one outside; the container's own group is then where the root would be.
    let groups = Path::new(path.trim_start_matches('/')).ancestors();
    groups
        .filter_map(|group| left_in_group(&root.join(base).join(group), &names))
        .min()
}

fn left_in_group(group: &Path, names: &Names) -> Option<u64> {
    let number = |file| fs::read_to_string(group.join(file)).ok()?.trim().parse::<u64>().ok();
    let (limit, used) = (number(names.limit)?, number(names.used)?);
    let reclaimable = value_after(&group.join("memory.stat"), names.reclaimable);
    let reclaimable = reclaimable.and_then(|bytes| bytes.parse().ok()).unwrap_or(0);
    Some(limit.saturating_sub(used.saturating_sub(reclaimable)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(needed: u64, available: Option<u64>, largest_batch: Option<u64>) -> Memory {
        Memory {
            step: Step::Training,
            batch_option: "--batch-size",
            needed,
            available,
            largest_batch,
        }
    }

    #[test]
    fn what_may_not_fit_is_told_and_what_cannot_fit_is_refused() {
        let gib = 1 << 30;
        let judge = |needed, try_anyway| memory(needed, Some(10 * gib), Some(7)).judge(try_anyway);
        assert_eq!(judge(10 * gib, false).unwrap(), None);
        let doubtful = judge(11 * gib, false).unwrap().unwrap();
        assert_eq!(
            doubtful,
            "a training step takes up to 11.0 GiB of memory, and 10.0 GiB are available: `--batch-size 7` is sure to fit"
        );
        let refused = judge(11 * gib + 1, false).unwrap_err().to_string();
        assert_eq!(refused, format!("{doubtful}, and `--ignore-memory` tries it as it is"));
        assert_eq!(judge(11 * gib + 1, true).unwrap(), Some(refused));
        assert_eq!(
            memory(u64::MAX, None, None).judge(false).unwrap(),
            None,
            "an unknown machine"
        );
    }

    #[test]
    fn where_not_one_image_fits_no_batch_is_named() {
        let said = memory(4, Some(1), Some(0)).complaint();
        assert!(
            said.contains("not even a batch of one image") && !said.contains("--batch-size"),
            "{said}"
        );
    }

    fn write(root: &Path, files: &[(&str, &str)]) {
        for (name, text) in files {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }

    #[test]
    fn the_tightest_limit_of_system_and_control_groups_counts() {
        let root = tempfile::tempdir().unwrap();
        let available = || available_in(root.path());
        assert_eq!(available(), None);
        write(
            root.path(),
            &[("proc/meminfo", "MemTotal: 9 kB\nMemAvailable:    8 kB\n")],
        );
        assert_eq!(available(), Some(8_192));
        write(
            root.path(),
            &[
                ("proc/self/cgroup", "0::/outer/inner\n"),
                ("sys/fs/cgroup/outer/inner/memory.max", "max\n"),
                ("sys/fs/cgroup/outer/inner/memory.current", "900\n"),
                ("sys/fs/cgroup/outer/memory.max", "5000\n"),
                ("sys/fs/cgroup/outer/memory.current", "3000\n"),
                ("sys/fs/cgroup/outer/memory.stat", "anon 1\ninactive_file 400\n"),
            ],
        );
        assert_eq!(
            available(),
            Some(2_400),
            "the group above limits too, without its cached files"
        );
        write(
            root.path(),
            &[
                (
                    "proc/self/cgroup",
                    "5:cpu:/a\n4:memory,hugetlb:/not/in/this/container\n0::/\n",
                ),
                ("sys/fs/cgroup/memory/memory.limit_in_bytes", "1000\n"),
                ("sys/fs/cgroup/memory/memory.usage_in_bytes", "1200\n"),
                ("sys/fs/cgroup/memory/memory.stat", "total_inactive_file 300\n"),
            ],
        );
        assert_eq!(available(), Some(100), "the first version, as a container sees it");
    }
}
