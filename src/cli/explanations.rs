//! `predict --explain`: a heat map over each image, and its numbers.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use image::RgbImage;
use serde::Serialize;

use super::error::CommandError;
use super::output;
use crate::atomic_file;
use crate::report::{HeatMap, without_glyphs, write_heat_map};
use crate::text::{NAME_COLUMNS, cut, listed, nearest, one_of, printable};
use crate::training::{Explanation, Model, probabilities, ranking};

/// What a heat map shows, for `--json`.
#[derive(Serialize)]
pub struct Explained {
    class: String,
    /// The picture.
    file: String,
    logit: f32,
    /// The part of the logit that no cell accounts for.
    bias: f32,
    /// What each cell of the feature map adds to the logit, row by row.
    cells: Vec<Vec<f32>>,
}

/// Draws heat maps into a folder.
pub struct Explanations<'a> {
    folder: &'a Path,
    classes: &'a [String],
    /// The class to explain; each image's likeliest if none is chosen.
    chosen: Option<usize>,
    files: HashSet<PathBuf>,
}

impl<'a> Explanations<'a> {
    /// For the class of this name, or each image's likeliest.
    ///
    /// # Errors
    /// A name that is not a class's.
    pub fn new(folder: &'a Path, class: Option<&str>, classes: &'a [String]) -> Result<Self, CommandError> {
        let names = || classes.iter().map(String::as_str);
        let unknown = |name: &str| {
            let suggestion = nearest(name, names()).map(|name| format!("; did you mean `{}`?", printable(name)));
            let suggestion = suggestion.unwrap_or_default();
            CommandError::Usage(format!(
                "--class: unknown class `{}`: {}{suggestion}",
                printable(name),
                one_of(names())
            ))
        };
        let place = |name: &str| names().position(|class| class == name).ok_or_else(|| unknown(name));
        let chosen = class.map(place).transpose()?;
        let boxes = without_glyphs(names());
        if !boxes.is_empty() {
            output::tell(format_args!(
                "warning: the heat maps' font lacks letters of these classes' names, and shows boxes in their place: {}",
                listed(boxes, "")
            ));
        }
        Ok(Self {
            folder,
            classes,
            chosen,
            files: HashSet::new(),
        })
    }

    /// Draws one image's heat map from its feature map and logits.
    pub fn explain(
        &mut self,
        model: &mut dyn Model,
        map: &[f32],
        logits: &[f32],
        image: &str,
        photograph: &RgbImage,
    ) -> Result<Explained, CommandError> {
        let likeliest = ranking(logits).first().copied().unwrap_or(0);
        let class = self.chosen.unwrap_or(likeliest);
        let explanation = Explanation::of(model, map)?;
        let values = explanation.of_class(class);
        let (name, logit, bias) = (&self.classes[class], logits[class], explanation.bias[class]);
        let file = self.file(image);
        let sum: f32 = values.iter().sum();
        let title = format!(
            "{} {:.1} %",
            cut(name, NAME_COLUMNS),
            100.0 * probabilities(logits)[class]
        );
        let taken = match self.classes.get(likeliest) {
            Some(taken) if likeliest != class => format!(", taken for {}", cut(taken, NAME_COLUMNS)),
            _ => String::new(),
        };
        let terms = format!(
            "logit {logit:.2} = {bias:+.2} bias {sum:+.2} from {} cells",
            values.len()
        );
        let picture = HeatMap {
            photograph,
            cells: explanation.cells,
            values: &values,
            class: name,
            lines: [&format!("{title}{taken}"), &terms],
        };
        atomic_file::sweep_beside(&file);
        write_heat_map(&file, &picture)?;
        Ok(Explained {
            class: name.clone(),
            file: file.to_string_lossy().into_owned(),
            logit,
            bias,
            cells: values.chunks(explanation.cells[1]).map(<[f32]>::to_vec).collect(),
        })
    }

    /// Where an image's picture goes: images of one name in several folders get numbers.
    fn file(&mut self, image: &str) -> PathBuf {
        let stem = Path::new(image)
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let numbers = std::iter::once(String::new()).chain((2..).map(|number| format!("-{number}")));
        let mut files = numbers.map(|number| self.folder.join(format!("{stem}-heat{number}.png")));
        let free = files.find(|file| !self.files.contains(file));
        let file = free.unwrap_or_else(|| self.folder.join(format!("{stem}-heat.png")));
        self.files.insert(file.clone());
        file
    }
}
