//! What a test script can say: `assert`, `assert_eq`, `assert_close`, `assert_throws`.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use pe_binding::script::{ScriptResult, number, options, runtime_error};
use regex::Regex;
use rhai::{Dynamic, Engine, EvalAltResult, FLOAT, FnPtr, Map, NativeCallContext, Position};
use serde::{Deserialize, Serialize};

use super::Surroundings;
use crate::diagnostics::Report;
use crate::value::{shown, to_value};

/// How far two numbers may lie apart: `atol + rtol * |expected|`, as in numpy's `assert_allclose`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Tolerance {
    rtol: FLOAT,
    atol: FLOAT,
}

impl Default for Tolerance {
    fn default() -> Self {
        Self {
            rtol: 1e-7,
            atol: 0.0,
        }
    }
}

/// Registers the assertions, `scratch_dir()` and `test_data()`; the reason of a skip goes to
/// `skipped`.
pub(super) fn register(
    engine: &mut Engine,
    scratch: &Path,
    surroundings: &Surroundings,
    skipped: &Arc<OnceLock<String>>,
) {
    engine.register_fn("assert", |holds: bool| assert(holds, "assertion failed"));
    engine.register_fn("assert", assert);
    engine.register_fn("assert_eq", assert_eq);
    engine.register_fn("assert_close", |found: Dynamic, expected: Dynamic| {
        close(&found, &expected, &Tolerance::default(), "")
    });
    engine.register_fn(
        "assert_close",
        |found: Dynamic, expected: Dynamic, map: Map| {
            close(&found, &expected, &options("assert_close()", &map)?, "")
        },
    );
    engine.register_fn(
        "assert_throws",
        |context: NativeCallContext, call: FnPtr| assert_throws(&context, &call, ""),
    );
    engine.register_fn(
        "assert_throws",
        |context: NativeCallContext, call: FnPtr, pattern: &str| {
            assert_throws(&context, &call, pattern)
        },
    );
    let scratch = scratch.display().to_string();
    engine.register_fn("scratch_dir", move || scratch.clone());
    let (data, skipped) = (surroundings.test_data.clone(), skipped.clone());
    engine.register_fn("test_data", move || match &data {
        Some(path) => ScriptResult::Ok(path.display().to_string()),
        None => {
            let _ = skipped.set("there is no test data here".to_owned());
            // A termination, because a script must not catch it.
            Err(EvalAltResult::ErrorTerminated(Dynamic::UNIT, Position::NONE).into())
        }
    });
}

fn failed(message: &str) -> Box<EvalAltResult> {
    runtime_error("assertion", message, None)
}

fn assert(holds: bool, message: &str) -> ScriptResult<()> {
    if holds { Ok(()) } else { Err(failed(message)) }
}

/// Equality is the scripts' own `==`, so that it holds for values of plugins too.
fn assert_eq(context: NativeCallContext, found: Dynamic, expected: Dynamic) -> ScriptResult<()> {
    let same_type = found.type_id() == expected.type_id();
    let (mut left, mut right) = (found.clone(), expected.clone());
    let equal = same_type
        && context
            .call_native_fn_raw("==", true, &mut [&mut left, &mut right])?
            .as_bool()
            .unwrap_or(false);
    if equal {
        return Ok(());
    }
    let text = |value: &Dynamic| {
        to_value(value).map_or_else(|_| format!("{value:?}"), |value| shown(&value))
    };
    Err(failed(&format!(
        "expected {}, found {}",
        text(&expected),
        text(&found)
    )))
}

fn close(found: &Dynamic, expected: &Dynamic, by: &Tolerance, at: &str) -> ScriptResult<()> {
    let place = if at.is_empty() {
        String::new()
    } else {
        format!(" at {at}")
    };
    if let (Ok(found), Ok(expected)) = (found.as_array_ref(), expected.as_array_ref()) {
        if found.len() != expected.len() {
            let (expected, found) = (expected.len(), found.len());
            let text = format!("expected {expected} elements, found {found}{place}");
            return Err(failed(&text));
        }
        let mut pairs = found.iter().zip(expected.iter()).enumerate();
        return pairs.try_for_each(|(i, (found, expected))| {
            close(found, expected, by, &format!("{at}[{i}]"))
        });
    }
    let (found, expected) = (number("found", found)?, number("expected", expected)?);
    // Infinities are equal or far apart: their difference says nothing.
    let near = (found - expected).abs() <= by.atol + by.rtol * expected.abs() && found.is_finite();
    if found == expected || (found.is_nan() && expected.is_nan()) || (near && expected.is_finite())
    {
        return Ok(());
    }
    let Tolerance { rtol, atol } = by;
    let text = format!("expected {expected}, found {found}{place} (rtol {rtol}, atol {atol})");
    Err(failed(&text))
}

fn assert_throws(context: &NativeCallContext, call: &FnPtr, pattern: &str) -> ScriptResult<()> {
    let regex = Regex::new(pattern).map_err(|error| failed(&format!("not a regex: {error}")))?;
    let Err(error) = call.call_within_context::<Dynamic>(context, ()) else {
        let text = format!("expected an error like `{pattern}`, but nothing was thrown");
        return Err(failed(&text));
    };
    if !error.unwrap_inner().is_catchable() {
        return Err(error);
    }
    let found = Report::text_of(&error);
    if regex.is_match(&found) {
        return Ok(());
    }
    Err(failed(&format!(
        "expected an error like `{pattern}`, found: {found}"
    )))
}
