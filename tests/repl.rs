//! The prompt in a real pseudo-terminal, as a person uses it, and without a terminal.

// A test may panic, in its own functions too.
#![allow(clippy::unwrap_used)]
#![cfg(unix)]

mod common;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use rexpect::process::{Signal, WaitStatus};
use rexpect::session::{PtySession, spawn_command};

const PROGRAM: &str = env!("CARGO_BIN_EXE_pe-script");
/// Far more than anything here takes: a machine may be busy.
const PATIENCE_MS: u64 = 60_000;
/// How the editor shows an empty line: the prompt, and the cursor behind it.
const FRESH: &str = "pe> \r\u{1b}[4C";

/// A session whose history and current folder are in `folder`.
fn session(folder: &Path) -> PtySession {
    let mut command = common::program();
    command
        .current_dir(folder)
        .env("XDG_STATE_HOME", folder.join("state"))
        .env("TERM", "xterm")
        .env("NO_COLOR", "1");
    let mut session = spawn_command(command, Some(PATIENCE_MS)).unwrap();
    session.exp_string(FRESH).unwrap();
    session
}

/// Types a line; gives what is shown up to the next prompt.
fn answer(session: &mut PtySession, line: &str) -> String {
    session.send(line).unwrap();
    session.send("\r").unwrap();
    session.flush().unwrap();
    let shown = session
        .exp_string(FRESH)
        .unwrap_or_else(|error| panic!("{line}: {error}"));
    // Behind the line as it was typed, where the editor gives the terminal back.
    let (_, answer) = shown.rsplit_once("\u{1b}[?2004l\r\n").unwrap();
    let escapes = regex::Regex::new("\u{1b}\\[[0-9;?]*[a-zA-Z]").unwrap();
    escapes.replace_all(answer, "").replace('\r', "")
}

fn keys(session: &mut PtySession, keys: &str) {
    session.send(keys).unwrap();
    session.flush().unwrap();
}

fn expect(session: &mut PtySession, text: &str) {
    session
        .exp_string(text)
        .unwrap_or_else(|error| panic!("expected {text:?}: {error}"));
}

fn end(mut session: PtySession, last: &str) {
    keys(&mut session, last);
    session.exp_eof().unwrap();
}

#[test]
fn names_are_completed_and_listed() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("cases.csv"), "").unwrap();
    let mut session = session(folder.path());
    let mut check = |line: &str, expected: &str| {
        let found = answer(&mut session, line);
        assert!(
            found.contains(expected),
            "{line:?}: expected {expected:?}, found {found}"
        );
    };
    check("print(ct::win\t100, 700))", "[-250, 450] HU");
    check("let w = ct::window(100, 700); w", "lower_hu");
    check("w.low\t", "-250.0");
    check("exists(\"ca\t\")", "true");
    check(
        "lung::masking(#{mo\t\"hull\"}).rec\t",
        "\\\"mode\\\":\\\"hull\\\"",
    );
    // What stands behind several names is listed.
    keys(&mut session, "w.\t\t");
    expect(&mut session, "HuWindow.lower_hu -> float");
    expect(&mut session, "HuWindow.upper_hu -> float");
    end(session, "\x15.qui\t\r");
}

#[test]
fn an_input_may_have_lines_and_the_next_session_knows_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = session(folder.path());
    answer(&mut first, "fn twice(x) { // {\r  x * 2\r}");
    assert!(answer(&mut first, "twice(21)").contains("42"));
    // Ctrl-C clears the line.
    keys(&mut first, "twice(1\x03");
    expect(&mut first, FRESH);
    assert!(answer(&mut first, "twice(4)").contains("8"));
    end(first, "\x04");
    let mut second = session(folder.path());
    assert!(answer(&mut second, ".history 2").contains("twice(4)"));
    // Ctrl-R finds what was typed in the session before; the function itself is gone.
    assert!(answer(&mut second, "\x12twice(2\r").contains("no function `twice`"));
    end(second, ".quit\r");
}

