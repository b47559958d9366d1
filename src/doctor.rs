//! `pe-script doctor`.

/// Prints the report and gives the exit code.
pub fn main() -> i32 {
    0
}
