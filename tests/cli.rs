//! The command line as its users see it: help, errors, exit codes.
//!
//! Run with `TRYCMD=overwrite` to take over what it prints now, and read the difference.

// A test may panic, in its own functions too.
#![allow(clippy::unwrap_used)]

#[test]
fn the_command_line_says_what_it_said() {
    let cases = trycmd::TestCases::new();
    cases
        .case("tests/cli/*.trycmd")
        .env("NO_COLOR", "1")
        .env("COLUMNS", "100")
        .insert_var("[VERSION]", env!("CARGO_PKG_VERSION"))
        .unwrap();
}
