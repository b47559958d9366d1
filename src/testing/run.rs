//! Runs one test on a thread of its own, until it ends, its time is over or the user stops it.

use std::any::Any;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, LazyLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use pe_nn::Request;
use rhai::Position;
use signal_hook::consts::SIGINT;

use super::evaluate::evaluate;
use super::{Case, Snapshots};
use crate::console::Console;
use crate::diagnosis::{Diagnosis, Place};
use crate::sandbox::SandboxArgs;
use crate::stop::Interrupt;

/// Time limit of a test without a `timeout:`.
const TIMEOUT: Duration = Duration::from_secs(300);
/// After its time limit, a test has this long to stop; then its thread is left behind.
const GRACE: Duration = Duration::from_secs(5);
/// The same after Ctrl-C, shorter because the user is waiting.
const GRACE_OF_USER: Duration = Duration::from_millis(800);
/// Interval at which the user's stop request is polled.
const TICK: Duration = Duration::from_millis(25);
/// Stack of a test's thread. Rust's default is 2 MiB, but scripts nest calls up to 64 deep.
const STACK_BYTES: usize = 16 << 20;

/// The result of a test.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It ran to its end, or failed with the expected error.
    Passed,
    /// It needs test data or a GPU, which is missing. The text is the reason.
    Skipped(String),
    /// An assertion or a call failed, or the time limit was met.
    Failed(Box<Diagnosis>),
    /// The user stopped it.
    Interrupted,
}

/// A test that was run.
#[derive(Debug, Clone, PartialEq)]
pub struct Finished {
    /// Its result.
    pub verdict: Verdict,
    /// Its duration.
    pub elapsed: Duration,
    /// The lines that it printed and logged.
    pub output: String,
}

/// Resources and options for all tests of a pass.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// The folder with test data. Without one, tests that call `test_data()` are skipped.
    pub test_data: Option<PathBuf>,
    /// The snapshots of this pass.
    pub snapshots: Arc<Snapshots>,
    /// Folders of plugins, in addition to those named in `pe-script.yaml`.
    pub plugins: Vec<PathBuf>,
    /// The sandbox's options.
    pub sandbox: SandboxArgs,
    /// The user's request to stop.
    pub stop: Interrupt,
}

/// Runs a test and returns its result.
pub fn run(case: &Case, surroundings: &Surroundings) -> Finished {
    let began = Instant::now();
    let interrupt = Interrupt::default();
    let console = Console::keeping(interrupt.clone());
    let verdict = match skip(case) {
        Some(reason) => Verdict::Skipped(reason),
        None => match start(case, surroundings, &console) {
            Ok((thread, end)) => wait(case, surroundings, &interrupt, thread, &end),
            Err(error) => failed(format!("cannot start a thread for the test: {error}"), None),
        },
    };
    let verdict = match verdict {
        // After a panic or a timeout there may be no place: then use the test's first line.
        Verdict::Failed(mut report) => {
            let begin = case.line.map(|line| at_line(&case.file, line));
            report.place = report.place.or(begin);
            Verdict::Failed(report)
        }
        other => other,
    };
    Finished {
        verdict,
        elapsed: began.elapsed(),
        output: console.said().all,
    }
}

/// The check for a GPU, cached because it takes a second if there is one.
static GPU: LazyLock<Result<(), String>> = LazyLock::new(|| {
    let choice = pe_nn::choose(Request::Cuda(0));
    choice.map(drop).map_err(|error| error.to_string())
});

/// The reason to skip a test, if any: it is tagged `cuda` and there is no GPU.
fn skip(case: &Case) -> Option<String> {
    case.tags().any(|tag| tag == "cuda").then_some(())?;
    let why = GPU.as_ref().err()?;
    Some(format!("it is tagged `cuda`, and there is no GPU: {why}"))
}

/// Starts the thread of a test. Returns it with the channel on which its verdict arrives.
fn start(
    case: &Case,
    surroundings: &Surroundings,
    console: &Arc<Console>,
) -> std::io::Result<(JoinHandle<()>, Receiver<Verdict>)> {
    let (case, surroundings, console) = (case.clone(), surroundings.clone(), console.clone());
    let (tell, end) = mpsc::channel();
    // Each test has a new thread, because a panic can leave libtorch's state of its thread changed,
    // such as the gradient mode.
    let thread = thread::Builder::new()
        .name(case.name())
        .stack_size(STACK_BYTES)
        .spawn(move || {
            // Sending fails if `wait` has given up.
            let _ = tell.send(evaluate(&case, &surroundings, &console));
        })?;
    Ok((thread, end))
}

