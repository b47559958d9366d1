//! A limit that ends a run.

use std::time::Duration;

use jiff::SignedDuration;

use super::{FAILED, OVERDUE};

/// A limit that ends a run when it is met, whatever the script is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// The time is over.
    Time(Duration),
    /// So many operations were done.
    Operations(u64),
    /// So many bytes were said.
    Output(usize),
}

impl Limit {
    /// The program's exit code.
    pub(crate) fn exit_code(self) -> i32 {
        match self {
            Self::Time(_) => OVERDUE,
            Self::Operations(_) | Self::Output(_) => FAILED,
        }
    }
}

/// `2h`, `1m 30s`.
pub(crate) fn in_words(time: Duration) -> String {
    SignedDuration::try_from(time).map_or_else(|_| format!("{time:?}"), |time| format!("{time:#}"))
}
