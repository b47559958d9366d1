//! The time that a script may take.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use crate::stop::{Interrupt, Limit};

/// What was asked to stop gets this long to write a checkpoint and its record.
const GRACE: Duration = Duration::from_secs(60);

/// A clock that asks to stop when its time is over; it stands still once it is dropped.
#[derive(Debug)]
pub(crate) struct Clock {
    _running: Option<Sender<()>>,
}

impl Clock {
    /// Starts; without a `time` it never ends. Where nothing has stopped some time after that was
    /// asked, as a native function that waits for a file does not, `at_end` is called.
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
        // The thread lets go of its end when it is done.
        assert!(told.recv().is_err());
        assert!(!interrupt.requested());
    }
}
