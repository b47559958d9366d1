mod maps;
mod profiles;

use super::*;
use crate::language::bare;
use crate::language::value::shown;

const SCRIPT: &str = r#"
    param("size", 224, "side, pixels");
    param("spacing_mm", 1.0, "spacing");
    param("input", "", "folder");
    param("masked", true, "whether");
    param("levels", [1.0, 2.0], "levels");
    param("mode", "paper", "mask", ["paper", "hull", "none"]);
    param("rows", ["r3d"], "models", ["effnet", "effnet_tcn", "r3d"]);
    param("none", [], "models", ["effnet", "r3d"]);
    param("effnet", #{size: 224, lr: 1e-4, augment: true, name: "b0", flips: ["x"]}, "network");
"#;

fn params() -> Vec<Param> {
    declared(&bare().compile(SCRIPT).unwrap()).unwrap()
}

fn file(path: &str, yaml: &str) -> ParamFile {
    ParamFile {
        path: path.into(),
        text: yaml.to_owned(),
        values: serde_yaml::from_str(yaml).unwrap(),
    }
}

fn run(yaml: Option<&str>, arguments: &[&str]) -> Result<Vec<Resolved>, Bad> {
    let given = Given {
        profile: None,
        file: yaml.map(|yaml| file("p.yaml", yaml)),
        arguments: arguments.iter().map(|&text| text.to_owned()).collect(),
    };
    resolve(&params(), &given)
}

#[test]
fn the_command_line_wins_over_the_file_over_the_default() {
    use Origin::{CommandLine as Line, Default, File};
    let check = |file: Option<&str>, arguments: &[&str], name: &str, value: &str, origin| {
        let resolved = run(file, arguments).unwrap();
        let found = resolved.iter().find(|param| param.name == name).unwrap();
        assert_eq!(
            (shown(&found.value).as_str(), found.origin(name)),
            (value, origin)
        );
    };
    check(None, &[], "size", "224", Default);
    check(Some("size: 112"), &[], "size", "112", File);
    check(Some("size: 112"), &["size=64"], "size", "64", Line);
    check(Some("{}"), &["size=64"], "size", "64", Line);
    check(None, &["spacing_mm=2"], "spacing_mm", "2.0", Line);
    check(None, &["spacing_mm=-1e-3"], "spacing_mm", "-0.001", Line);
    check(Some("spacing_mm: 2"), &[], "spacing_mm", "2.0", File);
    check(None, &["input=a=b c"], "input", "\"a=b c\"", Line);
    check(None, &["input=12"], "input", "\"12\"", Line);
    check(None, &["input="], "input", "\"\"", Line);
    check(None, &["masked=false"], "masked", "false", Line);
    check(None, &["levels=[1, 2.5]"], "levels", "[1.0, 2.5]", Line);
    check(None, &["levels=[]"], "levels", "[]", Line);
    check(None, &["mode=hull"], "mode", "\"hull\"", Line);
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let check = |file: Option<&str>, arguments: &[&str], message: &str, hint: &str| {
        let bad = run(file, arguments).unwrap_err();
        assert!(bad.message.contains(message), "{}", bad.message);
        assert!(bad.hint.contains(hint), "{}", bad.hint);
    };
    check(
        None,
        &["szie=1"],
        "no parameter `szie`",
        "did you mean `size`?",
    );
    check(
        None,
        &["colour=1"],
        "no parameter `colour`",
        "size, spacing_mm, input",
    );
    check(None, &["size"], "expected `key=value`, found `size`", "");
    check(None, &["size=1", "size=2"], "given twice", "");
    check(
        None,
        &["size=1.5"],
        "expected an integer, found a float 1.5",
        "side, pixels",
    );
    check(
        None,
        &["size=big"],
        "expected an integer, found a string \"big\"",
        "",
    );
    check(None, &["size="], "expected an integer, found nothing", "");
    check(
        None,
        &["masked=yes"],
        "expected a bool, found a string \"yes\"",
        "",
    );
    check(
        Some("levels: 1"),
        &[],
        "expected an array, such as `[1.0, 2.0]`, found an integer",
        "",
    );
    check(None, &["levels=[a]"], "found a string \"a\"", "");
    check(
        None,
        &["mode=hul"],
        "one of [\"paper\", \"hull\", \"none\"]",
        "mean \"hull\"?",
    );
    check(
        Some("szie: 1"),
        &[],
        "no parameter `szie`, given in p.yaml",
        "`size`",
    );
    check(
        Some("input: 12"),
        &[],
        "`input` in p.yaml: expected a string, found an integer",
        "",
    );
    check(
        Some("mode: x"),
        &["mode=hull"],
        "`mode` in p.yaml: expected one of",
        "",
    );
}

#[test]
fn keys_that_are_settings_are_told() {
    let hint = |yaml: Option<&str>, arguments: &[&str]| run(yaml, arguments).unwrap_err().hint;
    assert!(hint(None, &["colour=1"]).ends_with("; settings of the run are device, seed, threads"));
    assert!(hint(None, &["sed=1"]).starts_with("did you mean `seed`?"));
    assert!(hint(Some("seed: 1"), &[]).contains("`seed` is a setting of the run"));
    assert!(!hint(Some("colour: 1"), &[]).contains("settings"));
}
