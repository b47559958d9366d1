//! `plugin.yaml`, the manifest of a plugin: name, version, description and main file.

use std::io;
use std::path::{Component, Path, PathBuf};

use pe_binding::nearest::nearest;
use pe_files::Files;
use serde_yaml::{Mapping, Value};

use super::usage;
use crate::diagnosis::Diagnosis;
use crate::language::bare;
use crate::language::value::{kind_of, shown};
use crate::text;

/// The manifest's file name.
pub(super) const FILE: &str = "plugin.yaml";

/// The keys that a manifest may have.
const KEYS: [&str; 4] = ["name", "version", "description", "main"];

/// The parsed manifest.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Manifest {
    /// The namespace of the functions.
    pub name: String,
    pub version: String,
    pub description: String,
    /// The file with the functions, within the folder.
    pub main: PathBuf,
}

impl Manifest {
    /// Reads the manifest in a plugin's folder.
    ///
    /// # Errors
    /// When it cannot be read, a key is missing or unknown, or a value is wrong.
    pub fn read(folder: &Path) -> Result<Self, Box<Diagnosis>> {
        let path = folder.join(FILE);
        let real = text::within(folder, Path::new(FILE), "plugin");
        let values = read_map((&path, real), &KEYS)?;
        let text = |key: &str| text(&path, &values, key);
        let required = |key: &str| {
            text(key)?.ok_or_else(|| {
                let message = format!("{} says no `{key}`", path.display());
                usage(
                    message,
                    "a plugin has a `name`, a `version` and a `description`",
                )
            })
        };
        let name = required("name")?;
        if !is_namespace(&name) {
            let message = format!("{}: `name`: {name:?} is no identifier", path.display());
            return Err(usage(
                message,
                "its functions are called as `name::function()`",
            ));
        }
        let main = text("main")?.unwrap_or_else(|| format!("{name}.rhai"));
        let inside = |part| matches!(part, Component::Normal(_));
        if !Path::new(&main).components().all(inside) || !main.ends_with(".rhai") {
            let message = format!("{}: `main`: found {main:?}", path.display());
            return Err(usage(
                message,
                "name a .rhai file in the plugin's folder, without `..`",
            ));
        }
        Ok(Self {
            version: required("version")?,
            description: required("description")?,
            main: main.into(),
            name,
        })
    }
}

/// Returns whether scripts can write `name::function()`.
fn is_namespace(name: &str) -> bool {
    // `global` is an identifier, but Rhai uses `global::X` for constants. A keyword such as `if` is an
    // identifier too, so we also compile a call.
    let compiles = || bare().compile(format!("let x = {name}::f();")).is_ok();
    rhai::is_valid_identifier(name) && name != "global" && compiles()
}

fn text(path: &Path, values: &Mapping, key: &str) -> Result<Option<String>, Box<Diagnosis>> {
    match values.get(key) {
        None => Ok(None),
        Some(Value::String(text)) if !text.trim().is_empty() => Ok(Some(text.clone())),
        Some(other) => {
            let (kind, found) = (kind_of(other), shown(other));
            let path = path.display();
            let message = format!("{path}: `{key}`: expected a text, found {kind} {found}");
            Err(usage(
                message,
                format!("write it in quotes: `{key}: \"…\"`"),
            ))
        }
    }
}

/// Parses a YAML map and rejects keys that are not in `keys`. `real` is the path with links resolved,
/// or the error of resolving them; `path` is for messages.
pub(super) fn read_map(
    (path, real): (&Path, io::Result<PathBuf>),
    keys: &[&str],
) -> Result<Mapping, Box<Diagnosis>> {
    let hint = format!(
        "it holds lines `key: value`; the keys are {}",
        keys.join(", ")
    );
    let cannot = |error: &dyn std::fmt::Display| {
        usage(
            format!("cannot read {}: {error}", path.display()),
            hint.clone(),
        )
    };
    let text = real.and_then(|real| text::data(&real, &Files::free()));
    let text = text.map_err(|error| cannot(&error))?;
    let values = match text::yaml(&text).map_err(|error| cannot(&error))? {
        Value::Mapping(values) => values,
        Value::Null => Mapping::new(),
        other => {
            return Err(cannot(&format!(
                "expected a map, found {}",
                kind_of(&other)
            )));
        }
    };
    for key in values.keys() {
        let key = key.as_str().map_or_else(|| shown(key), str::to_owned);
        if !keys.contains(&key.as_str()) {
            let message = format!("{} has no key `{key}`", path.display());
            let near = nearest(&key, keys.iter().copied());
            let hint = near.map_or(hint, |near| format!("did you mean `{near}`?"));
            return Err(usage(message, hint));
        }
    }
    Ok(values)
}
