//! Shell completions, manual pages, and the versions that `--version` prints.

use std::io::{self, Write};

use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;

use crate::record::versions;
use crate::stop::{DONE, FAILED, USAGE};

/// Libraries whose versions `--version` prints below pe-script's own.
const SHOWN: [&str; 3] = ["libtorch", "rhai", "tch"];

/// Prints the versions of the main libraries.
pub(crate) fn print_versions() {
    let versions = versions();
    for name in SHOWN {
        let version = versions.get(name).map_or("unknown", String::as_str);
        // An error is ignored: the reader may have closed the pipe.
        let _ = writeln!(io::stdout(), "{name} {version}");
    }
}

/// Prints a shell's completions and returns the exit code.
pub(crate) fn completions(command: Command, shell: Shell) -> i32 {
    printed(io::stdout().write_all(&completions_of(command, shell)))
}

fn completions_of(mut command: Command, shell: Shell) -> Vec<u8> {
    let name = command.get_name().to_owned();
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut text);
    text
}

/// Prints the manual page of a command, or of pe-script itself, and returns the exit code.
pub(crate) fn page(mut command: Command, of: Option<&str>) -> i32 {
    command.build();
    let found = match of {
        None => Some(command.clone()),
        Some(name) => command.find_subcommand(name).cloned(),
    };
    let Some(found) = found else {
        let known: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
        let name = of.unwrap_or_default();
        eprintln!("error: there is no command `{name}`");
        eprintln!("hint: the commands are {}", known.join(", "));
        return USAGE;
    };
    printed(Man::new(found).render(&mut io::stdout()))
}

/// The exit code after printing. A closed pipe is no error.
fn printed(result: io::Result<()>) -> i32 {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("error: cannot write to standard output: {error}");
            FAILED
        }
        _ => DONE,
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn every_shell_completes_the_commands() {
        let command = || Command::new("pe-script").subcommand(Command::new("doctor"));
        for shell in Shell::value_variants() {
            let text = String::from_utf8(completions_of(command(), *shell)).unwrap();
            assert!(
                text.contains("pe-script") && text.contains("doctor"),
                "{shell}"
            );
        }
    }
}
