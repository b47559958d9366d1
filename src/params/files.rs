use std::io;
use std::path::{Path, PathBuf};

use pe_binding::script::REFUSED;
use pe_files::{Access, Files, refusal};
use serde_yaml::{Mapping, Value};

use super::{Bad, Given, PROFILE, Param, resolve};
use crate::language::value::kind_of;
use crate::text;

/// A YAML file with values of parameters.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ParamFile {
    /// Its path.
    pub path: PathBuf,
    /// Its content, for the copy in the run folder.
    pub text: String,
    /// The values by the parameters' names.
    pub values: Mapping,
}

/// Reads a parameter file: one YAML map from names to values.
///
/// # Errors
/// [`Bad`] for a file that cannot be read or is no such map.
pub fn read_file(path: &Path) -> Result<ParamFile, Bad> {
    let name = format!("parameter file {}", path.display());
    read(path, &name, &Files::free()).map_err(|message| {
        let hint = "a parameter file holds one line `name: value` for each parameter";
        Bad::new(message, hint)
    })
}

/// Reads the file of the chosen profile, `STEM.PROFILE.yaml` beside the script. Returns `None` for a
/// script without profiles.
///
/// The profile is chosen by the command line, else by the parameter file, else by the script's default.
/// `given` may hold other parameters too. The file comes with the script, so it is read through the
/// script's confined `files`: a link in its place must not show a file of the user's.
///
/// # Errors
/// [`Bad`] for a profile that the script does not have, and for a file that cannot be read, is no
/// map or chooses a profile itself.
pub fn read_profile(
    params: &[Param],
    script: &Path,
    given: &Given,
    files: &Files,
) -> Result<Option<ParamFile>, Bad> {
    let Some(param) = params.iter().find(|param| param.is_profile()) else {
        return Ok(None);
    };
    let resolved = resolve(std::slice::from_ref(param), &given.profile_alone())?;
    let name = resolved.iter().find_map(|found| found.value.as_str());
    let name = name.unwrap_or_default();
    let stem = script.file_stem().unwrap_or_default().to_string_lossy();
    let path = script.with_file_name(format!("{stem}.{name}.yaml"));
    files
        .check(&path, Access::Read)
        .map_err(|error| refused(&error))?;
    let name = format!("profile `{name}`, {}", path.display());
    let file = read(&path, &name, files).map_err(|message| {
        let hint = format!(
            "the file of a profile holds one line `name: value` for each parameter whose value \
             differs from the default in {}; it may be empty",
            script.display()
        );
        Bad::new(message, hint)
    })?;
    if file.values.contains_key(PROFILE) {
        let message = format!("{} sets `{PROFILE}`", path.display());
        let hint = "a profile chooses no other one: take the line out";
        return Err(Bad::new(message, hint));
    }
    Ok(Some(file))
}

impl Given {
    /// Keeps only the profile's file and the values that choose the profile.
    pub(crate) fn profile_alone(&self) -> Self {
        let file = self.file.clone().map(|mut file| {
            file.values.retain(|key, _| key.as_str() == Some(PROFILE));
            file
        });
        let chooses = |text: &&String| matches!(text.split_once('='), Some((PROFILE, _)));
        Self {
            profile: self.profile.clone(),
            file,
            arguments: self.arguments.iter().filter(chooses).cloned().collect(),
        }
    }
}

/// The error for a file that the script's sandbox refuses.
fn refused(error: &io::Error) -> Bad {
    let hint = refusal(error).map(|refused| refused.hint());
    Bad {
        kind: REFUSED,
        ..Bad::new(error.to_string(), hint.unwrap_or_default())
    }
}

fn read(path: &Path, name: &str, files: &Files) -> Result<ParamFile, String> {
    let text = text::data(path, files).map_err(|error| format!("{name}: {error}"))?;
    let values = match text::yaml(&text).map_err(|error| format!("{name}: {error}"))? {
        Value::Mapping(map) => map,
        Value::Null => Mapping::new(),
        other => {
            let found = kind_of(&other);
            return Err(format!(
                "{name}: expected a map from names to values, found {found}"
            ));
        }
    };
    Ok(ParamFile {
        path: path.to_path_buf(),
        text,
        values,
    })
}
