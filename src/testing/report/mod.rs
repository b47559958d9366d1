//! What is said of a pass over the tests: to people, to programs, to build servers.

pub(super) mod human;
pub(super) mod json;
pub(super) mod junit;

use std::path::PathBuf;
use std::time::Duration;

use super::{Case, Finished, Verdict};
use crate::stop::{DONE, TESTS_FAILED};

/// What came of a pass.
#[derive(Debug, Default)]
pub(super) struct Pass {
    /// The tests that were run, in the order in which they ended.
    pub done: Vec<(Case, Finished)>,
    /// How many were to be run.
    pub n_chosen: usize,
    /// How long it took.
    pub elapsed: Duration,
    /// Snapshots that were written.
    pub written: Vec<PathBuf>,
    /// Snapshots that no test asked for.
    pub unused: Vec<PathBuf>,
    /// Whether the unused ones were removed.
    pub removed: bool,
    /// The exit code of the signal that stopped it.
    pub stopped: Option<i32>,
}

impl Pass {
    fn count(&self, which: impl Fn(&Verdict) -> bool) -> usize {
        let done = self.done.iter();
        done.filter(|(_, finished)| which(&finished.verdict))
            .count()
    }

    pub fn n_passed(&self) -> usize {
        self.count(|verdict| *verdict == Verdict::Passed)
    }

    pub fn n_failed(&self) -> usize {
        self.count(|verdict| matches!(verdict, Verdict::Failed(_)))
    }

    pub fn n_skipped(&self) -> usize {
        self.count(|verdict| matches!(verdict, Verdict::Skipped(_)))
    }

    /// Those that were stopped, and those that never began.
    pub fn n_not_run(&self) -> usize {
        self.n_chosen - self.n_passed() - self.n_failed() - self.n_skipped()
    }

    /// The exit code of the command.
    pub fn exit_code(&self) -> i32 {
        match self.stopped {
            Some(code) => code,
            None if self.n_failed() > 0 => TESTS_FAILED,
            None => DONE,
        }
    }
}
