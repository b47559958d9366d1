//! The command line.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use crate::console::Look;
use crate::docs::{self, DocsCommand, manual};
use crate::doctor;
use crate::prompt::{self, EvalArgs, ReplArgs};
use crate::run::{self, RunArgs};
use crate::stop::DONE;
use crate::testing::{self, TestArgs};

#[derive(Debug, Parser)]
#[command(name = "pe-script", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a script; `pe-script run SCRIPT --help` lists its parameters
    #[command(disable_help_flag = true)]
    Run(RunArgs),
    /// Start the prompt, as without a command; standard input that is no terminal runs as a script
    Repl(ReplArgs),
    /// Evaluate an expression and print its value
    Eval(EvalArgs),
    /// Run the script tests of files and folders: every `fn test_…()` of a .rhai file
    Test(TestArgs),
    /// Show versions, device, threads and libtorch, and what is missing, with what mends it
    Doctor,
    /// Write the reference of the script functions, or definition files for editors
    #[command(subcommand)]
    Docs(DocsCommand),
    /// Print completions for a shell, to be sourced by it
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print a manual page: `pe-script man | man -l -`
    Man {
        /// The command that it is about; without one, pe-script itself
        command: Option<String>,
    },
}

/// Does what a command line says and gives the exit code.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> i32 {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // A closed pipe is nobody's error.
            let _ = error.print();
            if error.kind() == ErrorKind::DisplayVersion {
                manual::print_versions();
            }
            return error.exit_code();
        }
    };
    let prompt = || Command::Repl(ReplArgs::default());
    match cli.command.unwrap_or_else(prompt) {
        Command::Run(arguments) if arguments.help && arguments.script.is_none() => run_help(),
        Command::Run(arguments) => run::main(&arguments, Look::detect()),
        Command::Repl(arguments) => prompt::main(&arguments, Look::detect()),
        Command::Eval(arguments) => prompt::eval(&arguments, Look::detect()),
        Command::Test(arguments) => testing::main(&arguments, Look::detect()),
        Command::Doctor => doctor::main(),
        Command::Docs(command) => docs::main(&command),
        Command::Completions { shell } => manual::completions(Cli::command(), shell),
        Command::Man { command } => manual::page(Cli::command(), command.as_deref()),
    }
}

fn run_help() -> i32 {
    let mut command = Cli::command();
    command.build();
    if let Some(run) = command.find_subcommand_mut("run") {
        let _ = run.print_help();
    }
    DONE
}
