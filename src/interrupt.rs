//! Ctrl-C and its relatives: the first asks the script to stop, the second ends the process.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level;

/// Whether the user asked to stop; cheap to clone, all clones see the same request.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<AtomicI32>);

impl Interrupt {
    /// Listens for SIGINT, SIGTERM and SIGHUP from now on.
    ///
    /// The first signal sets the request. A second one calls `at_once` with the signal's exit code
    /// and ends the process there, whatever it is doing.
    ///
    /// # Errors
    /// When the operating system refuses the handlers or the thread.
    pub fn listen(
        first: impl Fn() + Send + 'static,
        at_once: impl Fn(i32) + Send + 'static,
    ) -> io::Result<Self> {
        let interrupt = Self::default();
        let requested = interrupt.clone();
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
        thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || {
                for signal in signals.forever() {
                    if requested.0.swap(signal, Ordering::SeqCst) == 0 {
                        first();
                    } else {
                        at_once(exit_code(signal));
                        low_level::exit(exit_code(signal));
                    }
                }
            })?;
        Ok(interrupt)
    }

    /// Asks what watches this request to stop, as Ctrl-C would; nothing else of the process notices.
    pub fn request(&self) {
        let _ = (self.0).compare_exchange(0, SIGINT, Ordering::SeqCst, Ordering::SeqCst);
    }

    /// Whether a signal came, or [`request`](Self::request) was called.
    pub fn requested(&self) -> bool {
        self.0.load(Ordering::Relaxed) != 0
    }

    /// The exit code that says which signal came: 130 for Ctrl-C, 143 for SIGTERM.
    pub fn exit_code(&self) -> Option<i32> {
        match self.0.load(Ordering::SeqCst) {
            0 => None,
            signal => Some(exit_code(signal)),
        }
    }
}

/// Shells report a process that a signal ended as 128 plus the signal's number.
fn exit_code(signal: i32) -> i32 {
    128 + signal
}
