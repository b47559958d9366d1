//! `pe-script test` as its users see it.

// A test may panic, in its own functions too.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use common::{end, send};
use serde_json::Value;

/// What a command left.
struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Ran {
    fn says(&self, texts: &[&str]) {
        for text in texts {
            let found = self.stdout.contains(text) || self.stderr.contains(text);
            assert!(found, "no `{text}` in\n{}\n{}", self.stdout, self.stderr);
        }
    }

    /// The tests that were told to have passed, failed …, in the order of their lines.
    fn told(&self, word: &str) -> Vec<&str> {
        let lines = self.stdout.lines();
        let lines = lines.filter_map(|line| line.trim_start().strip_prefix(word));
        let tests = lines.filter_map(|line| line.split("::").nth(1)?.split(' ').next());
        tests.collect()
    }
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pe-script"));
    command
        .arg("test")
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1");
    command
}

fn test(folder: &Path, arguments: &[&str]) -> Ran {
    let output = command(folder, arguments).output().unwrap();
    Ran {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A folder with `t/a.rhai`.
fn folder(script: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "t/a.rhai", script);
    folder
}

fn write(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Runs `t` and compares the exit code and what is said.
fn check(script: &str, code: i32, texts: &[&str]) {
    let folder = folder(script);
    let ran = test(folder.path(), &["t"]);
    ran.says(texts);
    assert_eq!(ran.code, code, "{script}: {}", ran.stdout);
}

#[test]
fn passing_and_failing_tests_are_told_apart() {
    check(
        "fn test_a() {} fn test_b() { assert(true); }",
        0,
        &["2 passed in"],
    );
    check(
        "fn test_a() {\n    print(\"seen\");\n    assert_eq([1, #{auroc: 0.75}], [1, #{auroc: 0.5}]);\n}",
        3,
        &[
            "FAILED t/a::test_a",
            "t/a.rhai:3:5",
            "assert_eq([1, #{auroc: 0.75}]",
            "expected [1, #{auroc: 0.5}], found [1, #{auroc: 0.75}]",
            "at [1].auroc: absolute difference 0.25, relative 0.5",
            "-- auroc: 0.5",
            "+- auroc: 0.75",
            "| seen",
            "0 passed, 1 failed",
        ],
    );
    // The assertion is shown, and the call that led to it.
    check(
        "fn same(a) {\n    assert_close(a, 2);\n}\nfn test_a() {\n    same(1);\n}",
        3,
        &[
            "t/a.rhai:2:5",
            "t/a.rhai:5:5",
            "in the call to `same`",
            "absolute difference 1, relative 0.5",
        ],
    );
    check(
        "fn test_a() { assert_eq(\"a\\nb\", \"a\\nc\"); }",
        3,
        &["-c", "+b"],
    );
    check(
        "fn test_a() { test_data(); }",
        0,
        &["skipped", "no test data", "1 skipped"],
    );
    check("fn test_a() {", 3, &["t/a::(syntax)", "Expecting '}'"]);
}

#[test]
fn errors_are_expected_where_they_are_written() {
    check(
        "fn test_a() {\n  ct::window(1, -1); // error: positive width\n}",
        0,
        &["1 passed"],
    );
    check(
        "fn f() { throw \"x\" }\nfn test_a() {\n  f(); // error: ^x$\n}",
        0,
        &["1 passed"],
    );
    check(
        "fn test_a() {\n  let a = 1; // error: width\n  ct::window(a, -1);\n}",
        3,
        &["expected an error like `width` in line 2, found it in line 3"],
    );
    check(
        "fn test_a() {\n  ct::window(1, -1); // error: height\n}",
        3,
        &["expected an error like `height` in line 2, found: expected an HU window"],
    );
    check(
        "fn test_a() {\n  ct::window(1, 1); // error: width\n}",
        3,
        &[
            "expected an error like `width`, but the test came to its end",
            "t/a.rhai:2",
        ],
    );
    check(
        "fn test_a() { f() // error: (\n}",
        3,
        &["`error:` has no regular expression", "t/a.rhai:1"],
    );
}

#[test]
fn tests_are_chosen_listed_and_refused() {
    let folder = folder(
        "// tags: all\n\n// tags: slow\nfn test_a() {}\n// tags: cuda, slow\nfn test_b() {}\nfn test_c() {}",
    );
    write(folder.path(), "t/lib/none.rhai", "fn help() {}");
    write(folder.path(), "empty/none.rhai", "fn help() {}");
    write(folder.path(), "notes.md", "# Notes");
    write(folder.path(), "binary/a.rhai", "");
    fs::write(folder.path().join("binary/a.rhai"), [0xff, 0xfe]).unwrap();
    let list = |arguments: &[&str], expected: &[&str]| {
        let ran = test(folder.path(), &[&["t", "--list"], arguments].concat());
        let names: Vec<&str> = ran.stdout.lines().collect();
        assert_eq!((ran.code, &names[..]), (0, expected), "{arguments:?}");
    };
    list(&[], &["t/a::test_a", "t/a::test_b", "t/a::test_c"]);
    list(
        &["t/a.rhai"],
        &["t/a::test_a", "t/a::test_b", "t/a::test_c"],
    );
    list(
        &["./t", "t/../t/a.rhai"],
        &["t/a::test_a", "t/a::test_b", "t/a::test_c"],
    );
    list(
        &["--filter", "test_c", "--filter", "::test_a"],
        &["t/a::test_a", "t/a::test_c"],
    );
    list(&["--tag", "slow"], &["t/a::test_a", "t/a::test_b"]);
    list(&["--tag", "all", "--tag", "!slow"], &["t/a::test_c"]);

    let refused = |arguments: &[&str], text: &str| {
        let ran = test(folder.path(), arguments);
        assert_eq!(ran.code, 2, "{arguments:?}");
        ran.says(&[text]);
    };
    refused(&[], "there is no folder tests/suite here");
    refused(&["t/b.rhai"], "there is no file or folder t/b.rhai");
    refused(&["empty"], "there are no tests in empty");
    refused(&["notes.md"], "notes.md is no script");
    refused(
        &["binary"],
        "binary/a.rhai: stream did not contain valid UTF-8",
    );
    refused(&["t", "--filter", "none"], "no test matches");
    refused(
        &["t", "--tag", "a b"],
        "takes the name of a tag, found `a b`",
    );
    refused(&["t", "--jobs", "0"], "--jobs");
    refused(
        &["t", "--junit", "no/such/folder.xml"],
        "cannot write no/such/folder.xml",
    );
}

#[test]
fn a_test_has_its_time() {
    let script = "// timeout: 100ms\n\nfn test_loop() { loop {} }\nfn test_native() { sleep(600); }\n\
                  // timeout: 5min\nfn test_c() { sleep(0.3); }";
    check(
        script,
        3,
        &[
            "longer than 100ms and was stopped",
            "1 passed, 2 failed",
            "t/a.rhai:3",
        ],
    );
    check(
        "// timeout: soon\nfn test_a() {}",
        3,
        &["found `soon`", "t/a.rhai:1"],
    );
}

#[test]
fn failing_fast_begins_no_other_test() {
    let folder = folder("fn test_a() { assert(false); } fn test_b() {} fn test_c() {}");
    let ran = test(folder.path(), &["t", "--fail-fast", "--jobs", "1"]);
    assert_eq!(ran.code, 3);
    ran.says(&["0 passed, 1 failed, 2 not run"]);
}

#[test]
fn shuffling_changes_the_order_and_nothing_else() {
    let script: String = (0..9).map(|n| format!("fn test_{n}() {{}}\n")).collect();
    let folder = folder(&script);
    let order = |seed: &str| {
        let ran = test(folder.path(), &["t", "--jobs", "1", "--shuffle", seed]);
        assert_eq!(ran.code, 0);
        ran.told("ok ")
            .iter()
            .map(|&name| name.to_owned())
            .collect::<Vec<_>>()
    };
    let first = order("1");
    assert_eq!(first, order("1"));
    assert_ne!(first, order("2"));
    assert_eq!(first.iter().collect::<BTreeSet<_>>().len(), 9);
}

#[test]
fn programs_read_json_and_build_servers_junit() {
    let folder = folder(
        "fn test_a() {} fn test_b() { print(\"<&\\u0007>\"); assert_eq(1, 2); } fn test_c() { test_data(); }",
    );
    let ran = test(folder.path(), &["t", "--json", "--junit", "report.xml"]);
    let objects = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let objects: Vec<Value> = objects.collect();
    assert_eq!(objects.len(), 4);
    ran.says(&["1 passed, 1 failed, 1 skipped"]);
    let failed = objects
        .iter()
        .find(|object| object["status"] == "failed")
        .unwrap();
    assert_eq!(failed["name"], "t/a::test_b");
    assert_eq!(failed["error"]["message"], "expected 2, found 1");
    assert_eq!(
        (&failed["error"]["file"], &failed["error"]["line"]),
        (&"t/a.rhai".into(), &1.into())
    );
    let last = &objects[3];
    assert_eq!(
        (&last["type"], &last["exit_code"]),
        (&"summary".into(), &3.into())
    );
    assert_eq!(
        (&last["passed"], &last["failed"], &last["skipped"]),
        (&1.into(), &1.into(), &1.into())
    );

    let text = fs::read_to_string(folder.path().join("report.xml")).unwrap();
    let report = quick_junit::Report::deserialize_from_str(&text).unwrap();
    assert_eq!((report.tests, report.failures, report.errors), (3, 1, 0));
    let suite = report.test_suites.first().unwrap();
    assert_eq!(suite.name.as_str(), "t/a.rhai");
    let names: Vec<&str> = suite
        .test_cases
        .iter()
        .map(|test| test.name.as_str())
        .collect();
    assert_eq!(names, ["test_a", "test_b", "test_c"]);
    assert!(text.contains("expected 2, found 1"), "{text}");
}

const SNAPSHOTS: &str = "fn test_a() {\n    assert_snapshot(\"rows\", [#{ n: 3, auroc: 0.91 }], #{ atol: 0.01 });\n}\n\
    fn test_b() { assert_snapshot(\"table\", \"lstm2  0.912\\ntcn 0.5\", #{ atol: 0.01 }); }\n\
    fn test_c() {}";

#[test]
fn snapshots_are_written_only_when_asked_for() {
    let folder = folder(SNAPSHOTS);
    let folder = folder.path();
    let rows = folder.join("t/snapshots/a/rows.yaml");
    let ran = test(folder, &["t"]);
    assert_eq!(ran.code, 3);
    ran.says(&[
        "there is no snapshot `rows` yet, t/snapshots/a/rows.yaml",
        "pe-script test --update",
    ]);
    assert!(!folder.join("t/snapshots").exists());

    let ran = test(folder, &["t", "--update"]);
    assert_eq!(ran.code, 0, "{}", ran.stdout);
    ran.says(&["wrote the snapshot t/snapshots/a/rows.yaml"]);
    let table = fs::read_to_string(folder.join("t/snapshots/a/table.txt")).unwrap();
    assert_eq!(table, "lstm2  0.912\ntcn 0.5\n");
    let kept = fs::read_to_string(&rows).unwrap();
    assert_eq!(test(folder, &["t"]).code, 0);

    // Within the tolerance nothing fails and nothing is written.
    let near = SNAPSHOTS
        .replace("0.912", "0.915")
        .replace("0.91 ", "0.915 ");
    write(folder, "t/a.rhai", &near);
    assert_eq!(test(folder, &["t", "--update"]).code, 0);
    assert_eq!(fs::read_to_string(&rows).unwrap(), kept);

    write(
        folder,
        "t/a.rhai",
        &SNAPSHOTS
            .replace("0.91 ", "0.7 ")
            .replace("tcn 0.5", "tcn 0.8"),
    );
    let ran = test(folder, &["t"]);
    assert_eq!(ran.code, 3);
    ran.says(&[
        "snapshot `rows` has changed: expected 0.91, found 0.7 at [0].auroc",
        "t/a.rhai:2:5",
        "absolute difference 0.21",
        "snapshot `table` has changed: expected 0.5, found 0.8 at line 2",
        "-tcn 0.5",
    ]);
    assert_eq!(test(folder, &["t", "--update"]).code, 0);
    assert!(fs::read_to_string(&rows).unwrap().contains("0.7"));
}

#[test]
fn snapshots_that_nobody_asks_for_are_told_and_removed() {
    let folder = folder(SNAPSHOTS);
    let folder = folder.path();
    assert_eq!(test(folder, &["t", "--update"]).code, 0);
    let old = ["t/snapshots/a/old.yaml", "t/snapshots/gone/old.txt"];
    old.iter().for_each(|path| write(folder, path, "1\n"));
    let ran = test(folder, &["t"]);
    assert_eq!(ran.code, 0);
    ran.says(&[
        "warning: no test asks for the snapshot t/snapshots/a/old.yaml",
        old[1],
    ]);
    assert!(
        !test(folder, &["t", "--filter", "test_a"])
            .stdout
            .contains("no test asks")
    );

    // A test that failed may not have come to its snapshots: nothing of its script is removed.
    write(
        folder,
        "t/a.rhai",
        &SNAPSHOTS.replace("test_a() {", "test_a() { throw 1;"),
    );
    assert_eq!(test(folder, &["t", "--update"]).code, 3);
    assert!(folder.join("t/snapshots/a/rows.yaml").exists() && folder.join(old[0]).exists());

    write(folder, "t/a.rhai", SNAPSHOTS);
    let ran = test(folder, &["t", "--update"]);
    assert_eq!(ran.code, 0);
    ran.says(&["removed the snapshot t/snapshots/a/old.yaml"]);
    assert!(!folder.join(old[0]).exists() && !folder.join("t/snapshots/gone").exists());
    assert!(folder.join("t/snapshots/a/rows.yaml").exists());
}

#[test]
fn bad_snapshots_are_named() {
    check(
        "fn test_a() { assert_snapshot(\"../x\", 1); }",
        3,
        &["found \"../x\""],
    );
    check(
        "fn test_a() { assert_snapshot(\"x\", || 1); }",
        3,
        &["no plain data: found a Fn"],
    );
    check(
        "fn test_a() { assert_snapshot(\"x\", 1, #{ tol: 1 }); }",
        3,
        &["no option `tol`"],
    );
    let folder = folder(
        "fn test_a() { assert_snapshot(\"x\", 1); }\nfn test_b() { assert_snapshot(\"x\", 1); }",
    );
    write(folder.path(), "t/snapshots/a/x.yaml", "1\n");
    let ran = test(folder.path(), &["t"]);
    assert_eq!(ran.code, 3);
    ran.says(&["snapshot `x` is asked for twice; first in `test_"]);
    write(folder.path(), "t/snapshots/a/x.yaml", "[1\n");
    test(folder.path(), &["t"]).says(&["t/snapshots/a/x.yaml, is no YAML"]);
}

#[test]
fn a_test_runs_whole_scripts() {
    let script = "fn test_a() {\n    let ran = run_script(\"../s/b.rhai\", #{ n: 3, m: #{ y: 2 } });\n\
                  assert_eq(ran, #{ n: 3, sum: 5.5, seed: 0, printed: \"n is 3\\n\" });\n}\n\
                  fn test_param() { run_script(\"../s/b.rhai\", #{ k: 1 }); }\n\
                  fn test_error() { run_script(\"../s/b.rhai\", #{ n: -1 }); }\n\
                  fn test_none() { run_script(\"../s/none.rhai\"); }\n\
                  fn test_exit() { run_script(\"../s/b.rhai\", #{ n: 0 }); }\n";
    let folder = folder(script);
    write(
        folder.path(),
        "s/b.rhai",
        "let n = param(\"n\", 1, \"n\"); let m = param(\"m\", #{ x: 3.5, y: 1.0 }, \"m\");\n\
         if n < 0 {\n    throw \"negative\";\n}\nif n == 0 { exit(4); }\nprint(`n is ${n}`);\n\
         result(\"n\", n); result(\"sum\", m.x + m.y); result(\"seed\", seed());",
    );
    let ran = test(folder.path(), &["t"]);
    assert_eq!(ran.told("ok "), ["test_a"], "{}", ran.stdout);
    ran.says(&[
        "the script has no parameter `k`, given in the map of `run_script`",
        "s/b.rhai failed: negative",
        "s/b.rhai:3:5",
        "cannot read the script",
        "s/b.rhai ended itself with `exit(4)`",
    ]);
    assert!(
        !folder.path().join("runs").exists(),
        "a run folder was made"
    );
}

/// Starts a command and gives its lines as they come.
fn start(folder: &Path, arguments: &[&str]) -> (Child, impl Iterator<Item = String> + use<>) {
    let mut command = command(folder, arguments);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines.map_while(Result::ok))
}

#[test]
fn ctrl_c_stops_the_tests_and_tells_what_was_done() {
    let folder = folder(
        "fn test_a() {}\nfn test_b() { sleep(600); }\nfn test_c() { loop {} }\nfn test_d() {}",
    );
    let (mut child, mut lines) = start(folder.path(), &["t", "--jobs", "3"]);
    // `test_d` is the fourth: when it has ended, the others run.
    lines.find(|line| line.contains("test_d")).unwrap();
    send(&child, "INT");
    assert_eq!(end(&mut child), 130);
    let rest: Vec<String> = lines.collect();
    assert!(
        rest.iter()
            .any(|line| line.contains("stopped: 2 passed, 2 not run")),
        "{rest:?}"
    );
}

#[test]
fn watching_runs_again_what_changed() {
    let folder = folder("fn test_a() {}");
    let folder = folder.path();
    write(folder, "t/b.rhai", "fn test_b() {}");
    let (mut child, lines) = start(folder, &["t", "--watch"]);
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        lines
            .map(|line| tell.send(line))
            .take_while(Result::is_ok)
            .count()
    });
    let pass = || {
        // A line that never comes is a failure, not a hang.
        let next = || told.recv_timeout(Duration::from_secs(120)).unwrap();
        let lines = std::iter::repeat_with(next).take_while(|line| !line.starts_with("waiting"));
        let lines: Vec<String> = lines.collect();
        let told = |name: &str| lines.iter().any(|line| line.contains(name));
        (told("::test_a "), told("::test_b "), told("1 failed"))
    };
    // Whole at once: a file that is being written is no script.
    let put = |path: &str, text: &str| {
        write(folder, "new", text);
        fs::rename(folder.join("new"), folder.join(path)).unwrap();
    };
    assert_eq!(pass(), (true, true, false));
    put("t/b.rhai", "fn test_b() { assert(false); }");
    assert_eq!(pass(), (false, true, true));
    put("t/data.csv", "1");
    assert_eq!(pass(), (true, true, true));
    send(&child, "INT");
    assert_eq!(end(&mut child), 130);
}

#[test]
fn what_is_no_snapshot_of_these_scripts_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(
        folder,
        "t/v1.2.rhai",
        "fn test_a() { assert_snapshot(\"keep\", 1); }",
    );
    write(
        folder,
        "t/b.rhai",
        "fn test_b() { assert_snapshot(\"own\", 2); }",
    );
    assert_eq!(test(folder, &["t", "--update"]).code, 0);
    write(folder, "t/snapshots/b/reference.csv", "1");
    fs::create_dir_all(folder.join("t/snapshots/b/more")).unwrap();
    write(folder, "t/snapshots/b/old.yaml", "3");
    test(folder, &["t/b.rhai", "--update"]).says(&["old.yaml", "1 passed"]);
    let there = |path: &str| folder.join("t/snapshots").join(path).exists();
    assert!(there("v1.2/keep.yaml") && there("b/reference.csv") && there("b/own.yaml"));
    assert!(!there("b/old.yaml"));
}
