//! Tests that are written as scripts: each `fn test_…()` of a file is one test, run in an engine,
//! a thread and a scratch folder of its own.
//!
//! Input: folders of scripts. Output: a verdict on each test, and for the command what people, build
//! servers and programs read of it. Comments of a script say which error is expected, what a test
//! can be chosen by and how long it may take ([`Annotations`]).

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

/// Adds what only script tests can call, so that it can be listed with its documentation; here it
/// has no test to belong to.
pub fn register(engine: &mut Engine, session: &Arc<Session>) {
    let (case, surroundings) = (Case::default(), Surroundings::default());
    let skipped = Arc::new(OnceLock::new());
    assertions::register(engine, &case, session, &surroundings, &skipped);
    run_script::register(engine, Path::new(""), session);
}
