//! Ctrl-C and its relatives: the first asks the script to stop, a second Ctrl-C ends the process. A
//! limit that is met asks in the same way.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level;

use super::Limit;

/// Whether the user, or a limit, asked to stop; cheap to clone, all clones see the same request.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<Requests>);

#[derive(Debug, Default)]
struct Requests {
    /// For either reason: what is looked at all the time.
    stop: AtomicBool,
    signal: AtomicI32,
    times: AtomicU32,
    limit: Mutex<Option<Limit>>,
}

impl Interrupt {
    /// Listens for SIGINT, SIGTERM and SIGHUP from now on; for SIGHUP only where the process was not
    /// started to ignore it, as `nohup` does.
    ///
    /// The first signal sets the request, and tells the user so. A Ctrl-C after it calls `at_once`
    /// with the signal's exit code and ends the process there, whatever it is doing.
    ///
    /// # Errors
    /// When the operating system refuses the handlers or the thread.
    pub fn listen(at_once: impl Fn(i32) + Send + 'static) -> io::Result<Self> {
        Self::listen_with(at_second(at_once))
    }

    /// Listens as [`Self::listen`], for a process that lives on after an interrupt: `told` is
    /// called with the signal and how many came since the last one was done with, and ends the
    /// process by giving an exit code.
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

    /// Asks to stop as `signal` does; gives how often that was asked since the last clear.
    pub(crate) fn request(&self, signal: i32) -> u32 {
        self.0.signal.store(signal, Ordering::SeqCst);
        self.0.stop.store(true, Ordering::SeqCst);
        self.0.times.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Asks to stop because a limit was met; the first that was met is the reason.
    pub(crate) fn exceed(&self, limit: Limit) {
        self.limit(|first| {
            first.get_or_insert(limit);
        });
        self.0.stop.store(true, Ordering::SeqCst);
    }

    /// The limit that was met.
    pub fn exceeded(&self) -> Option<Limit> {
        self.limit(|first| *first)
    }

    fn limit<T>(&self, with: impl FnOnce(&mut Option<Limit>) -> T) -> T {
        with(&mut self.0.limit.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Forgets the request: what comes next is not stopped by it.
    pub(crate) fn clear(&self) {
        self.0.times.store(0, Ordering::SeqCst);
        self.0.signal.store(0, Ordering::SeqCst);
        self.limit(|first| *first = None);
        self.0.stop.store(false, Ordering::SeqCst);
    }

    /// Whether to stop: a signal came, or a limit was met.
    pub fn requested(&self) -> bool {
        self.0.stop.load(Ordering::Relaxed)
    }

    /// The exit code that says which signal came: 130 for Ctrl-C, 143 for SIGTERM.
    pub fn exit_code(&self) -> Option<i32> {
        match self.0.signal.load(Ordering::SeqCst) {
            0 => None,
            signal => Some(exit_code(signal)),
        }
    }
}

/// Whether the process was started to ignore this signal.
fn is_ignored(signal: i32) -> bool {
    // Linux tells it as a mask, from signal 1 on; where nobody tells it, no signal is ignored.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

/// The first signal is told; a Ctrl-C after it ends the process after `at_once`.
///
/// Only a person presses Ctrl-C twice. A cluster sends SIGTERM to a job's script and to each of its
/// processes, so that a run may see it more than once, and still has to write its checkpoint; what
/// ends a process that does not stop is SIGKILL.
pub(crate) fn at_second(
    at_once: impl Fn(i32) + Send + 'static,
) -> impl Fn(i32, u32) -> Option<i32> + Send + 'static {
    move |signal, times| {
        if times == 1 {
            // The terminal may be gone, which is what SIGHUP says.
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

/// Shells report a process that a signal ended as 128 plus the signal's number.
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
