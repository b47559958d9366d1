use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use pe_binding::nearest::nearest;
use serde_yaml::{Mapping, Value};

use super::Param;
use crate::value::{kind_of, shown};

/// Where a parameter's value came from. Later ones win.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The script.
    Default,
    /// The file named with `--params`.
    File,
    /// `key=value` on the command line.
    CommandLine,
}

/// A parameter with the value that the run uses.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    /// The parameter's name.
    pub name: String,
    /// The value, of the kind of the default.
    pub value: Value,
    /// Who gave it.
    pub origin: Origin,
}

/// What the user gave beside the script.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// The parameter file and what is in it.
    pub file: Option<(PathBuf, Mapping)>,
    /// The `key=value` arguments, as written.
    pub arguments: Vec<String>,
}

/// A parameter that was given wrongly: a usage error.
#[derive(Debug, Clone, PartialEq)]
pub struct Bad {
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.message)
    }
}

/// Reads a parameter file: one YAML map from names to values.
///
/// # Errors
/// [`Bad`] for a file that cannot be read or is no such map.
pub fn read_file(path: &Path) -> Result<Mapping, Bad> {
    let bad = |what: String| Bad {
        message: format!("parameter file {}: {what}", path.display()),
        hint: "a parameter file holds one line `name: value` for each parameter".to_owned(),
    };
    let text = fs::read_to_string(path).map_err(|error| bad(error.to_string()))?;
    match serde_yaml::from_str(&text).map_err(|error| bad(error.to_string()))? {
        Value::Mapping(map) => Ok(map),
        Value::Null => Ok(Mapping::new()),
        other => Err(bad(format!(
            "expected a map from names to values, found {}",
            kind_of(&other)
        ))),
    }
}

/// Gives each parameter its value: the command line before the parameter file before the default.
///
/// # Errors
/// [`Bad`] for an argument that is no `key=value`, a key given twice or not declared, and a value
/// that is not of the default's kind or not among the choices.
pub fn resolve(params: &[Param], given: &Given) -> Result<Vec<Resolved>, Bad> {
    let mut resolved: Vec<Resolved> = params
        .iter()
        .map(|param| Resolved {
            name: param.name.clone(),
            value: param.default.clone(),
            origin: Origin::Default,
        })
        .collect();
    if let Some((path, map)) = &given.file {
        for (key, value) in map {
            let key = key.as_str().map_or_else(|| shown(key), str::to_owned);
            let place = format!("in {}", path.display());
            let index = find(params, &key, &place)?;
            resolved[index].value = accept(&params[index], value.clone(), &place)?;
            resolved[index].origin = Origin::File;
        }
    }
    for argument in &given.arguments {
        let (key, text) = split(argument)?;
        let index = find(params, key, "on the command line")?;
        if resolved[index].origin == Origin::CommandLine {
            return Err(Bad {
                message: format!("parameter `{key}` is given twice"),
                hint: "give it once".to_owned(),
            });
        }
        resolved[index].value = parse(&params[index], text)?;
        resolved[index].origin = Origin::CommandLine;
    }
    Ok(resolved)
}

fn split(argument: &str) -> Result<(&str, &str), Bad> {
    argument.split_once('=').ok_or_else(|| Bad {
        message: format!("expected `key=value`, found `{argument}`"),
        hint: "parameters are given as `key=value`, without spaces around `=`".to_owned(),
    })
}

fn find(params: &[Param], key: &str, place: &str) -> Result<usize, Bad> {
    params
        .iter()
        .position(|param| param.name == key)
        .ok_or_else(|| {
            let names: Vec<&str> = params.iter().map(|param| param.name.as_str()).collect();
            let list = match names.is_empty() {
                true => "the script declares no parameters".to_owned(),
                false => format!("the script's parameters are {}", names.join(", ")),
            };
            Bad {
                message: format!("the script has no parameter `{key}`, given {place}"),
                hint: match nearest(key, names.iter().copied()) {
                    Some(name) => format!("did you mean `{name}`? {list}"),
                    None => list,
                },
            }
        })
}

/// Reads a command-line value. A string is taken as it is written, anything else as YAML.
fn parse(param: &Param, text: &str) -> Result<Value, Bad> {
    let value = match &param.default {
        Value::String(_) => Value::from(text),
        // "yes", "on", "0x1f" and the like are strings in YAML 1.2, and refused below.
        _ => serde_yaml::from_str(text).unwrap_or_else(|_| Value::from(text)),
    };
    accept(param, value, "on the command line")
}

fn accept(param: &Param, value: Value, place: &str) -> Result<Value, Bad> {
    let name = &param.name;
    let expected = match &param.default {
        Value::Sequence(_) => "an array, such as `[1, 2]`",
        default => kind_of(default),
    };
    let value = coerce(&param.default, value).map_err(|found| Bad {
        message: format!(
            "parameter `{name}` {place}: expected {expected}, found {} {}",
            kind_of(&found),
            shown(&found)
        ),
        hint: format!("{name}: {} (default {})", param.doc, shown(&param.default)),
    })?;
    if param.choices.is_empty() || param.choices.contains(&value) {
        return Ok(value);
    }
    let choices = shown(&Value::Sequence(param.choices.clone()));
    let near = value
        .as_str()
        .and_then(|text| nearest(text, param.choices.iter().filter_map(Value::as_str)));
    Err(Bad {
        message: format!(
            "parameter `{name}` {place}: expected one of {choices}, found {}",
            shown(&value)
        ),
        hint: match near {
            Some(near) => format!("did you mean {near:?}?"),
            None => format!("{name}: {}", param.doc),
        },
    })
}

