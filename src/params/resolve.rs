use pe_binding::nearest::nearest;
use serde_yaml::{Mapping, Value};

use super::accept::Slot;
use super::{Bad, PROFILE, Param, ParamFile, SETTINGS, split};
use crate::language::value::{kind_of, shown};

/// Source of a parameter's value. Later variants override earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The default in the script.
    Default,
    /// The file of the chosen profile.
    Profile,
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
    /// The value, of the kind of the default; a map has the default's entries.
    pub value: Value,
    /// Sources of the values that are no defaults. One item with the parameter's name, or for a map one
    /// for each given entry, `parameter.entry`.
    pub origins: Vec<(String, Origin)>,
}

/// The parameter values that the user gave.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// The file of the chosen profile.
    pub profile: Option<ParamFile>,
    /// The parameter file.
    pub file: Option<ParamFile>,
    /// The `key=value` arguments, as written.
    pub arguments: Vec<String>,
}

impl Resolved {
    /// The source of the value of a parameter or of an entry, `parameter.entry`.
    pub fn origin(&self, name: &str) -> Origin {
        let found = self.origins.iter().find(|(known, _)| known == name);
        found.map_or(Origin::Default, |(_, origin)| *origin)
    }
}

/// Determines the value of each parameter: from the command line, else the parameter file, else the
/// profile's file, else the default. Entries of maps are given one by one, as `parameter.entry` or in a
/// map.
///
/// # Errors
/// [`Bad`] for an argument that is no `key=value`, a key or entry given twice or not declared, and a
/// value that is not of the default's kind or not among the choices.
pub fn resolve(params: &[Param], given: &Given) -> Result<Vec<Resolved>, Bad> {
    let mut resolved: Vec<Resolved> = params
        .iter()
        .map(|param| Resolved {
            name: param.name.clone(),
            value: param.default.clone(),
            origins: Vec::new(),
        })
        .collect();
    let files = [
        (&given.profile, Origin::Profile),
        (&given.file, Origin::File),
    ];
    for (file, origin) in files {
        if let Some(file) = file {
            read(file, origin, params, &mut resolved)?;
        }
    }
    let layer = Layer {
        origin: Origin::CommandLine,
        place: "on the command line".to_owned(),
    };
    for argument in &given.arguments {
        let (key, text) = split(argument)?;
        let target = layer.find(params, key)?;
        let value = target.slot().parse(text);
        layer.set(target, &mut resolved, value)?;
    }
    Ok(resolved)
}

/// Sets the values of one parameter file.
fn read(
    file: &ParamFile,
    origin: Origin,
    params: &[Param],
    resolved: &mut [Resolved],
) -> Result<(), Bad> {
    let layer = Layer {
        origin,
        place: format!("in {}", file.path.display()),
    };
    for (key, value) in &file.values {
        let key = key.as_str().map_or_else(|| shown(key), str::to_owned);
        let target = layer.find(params, &key)?;
        layer.set(target, resolved, value.clone())?;
    }
    Ok(())
}

/// The sources of all given values in words, for the run's record: `lr: command line`.
pub fn given(resolved: &[Resolved]) -> Mapping {
    let profile = resolved.iter().find(|param| param.name == PROFILE);
    let profile = profile.and_then(|param| param.value.as_str());
    let words = |origin| match origin {
        Origin::Default => "default".to_owned(),
        Origin::Profile => format!("profile {}", profile.unwrap_or_default()),
        Origin::File => "file".to_owned(),
        Origin::CommandLine => "command line".to_owned(),
    };
    let origins = resolved.iter().flat_map(|param| &param.origins);
    origins
        .map(|(name, origin)| (name.as_str().into(), words(*origin).into()))
        .collect()
}

/// The parameter that a key names, its index in the script's list, and for a key such as `net.lr` the
/// entry with its default.
#[derive(Clone, Copy)]
struct Target<'a> {
    index: usize,
    param: &'a Param,
    entry: Option<(&'a str, &'a Value)>,
}

impl<'a> Target<'a> {
    fn slot(self) -> Slot<'a> {
        match self.entry {
            Some((key, default)) => Slot::entry(self.param, key, default),
            None => Slot::param(self.param),
        }
    }
}

/// One source of values: a file or the command line.
struct Layer {
    origin: Origin,
    /// Description for messages: `on the command line`.
    place: String,
}

