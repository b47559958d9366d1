use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::complete::complete;
use super::editor::signature;
use super::present::present;
use super::workspace::{Outcome, Workspace};
use crate::console::Console;
use crate::run::outcome::Panics;
use crate::session::Session;

pub(super) fn workspace() -> Workspace {
    workspace_in(Path::new("."))
}

fn workspace_in(root: &Path) -> Workspace {
    let console = Console::silent();
    let mut session = Session::new(console.clone(), root);
    session.defaults = true;
    // Without the hook, which would keep failures of the tests to itself.
    Workspace::new(Arc::new(session), Panics::default(), root)
}

/// Evaluates lines one after the other; gives what the last one shows.
fn after(workspace: &mut Workspace, lines: &[&str]) -> String {
    let mut last = String::new();
    for line in lines {
        last = match workspace.evaluate(line) {
            Outcome::Value(value) => present(workspace, &value, 80).unwrap_or_default(),
            Outcome::Failed(report) => report.render(false),
            Outcome::Stopped => "stopped".to_owned(),
            Outcome::Exit(code) => format!("exit {code}"),
        };
    }
    last
}

#[test]
fn what_was_defined_lives_on() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("own.rhai"),
        "fn three() { 3 } export const N = 5;",
    )
    .unwrap();
    let check = |lines: &[&str], expected: &str| {
        let mut workspace = workspace_in(folder.path());
        assert_eq!(after(&mut workspace, lines), expected, "{lines:?}");
    };
    check(&["let a = 1", "a += 1;", "a"], "2");
    check(&["fn f(x) { x * 2 }", "let b = 4;", "f(b)"], "8");
    check(&["fn f(x) { x * 2 }", "fn g(x) { f(x) + 1 }", "g(1)"], "3");
    check(&["fn f(x) { 1 }", "fn f(x) { 2 }", "f(0)"], "2");
    check(
        &["let n = 10; let f = |x| x + n;", "let y = 1", "f.call(y)"],
        "11",
    );
    check(&["import \"own\" as own;", "own::three() + own::N"], "8");
    check(
        &["import \"own\" as own;", "fn g() { own::three() }", "g()"],
        "3",
    );
    check(&["const X = 7;", "fn g() { global::X }", "g() + X"], "14");
    check(&["let s = \"a\";", "let s = s + \"b\";", "s"], "\"ab\"");
    check(&["param(\"size\", 224, \"side\")"], "224");
    check(&["exit(4)"], "exit 4");
    check(&["return 5; 6"], "5");
}

#[test]
fn an_error_costs_the_line_and_not_the_session() {
    let mut workspace = workspace();
    let error = after(
        &mut workspace,
        &[
            "let a = 1;",
            "fn f(x) {\n  x + b\n}",
            "let c = 3; boom(a)",
            "c",
        ],
    );
    assert_eq!(error, "3");
    let error = after(&mut workspace, &["ct::windw(1, 2)"]);
    assert!(error.contains("did you mean `ct::window`?"), "{error}");
    let error = after(&mut workspace, &["let volume = 1;", "volum + 1"]);
    assert!(error.contains("did you mean `volume`?"), "{error}");
}

#[test]
fn an_error_in_an_old_function_shows_its_line() {
    let mut workspace = workspace();
    let lines = [
        "let a = 1;",
        "fn f(x) {\n  x.no_such()\n}",
        "let c = 3;",
        "f(c)",
    ];
    let error = after(&mut workspace, &lines);
    for text in [
        "session:3:5",
        "x.no_such()",
        "session:6:1",
        "in the call to `f`",
    ] {
        assert!(error.contains(text), "{text}: {error}");
    }
}

#[test]
fn a_file_that_is_loaded_names_itself_in_errors() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.rhai");
    let text = "let ok = 1;\nfn bad() { [1][7] }\n";
    fs::write(&file, text).unwrap();
    let mut workspace = workspace();
    after(&mut workspace, &["let first = 0;"]);
    assert!(matches!(workspace.load(text, &file), Outcome::Value(_)));
    let error = after(&mut workspace, &["ok + bad()"]);
    assert!(error.contains("a.rhai:2:"), "{error}");
}

#[test]
fn a_file_that_is_loaded_imports_what_lies_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("lib")).unwrap();
    fs::write(folder.path().join("lib/own.rhai"), "fn three() { 3 }").unwrap();
    let file = folder.path().join("a.rhai");
    let mut workspace = workspace();
    let text = "import \"lib/own\" as own;\nlet x = own::three();";
    assert!(matches!(workspace.load(text, &file), Outcome::Value(_)));
    assert_eq!(after(&mut workspace, &["x + own::three()"]), "6");
    let error = after(&mut workspace, &["import \"lib/own\" as again;"]);
    assert!(error.contains("cannot import"), "{error}");
}

