//! From a file, the file that it is based on, its variants and the settings of the command line to the texts of
//! experiments.
//!
//! What stands later wins: base, file, variant, settings in their order.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::diagnostics::{Problem, Problems};
use super::fields::{Entry, Fields, Value};
use super::file::{parse, read};
use super::patchwork::{Patchwork, Place, Source};
use super::setting::{COMPOSING, Setting};
use super::syntax::REQUIRED;
use super::{Experiment, ExperimentError};

/// The most files of which each is based on the next.
const LONGEST_CHAIN: usize = 8;
/// The most variants of a file.
const MOST_VARIANTS: usize = 100;

/// The text of an experiment, and the name of the variant that it is.
pub(super) struct Composed {
    pub variant: Option<String>,
    pub text: Patchwork,
}

/// The experiments of a file that lies at `path`. One that names neither base nor variants is taken as it is.
pub(super) fn compose(
    source: &Arc<Source>,
    path: &Path,
    settings: &[Setting],
) -> Result<Vec<Composed>, ExperimentError> {
    let fields = fields_of(source)?;
    if settings.is_empty() && COMPOSING.iter().all(|name| fields.get(name).is_none()) {
        let text = Patchwork::of(source);
        return Ok(vec![Composed { variant: None, text }]);
    }
    let mut whole = with_base(fields, path, &[])?;
    let variants = take(&mut whole, "variants")?.map(variants).transpose()?;
    let Some(variants) = variants else {
        set_all(&mut whole, settings)?;
        return Ok(vec![Composed {
            variant: None,
            text: written(&whole),
        }]);
    };
    let compose = |variant: Variant| {
        let mut fields = whole.clone();
        fields.cover_inside(variant.fields);
        set_all(&mut fields, settings)?;
        extend_name(&mut fields, &variant.name, &variant.key);
        Ok(Composed {
            variant: Some(variant.name),
            text: written(&fields),
        })
    };
    variants.into_iter().map(compose).collect()
}

fn written(fields: &Fields) -> Patchwork {
    let mut text = Patchwork::default();
    fields.write(&mut text);
    text
}

fn fields_of(source: &Arc<Source>) -> Result<Fields, ExperimentError> {
    Fields::of_experiment(source).or_else(|problem| {
        // The parser knows more about what is wrong, if it is wrong for it too.
        parse(Patchwork::of(source))?;
        Err(Problems::at(source, problem).into())
    })
}

/// The error for what stands at `place`.
fn refused(place: &Place, message: impl Into<String>, label: &str, help: &str) -> ExperimentError {
    let problem = Problem::at(place.span.clone(), message).label(label).help(help);
    Problems::at(&place.source, problem).into()
}

/// Takes a field away that may be given once.
fn take(fields: &mut Fields, name: &str) -> Result<Option<Entry>, ExperimentError> {
    let entry = fields.take(name);
    match fields.get(name).and_then(|second| second.key.as_ref()) {
        None => Ok(entry),
        Some(key) => {
            let problem = Problem::at(key.span.clone(), format!("the field `{name}` is given twice"));
            Err(Problems::at(&key.source, problem.label("a second time here")).into())
        }
    }
}

/// The string that is written at a place.
fn string(place: &Place) -> Option<String> {
    ron::from_str(place.text()).ok()
}

/// `fields` of the file at `path` over those of its base, which has its own base: all but the name, since two experiments
/// of one name would share a folder. `above` are the files that led here.
fn with_base(mut fields: Fields, path: &Path, above: &[PathBuf]) -> Result<Fields, ExperimentError> {
    let Some(entry) = take(&mut fields, "base")? else {
        return Ok(fields);
    };
    let Value::Text(place) = entry.value else {
        return Ok(fields);
    };
    let Some(name) = string(&place) else {
        let message = "`base`: expected a string in double quotes";
        return Err(refused(
            &place,
            message,
            "not a file's name",
            "write `base: \"other.ron\",`",
        ));
    };
    let base = path.parent().unwrap_or(Path::new("")).join(&name);
    let chain: Vec<PathBuf> = above.iter().cloned().chain([identity(path)]).collect();
    if chain.contains(&identity(&base)) {
        let help = "leave `base` out in one of these files";
        return Err(refused(
            &place,
            "a file is based on itself",
            "leads back to a file before it",
            help,
        ));
    }
    if chain.len() > LONGEST_CHAIN {
        let message = format!("more than {LONGEST_CHAIN} files are based on one another");
        return Err(refused(
            &place,
            message,
            "this one is too many",
            "write some of them as one",
        ));
    }
    let text = read(&base).map_err(|source| ExperimentError::Base {
        file: path.to_owned(),
        source: Box::new(source),
    })?;
    let source = Source::new(base.to_string_lossy(), text);
    let mut whole = with_base(fields_of(&source)?, &base, &chain)?;
    while whole.take("name").is_some() {}
    whole.cover(fields);
    Ok(whole)
}