impl Layer {
    /// Finds the parameter or entry for a key.
    fn find<'a>(&self, params: &'a [Param], key: &str) -> Result<Target<'a>, Bad> {
        let (name, entry) = match key.split_once('.') {
            Some((name, entry)) => (name, Some(entry)),
            None => (key, None),
        };
        let index = params.iter().position(|param| param.name == name);
        let index = index.ok_or_else(|| self.unknown(params, name))?;
        let target = Target {
            index,
            param: &params[index],
            entry: None,
        };
        match entry {
            Some(key) => self.entry(target, key),
            None => Ok(target),
        }
    }

    fn entry<'a>(&self, target: Target<'a>, key: &str) -> Result<Target<'a>, Bad> {
        let (param, name, place) = (target.param, &target.param.name, &self.place);
        let Value::Mapping(entries) = &param.default else {
            let kind = kind_of(&param.default);
            let message =
                format!("parameter `{name}` has no entry `{key}`, given {place}: it is {kind}");
            return Err(Bad::new(message, format!("{name}: {}", param.doc)));
        };
        let known = entries
            .iter()
            .filter_map(|(key, value)| Some((key.as_str()?, value)));
        let known: Vec<(&str, &Value)> = known.collect();
        let entry = known.iter().find(|(name, _)| *name == key);
        let entry = *entry.ok_or_else(|| {
            let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
            let list = format!("its entries are {}", names.join(", "));
            Bad::new(
                format!("parameter `{name}` has no entry `{key}`, given {place}"),
                suggest(key, &names, &list),
            )
        })?;
        Ok(Target {
            entry: Some(entry),
            ..target
        })
    }

    fn unknown(&self, params: &[Param], key: &str) -> Bad {
        let mut names: Vec<&str> = params.iter().map(|param| param.name.as_str()).collect();
        let mut list = if names.is_empty() {
            "the script declares no parameters".to_owned()
        } else {
            format!("the script's parameters are {}", names.join(", "))
        };
        let message = format!("the script has no parameter `{key}`, given {}", self.place);
        let settings: Vec<&str> = SETTINGS
            .into_iter()
            .filter(|name| !names.contains(name))
            .collect();
        if self.origin != Origin::CommandLine {
            if settings.contains(&key) {
                let hint = format!("`{key}` is a setting of the run: give it on the command line");
                return Bad::new(message, hint);
            }
        } else if !settings.is_empty() {
            list += &format!("; settings of the run are {}", settings.join(", "));
            names.extend(settings);
        }
        let hint = suggest(key, &names, &list);
        Bad::new(message, hint)
    }

    /// Checks and sets a parameter or an entry. A map sets only the entries that it has.
    fn set(&self, target: Target, resolved: &mut [Resolved], value: Value) -> Result<(), Bad> {
        let slot = target.slot();
        match slot.accept(value, &self.place)? {
            Value::Mapping(given) => {
                for (key, value) in given {
                    let key = key.as_str().map_or_else(|| shown(&key), str::to_owned);
                    self.set(self.entry(target, &key)?, resolved, value)?;
                }
                Ok(())
            }
            value => self.put(target, slot.name, &mut resolved[target.index], value),
        }
    }

    /// Stores a value and its source. A second value from the same source is an error.
    fn put(
        &self,
        target: Target,
        name: String,
        resolved: &mut Resolved,
        value: Value,
    ) -> Result<(), Bad> {
        let known = resolved
            .origins
            .iter_mut()
            .find(|(known, _)| *known == name);
        match known {
            Some((_, origin)) if *origin == self.origin => {
                let message = format!("parameter `{name}` is given twice {}", self.place);
                return Err(Bad::new(message, "give it once"));
            }
            Some((_, origin)) => *origin = self.origin,
            None => resolved.origins.push((name, self.origin)),
        }
        match (target.entry, &mut resolved.value) {
            (Some((key, _)), Value::Mapping(entries)) => drop(entries.insert(key.into(), value)),
            (_, whole) => *whole = value,
        }
        Ok(())
    }
}

/// A hint: the known name nearest to `key`, if there is one, and `list`.
fn suggest(key: &str, known: &[&str], list: &str) -> String {
    match nearest(key, known.iter().copied()) {
        Some(name) => format!("did you mean `{name}`? {list}"),
        None => list.to_owned(),
    }
}
