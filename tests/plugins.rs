//! Plugins written in Rhai, as scripts and their users see them.

// A test may panic, in its own functions too.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_yaml::Value;

const MANIFEST: &str = "name: share\nversion: \"1.2\"\ndescription: Shares of something\n";
const MAIN: &str = "import \"lib/check\" as check;\n\nfn of(part, all) {\n    check::positive(all);\n    \
                    1.0 * part / all\n}\n\nfn window(width) {\n    ct::window(40, width)\n}\n";
const CHECK: &str =
    "fn positive(x) {\n    if x <= 0 {\n        throw `expected above 0, found ${x}`;\n    }\n}\n";

/// A folder with the plugin in `lab/share`, and more files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let plugin = [
        ("lab/share/plugin.yaml", MANIFEST),
        ("lab/share/share.rhai", MAIN),
        ("lab/share/lib/check.rhai", CHECK),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in plugin.iter().chain(files) {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// Exit code, stdout and stderr.
fn pe_script(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_pe-script"))
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// The folder of the script's only run.
fn run_folder(folder: &Path) -> PathBuf {
    let mut runs = fs::read_dir(folder.join("runs/a")).unwrap();
    runs.next().unwrap().unwrap().path()
}

#[test]
fn a_run_uses_a_plugin_and_records_it() {
    let folder = folder(&[("a.rhai", "print(share::of(1, 4));")]);
    let folder = folder.path();
    let (code, stdout, stderr) =
        pe_script(folder, &["run", "a.rhai", "-q", "--plugin", "lab/share"]);
    assert_eq!((code, stdout.as_str()), (0, "0.25\n"), "{stderr}");
    let run = run_folder(folder);
    let record: Value =
        serde_yaml::from_str(&fs::read_to_string(run.join("run.yaml")).unwrap()).unwrap();
    let plugin = &record["plugins"][0];
    assert_eq!(
        (&plugin["name"], &plugin["version"]),
        (&"share".into(), &"1.2".into())
    );
    assert_eq!(plugin["folder"], Value::from("lab/share"));
    assert_eq!(plugin["digest"].as_str().map(str::len), Some(64));
    let kept = |path: &str| fs::read_to_string(run.join("plugins/share").join(path)).unwrap();
    assert_eq!(kept("share.rhai"), MAIN);
    assert_eq!(kept("lib/check.rhai"), CHECK);
    assert_eq!(kept("plugin.yaml"), MANIFEST);
}

#[test]
fn the_nearest_configuration_above_the_script_names_plugins() {
    let folder = folder(&[
        ("pe-script.yaml", "plugins: [lab/share]"),
        (
            "s/deep/a.rhai",
            "import \"lib\" as lib; print(share::of(lib::n(), 2));",
        ),
        ("s/deep/lib.rhai", "fn n() { 3 }"),
        (
            "t/a.rhai",
            "fn test_a() { assert_eq(share::of(1, 2), 0.5); }",
        ),
        (
            "t/b.rhai",
            "fn test_b() { let ran = run_script(\"../s/deep/a.rhai\"); assert_eq(ran.printed, \"1.5\\n\"); }",
        ),
    ]);
    let folder = folder.path();
    let (code, stdout, stderr) = pe_script(folder, &["run", "s/deep/a.rhai", "-q"]);
    assert_eq!((code, stdout.as_str()), (0, "1.5\n"), "{stderr}");
    let (code, stdout, _) = pe_script(folder, &["test", "t"]);
    assert_eq!(code, 0, "{stdout}");
    // Without it the tests still find the plugin that the command line names.
    fs::remove_file(folder.join("pe-script.yaml")).unwrap();
    assert_eq!(pe_script(folder, &["test", "t"]).0, 3);
    assert_eq!(
        pe_script(folder, &["test", "t", "--plugin", "lab/share"]).0,
        0
    );
}

#[test]
fn an_error_in_a_plugin_is_shown_there() {
    let check = |script: &str, texts: &[&str]| {
        let folder = folder(&[("a.rhai", script)]);
        let arguments = ["run", "a.rhai", "--plugin", "lab/share"];
        let (code, _, stderr) = pe_script(folder.path(), &arguments);
        assert_eq!(code, 1, "{stderr}");
        for text in texts {
            assert!(stderr.contains(text), "no `{text}` in {stderr}");
        }
    };
    check(
        "share::of(1,\n  -4);",
        &[
            "error: expected above 0, found -4",
            "lab/share/lib/check.rhai:3:9",
            "lab/share/share.rhai:4:12",
            "in the call to `positive`",
            "a.rhai:1:8",
            "in the call to `of`",
        ],
    );
    check(
        "share::window(-1);",
        &["positive width", "lab/share/share.rhai:9:9", "a.rhai:1:8"],
    );
    check(
        "share::off(1, 4);",
        &["no function `share::off`", "did you mean `share::of`?"],
    );
}

#[test]
fn a_plugin_that_cannot_be_loaded_stops_the_run_before_it_begins() {
    let check = |files: &[(&str, &str)], plugins: &[&str], code: i32, texts: &[&str]| {
        let folder = folder(&[&[("a.rhai", "print(1);")], files].concat());
        let mut arguments = vec!["run", "a.rhai"];
        arguments.extend(plugins.iter().flat_map(|plugin| ["--plugin", plugin]));
        let (found, stdout, stderr) = pe_script(folder.path(), &arguments);
        assert_eq!((found, stdout.as_str()), (code, ""), "{stderr}");
        for text in texts {
            assert!(stderr.contains(text), "no `{text}` in {stderr}");
        }
        assert!(!folder.path().join("runs").exists());
    };
    check(&[], &["none"], 2, &["cannot read none/plugin.yaml"]);
    check(
        &[("lab/share/plugin.yaml", "nam: x")],
        &["lab/share"],
        2,
        &["did you mean `name`?"],
    );
    check(
        &[("other/plugin.yaml", MANIFEST), ("other/share.rhai", "")],
        &["lab/share", "other"],
        2,
        &["plugin `share` in other is taken by the plugin in lab/share"],
    );
    check(
        &[("lab/share/share.rhai", "fn of(part) {\n    prat\n}")],
        &["lab/share"],
        1,
        &["no variable `prat`", "lab/share/share.rhai:2:5"],
    );
    check(
        &[("pe-script.yaml", "plugins: [none]")],
        &[],
        2,
        &["cannot read none/plugin.yaml"],
    );
    check(
        &[("pe-script.yaml", "plugin: [none]")],
        &[],
        2,
        &["pe-script.yaml has no key `plugin`"],
    );
}