/// The file that a path names, however it is written.
fn identity(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

struct Variant {
    name: String,
    key: Place,
    fields: Fields,
}

const EXAMPLE_OF_VARIANTS: &str =
    "write `variants: {\"224\": (image_size: 224), \"512\": (image_size: 512, batch_size: 15)},`";

fn variants(mut entry: Entry) -> Result<Vec<Variant>, ExperimentError> {
    let place = entry.value.place().or(entry.key.as_ref()).cloned();
    let map = entry.value.fields().filter(|fields| fields.is_map());
    let (entries, place) = match (map, place) {
        (Some(map), Some(place)) => (map.entries(), place),
        (_, place) => {
            let message = "`variants`: expected variants by their names, in curly braces";
            let place = place.unwrap_or_else(|| Place::whole(&Source::new("", "")));
            return Err(refused(&place, message, "found something else", EXAMPLE_OF_VARIANTS));
        }
    };
    if !(1..=MOST_VARIANTS).contains(&entries.len()) {
        let message = format!("`variants` must hold from 1 to {MOST_VARIANTS}");
        let found = format!("found {}", entries.len());
        return Err(refused(&place, message, &found, EXAMPLE_OF_VARIANTS));
    }
    let variants = entries.iter().map(|entry| variant(entry, &place));
    let variants = variants.collect::<Result<Vec<_>, _>>()?;
    let mut names = HashSet::new();
    match variants
        .iter()
        .find(|variant| !names.insert(variant.name.to_lowercase()))
    {
        None => Ok(variants),
        Some(Variant { name, key, .. }) => {
            let is_same = variants.iter().filter(|variant| variant.name == *name).count() > 1;
            let message = if is_same {
                format!("the variant `{name}` is given twice")
            } else {
                format!(
                    "the variant `{name}` differs from another in letter case alone: on Windows and macOS their results would \
                         lie in one folder"
                )
            };
            Err(refused(
                key,
                message,
                "a second time here",
                "give each a name of its own",
            ))
        }
    }
}

fn variant(entry: &Entry, around: &Place) -> Result<Variant, ExperimentError> {
    let place = entry.key.as_ref().or(entry.value.place()).unwrap_or(around);
    let name = entry.key.as_ref().and_then(string).filter(|name| !name.is_empty());
    let Some(name) = name else {
        let message = "a variant's name is a string in double quotes";
        return Err(refused(place, message, "not such a name", EXAMPLE_OF_VARIANTS));
    };
    let mut value = entry.value.clone();
    let Some(fields) = value.section() else {
        let message = format!("variant `{name}`: expected fields in parentheses");
        return Err(refused(
            value.place().unwrap_or(place),
            message,
            "found something else",
            EXAMPLE_OF_VARIANTS,
        ));
    };
    let reserved = ["name"].into_iter().chain(COMPOSING);
    if let Some(key) = reserved.filter_map(|name| fields.get(name)?.key.as_ref()).next() {
        let message = format!("variant `{name}`: a variant has no `{}`", key.text());
        let help = "its name is the experiment's with its own behind it";
        return Err(refused(key, message, "not here", help));
    }
    Ok(Variant {
        name,
        key: place.clone(),
        fields: fields.clone(),
    })
}

/// Puts a variant's name behind the experiment's.
fn extend_name(fields: &mut Fields, variant: &str, key: &Place) {
    if let Some(Entry { value, .. }) = fields.get_mut("name")
        && let Some(name) = value.place().and_then(string)
        && let Ok(text) = ron::to_string(&format!("{name}-{variant}"))
    {
        *value = Value::Made(text, key.clone());
    }
}

fn set_all(fields: &mut Fields, settings: &[Setting]) -> Result<(), ExperimentError> {
    let defaults = if settings.is_empty() {
        Fields::default()
    } else {
        optional_fields()?
    };
    for setting in settings {
        let value = setting.value()?;
        fields.set(setting.path(), &value, &defaults).map_err(|(key, found)| {
            let field = key.text();
            let message = format!("`{field}` has no fields that could be set one by one");
            refused(
                &key,
                message,
                &format!("it is `{found}`"),
                &format!("set it whole: `--set '{field}=…'`"),
            )
        })?;
    }
    Ok(())
}

/// The fields that a file may leave out, as they are then.
fn optional_fields() -> Result<Fields, ExperimentError> {
    let required = REQUIRED.map(|(_, line)| line).join("\n");
    let shortest = Experiment::parse(&format!("({required})"), "the shortest experiment")?;
    let mut fields = fields_of(&Source::new("defaults", shortest.to_ron()?))?;
    for (name, _) in REQUIRED {
        fields.take(name);
    }
    Ok(fields)
}