/// Sends the signals to the session; gives the exit code that it ends with.
fn ended_by(mut session: PtySession, signals: &[Signal]) -> i32 {
    for signal in signals {
        session.process_mut().signal(*signal).unwrap();
    }
    session.exp_eof().unwrap();
    match session.process().wait().unwrap() {
        WaitStatus::Exited(_, code) => code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn sigterm_and_sighup_end_the_session_at_the_prompt() {
    let check = |signal: Signal, code: i32| {
        let folder = tempfile::tempdir().unwrap();
        let mut session = session(folder.path());
        assert!(answer(&mut session, "let x = 40; x + 2").contains("42"));
        assert_eq!(ended_by(session, &[signal]), code);
        // What was typed is kept for the next session.
        let state = folder.path().join("state");
        assert!(find(&state).contains("let x = 40"), "no history");
    };
    check(Signal::SIGTERM, 143);
    check(Signal::SIGHUP, 129);
}

/// The text of every file below a folder.
fn find(folder: &Path) -> String {
    let entries = fs::read_dir(folder).unwrap();
    let texts = entries.map(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find(&path)
        } else {
            fs::read_to_string(path).unwrap_or_default()
        }
    });
    texts.collect()
}

#[test]
fn sigterm_and_sighup_end_training_with_a_checkpoint() {
    let check = |signals: &[Signal], code: i32| {
        let folder = tempfile::tempdir().unwrap();
        let mut session = session(folder.path());
        // Threads that wait for each other stand still on a busy machine.
        answer(&mut session, ".threads 1");
        answer(&mut session, PREPARED);
        keys(
            &mut session,
            "runs.cnn(\"long\", #{epochs: 10000, batch: 8, checkpoint_s: 1e6}, slices, split)\r",
        );
        expect(&mut session, "(epoch ");
        assert_eq!(ended_by(session, signals), code, "{signals:?}");
        let mut models = fs::read_dir(folder.path().join("out/models")).unwrap();
        let run = models.next().unwrap().unwrap().path();
        assert!(
            run.join("checkpoint.json").exists(),
            "no checkpoint after {signals:?}"
        );
    };
    check(&[Signal::SIGTERM; 3], 143);
    check(&[Signal::SIGHUP], 129);
}

/// A cohort, a store of it and a split, small enough for seconds.
const PREPARED: &str = "phantom::write(\"cohort\", #{n_exams: 6, size: 64, max_slices: 40, \
    pe_share: 0.5}); \
    let slices = store::slices(\"store\", #{size: 32}); \
    for exam in dicom::scan(\"cohort\").exams { slices.put(exam.load()); } \
    let split = train::split(slices, #{test: 0.3, validation: 0.3}); \
    let runs = train::runs(\"out\", #{device: \"cpu\"});";

#[test]
fn ctrl_c_ends_training_and_keeps_the_variables() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = session(folder.path());
    answer(&mut session, PREPARED);
    keys(
        &mut session,
        "runs.cnn(\"long\", #{epochs: 10000, batch: 8}, slices, split)\r",
    );
    // The bar's note tells that the training is in its midst.
    expect(&mut session, "(epoch ");
    keys(&mut session, "\x03");
    expect(&mut session, "interrupted; the variables are kept");
    expect(&mut session, FRESH);
    assert!(answer(&mut session, "slices.counts.n_exams + 100").contains("106"));
    // The second one works as the first did.
    keys(&mut session, "print(\"asl\" + \"eep\"); sleep(1000)\r");
    expect(&mut session, "asleep");
    keys(&mut session, "\x03");
    expect(&mut session, "interrupted; the variables are kept");
    expect(&mut session, FRESH);
    assert!(answer(&mut session, "split.test.len + 200").contains("202"));
    end(session, "\x04");
}