#[test]
fn a_panic_of_native_code_costs_the_line() {
    let mut workspace = workspace();
    workspace
        .engine_mut()
        .register_fn("fails", || -> rhai::INT { panic!("a fault") });
    let error = after(&mut workspace, &["let kept = 1;", "fails()"]);
    assert!(error.contains("internal error"), "{error}");
    assert_eq!(after(&mut workspace, &["kept"]), "1");
}

#[test]
fn a_session_can_be_saved_as_a_script() {
    let mut workspace = workspace();
    after(
        &mut workspace,
        &["let a = 2", "a * 3", "no_such(a)", "print(a)"],
    );
    let script = workspace.transcript().script();
    assert_eq!(script, "let a = 2;\na * 3;\n// no_such(a);\nprint(a);\n");
    assert!(rhai::Engine::new().run(&script).is_ok());
    workspace.reset();
    assert_eq!(workspace.transcript().script(), "");
    assert!(after(&mut workspace, &["a"]).contains("no variable `a`"));
}

/// Variables and a function to be completed.
const DEFINED: [&str; 4] = [
    "let volume = phantom::exam(0, #{size: 64});",
    "let made = #{first: 1, inner: #{second: volume}};",
    "let many = [volume];",
    "fn my_function(a, b) { a }",
];

#[test]
fn tab_offers_what_fits() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("one.csv"), "").unwrap();
    fs::create_dir(folder.path().join("onward")).unwrap();
    let mut workspace = workspace();
    after(&mut workspace, &DEFINED);
    let offered = |line: &str| -> Vec<String> {
        let (start, found) = complete(&workspace, line);
        let whole = |replacement: &str| format!("{}{replacement}", &line[..start]);
        found
            .iter()
            .map(|found| whole(&found.replacement))
            .collect()
    };
    let check = |line: &str, expected: &[&str]| {
        let found = offered(line);
        for text in expected {
            assert!(
                found.iter().any(|found| found == text),
                "{line:?}: {found:?}"
            );
        }
    };
    check("vol", &["volume"]);
    check("lung", &["lung::"]);
    check("ct::win", &["ct::window("]);
    check("my_", &["my_function("]);
    check("fo", &["for"]);
    check("volume.", &["volume.n_slices", "volume.hu_range"]);
    check("volume.info.sp", &["volume.info.spacing"]);
    check("made.", &["made.first", "made.inner"]);
    check("made.inner.second.hu", &["made.inner.second.hu_range"]);
    check("many[0].sh", &["many[0].shape"]);
    check("many.pu", &["many.push("]);
    check("lung::mask(volume).vol", &["lung::mask(volume).volume_ml"]);
    check(
        "dicom::scan(\"x\").exams.le",
        &["dicom::scan(\"x\").exams.len("],
    );
    check("\"a\".le", &["\"a\".len("]);
    check(
        "lung::masking(#{mode: \"hull\", th",
        &["lung::masking(#{mode: \"hull\", threshold_hu: "],
    );
    // The options of another function, which its documentation names.
    check(
        "lung::mask(volume, #{thr",
        &["lung::mask(volume, #{threshold_hu: "],
    );
    check(
        "runs.cnn(\"x\", #{warm",
        &["runs.cnn(\"x\", #{warmup_steps: "],
    );
    check("help(\"ct::w", &["help(\"ct::window"]);
    check("?ct::w", &["?ct::window"]);
    check(".ti", &[".time"]);
    let here = folder.path().display();
    check(
        &format!("print(\"{here}/on"),
        &[
            &format!("print(\"{here}/one.csv"),
            &format!("print(\"{here}/onward/"),
        ],
    );
    assert!(offered("volume.volume_ml").is_empty());
    assert!(offered("lung::masking(#{mode: 1, mo").is_empty());
    assert!(offered("// vol").is_empty());
}

#[test]
fn a_call_hints_at_what_is_to_be_given() {
    let mut workspace = workspace();
    after(&mut workspace, &["fn mine(a, b) { a }"]);
    let check = |line: &str, expected: Option<&str>| {
        assert_eq!(signature(&workspace, line).as_deref(), expected, "{line:?}");
    };
    check("ct::window(", Some("level, width)"));
    check("ct::window(f(1, 2),", Some(" width)"));
    check("ct::window(1, 2,", None);
    check("mine(", Some("a, b)"));
    check("x.apply(", Some("volume)"));
    check("no_such(", None);
    check("ct::window", None);
    check("(", None);
}
