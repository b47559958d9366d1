//! Runs on a test's own thread: evaluates its script, and compares the result with the error that its
//! annotations expect.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use pe_files::Files;
use regex::Regex;
use rhai::{Engine, Scope};

use super::annotations::{Annotations, ExpectedError, Misread};
use super::run::{at_line, failed};
use super::{Case, Surroundings, Verdict, assertions, run_script};
use crate::console::Console;
use crate::diagnosis::Diagnosis;
use crate::run::{Fault, attempt, compile};
use crate::sandbox::Sandbox;
use crate::session::{Session, find_plugins};
use crate::text;

/// Runs a test on this thread until it ends, and returns its verdict.
pub(super) fn evaluate(
    case: &Case,
    surroundings: &Surroundings,
    console: &Arc<Console>,
) -> Verdict {
    let annotations = match &case.annotations {
        Ok(annotations) => annotations,
        Err(misread) => return misread_annotation(&case.file, misread),
    };
    let scratch = match tempfile::tempdir() {
        Ok(scratch) => scratch,
        Err(error) => return failed(format!("cannot make a scratch folder: {error}"), None),
    };
    let root = case.file.parent().unwrap_or(Path::new(""));
    let mut session = Session::new(console.clone(), scratch.path());
    if let Err(report) = confine(&mut session, case, surroundings, root) {
        return Verdict::Failed(report);
    }
    // One thread for libtorch too, as the session has: the order of its sums, and so the rounding of
    // results, depends on the number of threads.
    pe_nn::libtorch::set_threads(session.threads());
    let session = Arc::new(session);
    let skipped = Arc::new(OnceLock::new());
    let error = call(case, surroundings, &session, &skipped).err();
    if let Some(code) = session.exit_code() {
        return failed(format!("the test ended itself with exit({code})"), None);
    }
    // `test_data()` terminates the script to skip the test.
    match (error, skipped.get()) {
        (Some(_), Some(reason)) => Verdict::Skipped(String::clone(reason)),
        (error, _) => judge(case, annotations, error),
    }
}

/// Sets a test's plugins and its sandbox. A confined test may write to its scratch folder, and read its
/// script's folder, its plugins and the test data.
///
/// # Errors
/// When a plugin has an error, or a folder cannot be resolved.
fn confine(
    session: &mut Session,
    case: &Case,
    surroundings: &Surroundings,
    root: &Path,
) -> Result<(), Box<Diagnosis>> {
    let sandbox = Sandbox::of(&surroundings.sandbox, Some(&case.file))?;
    let interrupt = session.console.interrupt();
    let plugins = find_plugins(&surroundings.plugins, root, &sandbox, interrupt)?;
    let sandbox = plugins.let_in(sandbox, root)?.and_write(&session.run_dir)?;
    session.sandbox = match &surroundings.test_data {
        Some(data) => sandbox.and_read(data)?,
        None => sandbox,
    };
    session.plugins = plugins;
    Ok(())
}

/// Evaluates the script and calls the test's function.
///
/// # Errors
/// The error that ended the test.
fn call(
    case: &Case,
    surroundings: &Surroundings,
    session: &Arc<Session>,
    skipped: &Arc<OnceLock<String>>,
) -> Result<(), Box<Diagnosis>> {
    let text = text::script(&case.file, &Files::free()).map_err(|error| {
        let message = format!("cannot read {}: {error}", case.file.display());
        Box::new(Diagnosis::new("test.file", message, None))
    })?;
    let prepare = |engine: &mut Engine| {
        let root = case.file.parent().unwrap_or(Path::new(""));
        assertions::register(engine, case, session, surroundings, skipped);
        run_script::register(engine, root, session);
    };
    let function = case.function.as_deref().unwrap_or("main");
    let called = attempt(session, (&case.file, &text), prepare, |engine| {
        let ast = compile(engine, &case.file, &text)?;
        engine.call_fn(&mut Scope::new(), &ast, function, ())
    });
    called.map_err(|fault| match fault {
        Fault::Failed(report) => report,
        Fault::Stopped => {
            Diagnosis::new("script.terminated", "the test was terminated", None).into()
        }
    })
}

/// The failure of a test whose annotations cannot be read.
fn misread_annotation(file: &Path, misread: &Misread) -> Verdict {
    let hint = "`// error: REGEX` stands at the end of a line, `// tags: slow` and `// timeout: 60s` on \
                lines above a test or at the top of the file";
    Verdict::Failed(Box::new(Diagnosis {
        place: Some(at_line(file, misread.line)),
        ..Diagnosis::new("test.annotation", &misread.message, Some(hint.to_owned()))
    }))
}

/// Compares the error that ended a test with the one that its annotations expect.
fn judge(case: &Case, annotations: &Annotations, error: Option<Box<Diagnosis>>) -> Verdict {
    let (expected, report) = match (&annotations.error, error) {
        (None, None) => return Verdict::Passed,
        (None, Some(report)) => return Verdict::Failed(report),
        (Some(expected), None) => {
            let ExpectedError { line, pattern } = expected;
            let message =
                format!("expected an error like `{pattern}`, but the test came to its end");
            return Verdict::Failed(Box::new(Diagnosis {
                place: Some(at_line(&case.file, *line)),
                ..Diagnosis::new("test.error", message, None)
            }));
        }
        (Some(expected), Some(report)) => (expected, report),
    };
    // The error may be raised in a function that the test calls. So the expected line may be that of
    // the error itself or of any call that led there.
    let places = report
        .place
        .iter()
        .chain(report.frames.iter().map(|frame| &frame.place));
    let lines: Vec<usize> = places
        .filter(|place| place.file == case.file)
        .filter_map(|place| place.position.line())
        .collect();
    let matches = Regex::new(&expected.pattern).is_ok_and(|regex| regex.is_match(&report.text()));
    if matches && lines.contains(&expected.line) {
        return Verdict::Passed;
    }
    let ExpectedError { line, pattern } = expected;
    let found = report.text();
    let message = match (matches, lines.first()) {
        (false, _) => format!("expected an error like `{pattern}` in line {line}, found: {found}"),
        (true, at) => {
            let at = at.map_or("elsewhere".to_owned(), |line| format!("in line {line}"));
            format!("expected an error like `{pattern}` in line {line}, found it {at}: {found}")
        }
    };
    Verdict::Failed(Box::new(Diagnosis {
        kind: "test.error".to_owned(),
        message,
        causes: Vec::new(),
        hint: None,
        ..*report
    }))
}
