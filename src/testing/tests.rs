//! Tests of the test runner, each a script.

use std::fs;

use super::*;

fn verdict(body: &str) -> Verdict {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.rhai");
    fs::write(&file, format!("fn test_it() {{ {body} }}")).unwrap();
    let cases = collect(folder.path()).unwrap();
    assert_eq!(cases.len(), 1, "{cases:?}");
    run(&cases[0], &Surroundings::default()).verdict
}

#[test]
fn assertions_hold_or_fail() {
    let passes = |body: &str| assert_eq!(verdict(body), Verdict::Passed, "{body}");
    let fails = |body: &str, text: &str| match verdict(body) {
        Verdict::Failed(report) => {
            let found = report.render(false);
            assert!(found.contains(text), "{body}: {found}");
        }
        other => panic!("{body}: expected a failure, found {other:?}"),
    };
    passes("assert(1 < 2); assert_eq(1, 1); assert_eq([1, #{a: 2.0}], [1, #{a: 2.0}]);");
    fails("assert(1 > 2);", "assertion failed");
    fails("assert(1 > 2, \"order\");", "order");
    fails("assert_eq(1, 2);", "expected 2, found 1");
    fails("assert_eq(1, 1.5);", "expected 1.5, found 1");
    fails("assert_eq(1, \"1\");", "expected \"1\", found 1");
    fails("assert_eq([1, 2], [1]);", "found [1, 2]");
    passes("assert_close(0.1 + 0.2, 0.3); assert_close([1, 2.0], [1.0, 2]);");
    passes("assert_close(1.0, 1.01, #{rtol: 0.1}); assert_close(0.0, 0.1, #{atol: 0.2});");
    passes("assert_close(0.0/0.0, 0.0/0.0); assert_close(1.0/0.0, 1.0/0.0);");
    fails("assert_close(1.0, 1.01);", "expected 1.01");
    fails("assert_close(1.0, 0.0/0.0);", "NaN");
    fails("assert_close(1.0/0.0, -1.0/0.0, #{rtol: 1.0});", "inf");
    fails("assert_close([1], [1, 2]);", "expected 2 elements, found 1");
    fails("assert_close([1, [2, 3]], [1, [2, 4]]);", "at [1][1]");
    fails("assert_close(1, 1, #{tol: 1});", "no option `tol`");
    fails("assert_close(\"a\", 1);", "expected 1, found \"a\"");
    passes("assert_throws(|| throw \"no file\", \"^no f\");");
    passes("assert_throws(|| ct::window(1, -1), \"width\"); let a = [1]; assert_throws(|| a[5]);");
    fails(
        "assert_throws(|| 1, \"x\");",
        "expected an error like `x`, but nothing was thrown",
    );
    fails(
        "assert_throws(|| throw \"y\", \"x\");",
        "expected an error like `x`, found: y",
    );
    fails("assert_throws(|| throw \"y\", \"(\");", "regex");
    passes("assert(exists(scratch_dir()));");
    fails("no_such_thing();", "no function `no_such_thing`");
    fails("exit(4);", "exit(4)");
}

#[test]
fn a_test_without_its_data_is_skipped_and_cannot_catch_it() {
    let skipped = verdict("try { test_data(); } catch {} throw \"not reached\";");
    assert!(matches!(skipped, Verdict::Skipped(_)), "{skipped:?}");
}

#[test]
fn a_file_that_is_no_script_is_a_failing_case() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("sub")).unwrap();
    fs::write(folder.path().join("sub/a.rhai"), "fn test_a() {").unwrap();
    fs::write(
        folder.path().join("b.rhai"),
        "fn help() {} fn test_b() {} fn test_c(x) {}",
    )
    .unwrap();
    let cases = collect(folder.path()).unwrap();
    let names: Vec<_> = cases.iter().map(|case| case.function.as_deref()).collect();
    assert_eq!(names, [Some("test_b"), None]);
    assert!(matches!(
        run(&cases[1], &Surroundings::default()).verdict,
        Verdict::Failed(_)
    ));
}

#[test]
fn what_tests_can_call_is_documented() {
    let session = std::sync::Arc::new(crate::Session::new(crate::console::Console::silent(), ""));
    let mut engine = rhai::Engine::new();
    register(&mut engine, &session);
    let catalogue = crate::catalogue::Catalogue::of(&engine);
    let own = catalogue
        .functions()
        .iter()
        .filter(|function| !function.standard);
    let mut names = std::collections::BTreeMap::new();
    for function in own {
        assert!(!function.doc.is_empty(), "{}", function.name);
        *names.entry(function.name.as_str()).or_insert(0) += 1;
    }
    let expected = [
        ("assert", 2),
        ("assert_close", 2),
        ("assert_eq", 1),
        ("assert_snapshot", 2),
        ("assert_throws", 2),
        ("run_script", 2),
        ("scratch_dir", 1),
        ("test_data", 1),
    ];
    assert_eq!(names, expected.into());
}
