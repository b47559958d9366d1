//! How a run ends before its script does: by Ctrl-C or a signal, or by a limit that is met; and the exit
//! codes of either.
//!
//! This room is at the bottom: whatever waits, prints or computes asks it whether to go on.

mod exit;
mod interrupt;
mod limit;

pub use exit::{DONE, FAILED, OVERDUE, TESTS_FAILED, USAGE};
pub use interrupt::Interrupt;
pub(crate) use interrupt::{at_second, exit_code};
pub use limit::Limit;
pub(crate) use limit::in_words;
