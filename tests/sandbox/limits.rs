//! Each limit ends the run with its own error, which a script cannot catch.

use std::fs;
use std::process::Command;

use crate::{pe_script, record};

struct Ended {
    code: i32,
    stderr: String,
    kind: String,
}

/// Runs a script in a project of its own with options.
fn run(script: &str, options: &[&str]) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.rhai"), script).unwrap();
    let arguments = [&["run", "a.rhai", "-q"], options].concat();
    let (code, _, stderr) = pe_script(folder.path(), &arguments);
    let record = record(folder.path());
    assert_eq!(
        record["status"],
        serde_yaml::Value::from("failed"),
        "{stderr}"
    );
    assert_eq!(record["exit_code"], serde_yaml::Value::from(code));
    let kind = record["error"]["kind"].as_str().unwrap().to_owned();
    Ended { code, stderr, kind }
}

fn check(script: &str, options: &[&str], kind: &str, words: &[&str]) {
    // What is caught would be told by a code of its own.
    let caught = format!("try {{ {script} }} catch {{ exit(77); }} exit(78);");
    for script in [script, &caught] {
        let ended = run(script, options);
        let code = if kind == "limit.time" { 124 } else { 1 };
        assert_eq!(
            (ended.code, ended.kind.as_str()),
            (code, kind),
            "{}",
            ended.stderr
        );
        for word in words {
            assert!(ended.stderr.contains(word), "{word}: {}", ended.stderr);
        }
    }
}

const SANDBOX: &[&str] = &["--sandbox"];

#[test]
fn operations() {
    let most = &["--max-operations", "20000"];
    let words = ["`--max-operations` of 20000", "--max-operations N"];
    check("loop {}", most, "limit.operations", &words);
    // Each callback has a count of its own in Rhai.
    let callbacks = "[1, 2, 3, 4].for_each(|| { let i = 0; while i < 3000 { i += 1; } });";
    check(callbacks, most, "limit.operations", &words);
    let evaluated =
        "let i = 0; while i < 9 { eval(\"let j = 0; while j < 3000 { j += 1; }\"); i += 1; }";
    check(evaluated, most, "limit.operations", &words);
}

#[test]
fn time_in_a_loop() {
    let words = ["`--max-time` of 200ms", "^"];
    check("loop {}", &["--max-time", "200ms"], "limit.time", &words);
    check(
        "loop { try { loop {} } catch {} }",
        &["--max-time", "200ms"],
        "limit.time",
        &words,
    );
}

#[test]
fn time_in_native_work() {
    let most = &["--max-time", "300ms"];
    let words = ["`--max-time` of 300ms"];
    check("sleep(1000);", most, "limit.time", &words);
    let cohort = "phantom::write(run_dir() + \"/c\", #{ n_exams: 5000, size: 512 });";
    check(cohort, most, "limit.time", &words);
}

