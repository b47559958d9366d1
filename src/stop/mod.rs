//! Early ends of a run, by Ctrl-C, another signal or a limit; and the exit codes.
//!
//! The lowest module of the host: everything that waits, prints or computes asks it whether to go on.

mod exit;
mod interrupt;
mod limit;

pub use exit::{DONE, FAILED, OVERDUE, TESTS_FAILED, USAGE};
pub use interrupt::Interrupt;
pub(crate) use interrupt::{at_second, exit_code};
pub use limit::Limit;
pub(crate) use limit::in_words;
