//! Stop requests by signals and limits. The first Ctrl-C asks the script to stop, a second one ends
//! the process. A limit that is met asks in the same way.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level;

use super::Limit;

/// Stop request by the user or a limit. Cheap to clone; all clones share the request.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<Requests>);

#[derive(Debug, Default)]
struct Requests {
    /// Set for either reason. This is the only field that running work polls.
    stop: AtomicBool,
    /// The last signal, 0 for none.
    signal: AtomicI32,
    /// Number of signals since the last clear.
    times: AtomicU32,
    limit: Mutex<Option<Limit>>,
}

impl Interrupt {
    /// Starts to listen for SIGINT, SIGTERM and SIGHUP. SIGHUP stays ignored if the process was started
    /// so, as `nohup` does.
    ///
    /// The first signal sets the request and prints a message. A Ctrl-C after it calls `at_once` with
    /// the signal's exit code, then ends the process, whatever it is doing.
    ///
    /// # Errors
    /// When the operating system refuses the signal handlers or the thread.
    pub fn listen(at_once: impl Fn(i32) + Send + 'static) -> io::Result<Self> {
        Self::listen_with(at_second(at_once))
    }

    /// Listens as [`Self::listen`], with a handler of the caller's, for a process that goes on after an
    /// interrupt. `told` gets the signal and the number of signals since the last clear. If it returns
    /// an exit code, the process ends.
    ///
    /// # Errors
    /// As [`Self::listen`].
    pub fn listen_with(
        told: impl Fn(i32, u32) -> Option<i32> + Send + 'static,
    ) -> io::Result<Self> {
        let interrupt = Self::default();
        let requested = interrupt.clone();
        let mut signals = Signals::new([SIGINT, SIGTERM])?;
        if !is_ignored(SIGHUP) {
            signals.add_signal(SIGHUP)?;
        }
        thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || {
                for signal in signals.forever() {
                    let times = requested.request(signal);
                    if let Some(code) = told(signal, times) {
                        low_level::exit(code);
                    }
                }
            })?;
        Ok(interrupt)
    }

    /// Requests a stop as `signal` does. Returns the number of signals since the last clear.
    pub(crate) fn request(&self, signal: i32) -> u32 {
        // `stop` is set last, so that the signal is known when the work stops.
        self.0.signal.store(signal, Ordering::SeqCst);
        self.0.stop.store(true, Ordering::SeqCst);
        self.0.times.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Requests a stop because a limit was met. The first limit that was met is kept as the reason.
    pub(crate) fn exceed(&self, limit: Limit) {
        self.limit(|first| {
            first.get_or_insert(limit);
        });
        self.0.stop.store(true, Ordering::SeqCst);
    }

    /// The limit that was met first, if any.
    pub fn exceeded(&self) -> Option<Limit> {
        self.limit(|first| *first)
    }

    fn limit<T>(&self, with: impl FnOnce(&mut Option<Limit>) -> T) -> T {
        with(&mut self.0.limit.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Clears the request, so that the next input is not stopped by it.
    pub(crate) fn clear(&self) {
        self.0.times.store(0, Ordering::SeqCst);
        self.0.signal.store(0, Ordering::SeqCst);
        self.limit(|first| *first = None);
        self.0.stop.store(false, Ordering::SeqCst);
    }

    /// Returns whether to stop: a signal came or a limit was met.
    pub fn requested(&self) -> bool {
        self.0.stop.load(Ordering::Relaxed)
    }

    /// The exit code for the signal that came: 130 for Ctrl-C, 143 for SIGTERM.
    pub fn exit_code(&self) -> Option<i32> {
        match self.0.signal.load(Ordering::SeqCst) {
            0 => None,
            signal => Some(exit_code(signal)),
        }
    }
}

/// Returns whether the process was started with this signal ignored.
fn is_ignored(signal: i32) -> bool {
    // Linux has a mask of ignored signals there; bit 0 is signal 1. Without the file, assume none.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

/// Handler for [`Interrupt::listen`]: the first signal prints a message, a Ctrl-C after it calls
/// `at_once` and ends the process.
///
/// Only Ctrl-C counts as a second signal, because only a person presses it twice. A cluster sends
/// SIGTERM to a job's script and to each of its processes, so a run may receive it several times and
/// must still write its checkpoint. A process that does not stop gets SIGKILL anyway.
pub(crate) fn at_second(
    at_once: impl Fn(i32) + Send + 'static,
) -> impl Fn(i32, u32) -> Option<i32> + Send + 'static {
    move |signal, times| {
        if times == 1 {
            // An error is ignored: after SIGHUP the terminal is gone.
            let told = "stopping … (press Ctrl-C again to end at once)";
            let _ = writeln!(io::stderr(), "{told}");
        }
        if times == 1 || signal != SIGINT {
            return None;
        }
        at_once(exit_code(signal));
        Some(exit_code(signal))
    }
}

/// Exit code for a signal, as shells report it: 128 plus the signal's number.
pub(crate) fn exit_code(signal: i32) -> i32 {
    128 + signal
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;

    #[test]
    fn only_a_second_ctrl_c_ends_at_once() {
        let check = |signal: i32, times: u32, expected: Option<i32>| {
            let ended = Arc::new(AtomicBool::new(false));
            let seen = ended.clone();
            let told = at_second(move |_| seen.store(true, Ordering::SeqCst));
            assert_eq!(told(signal, times), expected, "{signal}, {times}");
            assert_eq!(ended.load(Ordering::SeqCst), expected.is_some());
        };
        check(SIGINT, 1, None);
        check(SIGINT, 2, Some(130));
        check(SIGINT, 3, Some(130));
        check(SIGTERM, 1, None);
        check(SIGTERM, 2, None);
        check(SIGTERM, 9, None);
        check(SIGHUP, 1, None);
        check(SIGHUP, 2, None);
    }
}
