//! Names, messages and hints for Rhai's errors.

use rhai::{Dynamic, EvalAltResult, LexError, Map, ParseErrorType};

use super::{Diagnosis, Vocabulary};

pub(super) fn describe(error: &EvalAltResult, known: &Vocabulary) -> Diagnosis {
    use EvalAltResult as E;
    match error {
        E::ErrorRuntime(thrown, _) => describe_thrown(thrown, known),
        E::ErrorDataTooLarge(what, _) => known.sizes.data(what),
        E::ErrorTooManyVariables(_) => known.sizes.variables(),
        E::ErrorParsing(kind, _) => describe_syntax(kind, known),
        E::ErrorFunctionNotFound(signature, _) => known.missing_function(signature),
        E::ErrorVariableNotFound(name, _) => known.missing_variable(name),
        E::ErrorModuleNotFound(name, _) => known.missing_module(name),
        E::ErrorPropertyNotFound(name, _) => Diagnosis::new(
            "script.property",
            format!("the map has no entry `{name}`"),
            Some(format!(
                "test with `\"{name}\" in map`, or give a default: `map.get(\"{name}\") ?? 0`"
            )),
        ),
        E::ErrorDotExpr(text, _) => known.missing_property(text),
        E::ErrorDataRace(name, _) => Diagnosis::new(
            "script.data_race",
            format!("`{name}` is used while a call on it is still under way"),
            Some(format!(
                "a closure given to a method of `{name}` must not use `{name}` itself: take what \
                 it needs into another variable before the call"
            )),
        ),
        E::ErrorStackOverflow(_) => Diagnosis::new(
            "script.recursion",
            "functions call each other more than 64 levels deep",
            Some("look for a function that calls itself without an end".to_owned()),
        ),
        E::ErrorSystem(what, cause) => Diagnosis {
            causes: vec![cause.to_string()],
            ..Diagnosis::new("script.system", what, None)
        },
        other => Diagnosis::new("script.runtime", text_of(other), None),
    }
}

/// Rhai's text of an error, without the position at its end.
fn text_of(error: &EvalAltResult) -> String {
    let text = error.to_string();
    let at = error.position();
    let place = if at.is_none() {
        String::new()
    } else {
        format!(" ({at})")
    };
    text.strip_suffix(&place).unwrap_or(&text).to_owned()
}

/// Describes a value that a native function or the script threw: a map with a message, or any other.
fn describe_thrown(thrown: &Dynamic, known: &Vocabulary) -> Diagnosis {
    let Ok(map) = thrown.as_map_ref() else {
        let text = if thrown.is_unit() {
            "the script threw `()`".to_owned()
        } else {
            thrown.to_string()
        };
        return Diagnosis::new("script.throw", text, None);
    };
    let Some(mut message) = text(&map, "message") else {
        return Diagnosis::new("script.throw", thrown.to_string(), None);
    };
    // Rhai's own error, which the script caught as a map and threw again.
    if let Some(signature) = text(&map, "function").filter(|_| message.starts_with("Function not"))
    {
        return known.missing_function(&signature);
    }
    let causes = texts(&map, "causes");
    // For scripts, the message ends with all causes. In a report each cause has its own line, so we
    // take them off the message.
    let chain: String = causes.iter().map(|cause| format!(": {cause}")).collect();
    let causes = match message.strip_suffix(chain.as_str()).map(str::to_owned) {
        Some(alone) if !alone.is_empty() => {
            message = alone;
            causes
        }
        _ => Vec::new(),
    };
    let kind = text(&map, "kind").unwrap_or_else(|| "script.throw".to_owned());
    Diagnosis {
        causes,
        notes: texts(&map, "notes"),
        ..Diagnosis::new(&kind, message, text(&map, "hint"))
    }
}

fn texts(map: &Map, key: &str) -> Vec<String> {
    let items = map.get(key).and_then(|items| items.as_array_ref().ok());
    items
        .map(|items| items.iter().map(ToString::to_string).collect())
        .unwrap_or_default()
}

fn text(map: &Map, key: &str) -> Option<String> {
    map.get(key)
        .filter(|value| !value.is_unit())
        .map(ToString::to_string)
}

fn describe_syntax(error: &ParseErrorType, known: &Vocabulary) -> Diagnosis {
    use ParseErrorType as P;
    let hint = match error {
        P::VariableUndefined(name) => return known.missing_variable(name),
        P::ModuleUndefined(name) => return known.missing_module(name),
        P::LiteralTooLarge(what, _) => return known.sizes.data(what),
        P::TooManyFunctions => return known.sizes.functions(),
        P::UnexpectedEOF => Some("something is still open at the end: a `{`, `(` or `[`"),
        P::MissingToken(token, _) if token == ";" => Some("statements end with `;`"),
        P::BadInput(LexError::UnterminatedString) => {
            Some("a text in `\"…\"` ends on its line; use `` `…` `` for several lines")
        }
        P::Reserved(_) => Some("this word is reserved in Rhai: choose another name"),
        P::ExprTooDeep => Some("take parts of the expression into variables"),
        _ => None,
    };
    Diagnosis::new("script.syntax", error.to_string(), hint.map(str::to_owned))
}
