//! Ctrl-C and its relatives: the first asks the script to stop, the second ends the process.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level;

/// Whether the user asked to stop; cheap to clone, all clones see the same request.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<Requests>);

#[derive(Debug, Default)]
struct Requests {
    signal: AtomicI32,
    times: AtomicU32,
}

impl Interrupt {
    /// Listens for SIGINT, SIGTERM and SIGHUP from now on.
    ///
    /// The first signal sets the request, and tells the user so. A second one calls `at_once` with
    /// the signal's exit code and ends the process there, whatever it is doing.
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
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
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
        self.0.times.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Forgets the request: what comes next is not stopped by it.
    pub(crate) fn clear(&self) {
        self.0.times.store(0, Ordering::SeqCst);
        self.0.signal.store(0, Ordering::SeqCst);
    }

    /// Whether a signal came.
    pub fn requested(&self) -> bool {
        self.0.signal.load(Ordering::Relaxed) != 0
    }

    /// The exit code that says which signal came: 130 for Ctrl-C, 143 for SIGTERM.
    pub fn exit_code(&self) -> Option<i32> {
        match self.0.signal.load(Ordering::SeqCst) {
            0 => None,
            signal => Some(exit_code(signal)),
        }
    }
}

/// The first signal is told, the second ends the process after `at_once`.
pub(crate) fn at_second(
    at_once: impl Fn(i32) + Send + 'static,
) -> impl Fn(i32, u32) -> Option<i32> + Send + 'static {
    move |signal, times| {
        if times == 1 {
            eprintln!("stopping … (press Ctrl-C again to end at once)");
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
