//! Processes that are sent signals.

// Not every test uses all of it.
#![allow(dead_code)]

use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// It is a second for the user; a loaded machine that runs tests gets more.
const SOON: Duration = Duration::from_secs(20);

/// The program, which hears SIGHUP whatever the tests were started with: `nohup` ignores it, and what it
/// ignores its children ignore too.
pub const PROGRAM: &[&str] = &[
    "env",
    #[cfg(target_os = "linux")]
    "--default-signal=HUP",
    env!("CARGO_BIN_EXE_pe-script"),
];

/// A command of [`PROGRAM`].
pub fn program() -> Command {
    let mut command = Command::new(PROGRAM[0]);
    command.args(&PROGRAM[1..]);
    command
}

/// Sends a process a signal, `"INT"` or `"TERM"`.
pub fn send(child: &Child, signal: &str) {
    let kill = format!("kill -{signal} {}", child.id());
    let status = Command::new("sh").args(["-c", &kill]).status().unwrap();
    assert!(status.success());
}

/// The exit code of a process that ends itself soon.
pub fn end(child: &mut Child) -> i32 {
    let began = Instant::now();
    while began.elapsed() < SOON {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code().expect("the process ends itself");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let _ = child.kill();
    panic!("still running {SOON:?} after the signal");
}
