//! What happens on a test's own thread: its script is evaluated, and how that ended is held against
//! what its annotations expect.

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

/// Runs a test here, until it ends.
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
    // The session's one thread, for libtorch too: the order of its sums depends on the number.
    pe_nn::libtorch::set_threads(session.threads());
    let session = Arc::new(session);
    let skipped = Arc::new(OnceLock::new());
    let error = call(case, surroundings, &session, &skipped).err();
    if let Some(code) = session.exit_code() {
        return failed(format!("the test ended itself with exit({code})"), None);
    }
    match (error, skipped.get()) {
        (Some(_), Some(reason)) => Verdict::Skipped(String::clone(reason)),
        (error, _) => judge(case, annotations, error),
    }
}

/// Gives the session of a test its plugins, and what it may do: write its scratch folder, read what
/// lies beside it and the test data.
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

/// Calls the test's function; its error as the user sees it.
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

fn misread_annotation(file: &Path, misread: &Misread) -> Verdict {
    let hint = "`// error: REGEX` stands at the end of a line, `// tags: slow` and `// timeout: 60s` on \
                lines above a test or at the top of the file";
    Verdict::Failed(Box::new(Diagnosis {
        place: Some(at_line(file, misread.line)),
        ..Diagnosis::new("test.annotation", &misread.message, Some(hint.to_owned()))
    }))
}

/// Holds the error in which a test ended against the one that it expects.
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