#[test]
fn training_stops_when_the_time_is_over() {
    const TRAIN: &str = r#"
        phantom::write("c", #{ n_exams: 6, size: 64, max_slices: 40, pe_share: 0.5 });
        let scan = dicom::scan("c");
        let masking = lung::masking();
        let slices = store::slices("w", #{ size: 96, mask: masking.recipe });
        for each in scan.exams { let hu = each.load(); slices.put(hu, masking.apply(hu)); }
        let split = train::split(slices, #{ test: 0.34, validation: 0.5, seed: 1 });
        train::runs("w", #{ device: "cpu" }).cnn("a", #{ epochs: 100000, batch: 4 }, slices, split);
    "#;
    let ended = run(TRAIN, &["--max-time", "20s"]);
    assert_eq!(
        (ended.code, ended.kind.as_str()),
        (124, "limit.time"),
        "{}",
        ended.stderr
    );
}

#[test]
fn sizes() {
    let confined = ["the most in the sandbox", "--no-sandbox"];
    check(
        "let s = \"x\"; loop { s += s; }",
        SANDBOX,
        "limit.string",
        &confined,
    );
    check(
        "\"\".pad(100000000, 'x');",
        SANDBOX,
        "limit.string",
        &confined,
    );
    check(
        "let a = [1]; loop { a += a; }",
        SANDBOX,
        "limit.array",
        &confined,
    );
    check(
        "let a = []; a.pad(2000000, 0);",
        SANDBOX,
        "limit.array",
        &confined,
    );
    check("blob(100000000, 0);", SANDBOX, "limit.array", &confined);
    let map = "let m = #{}; let a = [#{}]; for i in 0..4000 { m[`${i}`] = i; } loop { a.push(m); }";
    check(map, SANDBOX, "limit.map", &confined);
    // Outside of the sandbox there are limits too, four to ten times as high.
    let bytes = "let s = \"\"; s.pad(20000000, 'x'); exit(5);";
    assert_eq!(run(bytes, &[]).code, 5);
    let more = "let s = \"x\"; loop { s += s; }";
    check(more, &[], "limit.string", &["longer than 67108864 bytes"]);
}

/// As [`run`], with no more memory than `mib`, the program's own libraries included.
fn run_in(mib: u64, script: &str) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.rhai"), script).unwrap();
    let program = env!("CARGO_BIN_EXE_pe-script");
    let line = format!(
        "ulimit -v {} && exec {program} run a.rhai -q --sandbox",
        mib << 10
    );
    let mut shell = Command::new("sh");
    let output = shell.args(["-c", &line]).current_dir(folder.path());
    // Each thread's heap would be counted with all that it may grow to.
    let output = output.env("MALLOC_ARENA_MAX", "1").output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap_or(-1), stderr)
}

#[test]
fn what_is_too_large_is_refused_before_it_is_made() {
    // 18 GB of text, for one.
    let with = "let s = \"\"; s.pad(60000, 'a'); let b = \"\"; b.pad(300000, 'b');";
    let check = |call: &str, kind: &str| {
        let script = format!(
            "{with} try {{ {call} }} catch (error) {{ \
             if type_of(error) == \"map\" && \"kind\" in error {{ throw error; }} throw; }}"
        );
        let (code, stderr) = run_in(8000, &script);
        assert_eq!(code, 1, "{call}: {stderr}");
        assert!(stderr.contains(kind), "{call}: {stderr}");
    };
    let too_long = "a string is longer than 16777216 bytes, the most in the sandbox";
    check("s.replace(\"a\", b);", too_long);
    check("s.replace('a', b);", too_long);
    check("s.replace(\"\", b);", too_long);
    check("let t = \"\"; t.pad(16000000, '€'); t += t;", too_long);
    check("let t = \"\"; t.pad(16000000, \"€€\");", too_long);
    check(
        "s.pad(100000, \"\");",
        "cannot pad a string with an empty one",
    );
    check("let a = []; a.pad(1000, b); print(a);", too_long);
    let too_many = "an array has more than 1000000 items";
    check(
        "let a = []; a.pad(900000, 0); let c = []; c.pad(900000, a);",
        too_many,
    );
}

#[test]
fn nesting_takes_no_memory_and_has_an_end() {
    let deep =
        "let a = 1; for i in 0..200 { a = #{ x: a }; } let c = 1; for i in 0..300 { c = [c]; }";
    for call in [
        "print(a == a);",
        "print(a != a);",
        "print(c == c);",
        "print(c != c);",
        "print([a].contains(a));",
        "print(a);",
        "print(a.to_string());",
        "print(c.to_debug());",
        "debug(c);",
        "print(c);",
    ] {
        let (code, stderr) = run_in(8000, &format!("{deep} {call}"));
        assert_eq!(code, 1, "{call}: {stderr}");
        assert!(
            stderr.contains("nested more than 64 levels deep"),
            "{call}: {stderr}"
        );
    }
    let (code, stderr) = run_in(
        8000,
        &format!("{deep} print(`${{a}}`.len() + `${{c}}`.len());"),
    );
    assert_eq!(code, 0, "{stderr}");
}

#[test]
fn a_sort_ends_with_the_time() {
    let many = "let a = []; a.pad(300000, 1); for i in 0..300000 { a[i] = i * 7919 % 300007; }";
    for call in ["a.sort(|x, y| x - y);", "a.dedup(|x, y| { loop {} });"] {
        let ended = run(
            &format!("{many} loop {{ {call} }}"),
            &["--max-operations", "3000000"],
        );
        assert_eq!(ended.kind, "limit.operations", "{}", ended.stderr);
    }
    let ended = run(
        "[3, 1, 2].sort(|a, b| { if a == 1 { throw \"once\"; } a - b });",
        &[],
    );
    assert!(ended.stderr.contains("once"), "{}", ended.stderr);
}

#[test]
fn output() {
    let confined = ["said more than 16777216 bytes", "--no-sandbox"];
    check(
        "let s = \"\"; s.pad(100000, 'x'); loop { log(s); }",
        SANDBOX,
        "limit.output",
        &confined,
    );
    check("loop { print(\"\"); }", SANDBOX, "limit.output", &confined);
    let results =
        "let s = \"\"; s.pad(100000, 'x'); let i = 0; loop { result(`r${i}`, s); i += 1; }";
    check(results, SANDBOX, "limit.output", &confined);
}

#[test]
fn depth_and_names() {
    // A script may catch this one: whatever it does then, it is at the same depth again.
    for script in [
        "fn f(n) { f(n + 1) } f(0);",
        "fn f(n) { [1].map(|x| f(n + 1)) } f(0);",
        "fn f() { eval(\"f()\") } f();",
    ] {
        let ended = run(script, SANDBOX);
        assert_eq!(ended.kind, "script.recursion", "{}", ended.stderr);
        assert!(ended.stderr.contains("64 levels"), "{}", ended.stderr);
    }
    let variables: String = (0..1100).map(|idx| format!("let v{idx} = 1; ")).collect();
    let ended = run(&variables, SANDBOX);
    assert_eq!(ended.kind, "limit.variables", "{}", ended.stderr);
    assert!(ended.stderr.contains("more than 1000 variables"));
    let nested = format!("let x = {}1{};", "(1 + ".repeat(200), ")".repeat(200));
    let ended = run(&format!("eval(\"{nested}\")"), SANDBOX);
    assert_eq!(
        (ended.code, ended.kind.as_str()),
        (1, "script.syntax"),
        "{}",
        ended.stderr
    );
}

#[test]
fn the_prompt_and_tests_are_limited_too() {
    let folder = tempfile::tempdir().unwrap();
    let most = ["--max-time", "200ms"];
    let (code, _, stderr) = pe_script(
        folder.path(),
        &[&["eval", "sleep(100)"], &most[..]].concat(),
    );
    assert_eq!(code, 124, "{stderr}");
    assert!(
        stderr.contains("longer than its `--max-time` of 200ms"),
        "{stderr}"
    );
    let (code, _, stderr) = pe_script(
        folder.path(),
        &["eval", "loop {}", "--max-operations", "900"],
    );
    assert_eq!(code, 1, "{stderr}");
    assert!(stderr.contains("`--max-operations` of 900"), "{stderr}");
    fs::write(folder.path().join("t.rhai"), "fn test_a() { loop {} }").unwrap();
    let options = ["test", "t.rhai", "--max-operations", "900"];
    let (code, stdout, _) = pe_script(folder.path(), &options);
    assert_eq!(code, 3, "{stdout}");
    assert!(stdout.contains("`--max-operations` of 900"), "{stdout}");
}

#[test]
fn what_is_no_limit_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let check = |option: &str, value: &str, words: &str| {
        let (code, _, stderr) = pe_script(folder.path(), &["eval", "1", option, value]);
        assert_eq!(code, 2, "{stderr}");
        assert!(stderr.contains(words), "{stderr}");
    };
    check("--max-time", "0s", "expected a time above 0");
    check("--max-time", "90", "as in `90s`");
    check("--max-operations", "0", "not in 1..");
}
