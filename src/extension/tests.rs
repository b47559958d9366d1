//! Tests of plugins in folders of their own.

use std::fs;

use rhai::Dynamic;

use super::*;
use crate::console::Console;
use crate::diagnosis::Vocabulary;
use crate::session::{Session, find_plugins};
use crate::stop::Interrupt;

/// A folder with files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

const MANIFEST: &str = "name: p\nversion: \"1\"\ndescription: d\n";

fn find(given: &[PathBuf], near: &Path) -> Result<Plugins, Box<Diagnosis>> {
    find_plugins(given, near, &Sandbox::default(), &Interrupt::default())
}

/// What an expression gives in an engine with the plugins of a folder's `pe-script.yaml`.
fn eval(root: &Path, expression: &str) -> Result<Dynamic, String> {
    let mut session = Session::new(Console::silent(), root);
    session.plugins = find(&[], root).map_err(|report| report.render(false))?;
    let (engine, _) = crate::session::engine(&Arc::new(session), root);
    let result = engine.eval::<Dynamic>(expression);
    result.map_err(|error| {
        let known = Vocabulary::new(&engine, None);
        Diagnosis::of_script(&error, Path::new("script"), Position::NONE, &known).render(false)
    })
}

#[test]
fn functions_of_the_main_file_are_called_by_the_plugin_s_name() {
    let check = |main: &str, expression: &str, expected: Result<&str, &str>| {
        let folder = folder(&[
            ("pe-script.yaml", "plugins: [shared/p]"),
            ("shared/p/plugin.yaml", MANIFEST),
            ("shared/p/p.rhai", main),
            (
                "shared/p/lib/own.rhai",
                "import \"lib/deep\" as deep; fn n() { deep::n() }",
            ),
            ("shared/p/lib/deep.rhai", "fn n() { 7 }"),
            ("own.rhai", "fn n() { 1 }"),
        ]);
        let found = eval(folder.path(), expression);
        match (found, expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found.to_string(), expected),
            (Err(found), Err(text)) => assert!(found.contains(text), "{found}"),
            (found, _) => panic!("{expression}: expected {expected:?}, found {found:?}"),
        }
    };
    check("fn f(x) { x + 1 }", "p::f(2)", Ok("3"));
    check(
        "const K = 4; fn f(x) { g(x) } private fn g(x) { x * global::K }",
        "p::f(2)",
        Ok("8"),
    );
    check("private fn g() { 1 }", "p::g()", Err("no function `p::g`"));
    check(
        "fn f() { type_of(ct::window(40, 400)) }",
        "p::f()",
        Ok("HuWindow"),
    );
    // Imports of the plugin are its own, also those within a function that a script calls …
    check(
        "import \"lib/own\" as own; fn f() { own::n() }",
        "p::f()",
        Ok("7"),
    );
    check(
        "fn f() { import \"lib/own\" as own; own::n() }",
        "p::f()",
        Ok("7"),
    );
    check(
        "fn f() { import \"own\" as own; own::n() }",
        "p::f()",
        Err("cannot import \"own\""),
    );
    check(
        "fn f() { import \"../own\" as own; own::n() }",
        "p::f()",
        Err("outside of the plugin's folder"),
    );
    // … and the script's stay the script's, before and after.
    check(
        "fn f() { import \"lib/own\" as own; own::n() }",
        "p::f(); import \"own\" as own; own::n()",
        Ok("1"),
    );
    check(
        "fn f() { 1 }",
        "import \"lib/own\" as own; own::n()",
        Err("cannot import \"lib/own\""),
    );
    check("fn f() {\n  throw \"deep\"\n}", "p::f()", Err("p.rhai:2:3"));
}

#[test]
fn what_is_wrong_with_a_plugin_is_named() {
    let check = |files: &[(&str, &str)], text: &str| {
        let folder = folder(&[&[("pe-script.yaml", "plugins: [p]")], files].concat());
        let found = find(&[], folder.path()).unwrap_err().render(false);
        assert!(found.contains(text), "{found}");
    };
    let with = |yaml: &'static str| [("p/plugin.yaml", yaml), ("p/p.rhai", "fn f() { 1 }")];
    check(&[], "plugin.yaml: No such file");
    check(&with("name: p\nversion: \"1\"\n"), "says no `description`");
    check(&with("name: p\nversoin: \"1\"\n"), "has no key `versoin`");
    check(
        &with("name: p\nversoin: \"1\"\n"),
        "did you mean `version`?",
    );
    check(
        &with("name: p\nversion: 0.1\ndescription: d"),
        "`version`: expected a text, found a float 0.1",
    );
    check(
        &with("name: p-q\nversion: \"1\"\ndescription: d"),
        "\"p-q\" is no identifier",
    );
    check(
        &with("name: fn\nversion: \"1\"\ndescription: d"),
        "\"fn\" is no identifier",
    );
    check(&with("[p]"), "expected a map, found an array");
    check(
        &with("name: q\nversion: \"1\"\ndescription: d"),
        "no main file",
    );
    check(
        &with("name: p\nversion: \"1\"\ndescription: d\nmain: ../p.rhai"),
        "`main`: found",
    );
    check(
        &with("name: ct\nversion: \"1\"\ndescription: d\nmain: p.rhai"),
        "taken by a plugin that is built in",
    );
    check(
        &[
            ("p/plugin.yaml", MANIFEST),
            ("p/p.rhai", "fn f() {\n  1 +\n}"),
        ],
        "p.rhai:3",
    );
    check(
        &[
            ("p/plugin.yaml", MANIFEST),
            ("p/p.rhai", "\nthrow \"at once\";"),
        ],
        "p.rhai:2:1",
    );
    check(
        &[("pe-script.yaml", "plugin: [p]")],
        "did you mean `plugins`?",
    );
    check(
        &[("pe-script.yaml", "plugins: p")],
        "expected folders, found a string \"p\"",
    );
    check(
        &[("pe-script.yaml", "plugins: [1]")],
        "expected folders, found an integer 1",
    );
}

