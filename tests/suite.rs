//! Runs every test function of `tests/suite/**/*.rhai` as a test of its own.

use std::env;
use std::path::{Path, PathBuf};

use libtest_mimic::{Arguments, Failed, Trial};
use pe_script::check::{self, Case, Surroundings, Verdict};

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite");
    let surroundings = Surroundings {
        test_data: test_data(),
        ..Surroundings::default()
    };
    let cases = check::collect(&root).expect("the suite's folder can be read");
    let trials = cases
        .into_iter()
        .map(|case| trial(&root, case, surroundings.clone()))
        .collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn trial(root: &Path, case: Case, surroundings: Surroundings) -> Trial {
    let name = case.name();
    let root = format!("{}/", root.display());
    let name = name.strip_prefix(&root).unwrap_or(&name).to_owned();
    Trial::test(name.clone(), move || {
        let finished = check::run(&case, &surroundings);
        match finished.verdict {
            Verdict::Passed => Ok(()),
            Verdict::Skipped(reason) => {
                eprintln!("{name} skipped: {reason}");
                Ok(())
            }
            Verdict::Failed(report) => Err(Failed::from(format!(
                "{}\n{}",
                report.render(false),
                finished.output
            ))),
            Verdict::Interrupted => Err(Failed::from("interrupted")),
        }
    })
}

/// The folder with test data: `PE_TEST_DATA`, or `shared/data` beside the repository.
fn test_data() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let named = env::var_os("PE_TEST_DATA").map(PathBuf::from);
    named.into_iter().chain([beside]).find(|path| path.is_dir())
}
