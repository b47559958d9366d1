//! Tests that are written as scripts: each `fn test_…()` of a file is one test, run in an engine,
//! a thread and a scratch folder of its own.
//!
//! Input: folders of scripts. Output: a verdict on each test, and reports for people, build servers and
//! programs. Comments in a script state the expected error, tags and time limit of a test
//! ([`Annotations`]).

mod annotations;
mod arguments;
mod assertions;
mod choose;
mod collect;
mod command;
mod compare;
mod evaluate;
mod pool;
mod report;
mod run;
mod run_script;
mod snapshot;
mod source;
#[cfg(test)]
mod tests;
mod watch;
mod words;

pub use annotations::{Annotations, ExpectedError, Misread};
pub use arguments::TestArgs;
pub use collect::{Case, collect};
pub use command::main;
pub use run::{Finished, Surroundings, Verdict, run};
pub use snapshot::Snapshots;

use std::path::Path;
use std::sync::{Arc, OnceLock};

use rhai::Engine;

use crate::session::Session;

/// Registers the functions that only script tests can call, without a test. Used to list them with
/// their documentation.
pub fn register(engine: &mut Engine, session: &Arc<Session>) {
    let (case, surroundings) = (Case::default(), Surroundings::default());
    let skipped = Arc::new(OnceLock::new());
    assertions::register(engine, &case, session, &surroundings, &skipped);
    run_script::register(engine, Path::new(""), session);
}
