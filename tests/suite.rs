//! Runs every test function of `tests/suite/**/*.rhai`, and of the example of a plugin, as a test of
//! its own.

use std::env;
use std::path::{Path, PathBuf};

use libtest_mimic::{Arguments, Failed, Trial};
use pe_script::testing::{self, Case, Surroundings, Verdict};

/// Where tests are looked for, and what of their path is no part of their names.
const FOLDERS: [(&str, &str); 2] = [
    ("tests/suite", "tests/suite"),
    ("examples/plugin-rhai/tests", "examples"),
];

fn main() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let surroundings = Surroundings {
        test_data: test_data(),
        ..Surroundings::default()
    };
    let trials = FOLDERS.iter().flat_map(|(folder, root)| {
        let cases = testing::collect(&repository.join(folder)).expect("the folder can be read");
        let (root, surroundings) = (repository.join(root), surroundings.clone());
        let trial = move |case| trial(&root, case, surroundings.clone());
        cases.into_iter().map(trial)
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit();
}

fn trial(root: &Path, case: Case, surroundings: Surroundings) -> Trial {
    let name = case.name();
    let root = format!("{}/", root.display());
    let name = name.strip_prefix(&root).unwrap_or(&name).to_owned();
    Trial::test(name.clone(), move || {
        let finished = testing::run(&case, &surroundings);
        match finished.verdict {
            Verdict::Passed => Ok(()),
            Verdict::Skipped(reason) => {
                eprintln!("{name} skipped: {reason}");
                Ok(())
            }
            Verdict::Failed(report) => {
                let report = report.render(false);
                Err(Failed::from(format!("{report}\n{}", finished.output)))
            }
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
