use super::*;
use crate::prompt::tests::workspace;
use crate::prompt::workspace::Outcome;

fn shown(script: &str, width: usize) -> String {
    let mut workspace = workspace();
    match workspace.evaluate(script) {
        Outcome::Value(value) => present(&workspace, &value, width).unwrap_or_default(),
        Outcome::Failed(report) => panic!("{script}: {}", report.render(false)),
        _ => panic!("{script} did not come to its end"),
    }
}

#[test]
fn plain_values_are_shown_as_they_are_written() {
    let check = |script: &str, expected: &str| assert_eq!(shown(script, 80), expected, "{script}");
    check("()", "");
    check("let a = 1;", "");
    check("40 + 2", "42");
    check("1.0", "1.0");
    check("2.0 / 3.0", "0.666667");
    check("1e-9", "1e-9");
    check("123456789.123", "1.23457e8");
    check("\"a\\\"b\"", "\"a\\\"b\"");
    check("\"a\\nb\"", "a\nb");
    check("[]", "[]");
    check("[1, 2.5, \"x\", true]", "[1, 2.5, \"x\", true]");
    check("#{}", "#{}");
    check(
        "#{n: 3, spacing_mm: [1.0, 2.0]}",
        "map of 2 entries\n  n           3\n  spacing_mm  [1.0, 2.0]",
    );
    check("|x| x", "a closure");
    check("let x = 1; [|y| x + y]", "[a closure]");
}

#[test]
fn no_value_steers_the_terminal() {
    let check = |script: &str| {
        let shown = shown(script, 80);
        assert!(!shown.contains('\x1b') && shown.contains("[2J"), "{shown}");
    };
    check("\"\\x1b[2J\"");
    check("\"\\x1b[2J\\n\"");
    check("#{ \"\\x1b[2J\": 1 }");
    check("[#{ \"\\x1b[2J\": \"\\x1b[2J\" }]");
    check("['\\x1b', \"\\x1b[2J\"]");
}

#[test]
fn long_arrays_are_counted() {
    let line = shown("let a = []; for i in 0..1000 { a.push(i); } a", 80);
    assert_eq!(line, "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, … 988 more]");
    let narrow = shown("[\"aaaaaaaaaaaaaaaaaaaa\", \"bbbbbbbbbbbbbbbbbbbb\"]", 30);
    let expected =
        "array of 2 items\n  [0] \"aaaaaaaaaaaaaaaaaaaa\"\n  [1] \"bbbbbbbbbbbbbbbbbbbb\"";
    assert_eq!(narrow, expected);
}

#[test]
fn maps_in_an_array_are_a_table_that_fits() {
    let script =
        "let a = []; for i in 1..=3 { a.push(#{epoch: i, loss: 1.0 / i, note: \"x\"}); } a";
    assert_eq!(
        shown(script, 80),
        "  epoch      loss  note\n      1       1.0     x\n      2       0.5     x\n      3  0.333333     x"
    );
    let narrow = shown(script, 20);
    assert!(narrow.ends_with("  … 1 more columns:…"), "{narrow}");
    assert!(
        narrow.lines().all(|line| line.chars().count() <= 20),
        "{narrow}"
    );
    let long = shown("let a = []; for i in 0..50 { a.push(#{epoch: i}); } a", 80);
    assert!(long.contains("  … 32 more rows\n     44"), "{long}");
    assert_eq!(long.lines().count(), 1 + 12 + 1 + 6);
}

#[test]
fn values_of_plugins_tell_their_properties_and_no_data() {
    let volume = shown("phantom::exam(0, #{size: 64})", 80);
    let lines: Vec<&str> = volume.lines().collect();
    assert!(lines[0].starts_with("volume "), "{volume}");
    for property in ["n_slices", "spacing", "hu_range", "shape"] {
        assert!(
            volume.contains(&format!("\n  {property} ")),
            "{property}: {volume}"
        );
    }
    assert!(lines.len() < 10 && volume.len() < 700, "{volume}");
    let mask = shown("lung::mask(phantom::exam(0, #{size: 64}))", 80);
    assert!(mask.contains("volume_ml"), "{mask}");
}
