//! Conversion of options, errors and [`Work`] between Rust and Rhai. A plugin's `script.rs` uses
//! these functions and holds no conversions of its own.

use std::error::Error;
use std::io;

use rhai::{
    Array, Dynamic, EvalAltResult, FLOAT, ImmutableString, Map, NativeCallContext, Position,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::nearest::nearest;
use crate::{Explain, Work};

/// Result of a script function that can fail.
pub type ScriptResult<T> = Result<T, Box<EvalAltResult>>;

/// Returns the [`Work`] that the embedding program set with `Engine::set_default_tag`, or a silent one.
pub fn work(context: &NativeCallContext) -> Work {
    context
        .tag()
        .and_then(|tag| tag.read_lock::<Work>().map(|work| work.clone()))
        .unwrap_or_default()
}

/// Turns a plugin's error into one that a script can catch as `#{kind, message, hint, causes, exam}`.
///
/// An interrupt becomes a termination, which a script cannot catch. A path that the sandbox refuses has
/// the kind `sandbox.refused`, whichever plugin used it.
///
/// `message` is the whole chain of causes, joined by `: `. `causes` lists those below the error
/// itself, so that a host can show them one by one.
pub fn raise<E: Explain>(error: E) -> Box<EvalAltResult> {
    if error.is_interrupt() {
        return EvalAltResult::ErrorTerminated(Dynamic::UNIT, Position::NONE).into();
    }
    let chain = chain(&error);
    // A plugin wraps the sandbox's refusal in its own error of files: look for it in the causes.
    // It is the script's fault, and no exam's.
    let (kind, hint, exam) = match pe_files::refusal(&error) {
        Some(refused) => (REFUSED, Some(refused.hint()), None),
        None => (error.kind(), error.hint(), error.exam()),
    };
    thrown(kind, &chain.join(": "), hint.as_deref(), &chain[1..], exam)
}

/// Kind of the error for a path that the sandbox refuses.
pub const REFUSED: &str = "sandbox.refused";

/// Returns the sandbox's refusal inside an I/O error as a script error; `None` for another error.
pub fn refused(error: &io::Error) -> Option<Box<EvalAltResult>> {
    let refused = pe_files::refusal(error)?;
    let (message, hint) = (refused.to_string(), refused.hint());
    Some(runtime_error(REFUSED, &message, Some(&hint)))
}

/// Makes a script error `#{kind, message, hint, causes, exam}` without causes and exam.
pub fn runtime_error(kind: &str, message: &str, hint: Option<&str>) -> Box<EvalAltResult> {
    thrown(kind, message, hint, &[], None)
}

fn thrown(
    kind: &str,
    message: &str,
    hint: Option<&str>,
    causes: &[String],
    exam: Option<&str>,
) -> Box<EvalAltResult> {
    let mut map = Map::new();
    let causes: Array = causes.iter().map(|cause| cause.clone().into()).collect();
    map.insert("causes".into(), causes.into());
    map.insert("kind".into(), kind.into());
    map.insert("message".into(), message.into());
    let or_unit = |text: Option<&str>| text.map_or(Dynamic::UNIT, |text| text.to_owned().into());
    map.insert("hint".into(), or_unit(hint));
    map.insert("exam".into(), or_unit(exam));
    EvalAltResult::ErrorRuntime(map.into(), Position::NONE).into()
}

/// The texts of an error and of its causes, outermost first.
fn chain(error: &dyn Error) -> Vec<String> {
    let mut texts = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        // Some errors already print their source; don't repeat it.
        if !texts.last().is_some_and(|text| text.ends_with(&next)) {
            texts.push(next);
        }
        cause = error.source();
    }
    texts
}

/// Shows a value as `print` does: with its own `to_string` where a plugin registered one.
pub fn shown(context: &NativeCallContext, value: &Dynamic) -> String {
    context
        .call_native_fn::<ImmutableString>("to_string", (value.clone(),))
        .map_or_else(|_| value.to_string(), |text| text.to_string())
}

/// Reads a number given as an integer or a float: Rhai does not convert one into the other for a call.
///
/// # Errors
/// `argument.invalid` for anything else, naming the argument.
pub fn number(name: &str, value: &Dynamic) -> ScriptResult<FLOAT> {
    let int = || value.as_int().map(|int| int as FLOAT);
    value.as_float().or_else(|_| int()).map_err(|found| {
        let message = format!("expected a number for `{name}`, found a {found}");
        runtime_error("argument.invalid", &message, None)
    })
}

