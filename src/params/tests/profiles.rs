use std::fs;
use std::path::Path;

use pe_files::Files;

use super::*;

const PROFILES: &str = r#"
    param("profile", "quick", "which values", ["quick", "paper"]);
    param("n", 1, "count");
    param("net", #{size: 8, epochs: 1}, "network");
"#;

/// The values of [`PROFILES`] with files of profiles beside the script, in one line, and who gave
/// them.
fn run_profile(
    files: &[(&str, &str)],
    yaml: Option<&str>,
    arguments: &[&str],
) -> Result<(String, String), Bad> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let params = declared(&bare().compile(PROFILES).unwrap()).unwrap();
    let mut all = Given {
        profile: None,
        file: yaml.map(|yaml| file("p.yaml", yaml)),
        arguments: arguments.iter().map(|&text| text.to_owned()).collect(),
    };
    all.profile = read_profile(
        &params,
        &folder.path().join("a.b.rhai"),
        &all,
        &Files::free(),
    )?;
    let resolved = resolve(&params, &all)?;
    let values: Vec<String> = resolved.iter().map(|param| shown(&param.value)).collect();
    Ok((values.join(" "), shown(&given(&resolved).into())))
}

const FILES: [(&str, &str); 2] = [
    ("a.b.quick.yaml", "n: 2\nnet: {epochs: 2}"),
    ("a.b.paper.yaml", "n: 3\n"),
];

#[test]
fn a_profile_lies_between_the_default_and_the_parameter_file() {
    let check = |yaml: Option<&str>, arguments: &[&str], values: &str, origins: &str| {
        let found = run_profile(&FILES, yaml, arguments).unwrap();
        assert_eq!(found, (values.to_owned(), format!("#{{{origins}}}")));
    };
    check(
        None,
        &[],
        "\"quick\" 2 #{size: 8, epochs: 2}",
        "n: \"profile quick\", net.epochs: \"profile quick\"",
    );
    check(
        None,
        &["profile=paper", "net.size=4"],
        "\"paper\" 3 #{size: 4, epochs: 1}",
        "profile: \"command line\", n: \"profile paper\", net.size: \"command line\"",
    );
    check(
        Some("{profile: paper, net: {size: 5}}"),
        &["n=9"],
        "\"paper\" 9 #{size: 5, epochs: 1}",
        "profile: \"file\", n: \"command line\", net.size: \"file\"",
    );
    check(
        Some("{profile: paper, n: 4}"),
        &["profile=quick"],
        "\"quick\" 4 #{size: 8, epochs: 2}",
        "profile: \"command line\", n: \"file\", net.epochs: \"profile quick\"",
    );
}

#[test]
fn a_profile_that_is_not_there_or_wrong_is_told() {
    let check = |files: &[(&str, &str)], arguments: &[&str], message: &str, hint: &str| {
        let bad = run_profile(files, None, arguments).unwrap_err();
        assert!(bad.message.contains(message), "{}", bad.message);
        assert!(bad.hint.contains(hint), "{}", bad.hint);
    };
    let quick = |text| [("a.b.quick.yaml", text)];
    check(
        &FILES,
        &["profile=papr"],
        "expected one of",
        "mean \"paper\"?",
    );
    check(
        &quick(""),
        &["profile=paper"],
        "a.b.paper.yaml: No such file",
        "one line `name: value` for each parameter",
    );
    check(
        &quick("3"),
        &[],
        "expected a map from names",
        "it may be empty",
    );
    check(
        &quick("profile: quick"),
        &[],
        "sets `profile`",
        "take the line out",
    );
    check(
        &quick("m: 3"),
        &[],
        "no parameter `m`, given in /",
        "mean `n`?",
    );
    check(
        &quick("n: x"),
        &[],
        "a.b.quick.yaml: expected an integer",
        "count",
    );
}

#[test]
fn a_parameter_named_profile_without_choices_is_like_any_other() {
    let params = declared(&bare().compile("param(\"profile\", \"a\", \"d\")").unwrap()).unwrap();
    let found = read_profile(
        &params,
        Path::new("none.rhai"),
        &Given::default(),
        &Files::free(),
    );
    assert_eq!(found, Ok(None));
}
