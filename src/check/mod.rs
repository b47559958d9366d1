//! Tests that are written as scripts: each `fn test_…()` of a file is one test, run in an engine,
//! a thread and a scratch folder of its own.

mod assertions;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::thread;

use rhai::{Dynamic, Scope};

use crate::Session;
use crate::console::Console;
use crate::diagnostics::{Report, Vocabulary};
use crate::engine::bare;
use crate::run::{compile, engine};

/// One test function.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Case {
    /// The file that holds it.
    pub file: PathBuf,
    /// Its name without the parentheses; `None` stands for a file that cannot be read as a script.
    pub function: Option<String>,
}

/// How a test went.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It came to its end.
    Passed,
    /// It needs something that is not here, test data for one.
    Skipped(String),
    /// An assertion or a call failed: the rendered error.
    Failed(String),
}

/// What tests may use.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// The folder with test data; tests that ask for it are skipped without.
    pub test_data: Option<PathBuf>,
}

/// Finds the tests of every `.rhai` file below a folder, sorted by file and name.
///
/// # Errors
/// When a folder or file cannot be read.
pub fn collect(root: &Path) -> io::Result<Vec<Case>> {
    let mut cases = Vec::new();
    for entry in fs::read_dir(root)? {
        let path = entry?.path();
        if path.is_dir() {
            cases.extend(collect(&path)?);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "rhai")
        {
            cases.extend(cases_of(&path, &fs::read_to_string(&path)?));
        }
    }
    cases.sort();
    Ok(cases)
}

fn cases_of(file: &Path, text: &str) -> Vec<Case> {
    let case = |function| Case {
        file: file.to_path_buf(),
        function,
    };
    match bare().compile(text) {
        // It is a case so that it fails where failures are looked for.
        Err(_) => vec![case(None)],
        Ok(ast) => ast
            .iter_functions()
            .filter(|function| function.name.starts_with("test_") && function.params.is_empty())
            .map(|function| case(Some(function.name.to_owned())))
            .collect(),
    }
}

/// Runs a test.
pub fn run(case: &Case, surroundings: &Surroundings) -> Verdict {
    let (case, surroundings) = (case.clone(), surroundings.clone());
    // A thread of its own: what a panic leaves behind on a thread (libtorch's gradient mode) ends
    // with it.
    let test = thread::spawn(move || run_here(&case, &surroundings));
    test.join()
        .unwrap_or_else(|_| Verdict::Failed("a native function panicked".to_owned()))
}

fn run_here(case: &Case, surroundings: &Surroundings) -> Verdict {
    let scratch = match tempfile::tempdir() {
        Ok(scratch) => scratch,
        Err(error) => return Verdict::Failed(format!("cannot make a scratch folder: {error}")),
    };
    let session = Arc::new(Session::new(Console::silent(), scratch.path()));
    let root = case.file.parent().unwrap_or(Path::new(""));
    let (mut engine, last_call) = engine(&session, root);
    let skipped = Arc::new(OnceLock::new());
    assertions::register(&mut engine, scratch.path(), surroundings, &skipped);
    let text = fs::read_to_string(&case.file).unwrap_or_default();
    let result = compile(&engine, &case.file, &text).and_then(|ast| {
        let function = case.function.as_deref().unwrap_or("main");
        engine.call_fn::<Dynamic>(&mut Scope::new(), &ast, function, ())
    });
    if let Some(code) = session.exit_code() {
        return Verdict::Failed(format!("the test ended itself with exit({code})"));
    }
    match (result, skipped.get()) {
        (Ok(_), _) => Verdict::Passed,
        (Err(_), Some(reason)) => Verdict::Skipped(String::clone(reason)),
        (Err(error), None) => {
            let known = Vocabulary::new(&engine, bare().compile(&text).ok().as_ref());
            let report = Report::of_script(&error, &case.file, last_call.position(), &known);
            Verdict::Failed(report.render(false))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(body: &str) -> Verdict {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.rhai");
        fs::write(&file, format!("fn test_it() {{ {body} }}")).unwrap();
        let cases = collect(folder.path()).unwrap();
        assert_eq!(cases.len(), 1, "{cases:?}");
        run(&cases[0], &Surroundings::default())
    }

    #[test]
    fn assertions_hold_or_fail() {
        let passes = |body: &str| assert_eq!(verdict(body), Verdict::Passed, "{body}");
        let fails = |body: &str, text: &str| match verdict(body) {
            Verdict::Failed(found) => assert!(found.contains(text), "{body}: {found}"),
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
        fails("assert_close(\"a\", 1);", "expected a number");
        passes("assert_throws(|| throw \"no file\", \"^no f\");");
        passes(
            "assert_throws(|| ct::window(1, -1), \"width\"); let a = [1]; assert_throws(|| a[5]);",
        );
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
            run(&cases[1], &Surroundings::default()),
            Verdict::Failed(_)
        ));
    }
}