#[test]
fn plugins_are_found_above_and_by_name_and_once() {
    let root = folder(&[
        ("pe-script.yaml", "plugins: [p]"),
        ("p/plugin.yaml", MANIFEST),
        ("p/p.rhai", "fn f() { 1 }"),
        ("p/tests/t.rhai", "fn f("),
        ("q/plugin.yaml", "name: q\nversion: \"2\"\ndescription: d"),
        ("q/q.rhai", "fn f() { 2 }"),
        ("again/plugin.yaml", MANIFEST),
        ("again/p.rhai", ""),
        ("other/pe-script.yaml", ""),
        ("deep/er/a.rhai", ""),
    ]);
    let at = |path: &str| root.path().join(path);
    let names = |given: &[&str], near: &str| {
        let given: Vec<PathBuf> = given.iter().map(|path| at(path)).collect();
        let found = find(&given, &at(near)).map_err(|report| report.message);
        found.map(|found| {
            found
                .all()
                .iter()
                .map(|p| p.name().to_owned())
                .collect::<Vec<_>>()
        })
    };
    assert_eq!(names(&[], "deep/er").unwrap(), ["p"]);
    assert_eq!(names(&["q"], "deep/er").unwrap(), ["q", "p"]);
    assert_eq!(names(&["p/../p"], "").unwrap(), ["p"]);
    // The nearest file counts alone.
    assert!(names(&[], "other").unwrap().is_empty());
    let twice = names(&["again"], "").unwrap_err();
    assert!(
        twice.contains("the name of plugin `p`") && twice.contains("again"),
        "{twice}"
    );

    let loaded = RhaiPlugin::read(&at("p")).unwrap().loaded();
    assert_eq!((loaded.name.as_str(), loaded.version.as_str()), ("p", "1"));
    fs::write(at("p/tests/t.rhai"), "").unwrap();
    assert_eq!(
        RhaiPlugin::read(&at("p")).unwrap().loaded(),
        loaded,
        "tests are no part of it"
    );
    fs::write(at("p/p.rhai"), "fn f() { 2 }").unwrap();
    assert_ne!(
        RhaiPlugin::read(&at("p")).unwrap().loaded().digest,
        loaded.digest
    );
}

#[test]
fn the_comments_of_functions_are_kept() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/plugin-rhai");
    let mut session = Session::new(Console::silent(), "");
    session.plugins = find(&[example], Path::new("")).unwrap();
    let (engine, _) = crate::session::engine(&Arc::new(session), Path::new(""));
    let catalogue = crate::catalogue::Catalogue::of(&engine);
    let documented: BTreeSet<(&str, bool)> = catalogue
        .functions()
        .iter()
        .filter(|function| function.plugin == "clot")
        .map(|function| (function.name.as_str(), !function.doc.is_empty()))
        .collect();
    let expected = ["is_strain", "obstruction_index", "rv_lv", "worklist"];
    assert_eq!(documented, expected.map(|name| (name, true)).into());
}

#[test]
fn names_that_cannot_be_called_are_refused() {
    for name in ["print", "this", "global", "if"] {
        let manifest = format!("name: {name}\nversion: \"1\"\ndescription: d\nmain: p.rhai");
        let files = [
            ("p/plugin.yaml", manifest.as_str()),
            ("p/p.rhai", "fn f() { 1 }"),
        ];
        let folder = folder(&files);
        let found = RhaiPlugin::read(&folder.path().join("p"));
        assert!(found.is_err(), "{name}");
    }
}

#[test]
fn the_folders_of_runs_are_no_part_of_a_plugin() {
    let files = [
        ("plugin.yaml", MANIFEST),
        ("p.rhai", "fn f() { 1 }"),
        ("results/s/2026/run.yaml", "status: done"),
        ("results/s/2026/s.rhai", "print(1);"),
        ("lib/own.rhai", "fn n() { 1 }"),
    ];
    let with = folder(&files);
    let digest = |folder: &Path| RhaiPlugin::read(folder).unwrap().loaded().digest;
    let without = folder(&[files[0], files[1], files[4]]);
    assert_eq!(digest(with.path()), digest(without.path()));
    let other = folder(&[files[0], files[1]]);
    assert_ne!(digest(with.path()), digest(other.path()));
}
