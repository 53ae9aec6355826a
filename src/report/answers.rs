//! What the heads answered at the end of their runs: confusion matrices, and each class's gain or loss against GAP.

use std::collections::BTreeMap;

use serde::Serialize;

use super::grid::{Cell, Grid};
use super::head_names::title;
use super::predictions::RunPredictions;
use super::summary::GAP;

/// The most classes whose matrices are drawn; more would not be readable.
const LARGEST_MATRIX: usize = 30;
/// The gain that has the strongest shade, in points.
const STRONG_GAIN: f64 = 20.0;

/// The answers of all heads.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Answers {
    /// The classes by name, as the matrices have them.
    pub classes: Vec<String>,
    /// The heads whose answers are known.
    pub heads: Vec<HeadAnswers>,
}

/// The answers of one head, those of all its seeds together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HeadAnswers {
    /// Name of the head.
    pub head: String,
    /// The seeds that are known.
    pub seeds: Vec<u64>,
    /// A row for each class, a column for each class that images of it were taken for.
    pub confusion: Vec<Vec<u64>>,
    /// Share of each class's images that were taken for it; none for a class without images.
    pub recall: Vec<Option<f64>>,
    /// Recall minus GAP's, over the seeds that both have after as many epochs.
    pub gain: Vec<Option<f64>>,
}

impl Answers {
    /// Counts the answers. `heads` gives the order.
    pub fn of<'a>(heads: impl IntoIterator<Item = &'a str>, runs: &[RunPredictions]) -> Self {
        let images = || runs.iter().flat_map(|run| &run.images);
        let mut classes: Vec<String> = images()
            .flat_map(|image| image.taken_for.iter().chain([&image.class]))
            .cloned()
            .collect();
        classes.sort();
        classes.dedup();
        let heads = heads.into_iter().filter_map(|head| head_answers(head, &classes, runs));
        let heads: Vec<HeadAnswers> = heads.collect();
        Self { heads, classes }
    }

    /// A confusion matrix for each head; none where there are too many classes to be read.
    pub fn matrices(&self) -> Vec<Grid> {
        if self.classes.len() > LARGEST_MATRIX {
            return Vec::new();
        }
        self.heads.iter().map(|head| self.matrix(head)).collect()
    }

    fn matrix(&self, head: &HeadAnswers) -> Grid {
        let row = |counts: &Vec<u64>| {
            let images = counts.iter().sum::<u64>().max(1) as f64;
            let cell = |&count: &u64| {
                let text = if count == 0 { String::new() } else { count.to_string() };
                Cell::new(text, count as f64 / images)
            };
            counts.iter().map(cell).collect()
        };
        Grid {
            title: title(&head.head).to_owned(),
            rows: self.classes.clone(),
            columns: self.classes.clone(),
            cells: head.confusion.iter().map(row).collect(),
            remark: match head.seeds.len() {
                1 => "Row: class. Column: taken for.".to_owned(),
                seeds => format!("Row: class. Column: taken for, by {seeds} seeds."),
            },
        }
    }

    /// The recall of every class by GAP, and the gain of every other head; none without both.
    pub fn gains(&self) -> Option<Grid> {
        let gap = self.heads.iter().find(|head| head.head == GAP)?;
        let others: Vec<&HeadAnswers> = self.heads.iter().filter(|head| head.head != GAP).collect();
        if others.is_empty() {
            return None;
        }
        let columns = ["GAP, %".to_owned()].into_iter();
        let row = |class: usize| {
            let recall = gap.recall[class].map_or(String::new(), |recall| format!("{:.1}", 100.0 * recall));
            let gains = others.iter().map(|head| gain_cell(head.gain[class]));
            [Cell::new(recall, 0.0)].into_iter().chain(gains).collect()
        };
        Some(Grid {
            title: "Recall by class".to_owned(),
            rows: self.classes.clone(),
            columns: columns
                .chain(others.iter().map(|head| title(&head.head).to_owned()))
                .collect(),
            cells: (0..self.classes.len()).map(row).collect(),
            remark: "Other heads: points more or less than GAP, last epoch.".to_owned(),
        })
    }
}

fn gain_cell(gain: Option<f64>) -> Cell {
    match gain {
        Some(gain) => Cell::new(super::numbers::signed_points(gain), 100.0 * gain / STRONG_GAIN),
        None => Cell::new("", 0.0),
    }
}

