//! Runs every test function of `tests/suite/**/*.rhai` as a test of its own.

use std::env;
use std::path::{Path, PathBuf};

use libtest_mimic::{Arguments, Failed, Trial};
use pe_script::check::{self, Case, Surroundings, Verdict};

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite");
    let surroundings = Surroundings {
        test_data: test_data(),
    };
    let cases = check::collect(&root).expect("the suite's folder can be read");
    let trials = cases
        .into_iter()
        .map(|case| trial(&root, case, surroundings.clone()))
        .collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn trial(root: &Path, case: Case, surroundings: Surroundings) -> Trial {
    let file = case
        .file
        .strip_prefix(root)
        .unwrap_or(&case.file)
        .with_extension("");
    let function = case.function.as_deref().unwrap_or("(syntax)");
    let name = format!("{}::{function}", file.display());
    Trial::test(name.clone(), move || {
        match check::run(&case, &surroundings) {
            Verdict::Passed => Ok(()),
            Verdict::Skipped(reason) => {
                eprintln!("{name} skipped: {reason}");
                Ok(())
            }
            Verdict::Failed(text) => Err(Failed::from(text)),
        }
    })
}

/// The folder with test data: `PE_TEST_DATA`, or `shared/data` beside the repository.
fn test_data() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let named = env::var_os("PE_TEST_DATA").map(PathBuf::from);
    named.into_iter().chain([beside]).find(|path| path.is_dir())
}
