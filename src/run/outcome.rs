//! The end of a run: reports it to the user, to programs and in `run.yaml`.

use std::io::{self, Write};
use std::panic;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::json;

use super::Refused;
use super::prepare::Prepared;
use crate::console::{Console, Look};
use crate::diagnosis::{Diagnosis, Failure};
use crate::record::{Record, Status};
use crate::run::RunArgs;
use crate::stop::Limit;
use crate::stop::{DONE, FAILED, USAGE};
use crate::text::visible_line;

/// The way in which the script ended.
pub(super) enum Outcome {
    /// It ran to its end (code 0), or called `exit(code)`.
    Ended(i32),
    /// It was terminated, normally by the user's interrupt.
    Stopped,
    /// It failed with an error.
    Failed(Diagnosis),
}

/// Writes `run.yaml`, reports the end to the user, and returns the exit code.
pub(super) fn conclude(arguments: &RunArgs, prepared: &Prepared, outcome: Outcome) -> i32 {
    let console = &prepared.session.console;
    let signal = console.interrupt().exit_code();
    let limit = console.interrupt().exceeded();
    // The limit is for the script's output; the messages from here on are the host's.
    console.limit(None);
    let (status, code, report) = match (outcome, signal) {
        // A script that ended in spite of a signal is done.
        (Outcome::Ended(code), _) if code == DONE => (Status::Done, DONE, None),
        (Outcome::Ended(code), _) => {
            let text = format!("the script ended itself with `exit({code})`");
            (
                Status::Failed,
                code,
                Some(Diagnosis::new("script.exit", text, None)),
            )
        }
        (Outcome::Stopped, Some(code)) => (Status::Interrupted, code, None),
        // A native function that is interrupted may return an error of its own.
        (Outcome::Failed(_), Some(code)) => (Status::Interrupted, code, None),
        (Outcome::Stopped, None) => {
            let text = "the script was terminated, and nobody asked for it";
            (
                Status::Failed,
                FAILED,
                Some(Diagnosis::new("script.terminated", text, None)),
            )
        }
        (Outcome::Failed(report), None) => {
            let code = limit.map_or(FAILED, Limit::exit_code);
            (Status::Failed, code, Some(report))
        }
    };
    if let Some(report) = report
        .as_ref()
        .filter(|report| report.kind != "script.exit")
    {
        console.error(&report.render(console.look().colour), &report.render(false));
    }
    let failure = report.map(|report| report.failure());
    let folder = prepared.journal.folder().display().to_string();
    match prepared.journal.finish(status, code, failure) {
        Ok(record) => {
            let word = match status {
                Status::Done => "done",
                Status::Interrupted => "interrupted",
                _ => "failed",
            };
            let seconds = record.timings.total_s;
            let folder = visible_line(&folder);
            console.log(&format!("{word} in {seconds:.1} s, run folder: {folder}"));
            if arguments.json {
                print_record(&record, prepared.journal.folder());
            }
            code
        }
        Err(error) => unrecorded(arguments, prepared, (status, code), &error),
    }
}

/// Reports a run whose record could not be written, and returns the exit code. Such a run has failed
/// even if its script is done, because programs that read records would not find it.
fn unrecorded(
    arguments: &RunArgs,
    prepared: &Prepared,
    (status, code): (Status, i32),
    error: &anyhow::Error,
) -> i32 {
    let (console, journal) = (&prepared.session.console, &prepared.journal);
    let report = Diagnosis::of_record(error);
    console.error(&report.render(console.look().colour), &report.render(false));
    let (status, code) = match status {
        Status::Done => (Status::Failed, FAILED),
        status => (status, code),
    };
    let why = journal.record().error.unwrap_or_else(|| report.failure());
    // Try once more: the file may already say `done`, and the disk may have space again.
    let _ = journal.finish(status, code, Some(why));
    if arguments.json {
        print_record(&journal.record(), journal.folder());
    }
    code
}

/// Prints the record for `--json`, with the run's folder added as `run_dir`.
fn print_record(record: &Record, folder: &Path) {
    let mut object = serde_json::to_value(record).unwrap_or_default();
    object["run_dir"] = folder.display().to_string().into();
    print_json(&object);
}

/// Reports why nothing ran, and returns the exit code.
pub(super) fn refuse(arguments: &RunArgs, look: Look, refused: Refused) -> i32 {
    let (code, report) = match refused {
        Refused::Usage(report) => (USAGE, report),
        Refused::Script(report) => (FAILED, report),
    };
    let _ = writeln!(io::stderr(), "{}", report.render(look.colour));
    if arguments.json {
        let script = arguments
            .script
            .as_ref()
            .map(|path| path.display().to_string());
        let error: Failure = report.failure();
        print_json(&json!({
            "status": "failed", "exit_code": code, "script": script, "error": error,
        }));
    }
    code
}

fn print_json(object: &serde_json::Value) {
    let _ = writeln!(io::stdout(), "{object}");
}

/// Place of the first panic, for the report. The log has the full text.
#[derive(Default)]
pub(crate) struct Panics(Arc<Mutex<Option<String>>>);

/// Sets a panic hook that writes the panic's text to the run's log instead of the terminal.
pub(crate) fn catch_panics(console: &Arc<Console>) -> Panics {
    let last = Arc::new(Mutex::new(None));
    let (seen, console) = (last.clone(), console.clone());
    panic::set_hook(Box::new(move |info| {
        let trace = std::backtrace::Backtrace::force_capture();
        console.record("panic", &format!("{info}\n{trace}"));
        let place = info
            .location()
            .map(|at| format!("{}:{}", at.file(), at.line()));
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        // Keep the first place, which is the cause. Later panics are threads that fail because of it.
        seen.get_or_insert_with(|| place.unwrap_or_default());
    }));
    Panics(last)
}

impl Panics {
    /// The error to show for a panic that was caught. Clears the place for the next one.
    pub(crate) fn report(&self) -> Diagnosis {
        let place = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let place = place
            .map(|place| format!(" at {place}"))
            .unwrap_or_default();
        let hint = "this is a fault of pe-script or of a library it uses, not of the script: \
                    please report it with the run's log.txt, after a look that it holds nothing \
                    private";
        Diagnosis::new(
            "internal",
            format!("internal error{place}"),
            Some(hint.to_owned()),
        )
    }
}