/// Reads an option map `#{…}` into a plugin's options type.
///
/// The type derives `Deserialize` with `#[serde(default, deny_unknown_fields)]`, so that every
/// field is optional and its default is the Rust `Default`. Integers are accepted for floats.
///
/// # Errors
/// `options.unknown` for a field that the type does not have, with the nearest known one;
/// `options.invalid` for a value of the wrong type or out of range, with the field's name.
pub fn options<T: DeserializeOwned>(of: &str, map: &Map) -> ScriptResult<T> {
    if let Some((field, expected)) = first_bad_field::<T>(map) {
        return Err(bad_field(of, &field, &expected));
    }
    let value = Value::Object(
        map.iter()
            .map(|(key, value)| Ok((key.to_string(), to_json(of, key, value)?)))
            .collect::<ScriptResult<_>>()?,
    );
    serde_json::from_value(value)
        .map_err(|error| runtime_error("options.invalid", &format!("{of}: {error}"), None))
}

/// As [`options`], for a type made of several parts.
///
/// Fields that the map does not give come from the type's own `Default`, and the known fields are
/// those that the default has. [`options`] cannot do this: with `#[serde(flatten)]` a type can neither
/// refuse unknown fields nor give its parts other defaults than their own.
///
/// # Errors
/// As [`options`].
pub fn options_over<T: Serialize + DeserializeOwned + Default>(
    of: &str,
    map: &Map,
) -> ScriptResult<T> {
    let mut value = serde_json::to_value(T::default())
        .map_err(|error| runtime_error("options.invalid", &format!("{of}: {error}"), None))?;
    for (field, given) in map {
        let known = value
            .as_object_mut()
            .and_then(|known| known.get_mut(field.as_str()));
        let Some(known) = known else {
            let known = value.as_object().into_iter().flat_map(|known| known.keys());
            return Err(unknown_field(
                of,
                field,
                &known.map(String::as_str).collect::<Vec<_>>(),
            ));
        };
        let before = std::mem::replace(known, to_json(of, field, given)?);
        if let Err(error) = serde_json::from_value::<T>(value.clone()) {
            let message = format!("{of}: option `{field}`: {error} (its default is {before})");
            return Err(runtime_error("options.invalid", &message, None));
        }
    }
    serde_json::from_value(value)
        .map_err(|error| runtime_error("options.invalid", &format!("{of}: {error}"), None))
}

/// Tries each field alone, so that the message can name it: serde's own message names only the value.
fn first_bad_field<T: DeserializeOwned>(map: &Map) -> Option<(String, serde_json::Error)> {
    map.iter().find_map(|(key, value)| {
        let json = to_json("", key, value).ok()?;
        let alone = Value::Object([(key.to_string(), json)].into_iter().collect());
        serde_json::from_value::<T>(alone)
            .err()
            .map(|error| (key.to_string(), error))
    })
}

fn bad_field(of: &str, field: &str, error: &serde_json::Error) -> Box<EvalAltResult> {
    let text = error.to_string();
    let Some((_, expected)) = text
        .split_once("unknown field")
        .and_then(|(_, t)| t.split_once("expected"))
    else {
        let message = format!("{of}: option `{field}`: {text}");
        return runtime_error("options.invalid", &message, None);
    };
    let known: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
    unknown_field(of, field, &known)
}

fn unknown_field(of: &str, field: &str, known: &[&str]) -> Box<EvalAltResult> {
    let hint = match nearest(field, known.iter().copied()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("the options are {}", known.join(", ")),
    };
    runtime_error(
        "options.unknown",
        &format!("{of} has no option `{field}`"),
        Some(&hint),
    )
}

