//! Arrays and maps.

use super::*;

#[test]
fn arrays_are_written_with_commas_or_brackets() {
    let check = |argument: &str, expected: &str| {
        let resolved = run(None, &[argument]).unwrap();
        let name = argument.split('=').next().unwrap();
        let found = resolved.iter().find(|param| param.name == name).unwrap();
        assert_eq!(shown(&found.value), expected, "{argument}");
        assert_eq!(found.origin(name), Origin::CommandLine);
    };
    check("rows=effnet", "[\"effnet\"]");
    check("rows=effnet, r3d", "[\"effnet\", \"r3d\"]");
    check("rows=[effnet, \"r3d\"]", "[\"effnet\", \"r3d\"]");
    check("rows=[]", "[]");
    check("none=r3d,effnet", "[\"r3d\", \"effnet\"]");
    check("levels=1", "[1.0]");
    check("levels=-1,2.5", "[-1.0, 2.5]");
    check("levels= [1, 2]", "[1.0, 2.0]");

    let refused = |argument: &str, message: &str, hint: &str| {
        let bad = run(None, &[argument]).unwrap_err();
        assert!(bad.message.contains(message), "{}", bad.message);
        assert!(bad.hint.contains(hint), "{}", bad.hint);
    };
    refused(
        "levels=",
        "expected an array, such as `[1.0, 2.0]`, found nothing",
        "levels",
    );
    refused("levels=1,a", "found a string \"a\"", "");
    refused("levels=1,,2", "found nothing", "");
    refused("rows=", "found nothing", "");
    refused("rows=[effnet", "found a string \"[effnet\"", "");
    refused(
        "rows=r3d,efnet_tcn",
        "expected elements among [\"effnet\", \"effnet_tcn\", \"r3d\"], found \"efnet_tcn\"",
        "did you mean \"effnet_tcn\"?",
    );
    refused(
        "none=3",
        "expected elements among [\"effnet\", \"r3d\"], found \"3\"",
        "none: models",
    );
    refused("none=[3]", "expected an array, found an integer 3", "");
}

/// Compares the value of `effnet`, and what was given with where.
fn check_map(yaml: Option<&str>, arguments: &[&str], expected: &str, origins: &[&str]) {
    let resolved = run(yaml, arguments).unwrap();
    let mut found = resolved.iter();
    let found = found.find(|param| param.name == "effnet").unwrap();
    let expected = format!("#{{{expected}}}");
    assert_eq!(shown(&found.value), expected, "{arguments:?}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let given = given(&resolved);
    let given = given
        .iter()
        .map(|(name, origin)| format!("{} {}", text(name), text(origin)));
    assert_eq!(given.collect::<Vec<_>>(), origins);
}

#[test]
fn maps_are_given_entry_by_entry() {
    let check = check_map;
    let default = "size: 224, lr: 0.0001, augment: true, name: \"b0\", flips: [\"x\"]";
    let with = |from: &str, to: &str| default.replace(from, to);
    check(None, &[], default, &[]);
    check(
        None,
        &["effnet.size=64"],
        &with("224", "64"),
        &["effnet.size command line"],
    );
    check(
        None,
        &["effnet.lr=1", "effnet.name=12", "effnet.flips=y,z"],
        &with("0.0001", "1.0")
            .replace("b0", "12")
            .replace("[\"x\"]", "[\"y\", \"z\"]"),
        &[
            "effnet.lr command line",
            "effnet.name command line",
            "effnet.flips command line",
        ],
    );
    check(
        None,
        &["effnet={size: 64, augment: false}", "effnet.lr=1"],
        &with("224", "64")
            .replace("true", "false")
            .replace("0.0001", "1.0"),
        &[
            "effnet.size command line",
            "effnet.augment command line",
            "effnet.lr command line",
        ],
    );
    check(
        None,
        &["effnet=#{size: 64}"],
        &with("224", "64"),
        &["effnet.size command line"],
    );
    check(None, &["effnet={}"], default, &[]);
    check(
        Some("effnet: {size: 64, lr: 1}"),
        &["effnet.size=32"],
        &with("224", "32").replace("0.0001", "1.0"),
        &["effnet.size command line", "effnet.lr file"],
    );
    check(
        Some("effnet.size: 64"),
        &[],
        &with("224", "64"),
        &["effnet.size file"],
    );
}

#[test]
fn entries_that_do_not_fit_are_refused_by_name() {
    let check = |yaml: Option<&str>, arguments: &[&str], message: &str, hint: &str| {
        let bad = run(yaml, arguments).unwrap_err();
        assert!(bad.message.contains(message), "{}", bad.message);
        assert!(bad.hint.contains(hint), "{}", bad.hint);
    };
    check(
        None,
        &["effnet.sise=3"],
        "parameter `effnet` has no entry `sise`, given on the command line",
        "did you mean `size`? its entries are size, lr, augment, name, flips",
    );
    check(
        Some("effnet: {sise: 3}"),
        &[],
        "parameter `effnet` has no entry `sise`, given in p.yaml",
        "`size`",
    );
    check(None, &["effnet={sise: 3}"], "no entry `sise`", "`size`");
    check(None, &["effnet.size.x=3"], "no entry `size.x`", "size, lr");
    check(None, &["efnet.size=3"], "no parameter `efnet`", "`effnet`");
    check(
        None,
        &["size.x=3"],
        "parameter `size` has no entry `x`, given on the command line: it is an integer",
        "side, pixels",
    );
    check(
        None,
        &["effnet.size=big"],
        "parameter `effnet.size` on the command line: expected an integer, found a string \"big\"",
        "effnet.size: network (default 224)",
    );
    check(
        Some("effnet: {size: {a: 1}}"),
        &[],
        "parameter `effnet.size` in p.yaml: expected an integer, found a map",
        "",
    );
    check(
        None,
        &["effnet=3"],
        "parameter `effnet` on the command line: expected a map, such as `#{size: 224",
        "",
    );
    check(Some("effnet:"), &[], "found nothing", "");
    check(
        None,
        &["effnet={size: 1}", "effnet.size=1"],
        "parameter `effnet.size` is given twice on the command line",
        "once",
    );
    check(
        Some("effnet.size: 64\neffnet: {size: 32}"),
        &[],
        "parameter `effnet.size` is given twice in p.yaml",
        "",
    );
}
