//! The limits that end a run.

use std::time::Duration;

use jiff::SignedDuration;

use super::{FAILED, OVERDUE};

/// A limit that was met and ends the run, whatever the script is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// The time limit is over.
    Time(Duration),
    /// The script did more than this many operations.
    Operations(u64),
    /// The script printed, logged and recorded more than this many bytes.
    Output(usize),
}

impl Limit {
    /// The program's exit code after this limit.
    pub(crate) fn exit_code(self) -> i32 {
        match self {
            Self::Time(_) => OVERDUE,
            Self::Operations(_) | Self::Output(_) => FAILED,
        }
    }
}

/// Formats a time: `2h`, `1m 30s`.
pub(crate) fn in_words(time: Duration) -> String {
    SignedDuration::try_from(time).map_or_else(|_| format!("{time:?}"), |time| format!("{time:#}"))
}