fn head_answers(head: &str, classes: &[String], runs: &[RunPredictions]) -> Option<HeadAnswers> {
    let own: Vec<&RunPredictions> = runs.iter().filter(|run| run.head == head).collect();
    if own.is_empty() {
        return None;
    }
    let gap_of = |run: &RunPredictions| {
        let comparable = |gap: &&RunPredictions| gap.head == GAP && gap.seed == run.seed && run.is_comparable(gap);
        runs.iter().find(comparable)
    };
    let pairs = own.iter().filter_map(|run| Some((*run, gap_of(run)?)));
    let (paired, gap): (Vec<_>, Vec<_>) = pairs.unzip();
    let confusion = confusion(classes, &own);
    let gain = recall(&self::confusion(classes, &paired))
        .into_iter()
        .zip(recall(&self::confusion(classes, &gap)))
        .map(|(own, gap)| Some(own? - gap?));
    Some(HeadAnswers {
        head: head.to_owned(),
        seeds: own.iter().map(|run| run.seed).collect(),
        gain: if head == GAP {
            vec![None; classes.len()]
        } else {
            gain.collect()
        },
        recall: recall(&confusion),
        confusion,
    })
}

fn confusion(classes: &[String], runs: &[&RunPredictions]) -> Vec<Vec<u64>> {
    let place: BTreeMap<&str, usize> = classes
        .iter()
        .enumerate()
        .map(|(place, class)| (class.as_str(), place))
        .collect();
    let mut counts = vec![vec![0; classes.len()]; classes.len()];
    for image in runs.iter().flat_map(|run| &run.images) {
        let taken_for = image.taken_for.first().and_then(|class| place.get(class.as_str()));
        if let (Some(&class), Some(&taken_for)) = (place.get(image.class.as_str()), taken_for) {
            counts[class][taken_for] += 1;
        }
    }
    counts
}

fn recall(confusion: &[Vec<u64>]) -> Vec<Option<f64>> {
    let of = |(class, counts): (usize, &Vec<u64>)| {
        let images: u64 = counts.iter().sum();
        (images > 0).then(|| counts[class] as f64 / images as f64)
    };
    confusion.iter().enumerate().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::super::examples::predictions;
    use super::*;

    #[test]
    fn answers_of_all_seeds_are_counted_together() {
        let runs = [
            predictions("gap", 0, &[("sea", "sea"), ("sea", "ice"), ("ice", "ice")]),
            predictions("gap", 1, &[("sea", "sea"), ("sea", "sea"), ("ice", "sea")]),
        ];
        let answers = Answers::of(["gap", "wise_srnet"], &runs);
        assert_eq!(answers.classes, ["ice", "sea"]);
        assert_eq!(answers.heads.len(), 1);
        assert_eq!(answers.heads[0].confusion, [[1, 1], [1, 3]]);
        assert_eq!(answers.heads[0].recall, [Some(0.5), Some(0.75)]);
        assert!(answers.gains().is_none());
    }

    #[test]
    fn a_gain_is_taken_over_the_seeds_that_both_heads_have() {
        let runs = [
            predictions("gap", 0, &[("sea", "ice"), ("ice", "ice")]),
            predictions("gap", 7, &[("sea", "sea"), ("ice", "sea")]),
            predictions("wise_srnet", 0, &[("sea", "sea"), ("ice", "sea")]),
        ];
        let answers = Answers::of(["gap", "wise_srnet"], &runs);
        assert_eq!(answers.heads[1].gain, [Some(-1.0), Some(1.0)]);
        let gains = answers.gains().unwrap();
        assert_eq!(gains.columns, ["GAP, %", "Wise-SrNet"]);
        assert_eq!(
            (gains.cells[0][1].text.as_str(), gains.cells[0][1].shade),
            ("−100.0", -1.0)
        );
    }

    #[test]
    fn matrices_of_many_classes_are_not_drawn() {
        let names: Vec<String> = (0..31).map(|name| name.to_string()).collect();
        let pairs: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), name.as_str())).collect();
        let answers = Answers::of(["gap"], &[predictions("gap", 0, &pairs)]);
        assert!(answers.matrices().is_empty() && answers.classes.len() == 31);
    }
}
