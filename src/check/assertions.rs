//! What a test script can say: `assert`, `assert_eq`, `assert_close`, `assert_throws`,
//! `assert_snapshot`.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use pe_binding::script::{ScriptResult, runtime_error};
use regex::Regex;
use rhai::{Array, Dynamic, Engine, EvalAltResult, FnPtr, Map, NativeCallContext, Position};
use similar::TextDiff;

use super::compare::{Difference, Texts, Tolerance, differences};
use super::{Case, Surroundings};
use crate::diagnostics::Report;
use crate::value::{shown, to_value};

/// Registers the assertions, `scratch_dir()` and `test_data()`; the reason of a skip goes to
/// `skipped`.
pub(super) fn register(
    engine: &mut Engine,
    case: &Case,
    scratch: &Path,
    surroundings: &Surroundings,
    skipped: &Arc<OnceLock<String>>,
) {
    engine.register_fn("assert", |holds: bool| assert(holds, "assertion failed"));
    engine.register_fn("assert", assert);
    engine.register_fn("assert_eq", assert_eq);
    engine.register_fn("assert_close", |found: Dynamic, expected: Dynamic| {
        assert_close(&found, &expected, Tolerance::default())
    });
    engine.register_fn(
        "assert_close",
        |found: Dynamic, expected: Dynamic, map: Map| {
            assert_close(&found, &expected, Tolerance::read("assert_close()", &map)?)
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
    snapshots(engine, case, surroundings);
    places(engine, scratch, surroundings, skipped);
}

fn snapshots(engine: &mut Engine, case: &Case, surroundings: &Surroundings) {
    let (here, snapshots) = (case.clone(), surroundings.snapshots.clone());
    engine.register_fn("assert_snapshot", move |name: &str, value: Dynamic| {
        snapshots.check(&here, name, &value, Tolerance::default())
    });
    let (here, snapshots) = (case.clone(), surroundings.snapshots.clone());
    engine.register_fn(
        "assert_snapshot",
        move |name: &str, value: Dynamic, map: Map| {
            let by = Tolerance::read("assert_snapshot()", &map)?;
            snapshots.check(&here, name, &value, by)
        },
    );
}

fn places(
    engine: &mut Engine,
    scratch: &Path,
    surroundings: &Surroundings,
    skipped: &Arc<OnceLock<String>>,
) {
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

/// A failed assertion with more lines below its message.
pub(super) fn failed_with(
    message: &str,
    notes: Vec<String>,
    hint: Option<&str>,
) -> Box<EvalAltResult> {
    let mut error = runtime_error("assertion", message, hint);
    if let EvalAltResult::ErrorRuntime(thrown, _) = &mut *error
        && let Some(mut map) = thrown.write_lock::<Map>()
    {
        let notes: Array = notes.into_iter().map(Dynamic::from).collect();
        map.insert("notes".into(), notes.into());
    }
    error
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
    let message = format!("expected {}, found {}", text(&expected), text(&found));
    let notes = match (to_value(&expected), to_value(&found)) {
        (Ok(left), Ok(right)) => {
            let all = differences(&left, &right, Tolerance::NONE, Texts::Exact);
            if all.is_empty() {
                let types = (expected.type_name(), found.type_name());
                vec![format!(
                    "the types differ: expected {}, found {}",
                    types.0, types.1
                )]
            } else {
                [notes(&all), line_diff(&left, &right).into_iter().collect()].concat()
            }
        }
        _ => Vec::new(),
    };
    Err(failed_with(&message, notes, None))
}

fn assert_close(found: &Dynamic, expected: &Dynamic, by: Tolerance) -> ScriptResult<()> {
    let plain = |name: &str, value: &Dynamic| {
        to_value(value).map_err(|kind| {
            failed(&format!(
                "`assert_close` compares numbers and arrays and maps of them; {name} holds a {kind}"
            ))
        })
    };
    let (found, expected) = (plain("the first", found)?, plain("the second", expected)?);
    let all = differences(&expected, &found, by, Texts::Exact);
    match all.first() {
        None => Ok(()),
        Some(first) => Err(failed_with(&format!("{first} ({by})"), notes(&all), None)),
    }
}

/// More differences than this are a wall that nobody reads.
const MOST_DIFFERENCES: usize = 6;
/// Lines of a diff, likewise.
const MOST_LINES: usize = 40;

/// How far the first difference is, and the others.
pub(super) fn notes(all: &[Difference]) -> Vec<String> {
    let Some(first) = all.first() else {
        return Vec::new();
    };
    let mut notes: Vec<String> = first.distance().into_iter().collect();
    if notes.is_empty() && !first.at.is_empty() {
        notes.push(first.to_string());
    } else if !first.at.is_empty() {
        notes = vec![format!("{first}: {}", notes[0])];
    }
    let more = |difference: &Difference| match difference.distance() {
        Some(distance) => format!("{difference}: {distance}"),
        None => difference.to_string(),
    };
    notes.extend(all.iter().skip(1).take(MOST_DIFFERENCES - 1).map(more));
    if all.len() > MOST_DIFFERENCES {
        notes.push(format!(
            "and {} more differences",
            all.len() - MOST_DIFFERENCES
        ));
    }
    notes
}

/// The lines that differ of two texts, or of two values in YAML; `None` where one line holds all.
pub(super) fn line_diff(expected: &serde_yaml::Value, found: &serde_yaml::Value) -> Option<String> {
    let text = |value: &serde_yaml::Value| match value.as_str() {
        Some(text) => text.to_owned(),
        None => serde_yaml::to_string(value).unwrap_or_default(),
    };
    let (expected, found) = (text(expected), text(found));
    if expected.lines().count().max(found.lines().count()) < 2 {
        return None;
    }
    let diff = TextDiff::from_lines(&expected, &found);
    let mut unified = diff.unified_diff();
    let text = unified
        .context_radius(2)
        .missing_newline_hint(false)
        .to_string();
    // A hunk's numbers say nothing of a value; that lines are left out between two is enough.
    let lines: Vec<&str> = text
        .lines()
        .skip_while(|line| line.starts_with("@@"))
        .map(|line| if line.starts_with("@@") { "…" } else { line })
        .collect();
    let mut text = lines[..lines.len().min(MOST_LINES)].join("\n");
    if lines.len() > MOST_LINES {
        text += &format!("\n… and {} more lines", lines.len() - MOST_LINES);
    }
    Some(format!(
        "lines with `-` are expected, with `+` found\n{text}"
    ))
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
