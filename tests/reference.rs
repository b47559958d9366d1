//! The reference is true: its examples run and print what they say, its files are up to date, and
//! the options that it names are those that the functions take.
//!
//! The examples run on one thread and in one scratch folder, behind `docs/reference/setup.rhai`,
//! which is run when the first of them is.

// A test may panic, in its own functions too.
#![allow(clippy::unwrap_used)]

#[path = "reference/documented.rs"]
mod documented;
#[path = "reference/files.rs"]
mod files;
#[path = "reference/options.rs"]
mod options;
#[path = "reference/runner.rs"]
mod runner;

use std::path::{Path, PathBuf};
use std::{env, fs};

use libtest_mimic::{Arguments, Failed, Trial};
use pe_script::docs::{self, Example};

fn main() {
    let arguments = Arguments::from_args();
    let scratch = tempfile::tempdir().unwrap();
    env::set_current_dir(scratch.path()).unwrap();
    let (catalogue, of_tests) = (docs::catalogue(), docs::of_tests());
    let examples = docs::examples(&catalogue).into_iter();
    let mut trials: Vec<Trial> = examples.map(|one| example("example", one)).collect();
    let of_test = docs::examples(&of_tests).into_iter();
    trials.extend(of_test.map(|one| example("test", one)));
    trials.extend(readme().into_iter().map(|one| example("readme", one)));
    trials.extend(files::trials(&catalogue));
    trials.extend(documented::trials("documentation", &catalogue));
    trials.extend(documented::trials("tests_documentation", &of_tests));
    trials.extend(options::trials(&catalogue));
    let conclusion = libtest_mimic::run(&arguments, trials);
    // `exit` leaves without dropping anything.
    drop(scratch);
    conclusion.exit();
}

fn example(group: &str, example: Example) -> Trial {
    let name = format!("{group}::{}", example.name);
    Trial::test(name, move || {
        runner::with(move |runner| runner.check(&example))
    })
}

/// The README's scripts, with the parameter that has no default given.
fn readme() -> Vec<Example> {
    let text = fs::read_to_string(repository().join("README.md")).unwrap();
    let blocks = text.split("```rhai\n").skip(1);
    let scripts = blocks.map(|block| block.split("```").next().unwrap_or_default());
    let given = |text: &str| text.replace("param(\"input\", \"\",", "param(\"input\", \"cohort\",");
    let named = |(n, text): (usize, &str)| Example {
        name: format!("script {}", n + 1),
        text: given(text),
    };
    scripts.enumerate().map(named).collect()
}

/// The repository's folder.
fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

/// Fails with every problem in a line of its own.
fn none_of(problems: Vec<String>) -> Result<(), Failed> {
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Failed::from(problems.join("\n")))
    }
}
