//! Running one test: in an engine, a thread and a scratch folder of its own, until it ends, its
//! time is over or the user stops it.

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

/// A test without a `timeout:` may take this long.
const TIMEOUT: Duration = Duration::from_secs(300);
/// A test that was asked to stop is left behind after this.
const GRACE: Duration = Duration::from_secs(5);
/// The same after Ctrl-C: the user waits.
const GRACE_OF_USER: Duration = Duration::from_millis(800);
/// How often the user's request is looked for.
const TICK: Duration = Duration::from_millis(25);
/// As much as a main thread has; scripts nest calls up to 64 deep.
const STACK_BYTES: usize = 16 << 20;

/// How a test went.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It came to its end, or to the error that it expects.
    Passed,
    /// It needs something that is not here: test data, or a GPU.
    Skipped(String),
    /// An assertion or a call failed, or its time was over.
    Failed(Box<Diagnosis>),
    /// The user stopped it.
    Interrupted,
}

/// A test that was run.
#[derive(Debug, Clone, PartialEq)]
pub struct Finished {
    /// How it went.
    pub verdict: Verdict,
    /// How long it took.
    pub elapsed: Duration,
    /// What it printed and logged.
    pub output: String,
}

/// What tests may use.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// The folder with test data; tests that ask for it are skipped without.
    pub test_data: Option<PathBuf>,
    /// The snapshots of this pass.
    pub snapshots: Arc<Snapshots>,
    /// Folders of plugins beside those that `pe-script.yaml` names.
    pub plugins: Vec<PathBuf>,
    /// What the tests may do.
    pub sandbox: SandboxArgs,
    /// The user's request to stop.
    pub stop: Interrupt,
}

/// Runs a test.
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
        // A panic, or a test that did not stop, does not say where it was.
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

/// Looking for a GPU takes a second where there is one.
static GPU: LazyLock<Result<(), String>> = LazyLock::new(|| {
    let choice = pe_nn::choose(Request::Cuda(0));
    choice.map(drop).map_err(|error| error.to_string())
});

fn skip(case: &Case) -> Option<String> {
    case.tags().any(|tag| tag == "cuda").then_some(())?;
    let why = GPU.as_ref().err()?;
    Some(format!("it is tagged `cuda`, and there is no GPU: {why}"))
}

fn start(
    case: &Case,
    surroundings: &Surroundings,
    console: &Arc<Console>,
) -> std::io::Result<(JoinHandle<()>, Receiver<Verdict>)> {
    let (case, surroundings, console) = (case.clone(), surroundings.clone(), console.clone());
    let (tell, end) = mpsc::channel();
    // A thread of its own: what a panic leaves behind on a thread (libtorch's gradient mode) ends
    // with it.
    let thread = thread::Builder::new()
        .name(case.name())
        .stack_size(STACK_BYTES)
        .spawn(move || {
            // Whoever gave up waiting does not listen.
            let _ = tell.send(evaluate(&case, &surroundings, &console));
        })?;
    Ok((thread, end))
}

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
            Err(RecvTimeoutError::Disconnected) => return panicked(thread.join()),
        }
    }
    interrupt.request(SIGINT);
    overdue(timeout, end.recv_timeout(GRACE))
}

/// A test whose time was over, and what it answered to being asked to stop.
fn overdue(timeout: Duration, answer: Result<Verdict, RecvTimeoutError>) -> Verdict {
    let message = match answer {
        Err(RecvTimeoutError::Timeout) => format!(
            "the test hangs: it took longer than {timeout:?} and did not stop within {GRACE:?} of \
             being asked to; its thread is left behind"
        ),
        _ => format!("the test took longer than {timeout:?} and was stopped"),
    };
    let hint = "`// timeout: 10min` above a test gives it more time";
    // Its own report of the interrupt says where it was.
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

/// The whole line.
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