#[test]
fn help_and_commands_answer() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = session(folder.path());
    let mut check = |line: &str, expected: &[&str]| {
        let found = answer(&mut session, line);
        if expected.is_empty() {
            assert_eq!(found.trim(), "", "{line}");
        }
        for text in expected {
            assert!(
                found.contains(text),
                "{line}: expected {text:?}, found {found}"
            );
        }
    };
    let help = ["ct::window(level, width) -> HuWindow", "An HU window"];
    check("?ct::window", &help);
    check(".doc ct::window", &help);
    check("help(\"ct::window\")", &help);
    check("apropos(\"youden\")", &["metrics::youden("]);
    check("?ct::windoe", &["did you mean `ct::window`?"]);
    check("ct::windoe(1, 2)", &["did you mean `ct::window`?"]);
    check("let v = phantom::exam(0, #{size: 64})", &[]);
    check("v", &["volume ", "n_slices", "hu_range"]);
    check(
        "report::histogram(v)",
        &["histogram of HU", "picture-001.png"],
    );
    check(".vars", &["v  Volume  volume 52"]);
    check(".type v.n_slices", &["int"]);
    check(".time sleep(0.01)", &[" ms\n"]);
    check(".device cpu", &["cpu"]);
    check(
        ".save kept.rhai",
        &["lines written to kept.rhai", "are comments there (1)"],
    );
    check("/// Mine.\rfn g() { 1 }", &[]);
    check("help(\"g\")", &["g() -> ?", "Mine."]);
    check(
        ".save kept.rhai",
        &["cannot write kept.rhai", "does not exist yet"],
    );
    check(".reset", &["forgotten"]);
    check("v", &["there is no variable `v`"]);
    check(".load kept.rhai", &["An HU window"]);
    check("v.n_slices", &["52"]);
    check(".load no.rhai", &["cannot read no.rhai"]);
    check(".lod", &["did you mean `.load`?"]);
    check(".help", &[".threads", "Ctrl-R"]);
    let saved = fs::read_to_string(folder.path().join("kept.rhai")).unwrap();
    assert!(
        saved.contains("let v = phantom::exam(0, #{size: 64});"),
        "{saved}"
    );
    assert!(saved.contains("// ct::windoe(1, 2);"), "{saved}");
    end(session, "exit(3)\r");
}

fn piped(arguments: &[&str], input: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(PROGRAM)
        .args(arguments)
        .current_dir(folder.path())
        .env("XDG_STATE_HOME", folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that reads no input closes it.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

#[test]
fn standard_input_runs_as_a_script() {
    let check = |input: &str, code: i32, stdout: &str, stderr: &str| {
        let output = piped(&[], input);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{input}: {errors}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), stdout, "{input}");
        assert!(errors.contains(stderr), "{input}: {errors}");
    };
    check("fn f(x) {\n  x + 1\n}\nprint(f(1));\n2", 0, "2\n", "");
    check("", 0, "", "");
    check("print(1);\nprint(b);", 1, "", "standard input:2:7");
    check("print(1); exit(9);", 9, "1\n", "");
}

#[test]
fn a_plugin_of_a_folder_is_there() {
    let plugin = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/plugin-rhai");
    let plugin = plugin.to_str().unwrap();
    let output = piped(&["eval", "help(\"clot::rv_lv\")", "--plugin", plugin], "");
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(stdout.starts_with("clot::"), "{stdout}");
    let output = piped(&["eval", "1", "--plugin", "no-such-folder"], "");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no-such-folder"));
}

#[test]
fn an_expression_is_evaluated() {
    let check = |arguments: &[&str], code: i32, stdout: &str| {
        let output = piped(&[&["eval"], arguments].concat(), "");
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {errors}");
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            stdout,
            "{arguments:?}"
        );
    };
    check(&["1 + 2.5"], 0, "3.5\n");
    check(&["\"a\" + 1"], 0, "a1\n");
    check(
        &["#{a: [1, 2.0], b: ()}", "--json"],
        0,
        "{\"a\":[1,2.0],\"b\":null}\n",
    );
    check(&["|x| x", "--json"], 2, "");
    check(&["no_such()"], 1, "");
    check(&["seed()", "--seed", "5"], 0, "5\n");
    check(&["let x = 1;"], 0, "");
    check(&["1", "--device", "gpu"], 2, "");
}
