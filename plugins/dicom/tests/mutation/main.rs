//! Broken copies of every odd file, and of some that are written here: none may panic, abort, run for
//! over 2 s or take over 512 MB.
//!
//! What ends a process cannot be caught in it, so that the files are read in children: the test
//! calls itself with a share of the work. A child names each case before it begins, so that its
//! parent knows which one it died of, and goes on behind it.
//!
//! Every file is cut off at every element; lengths and flips are a spread share. `PE_MUTATIONS` is the
//! number of cases, at least 120,000 unless told; `make mutate` runs a million.
#![allow(clippy::unwrap_used)] // A test that cannot go on may panic.

mod cases;
mod child;
#[path = "../data/mod.rs"]
mod data;
mod parent;
mod process;
mod synthetic;

use std::process::ExitCode;

use cases::Cases;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let given = std::env::var("PE_MUTATIONS").ok();
    let cases = Cases::new(given.map(|n| n.parse().unwrap()));
    if let [role, first, step] = &arguments[..]
        && role == child::ROLE
    {
        child::run(&cases, first.parse().unwrap(), step.parse().unwrap());
        return ExitCode::SUCCESS;
    }
    // What the test runner asks of every test binary.
    if arguments.iter().any(|argument| argument == "--list") {
        println!("no_mutation_breaks_a_reader: test");
        return ExitCode::SUCCESS;
    }
    parent::run(&cases)
}
