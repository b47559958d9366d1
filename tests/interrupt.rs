//! Ctrl-C and SIGTERM stop a run soon, in a script's loop and in native work, and mark it.

// A test may panic, in its own functions too.
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use common::{end, program, send};

const LOOP: &str = "print(\"begun\"); let n = 0; loop { n += 1; }";
const CAUGHT: &str = "print(\"begun\"); loop { try { let n = 0; loop { n += 1; } } catch { } }";

fn start(folder: &Path, script: &str) -> Child {
    fs::write(folder.join("a.rhai"), script).unwrap();
    let mut child = program()
        .args(["run", "a.rhai"])
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let stdout = child.stdout.as_mut().unwrap();
    BufReader::new(stdout).read_line(&mut line).unwrap();
    assert_eq!(line, "begun\n");
    child
}

fn record(folder: &Path) -> String {
    let run = fs::read_dir(folder.join("runs/a"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    fs::read_to_string(run.path().join("run.yaml")).unwrap()
}

fn check(script: &str, signal: &str, code: i32) {
    let folder = tempfile::tempdir().unwrap();
    let mut child = start(folder.path(), script);
    assert!(record(folder.path()).starts_with("status: running\n"));
    send(&child, signal);
    assert_eq!(end(&mut child), code);
    let record = record(folder.path());
    assert!(record.starts_with("status: interrupted\n"), "{record}");
    assert!(record.contains(&format!("exit_code: {code}\n")), "{record}");
}

#[test]
fn ctrl_c_stops_a_loop() {
    check(LOOP, "INT", 130);
}

#[test]
fn sigterm_stops_a_loop() {
    check(LOOP, "TERM", 143);
}

#[test]
fn ctrl_c_stops_native_work() {
    check("print(\"begun\"); sleep(600);", "INT", 130);
}

#[test]
fn native_work_in_try_is_stopped_too() {
    check(
        "print(\"begun\"); loop { try { sleep(600); } catch { } }",
        "INT",
        130,
    );
}

#[test]
fn a_script_cannot_catch_the_interrupt() {
    check(CAUGHT, "INT", 130);
}

/// A script that waits for a file.
const WAIT: &str = "print(\"begun\"); while !exists(\"go\") { sleep(0.02); }";

/// A signal, then the file that the script waits for: it must come to its end.
fn check_ignored(shell: &str, signal: &str) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.rhai"), WAIT).unwrap();
    let run = format!(
        "{shell} exec {} run a.rhai",
        env!("CARGO_BIN_EXE_pe-script")
    );
    let mut child = Command::new("sh")
        .args(["-c", &run])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let stdout = child.stdout.as_mut().unwrap();
    BufReader::new(stdout).read_line(&mut line).unwrap();
    assert_eq!(line, "begun\n");
    send(&child, signal);
    fs::write(folder.path().join("go"), "").unwrap();
    assert_eq!(end(&mut child), 0);
    assert!(record(folder.path()).starts_with("status: done\n"));
}

#[test]
fn nohup_keeps_a_run_when_its_terminal_is_closed() {
    check_ignored("trap '' HUP;", "HUP");
}

#[test]
fn a_closed_terminal_ends_a_run() {
    check(LOOP, "HUP", 129);
}
