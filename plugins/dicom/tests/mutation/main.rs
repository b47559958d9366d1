//! Broken copies of every odd file, and of some that are written here: none may panic, abort, run for
//! over 2 s or take over 512 MB.
//!
//! What ends a process cannot be caught in it, so that the files are read in children: the test
//! calls itself with a share of the work. A child names each case before it begins, so that its
//! parent knows which one it died of, and goes on behind it.
//!
//! `PE_MUTATIONS` is the number of cases, 120,000 unless told; `make mutate` runs a million.
#![allow(clippy::unwrap_used)] // A test that cannot go on may panic.

mod cases;
mod child;
#[path = "../data/mod.rs"]
mod data;
mod parent;
mod process;
mod synthetic;

use std::process::ExitCode;

/// Cases of a run that says nothing: a minute of one core.
const DEFAULT_CASES: usize = 120_000;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let n_cases = std::env::var("PE_MUTATIONS").map_or(DEFAULT_CASES, |n| n.parse().unwrap());
    if let [role, first, step] = &arguments[..]
        && role == child::ROLE
    {
        child::run(n_cases, first.parse().unwrap(), step.parse().unwrap());
        return ExitCode::SUCCESS;
    }
    // What the test runner asks of every test binary.
    if arguments.iter().any(|argument| argument == "--list") {
        println!("no_mutation_breaks_a_reader: test");
        return ExitCode::SUCCESS;
    }
    parent::run(n_cases)
}
