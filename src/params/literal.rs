//! Reads and checks the literals in a `param` call.

use pe_binding::nearest::nearest;
use rhai::Expr;
use serde_yaml::{Mapping, Value};

use super::PROFILE;
use crate::language::value::{kind_of, shown, to_value};

/// The value of a literal, `None` for another expression. A map keeps the order in which it is written.
pub(super) fn value(expr: &Expr) -> Option<Value> {
    match expr {
        Expr::Map(map, _) => {
            let entry =
                |(key, item): &(rhai::Ident, Expr)| Some((key.name.as_str().into(), value(item)?));
            let entries: Option<Mapping> = map.0.iter().map(entry).collect();
            entries.map(Value::Mapping)
        }
        _ => to_value(&expr.get_literal_value(None)?).ok(),
    }
}

/// The text of a literal string.
pub(super) fn text(expr: &Expr) -> Option<String> {
    expr.get_literal_value(None)?.into_string().ok()
}

/// Checks the default of a parameter.
///
/// # Errors
/// The error message.
pub(super) fn check_default(name: &str, default: &Value) -> Result<(), String> {
    let Value::Mapping(entries) = default else {
        return if is_plain(default) {
            Ok(())
        } else {
            Err(format!(
                "the default of parameter `{name}` must be a number, a bool, a string, an array \
             of these or a map of all of these, found {}",
                found(default)
            ))
        };
    };
    if entries.is_empty() {
        return Err(format!(
            "the default of parameter `{name}` is a map without entries: nothing could be given"
        ));
    }
    for (key, value) in entries {
        let key = key.as_str().unwrap_or_default();
        if !rhai::is_valid_identifier(key) {
            return Err(format!(
                "the entry {key:?} of parameter `{name}` is no identifier"
            ));
        }
        if !is_plain(value) {
            return Err(format!(
                "the entry `{name}.{key}` must be a number, a bool, a string or an array of \
                 these, found {}: maps are one level deep",
                found(value)
            ));
        }
    }
    Ok(())
}

/// The kind of a value for messages; for an array, the kind of the element that is not allowed.
fn found(value: &Value) -> String {
    let wrong = |item: &&Value| !is_plain(item);
    match value.as_sequence().and_then(|all| all.iter().find(wrong)) {
        Some(item) => format!("an array that holds {}", found(item)),
        None => kind_of(value).to_owned(),
    }
}

/// Reads the allowed values of a parameter; of an array, those of its elements.
///
/// # Errors
/// The error message.
pub(super) fn choices(expr: &Expr, name: &str, default: &Value) -> Result<Vec<Value>, String> {
    let Some(Value::Sequence(choices)) = value(expr).filter(is_plain) else {
        return Err(format!(
            "the allowed values of parameter `{name}` are not a literal array"
        ));
    };
    let allowed = || shown(&Value::Sequence(choices.clone()));
    match default {
        Value::Mapping(_) => {
            return Err(format!(
                "parameter `{name}` is a map, which takes no list of allowed values"
            ));
        }
        Value::Sequence(items) => {
            if let Some(item) = items.iter().find(|&item| !choices.contains(item)) {
                return Err(format!(
                    "the element {} of the default of parameter `{name}` is not among the allowed \
                     elements {}",
                    shown(item),
                    allowed()
                ));
            }
        }
        _ if !choices.contains(default) => {
            return Err(format!(
                "the default {} of parameter `{name}` is not among {}",
                shown(default),
                allowed()
            ));
        }
        _ => {}
    }
    match choices.iter().find(|choice| !names_a_file(choice)) {
        Some(choice) if name == PROFILE && default.is_string() => Err(format!(
            "the profile {} names no file: use letters, digits, `_` and `-`",
            shown(choice)
        )),
        _ => Ok(choices),
    }
}

/// Returns whether a profile's name can be part of a file name. `../a` could name another folder.
fn names_a_file(choice: &Value) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let text = choice.as_str().unwrap_or_default();
    !text.is_empty() && text.chars().all(fits)
}

/// Returns whether a value is a number, a bool, a string, or an array of these.
pub(super) fn is_plain(value: &Value) -> bool {
    match value {
        Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
        Value::Sequence(items) => items.iter().all(is_plain),
        _ => false,
    }
}

/// The choice nearest to a value, for "did you mean". Only strings are compared.
pub(super) fn nearest_choice<'a>(value: &Value, choices: &'a [Value]) -> Option<&'a str> {
    let known = choices.iter().filter_map(Value::as_str);
    nearest(value.as_str()?, known)
}
