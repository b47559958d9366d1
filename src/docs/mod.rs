//! `pe-script docs`: writes the reference of all script functions as Markdown, and definition files for
//! editors. Also runs the examples in the documentation, for the program's own tests.
//!
//! Input: the functions' own documentation ([`Catalogue`]). Output: files. This module must not know
//! any function.

mod definitions;
mod examples;
mod files;
mod front;
pub(crate) mod manual;
mod page;
mod place;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Subcommand;
use pe_files::Files;
use rhai::Engine;

use crate::catalogue::Catalogue;
use crate::console::Console;
use crate::diagnosis::remedy;
use crate::session::{self, Session};
use crate::stop::{DONE, FAILED};

pub use definitions::definitions;
pub use examples::{Example, Runner, examples};
pub use files::stale;

/// The setup script, which runs before every example of the reference.
pub const SETUP: &str = include_str!("../../docs/reference/setup.rhai");

/// What `pe-script docs` does.
#[derive(Debug, Clone, Subcommand)]
pub enum DocsCommand {
    /// Write the reference of the script functions, a Markdown file a plugin
    Build {
        /// The folder that they are written into
        #[arg(long, value_name = "DIR", default_value = "docs/reference")]
        out: PathBuf,
        /// Write nothing; fail, naming them, when files there are not what would be written
        #[arg(long)]
        check: bool,
    },
    /// Write definition files (.d.rhai), from which editors complete and explain
    Definitions {
        /// The folder that they are written into
        #[arg(long, value_name = "DIR", default_value = ".rhai/definitions")]
        out: PathBuf,
    },
}

/// Runs the command and returns the exit code.
pub fn main(command: &DocsCommand) -> i32 {
    let engine = engine();
    let catalogue = Catalogue::of(&engine);
    match command {
        DocsCommand::Build { out, check: true } => check(out, &reference(&catalogue)),
        DocsCommand::Build { out, check: false } => write(out, &reference(&catalogue)),
        DocsCommand::Definitions { out } => write(out, &definitions(&catalogue)),
    }
}

/// An engine as scripts have it, with the plugins and the host's functions.
fn engine() -> Engine {
    let session = Arc::new(Session::new(Console::silent(), ""));
    session::engine(&session, Path::new("")).0
}

/// The functions that every script can call.
pub fn catalogue() -> Catalogue {
    Catalogue::of(&engine())
}

/// The functions that only a script test can call.
pub fn of_tests() -> Catalogue {
    let session = Arc::new(Session::new(Console::silent(), ""));
    let (mut engine, _) = session::engine(&session, Path::new(""));
    let others = Catalogue::of(&engine);
    crate::testing::register(&mut engine, &session);
    Catalogue::of(&engine).beyond(&others)
}

/// The reference: the text of each file, by file name.
pub fn reference(catalogue: &Catalogue) -> BTreeMap<String, String> {
    let mut files = BTreeMap::from([
        ("README.md".to_owned(), front::page(catalogue)),
        (place::HOST.to_owned(), page::host(catalogue)),
        (place::TESTS.to_owned(), page::tests(&of_tests())),
    ]);
    for (plugin, about) in catalogue.plugins() {
        let text = page::plugin(catalogue, plugin, about);
        files.insert(place::file(plugin), text);
    }
    files
}

fn write(out: &Path, files: &BTreeMap<String, String>) -> i32 {
    match files::write(out, files, &Files::free()) {
        Ok(()) => {
            println!("{} files in {}", files.len(), out.display());
            DONE
        }
        Err(error) => {
            eprintln!("error: {error:#}\nhint: {}", remedy(&error));
            FAILED
        }
    }
}

/// Checks that the files are up to date, and returns the exit code.
fn check(out: &Path, files: &BTreeMap<String, String>) -> i32 {
    let stale = stale(out, files);
    for path in &stale {
        let wrong = if path.exists() {
            "is not what the functions' documentation says"
        } else {
            "is missing"
        };
        eprintln!("error: {} {wrong}", path.display());
    }
    if stale.is_empty() {
        println!("{} files in {} are up to date", files.len(), out.display());
        return DONE;
    }
    eprintln!(
        "hint: `pe-script docs build --out {}` writes them",
        out.display()
    );
    FAILED
}
