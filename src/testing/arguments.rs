//! The options of `pe-script test`.

use std::path::PathBuf;

use clap::Args;

use crate::sandbox::SandboxArgs;

/// Folder with tests, if the user gives no path.
pub(super) const DEFAULT: &str = "tests/suite";

/// What `pe-script test` takes.
#[derive(Debug, Clone, Default, Args)]
pub struct TestArgs {
    /// Scripts with tests, or folders of them [default: tests/suite]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Run only tests whose name holds this text; given several times, any of them
    #[arg(long, value_name = "TEXT")]
    pub filter: Vec<String>,
    /// Run only tests with this tag, or with `!TAG` only those without; may be repeated
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
    /// List the tests and run none
    #[arg(long)]
    pub list: bool,
    /// How many tests run at a time [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
    /// Begin no other test after the first failure
    #[arg(long)]
    pub fail_fast: bool,
    /// Run the tests in an order that this number decides
    #[arg(long, value_name = "SEED")]
    pub shuffle: Option<u64>,
    /// Write new and changed snapshots, and remove those that no test asks for
    #[arg(long)]
    pub update: bool,
    /// Run again what changes below the paths, until Ctrl-C
    #[arg(long, conflicts_with = "list")]
    pub watch: bool,
    /// A folder with a plugin written in Rhai; may be repeated
    #[arg(long, value_name = "DIR")]
    pub plugin: Vec<PathBuf>,
    /// Write a report in JUnit's format
    #[arg(long, value_name = "FILE.xml")]
    pub junit: Option<PathBuf>,
    /// Print one JSON object a test on stdout, and one at the end; the text goes to stderr
    #[arg(long)]
    pub json: bool,
    /// What the tests may do
    #[command(flatten)]
    pub sandbox: SandboxArgs,
}

impl TestArgs {
    /// The files and folders in which to look for tests.
    pub(super) fn roots(&self) -> Vec<PathBuf> {
        if self.paths.is_empty() {
            vec![PathBuf::from(DEFAULT)]
        } else {
            self.paths.clone()
        }
    }
}
