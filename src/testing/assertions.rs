//! The functions of test scripts: `assert`, `assert_eq`, `assert_close`, `assert_throws`,
//! `assert_snapshot`, `scratch_dir` and `test_data`.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use pe_binding::script::{ScriptResult, runtime_error};
use regex::Regex;
use rhai::{Array, Dynamic, Engine, EvalAltResult, FnPtr, Map, NativeCallContext, Position};
use similar::TextDiff;

use super::compare::{Difference, Texts, Tolerance, differences};
use super::{Case, Surroundings};
use crate::diagnosis::Diagnosis;
use crate::language::value::{shown, to_value};
use crate::session::Session;
use crate::session::documented;

/// Registers the assertions, `scratch_dir()` and `test_data()`. If there is no test data, the reason
/// for skipping the test is stored in `skipped`.
pub(super) fn register(
    engine: &mut Engine,
    case: &Case,
    session: &Arc<Session>,
    surroundings: &Surroundings,
    skipped: &Arc<OnceLock<String>>,
) {
    truths(engine);
    numbers(engine);
    throws(engine);
    snapshots(engine, case, session, surroundings);
    places(engine, &session.run_dir, surroundings, skipped);
}

fn truths(engine: &mut Engine) {
    let doc = "Fails the test unless the condition holds. In script tests only.\n\n```rhai\n\
               assert(1 < 2);\n```";
    documented("assert", &["holds: bool"], doc)
        .register_into_engine(engine, |holds: bool| assert(holds, "assertion failed"));
    let doc = "As `assert(holds)`, with what to say when it does not hold.\n\n```rhai\n\
               assert(1 < 2, \"the order of numbers\");\n```";
    documented("assert", &["holds: bool", "message: &str"], doc)
        .register_into_engine(engine, assert);
    let doc = "Fails the test unless two values are equal, as `==` says; an integer and a float never \
               are. In script tests only.\n\n```rhai\nassert_eq([1, #{ a: 2 }], [1, #{ a: 2 \
               }]);\n```";
    documented("assert_eq", &["found: ?", "expected: ?"], doc)
        .register_into_engine(engine, assert_eq);
}

fn numbers(engine: &mut Engine) {
    let doc = "Fails the test unless numbers are equal but for rounding (`rtol` 1e-7). Arrays and maps \
               are compared number by number; whatever else is in them must be the same. NaN is \
               NaN. In script tests only.\n\n```rhai\nassert_close(0.1 + 0.2, 0.3);\n```";
    documented("assert_close", &["found: ?", "expected: ?"], doc)
        .register_into_engine(engine, |found: Dynamic, expected: Dynamic| {
            assert_close(&found, &expected, Tolerance::default())
        });
    let doc = "As `assert_close(found, expected)`: numbers may lie `atol + rtol * |expected|` \
               apart.\n\n| option | default | meaning |\n|---|---|---|\n| `rtol` | 1e-7 | relative \
               tolerance |\n| `atol` | 0.0 | absolute tolerance |\n\n```rhai\n\
               assert_close(#{ auroc: 0.91 }, #{ auroc: 0.9 }, #{ atol: 0.02 });\n```";
    documented(
        "assert_close",
        &["found: ?", "expected: ?", "options: Map"],
        doc,
    )
    .register_into_engine(engine, |found: Dynamic, expected: Dynamic, map: Map| {
        let by = Tolerance::read("assert_close()", &map)?;
        assert_close(&found, &expected, by)
    });
}

fn throws(engine: &mut Engine) {
    let doc = "Fails the test unless the closure throws an error. In script tests \
               only.\n\n```rhai\nassert_throws(|| ct::window(40, -1));\n```";
    documented("assert_throws", &["call: FnPtr"], doc)
        .register_into_engine(engine, |context: NativeCallContext, call: FnPtr| {
            assert_throws(&context, &call, "")
        });
    let doc = "As `assert_throws(call)`; the error's text, with its hint, must match a regular \
               expression.\n\n```rhai\nassert_throws(|| ct::window(40, -1), \"positive \
               width\");\n```";
    documented("assert_throws", &["call: FnPtr", "pattern: &str"], doc).register_into_engine(
        engine,
        |context: NativeCallContext, call: FnPtr, pattern: &str| {
            assert_throws(&context, &call, pattern)
        },
    );
}

