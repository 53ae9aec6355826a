//! What determines a run's results, as a list, as a fingerprint, and as the difference of two experiments: a run is
//! only resumed with the settings it was started with.

use std::fmt;

use ron::ser::PrettyConfig;

use super::file::ron_options;
use super::outline::Outline;
use super::{Experiment, ExperimentError};

/// Fields that decide which runs there are, how long they take and where they are kept, but not what a run computes
/// in one epoch. A data set may be moved, so its path is among them; which images are left out of it shows in their names.
const NOT_DETERMINING: [&str; 9] = [
    "name",
    "heads",
    "seeds",
    "epochs",
    "data.path",
    "checkpoints",
    "save_every_steps",
    "on_bad_image",
    "memory",
];

/// A field that has two different values; `None` where it does not occur. Printed as a change from the first to the second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// `optimizer.momentum`
    pub field: String,
    /// The value in the first experiment.
    pub first: Option<String>,
    /// The value in the second experiment.
    pub second: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
        write!(
            f,
            "{}: was {}, now {}",
            self.field,
            shown(&self.first),
            shown(&self.second)
        )
    }
}

impl Experiment {
    /// Every value by its path, in the file's order: `("optimizer.momentum", "0.9")`.
    ///
    /// # Errors
    /// As [`to_ron`](Self::to_ron).
    pub fn settings(&self) -> Result<Vec<(String, String)>, ExperimentError> {
        let compact = PrettyConfig::default().compact_structs(true).compact_arrays(true);
        let text = ron_options()
            .to_string_pretty(self, compact)
            .map_err(ExperimentError::Unwritable)?;
        let mut fields = Outline::of(&text).fields;
        fields.retain(|field| !field.path.is_empty() && !field.path.ends_with(']'));
        fields.sort_by_key(|field| field.span.start);
        let mut settings = Vec::new();
        let mut taken = 0;
        for field in fields {
            let value = &text[field.span.clone()];
            // A section in bare parentheses is taken apart; a named variant is one value, or its name would be lost.
            let is_section = value.starts_with('(') && value.contains(':');
            if field.span.start >= taken && !is_section {
                taken = field.span.end;
                settings.push((field.path, value.to_owned()));
            }
        }
        Ok(settings)
    }

    /// The settings that determine the results of a run with a given head and seed.
    fn determining_settings(&self) -> Result<Vec<(String, String)>, ExperimentError> {
        let mut settings = self.settings()?;
        settings.retain(|(field, _)| !NOT_DETERMINING.contains(&field.as_str()));
        Ok(settings)
    }

    /// 16 hexadecimal digits that stay the same as long as a run with a given head and seed would give the same
    /// results: name, heads, seeds, number of epochs, checkpoints, their interval, the data set's path and what becomes of
    /// bad images are left out.
    ///
    /// # Errors
    /// As [`to_ron`](Self::to_ron).
    pub fn fingerprint(&self) -> Result<String, ExperimentError> {
        let lines = self
            .determining_settings()?
            .into_iter()
            .map(|(field, value)| format!("{field}={value}\n"));
        Ok(format!("{:016x}", fnv1a(lines.collect::<String>().as_bytes())))
    }

    /// The settings that determine results and differ between this experiment and `other`; empty exactly where the
    /// fingerprints are equal.
    ///
    /// # Errors
    /// As [`to_ron`](Self::to_ron).
    pub fn differences(&self, other: &Self) -> Result<Vec<Difference>, ExperimentError> {
        let (first, second) = (self.determining_settings()?, other.determining_settings()?);
        let value_in = |settings: &[(String, String)], field: &str| {
            settings
                .iter()
                .find(|(name, _)| name == field)
                .map(|(_, value)| value.clone())
        };
        let only_second = second.iter().filter(|(field, _)| value_in(&first, field).is_none());
        let fields = first.iter().chain(only_second).map(|(field, _)| field.clone());
        let compared = fields.map(|field| {
            let (first, second) = (value_in(&first, &field), value_in(&second, &field));
            Difference { field, first, second }
        });
        Ok(compared
            .filter(|difference| difference.first != difference.second)
            .collect())
    }
}

/// The 64-bit FNV-1a hash: equal on every machine and in every version, unlike the standard library's.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