/// `value` as something of the kind of `like`; an integer is accepted for a float.
fn coerce(like: &Value, value: Value) -> Result<Value, Value> {
    match (like, value) {
        (Value::Number(like), Value::Number(number)) => match (like.is_f64(), number.as_f64()) {
            (true, Some(float)) => Ok(Value::from(float)),
            (false, _) if number.is_i64() => Ok(Value::Number(number)),
            _ => Err(Value::Number(number)),
        },
        (Value::Sequence(likes), Value::Sequence(items)) => match likes.first() {
            // Elements are all of the first one's kind: arrays of mixed kinds have no meaning here.
            Some(like) => items
                .into_iter()
                .map(|item| coerce(like, item))
                .collect::<Result<_, _>>()
                .map(Value::Sequence),
            None => Ok(Value::Sequence(items)),
        },
        (Value::Bool(_), value @ Value::Bool(_)) | (Value::String(_), value @ Value::String(_)) => {
            Ok(value)
        }
        (_, value) => Err(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::bare;
    use crate::params::declared;

    const SCRIPT: &str = r#"
        param("size", 224, "side, pixels");
        param("spacing_mm", 1.0, "spacing");
        param("input", "", "folder");
        param("masked", true, "whether");
        param("levels", [1.0, 2.0], "levels");
        param("mode", "paper", "mask", ["paper", "hull", "none"]);
    "#;

    fn params() -> Vec<Param> {
        declared(&bare().compile(SCRIPT).unwrap()).unwrap()
    }

    fn run(file: Option<&str>, arguments: &[&str]) -> Result<Vec<Resolved>, Bad> {
        let given = Given {
            file: file.map(|yaml| ("p.yaml".into(), serde_yaml::from_str(yaml).unwrap())),
            arguments: arguments.iter().map(|&text| text.to_owned()).collect(),
        };
        resolve(&params(), &given)
    }

    #[test]
    fn the_command_line_wins_over_the_file_over_the_default() {
        let check = |file: Option<&str>, arguments: &[&str], name: &str, value: &str, origin| {
            let resolved = run(file, arguments).unwrap();
            let found = resolved.iter().find(|param| param.name == name).unwrap();
            assert_eq!(
                (shown(&found.value).as_str(), found.origin),
                (value, origin)
            );
        };
        check(None, &[], "size", "224", Origin::Default);
        check(Some("size: 112"), &[], "size", "112", Origin::File);
        check(
            Some("size: 112"),
            &["size=64"],
            "size",
            "64",
            Origin::CommandLine,
        );
        check(Some("{}"), &["size=64"], "size", "64", Origin::CommandLine);
        check(
            None,
            &["spacing_mm=2"],
            "spacing_mm",
            "2.0",
            Origin::CommandLine,
        );
        check(
            None,
            &["spacing_mm=-1e-3"],
            "spacing_mm",
            "-0.001",
            Origin::CommandLine,
        );
        check(
            Some("spacing_mm: 2"),
            &[],
            "spacing_mm",
            "2.0",
            Origin::File,
        );
        check(
            None,
            &["input=a=b c"],
            "input",
            "\"a=b c\"",
            Origin::CommandLine,
        );
        check(None, &["input=12"], "input", "\"12\"", Origin::CommandLine);
        check(None, &["input="], "input", "\"\"", Origin::CommandLine);
        check(
            None,
            &["masked=false"],
            "masked",
            "false",
            Origin::CommandLine,
        );
        check(
            None,
            &["levels=[1, 2.5]"],
            "levels",
            "[1.0, 2.5]",
            Origin::CommandLine,
        );
        check(None, &["levels=[]"], "levels", "[]", Origin::CommandLine);
        check(
            None,
            &["mode=hull"],
            "mode",
            "\"hull\"",
            Origin::CommandLine,
        );
    }

    #[test]
    fn what_does_not_fit_is_refused_by_name() {
        let check = |file: Option<&str>, arguments: &[&str], message: &str, hint: &str| {
            let bad = run(file, arguments).unwrap_err();
            assert!(bad.message.contains(message), "{}", bad.message);
            assert!(bad.hint.contains(hint), "{}", bad.hint);
        };
        check(
            None,
            &["szie=1"],
            "no parameter `szie`",
            "did you mean `size`?",
        );
        check(
            None,
            &["colour=1"],
            "no parameter `colour`",
            "size, spacing_mm, input",
        );
        check(None, &["size"], "expected `key=value`, found `size`", "");
        check(None, &["size=1", "size=2"], "given twice", "");
        check(
            None,
            &["size=1.5"],
            "expected an integer, found a float 1.5",
            "side, pixels",
        );
        check(
            None,
            &["size=big"],
            "expected an integer, found a string \"big\"",
            "",
        );
        check(None, &["size="], "expected an integer, found nothing", "");
        check(
            None,
            &["masked=yes"],
            "expected a bool, found a string \"yes\"",
            "",
        );
        check(
            None,
            &["levels=1"],
            "expected an array, such as `[1, 2]`, found an integer",
            "",
        );
        check(None, &["levels=[a]"], "found a string \"a\"", "");
        check(
            None,
            &["mode=hul"],
            "one of [\"paper\", \"hull\", \"none\"]",
            "mean \"hull\"?",
        );
        check(
            Some("szie: 1"),
            &[],
            "no parameter `szie`, given in p.yaml",
            "`size`",
        );
        check(
            Some("input: 12"),
            &[],
            "`input` in p.yaml: expected a string, found an integer",
            "",
        );
        check(
            Some("mode: x"),
            &["mode=hull"],
            "`mode` in p.yaml: expected one of",
            "",
        );
    }
}
