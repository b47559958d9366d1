//! What a script says reaches a terminal and a log as text, and as nothing else.

use std::fs;
use std::path::Path;

use crate::pe_script;

/// Title, screen, the one-byte ESC [, a line written over, the direction of text.
const HOSTILE: &str = "\x1b]0;PWNED\x07\x1b[2J\u{9b}31m\rover\u{202e}x";
const SHOWN: &str = "␛]0;PWNED␇␛[2J\u{fffd}31m␍over\u{fffd}x";

/// Runs `theirs/a.rhai` from a project beside it; the script has `HOSTILE` for a text.
fn run(script: &str, arguments: &[&str]) -> (i32, String, String) {
    let root = tempfile::tempdir().unwrap();
    run_in(root.path(), "a.rhai", script, arguments)
}

fn run_in(root: &Path, name: &str, script: &str, arguments: &[&str]) -> (i32, String, String) {
    let project = root.join("project");
    for folder in [&project, &root.join("theirs")] {
        fs::create_dir_all(folder).unwrap();
    }
    fs::write(project.join("pe-script.yaml"), "plugins: []\n").unwrap();
    let path = root.join("theirs").join(name);
    fs::write(&path, script.replace("HOSTILE", HOSTILE)).unwrap();
    let script = format!("../theirs/{name}");
    pe_script(
        &project,
        &[&[arguments[0], &script], &arguments[1..]].concat(),
    )
}

fn assert_harmless(text: &str) {
    let harmful = |c: char| c.is_control() && c != '\n' && c != '\t' || c == '\u{202e}';
    assert!(!text.replace("\r\n", "\n").contains(harmful), "{text:?}");
}

#[test]
fn a_confined_script_sends_nothing_but_text() {
    let check_for = |words: &str, script: &str, arguments: &[&str]| {
        let (_, stdout, stderr) = run(script, arguments);
        assert_harmless(&stdout);
        assert_harmless(&stderr);
        let found = format!("{stdout}{stderr}");
        assert!(found.contains(words), "{script}: {found}");
    };
    let check = |script: &str, arguments: &[&str]| check_for(SHOWN, script, arguments);
    for script in [
        "print(\"HOSTILE\");",
        "log(\"HOSTILE\");",
        "warn(\"HOSTILE\");",
        "debug(`${\"HOSTILE\"}`); print(\"HOSTILE\");",
    ] {
        check(script, &["run"]);
        check(script, &["run", "--json"]);
    }
    check("throw \"HOSTILE\";", &["run"]);
    // In a comment, a return is a line's end.
    let comment = "// \x1b[2J\u{9b}1m\nprint(1);";
    check_for("␛[2J\u{fffd}1m", comment, &["run", "--help"]);
    let documented = "/// \x1b[2J\u{9b}1m\nfn f() {}\nhelp(\"f\");";
    check_for("␛[2J\u{fffd}1m", documented, &["run"]);
    check("let n = param(\"n\", 1, \"HOSTILE\");", &["run", "--help"]);
    check(
        "let n = param(\"n\", 1, \"HOSTILE\");",
        &["run", "--help", "--no-sandbox"],
    );
    check("fn test_a() { print(\"HOSTILE\"); throw 1; }", &["test"]);
    check("print(\"HOSTILE\");", &["repl"]);
}

#[test]
fn what_a_trusted_script_prints_is_its_own() {
    let (_, stdout, stderr) = run(
        "print(\"HOSTILE\"); log(\"HOSTILE\");",
        &["run", "--no-sandbox"],
    );
    assert_eq!(stdout, format!("{HOSTILE}\n"));
    assert_harmless(&stderr);
    assert!(stderr.contains(SHOWN), "{stderr}");
    // What a function returns that is run in a test is exact too.
    let test = "fn test_a() { let ran = run_script(\"own.rhai\"); assert_eq(ran.printed, \"HOSTILE\\n\"); }";
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("theirs")).unwrap();
    let own = format!("print(\"{HOSTILE}\");");
    fs::write(root.path().join("theirs/own.rhai"), own).unwrap();
    let (code, stdout, _) = run_in(root.path(), "t.rhai", test, &["test"]);
    assert_eq!(code, 0, "{stdout}");
}

#[test]
fn no_line_of_a_log_is_forged() {
    let root = tempfile::tempdir().unwrap();
    let forged = "\\n2026-01-01T00:00:00.000Z error forged";
    let script = format!(
        "print(\"a{forged}\"); log(\"b{forged}\"); warn(\"c\\u0085d{forged}\\r\\n\"); \
         result(\"e{forged}\", 1); for i in progress([1], \"f{forged}\") {{}} print(\"HOSTILE\"); \
         throw \"g{forged}\";"
    );
    let (_, _, stderr) = run_in(root.path(), "a.rhai", &script, &["run"]);
    assert_harmless(&stderr);
    let runs = fs::read_dir(root.path().join("project/runs/a")).unwrap();
    let run = runs.last().unwrap().unwrap().path();
    let log = fs::read_to_string(run.join("log.txt")).unwrap();
    assert!(log.contains("forged") && log.contains(SHOWN), "{log}");
    let stamps: Vec<&str> = log
        .lines()
        .filter(|line| !line.starts_with("    "))
        .collect();
    for line in &stamps {
        let kind = line.split_whitespace().nth(1).unwrap_or_default();
        let known = ["print", "log", "warn", "result", "task", "error"].contains(&kind);
        assert!(known && !line.ends_with("Z error forged"), "{log}");
        assert!(!line.starts_with("2026-01-01T00:00:00.000Z"), "{log}");
    }
    let errors = stamps.iter().filter(|line| line.contains(" error "));
    assert_eq!(
        errors.filter(|line| !line.contains('␊')).count(),
        1,
        "{log}"
    );
}

#[test]
fn a_name_stays_in_its_line() {
    let name = "a\x1b[2J\nwarning: forged\n.rhai";
    let root = tempfile::tempdir().unwrap();
    let script = "fn test_a() { throw 1; }\nprint(1);";
    for arguments in [
        &["run"][..],
        &["test"],
        &["test", "--list"],
        &["run", "--help"],
    ] {
        let (_, stdout, stderr) = run_in(root.path(), name, script, arguments);
        for text in [&stdout, &stderr] {
            assert_harmless(text);
            let forged = |line: &str| line.starts_with("warning: forged");
            assert!(!text.lines().any(forged), "{arguments:?}: {text}");
        }
        assert!(
            format!("{stdout}{stderr}").contains("a␛[2J"),
            "{stdout}{stderr}"
        );
    }
    // Of one that is not there.
    let (code, _, stderr) = pe_script(root.path(), &["run", "no\x1b[2J.rhai"]);
    assert_eq!(code, 2);
    assert_harmless(&stderr);
}
