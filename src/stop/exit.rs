//! The exit codes of the program.

/// Exit code: the script or command succeeded.
pub const DONE: i32 = 0;
/// Exit code: an error in the script or in a function that it called.
pub const FAILED: i32 = 1;
/// Exit code: the script took longer than its `--max-time`; the same as that of `timeout`.
pub const OVERDUE: i32 = 124;
/// Exit code: a script test failed.
pub const TESTS_FAILED: i32 = 3;
/// Exit code: the command line or a parameter is wrong; nothing ran.
pub const USAGE: i32 = 2;