fn snapshots(
    engine: &mut Engine,
    case: &Case,
    session: &Arc<Session>,
    surroundings: &Surroundings,
) {
    let doc = "Fails the test unless a value is the one that is kept under a name: plain data in \
               `snapshots/SCRIPT/NAME.yaml` beside the script, text in `NAME.txt`. `pe-script test \
               --update` keeps new and changed ones. In script tests only.\n\n```rhai,test\n\
               assert_snapshot(\"rows\", [#{ id: \"effnet\", auroc: 0.91 }]);\n```";
    let (here, snapshots) = (case.clone(), surroundings.snapshots.clone());
    let files = session.sandbox.files();
    documented("assert_snapshot", &["name: &str", "value: ?"], doc).register_into_engine(
        engine,
        move |name: &str, value: Dynamic| {
            snapshots.check((&here, &files), name, &value, Tolerance::default())
        },
    );
    let doc = "As `assert_snapshot(name, value)`, with a tolerance for numbers, also for those in \
               texts such as printed tables.\n\n| option | default | meaning |\n|---|---|---|\n| \
               `rtol` | 1e-7 | relative tolerance |\n| `atol` | 0.0 | absolute tolerance \
               |\n\n```rhai,test\nassert_snapshot(\"table\", \"effnet  0.912\", #{ atol: 0.005 });\n```";
    let (here, snapshots) = (case.clone(), surroundings.snapshots.clone());
    let files = session.sandbox.files();
    let params = ["name: &str", "value: ?", "options: Map"];
    documented("assert_snapshot", &params, doc).register_into_engine(
        engine,
        move |name: &str, value: Dynamic, map: Map| {
            let by = Tolerance::read("assert_snapshot()", &map)?;
            snapshots.check((&here, &files), name, &value, by)
        },
    );
}

fn places(
    engine: &mut Engine,
    scratch: &Path,
    surroundings: &Surroundings,
    skipped: &Arc<OnceLock<String>>,
) {
    let doc = "An empty folder of this test, which is removed when the test ends. A path as text. In \
               script tests only.\n\n```rhai\nlet slices = store::slices(scratch_dir() + \
               \"/store\", #{ size: 24 });\nprint(slices.exams.len()); // 0\n```";
    let scratch = scratch.display().to_string();
    documented("scratch_dir", &["String"], doc)
        .register_into_engine(engine, move || scratch.clone());
    let doc = "The folder with test data that the environment variable `PE_TEST_DATA` names. Without \
               one the test is skipped. In script tests only.\n\n```rhai,test\nlet scan = \
               dicom::scan(test_data() + \"/series\");\nassert_eq(scan.exams.len(), 1);\n```";
    let (data, skipped) = (surroundings.test_data.clone(), skipped.clone());
    documented("test_data", &["String"], doc).register_into_engine(engine, move || match &data {
        Some(path) => ScriptResult::Ok(path.display().to_string()),
        None => {
            let _ = skipped.set("there is no test data here".to_owned());
            // Terminate the script: it could catch any other error.
            Err(EvalAltResult::ErrorTerminated(Dynamic::UNIT, Position::NONE).into())
        }
    });
}

fn failed(message: &str) -> Box<EvalAltResult> {
    runtime_error("assertion", message, None)
}

/// The error of a failed assertion, with notes below its message.
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

/// Compares with the scripts' own `==`, so that it works for values of plugins too.
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

/// Maximum number of differences in a report.
const MOST_DIFFERENCES: usize = 6;
/// Maximum number of lines of a diff.
const MOST_LINES: usize = 40;

/// Notes for a report: the distance of the first difference, which the message names, and the other
/// differences.
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

/// A line diff of two texts, or of two values in YAML; `None` if both have only one line.
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
    // Replace each header of a hunk (`@@ -1,5 +1,5 @@`) by `…`: line numbers of YAML do not help.
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
    // A stop request or `exit` is no error of the call: it must end the test.
    if !error.unwrap_inner().is_catchable() {
        return Err(error);
    }
    let found = Diagnosis::text_of(&error);
    if regex.is_match(&found) {
        return Ok(());
    }
    Err(failed(&format!(
        "expected an error like `{pattern}`, found: {found}"
    )))
}
