//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use pe_nn::{DeviceError, Request};

use crate::console::Look;
use crate::docs::{self, DocsCommand};
use crate::repl::{self, EvalArgs, ReplArgs};
use crate::sandbox::SandboxArgs;
use crate::{check, doctor, manual, run};

/// Exit code: the script or command did what it should.
pub const DONE: i32 = 0;
/// Exit code: an error in the script or from what it called.
pub const FAILED: i32 = 1;
/// Exit code: the script took longer than its `--max-time`; the same as that of `timeout`.
pub const OVERDUE: i32 = 124;
/// Exit code: a script test failed.
pub const TESTS_FAILED: i32 = 3;
/// Exit code: the command line or a parameter is wrong; nothing ran.
pub const USAGE: i32 = 2;

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
    Test(check::TestArgs),
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

/// What `pe-script run` takes.
#[derive(Debug, Clone, Default, Args)]
pub struct RunArgs {
    /// The script, a .rhai file
    #[arg(required_unless_present = "help")]
    pub script: Option<PathBuf>,
    /// Parameters of the script, `key=value`, or `key.entry=value` for an entry of a map; where the
    /// script has no such parameter, also `device=`, `seed=` and `threads=`
    #[arg(value_name = "key=value")]
    pub params: Vec<String>,
    /// A YAML file with parameters, `key: value`; the command line wins over it,
    /// and it over the script's profile
    #[arg(long = "params", value_name = "FILE.yaml")]
    pub file: Option<PathBuf>,
    /// Seed, threads, device
    #[command(flatten)]
    pub session: SessionArgs,
    /// The folder for run folders
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub out: PathBuf,
    /// Print one JSON object on stdout at the end; the script's output goes to stderr
    #[arg(long)]
    pub json: bool,
    /// Show this help, or with a script, its parameters
    #[arg(long, short)]
    pub help: bool,
}

/// What everything that evaluates scripts takes.
#[derive(Debug, Clone, Default, Args)]
pub struct SessionArgs {
    /// Seed of everything random [default: 0]
    #[arg(long, value_name = "N")]
    pub seed: Option<i64>,
    /// Threads of native functions [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Where networks run
    #[arg(
        help = "Where networks run: auto, cpu or cuda[:N] [default: auto]",
        long,
        value_name = "DEVICE"
    )]
    pub device: Option<String>,
    /// A folder with a plugin written in Rhai; may be repeated
    #[arg(long, value_name = "DIR")]
    pub plugin: Vec<PathBuf>,
    /// Show neither progress nor log lines
    #[arg(long, short)]
    pub quiet: bool,
    /// What the script may do
    #[command(flatten)]
    pub sandbox: SandboxArgs,
}

impl SessionArgs {
    /// The device that is asked for.
    ///
    /// # Errors
    /// [`DeviceError`] for a text that names none.
    pub(crate) fn device(&self) -> Result<Request, DeviceError> {
        self.device.as_deref().unwrap_or("auto").parse()
    }
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
        Command::Repl(arguments) => repl::main(&arguments, Look::detect()),
        Command::Eval(arguments) => repl::eval(&arguments, Look::detect()),
        Command::Test(arguments) => check::main(&arguments, Look::detect()),
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
