//! The time limit of a script.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use crate::stop::{Interrupt, Limit};

/// After the time limit, a run has this long to write a checkpoint and its record.
const GRACE: Duration = Duration::from_secs(60);

/// A timer that requests a stop when the time limit is over. Dropping it cancels the timer.
#[derive(Debug)]
pub(crate) struct Clock {
    _running: Option<Sender<()>>,
}

impl Clock {
    /// Starts the timer; without a `time` there is no limit.
    ///
    /// If the clock still exists 60 s after it requested the stop, it calls `at_end`. That happens when
    /// a native function never looks at the request, for instance while it waits for a file.
    pub(super) fn start(
        time: Option<Duration>,
        interrupt: &Interrupt,
        at_end: impl FnOnce(Limit) + Send + 'static,
    ) -> Self {
        Self {
            _running: time.map(|time| run((time, GRACE), interrupt.clone(), at_end)),
        }
    }
}

fn run(
    (time, grace): (Duration, Duration),
    interrupt: Interrupt,
    at_end: impl FnOnce(Limit) + Send + 'static,
) -> Sender<()> {
    // Nothing is ever sent. `recv_timeout` returns `Disconnected` as soon as the clock, which holds the
    // sender, is dropped, and `Timeout` otherwise.
    let (running, ended) = mpsc::channel();
    thread::spawn(move || {
        let limit = Limit::Time(time);
        if ended.recv_timeout(time) == Err(RecvTimeoutError::Timeout) {
            interrupt.exceed(limit);
            if ended.recv_timeout(grace) == Err(RecvTimeoutError::Timeout) {
                at_end(limit);
            }
        }
    });
    running
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_stop_is_ended() {
        let interrupt = Interrupt::default();
        let (tell, told) = mpsc::channel();
        let time = Duration::from_millis(1);
        let running = run((time, time), interrupt.clone(), move |limit| {
            tell.send(limit).unwrap();
        });
        assert_eq!(told.recv(), Ok(Limit::Time(time)));
        assert_eq!(interrupt.exceeded(), Some(Limit::Time(time)));
        assert!(interrupt.requested());
        assert_eq!(interrupt.exit_code(), None, "no signal came");
        drop(running);
    }

    #[test]
    fn a_clock_that_is_dropped_stands_still() {
        let interrupt = Interrupt::default();
        let (tell, told) = mpsc::channel::<()>();
        let hour = Duration::from_secs(3600);
        drop(run((hour, hour), interrupt.clone(), move |_| drop(tell)));
        // `recv` fails as soon as the thread has ended and dropped its sender.
        assert!(told.recv().is_err());
        assert!(!interrupt.requested());
    }
}