/// Converts a script value to JSON: numbers, strings, booleans, arrays, maps and `()`.
fn to_json(of: &str, field: &str, value: &Dynamic) -> ScriptResult<Value> {
    let wrong = || {
        let message = format!("{of}: option `{field}` cannot be a {}", value.type_name());
        runtime_error("options.invalid", &message, None)
    };
    if value.is_unit() {
        Ok(Value::Null)
    } else if let Ok(flag) = value.as_bool() {
        Ok(flag.into())
    } else if let Ok(int) = value.as_int() {
        Ok(int.into())
    } else if let Ok(float) = value.as_float() {
        Ok(float.into())
    } else if let Ok(text) = value.as_immutable_string_ref() {
        Ok(text.as_str().into())
    } else if let Ok(array) = value.as_array_ref() {
        array.iter().map(|item| to_json(of, field, item)).collect()
    } else if let Ok(map) = value.as_map_ref() {
        map.iter()
            .map(|(key, item)| Ok((key.to_string(), to_json(of, field, item)?)))
            .collect::<ScriptResult<serde_json::Map<_, _>>>()
            .map(Value::Object)
    } else {
        Err(wrong())
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Options {
        learning_rate: f64,
        radius: u32,
    }

    fn read(script: &str) -> Result<Options, (String, String)> {
        let map: Map = rhai::Engine::new()
            .eval(script)
            .expect("the test's own script runs");
        options::<Options>("smooth()", &map).map_err(|error| match *error {
            EvalAltResult::ErrorRuntime(value, _) => {
                let map = value.cast::<Map>();
                (map["message"].to_string(), map["hint"].to_string())
            }
            other => panic!("expected a runtime error, found {other}"),
        })
    }

    #[test]
    fn options_are_read_with_their_defaults() {
        assert_eq!(read("#{}"), Ok(Options::default()));
        assert_eq!(
            read("#{learning_rate: 1, radius: 2}"),
            Ok(Options {
                learning_rate: 1.0,
                radius: 2
            })
        );
    }

    #[test]
    fn options_of_several_parts_keep_their_own_defaults() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        #[serde(default)]
        struct Part {
            lr: f64,
            epochs: u32,
        }
        impl Default for Part {
            fn default() -> Self {
                Self { lr: 0.1, epochs: 1 }
            }
        }
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        #[serde(default)]
        struct Whole {
            name: String,
            #[serde(flatten)]
            part: Part,
        }
        impl Default for Whole {
            fn default() -> Self {
                let part = Part { lr: 0.5, epochs: 9 };
                Self {
                    name: "whole".into(),
                    part,
                }
            }
        }
        let read = |script: &str| {
            let map: Map = rhai::Engine::new().eval(script).expect("the script runs");
            options_over::<Whole>("fit()", &map).map_err(|error| error.to_string())
        };
        assert_eq!(read("#{}"), Ok(Whole::default()));
        let changed = read("#{lr: 1}").expect("an integer is accepted for a float");
        assert_eq!((changed.part.lr, changed.part.epochs), (1.0, 9));
        let error = read("#{epoch: 3}").expect_err("no such option");
        assert!(
            error.contains("no option `epoch`") && error.contains("`epochs`"),
            "{error}"
        );
        let error = read("#{epochs: -3}").expect_err("out of range");
        assert!(error.contains("option `epochs`"), "{error}");
    }

    #[test]
    fn numbers_are_integers_or_floats() {
        assert_eq!(number("x", &2.into()).ok(), Some(2.0));
        assert_eq!(number("x", &2.5.into()).ok(), Some(2.5));
        let error = number("level", &"2".into()).expect_err("a text is no number");
        assert!(error.to_string().contains("`level`"), "{error}");
    }

    #[test]
    fn an_error_lists_its_causes_and_its_message_holds_them() {
        #[derive(Debug)]
        struct Level(u32);
        impl std::fmt::Display for Level {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "level {}", self.0)
            }
        }
        impl Error for Level {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                const CAUSES: [Level; 3] = [Level(0), Level(1), Level(2)];
                let causes: &'static [Level] = &CAUSES;
                self.0
                    .checked_sub(1)
                    .map(|below| &causes[below as usize] as _)
            }
        }
        impl Explain for Level {
            fn kind(&self) -> &'static str {
                "test.level"
            }
        }
        let EvalAltResult::ErrorRuntime(value, _) = *raise(Level(2)) else {
            panic!("expected a runtime error");
        };
        let map = value.cast::<Map>();
        assert_eq!(map["message"].to_string(), "level 2: level 1: level 0");
        let causes: Vec<String> = map["causes"]
            .as_array_ref()
            .unwrap()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(causes, ["level 1", "level 0"]);
    }

    #[test]
    fn a_refusal_of_the_sandbox_has_its_own_kind_and_hint() {
        #[derive(Debug)]
        struct Unread(std::io::Error);
        impl std::fmt::Display for Unread {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("cannot read it")
            }
        }
        impl Error for Unread {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                Some(&self.0)
            }
        }
        impl Explain for Unread {
            fn kind(&self) -> &'static str {
                "test.io"
            }
        }
        let kind_of = |error: std::io::Error| {
            let EvalAltResult::ErrorRuntime(value, _) = *raise(Unread(error)) else {
                panic!("expected a runtime error");
            };
            let map = value.cast::<Map>();
            (map["kind"].to_string(), map["hint"].to_string())
        };
        let confined = pe_files::Files::confined(pe_files::Gate::default());
        let (kind, hint) = kind_of(confined.read("/etc/passwd".as_ref()).unwrap_err());
        assert_eq!(kind, "sandbox.refused");
        assert!(hint.contains("--allow-read /etc"), "{hint}");
        assert_eq!(kind_of(std::io::ErrorKind::NotFound.into()).0, "test.io");
    }

    #[test]
    fn a_bad_option_is_named() {
        let check = |script: &str, message: &str, hint: &str| {
            let (found, found_hint) = read(script).expect_err("the option is bad");
            assert!(found.contains(message), "{found}");
            assert!(found_hint.contains(hint), "{found_hint}");
        };
        check(
            "#{raduis: 1}",
            "smooth() has no option `raduis`",
            "did you mean `radius`?",
        );
        check(
            "#{colour: 1}",
            "no option `colour`",
            "the options are learning_rate, radius",
        );
        check("#{radius: -1}", "option `radius`", "");
        check("#{radius: \"two\"}", "option `radius`", "");
        check("#{radius: || 1}", "option `radius` cannot be", "");
    }
}
