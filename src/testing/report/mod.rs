//! Reports of a pass over the tests: for people, programs and build servers.

pub(super) mod human;
pub(super) mod json;
pub(super) mod junit;

use std::path::PathBuf;
use std::time::Duration;

use super::{Case, Finished, Verdict};
use crate::stop::{DONE, TESTS_FAILED};

/// Results of a pass.
#[derive(Debug, Default)]
pub(super) struct Pass {
    /// The tests that were run, in the order in which they ended.
    pub done: Vec<(Case, Finished)>,
    /// Number of tests that were selected.
    pub n_chosen: usize,
    /// Duration of the pass.
    pub elapsed: Duration,
    /// Snapshots that were written.
    pub written: Vec<PathBuf>,
    /// Snapshots that no test asked for.
    pub unused: Vec<PathBuf>,
    /// True if the unused snapshots were removed.
    pub removed: bool,
    /// Exit code of the signal that stopped the pass, if one did.
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

    /// Number of tests that were stopped or never began.
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