/// Waits for the verdict of a test. Asks the test to stop at its time limit, and when the user does.
fn wait(
    case: &Case,
    surroundings: &Surroundings,
    interrupt: &Interrupt,
    thread: JoinHandle<()>,
    end: &Receiver<Verdict>,
) -> Verdict {
    let own = case.annotations.as_ref().ok().and_then(|own| own.timeout);
    let timeout = own.unwrap_or(TIMEOUT);
    let timeout = timeout.min(surroundings.sandbox.max_time.unwrap_or(timeout));
    let began = Instant::now();
    while began.elapsed() < timeout {
        if surroundings.stop.requested() {
            interrupt.request(SIGINT);
            let _ = end.recv_timeout(GRACE_OF_USER);
            return Verdict::Interrupted;
        }
        match end.recv_timeout(TICK.min(timeout)) {
            Ok(verdict) => return verdict,
            Err(RecvTimeoutError::Timeout) => {}
            // The thread ended without a verdict, so it panicked.
            Err(RecvTimeoutError::Disconnected) => return panicked(thread.join()),
        }
    }
    interrupt.request(SIGINT);
    overdue(timeout, end.recv_timeout(GRACE))
}

/// The verdict of a test that met its time limit. `answer` is the test's own verdict after it was asked
/// to stop, if it came in time.
fn overdue(timeout: Duration, answer: Result<Verdict, RecvTimeoutError>) -> Verdict {
    let message = match answer {
        Err(RecvTimeoutError::Timeout) => format!(
            "the test hangs: it took longer than {timeout:?} and did not stop within {GRACE:?} of \
             being asked to; its thread is left behind"
        ),
        _ => format!("the test took longer than {timeout:?} and was stopped"),
    };
    let hint = "`// timeout: 10min` above a test gives it more time";
    // The test's own report has the place where it was interrupted.
    let place = match answer {
        Ok(Verdict::Failed(report)) => report.place,
        _ => None,
    };
    Verdict::Failed(Box::new(Diagnosis {
        place,
        ..Diagnosis::new("test.timeout", message, Some(hint.to_owned()))
    }))
}

pub(super) fn failed(message: impl Into<String>, hint: Option<&str>) -> Verdict {
    Verdict::Failed(Diagnosis::new("test", message, hint.map(str::to_owned)).into())
}

fn panicked(joined: Result<(), Box<dyn Any + Send>>) -> Verdict {
    let payload = joined.err().unwrap_or_else(|| Box::new(()));
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
    let text = text.unwrap_or("without a message");
    failed(format!("a native function panicked: {text}"), None)
}

/// The place of a whole line.
pub(super) fn at_line(file: &Path, line: usize) -> Place {
    let line = u16::try_from(line).unwrap_or(u16::MAX);
    Place {
        file: file.to_path_buf(),
        position: Position::new(line, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_whose_time_is_over_fails_whatever_it_answers() {
        let check = |answer, text: &str, line| {
            let Verdict::Failed(report) = overdue(Duration::from_secs(2), answer) else {
                panic!("expected a failure");
            };
            assert!(report.message.contains(text), "{}", report.message);
            let place = report.place.and_then(|place| place.position.line());
            assert_eq!(place, line);
        };
        let stopped = Diagnosis {
            place: Some(at_line(Path::new("a.rhai"), 7)),
            ..Diagnosis::default()
        };
        check(
            Ok(Verdict::Failed(stopped.into())),
            "longer than 2s and was stopped",
            Some(7),
        );
        check(Ok(Verdict::Passed), "longer than 2s and was stopped", None);
        check(
            Err(RecvTimeoutError::Timeout),
            "did not stop within 5s",
            None,
        );
        check(Err(RecvTimeoutError::Disconnected), "longer than 2s", None);
    }

    #[test]
    fn a_panic_says_what_it_said() {
        let check = |payload: Box<dyn Any + Send>, text: &str| {
            let Verdict::Failed(report) = panicked(Err(payload)) else {
                panic!("expected a failure");
            };
            assert!(report.message.ends_with(text), "{}", report.message);
        };
        check(Box::new("index 3"), "panicked: index 3");
        check(Box::new("index 4".to_owned()), "panicked: index 4");
        check(Box::new(5), "without a message");
    }
}
