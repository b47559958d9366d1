//! Whether a `pe-script …` line could be run: its subcommand, its options and its script's
//! parameters exist. What the program has is read from its own help.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::program;

/// The parameters that every script has.
const OF_EVERY_RUN: [&str; 3] = ["device", "seed", "threads"];

/// The program's commands, for scripts in a folder.
pub struct Commands {
    folder: PathBuf,
    helps: RefCell<BTreeMap<String, Result<String, String>>>,
}

/// The arguments of a shell line that runs the program; `None` for another one.
pub fn arguments(line: &str) -> Option<Vec<String>> {
    let mut words = words(line).into_iter();
    let program = words.find(|word| !is_assignment(word))?;
    let name = Path::new(&program).file_name()?;
    let ends = |word: &String| ["|", "&", "&&", ";", ">"].contains(&word.as_str());
    (name == "pe-script").then(|| words.take_while(|word| !ends(word)).collect())
}

/// `NAME=value` before a command.
fn is_assignment(word: &str) -> bool {
    let name = word.split_once('=').map(|(name, _)| name);
    name.is_some_and(|name| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
}

/// The words of a line as a shell splits them, comments left out; nothing is expanded.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote: Option<char> = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(mark), c) if c == mark => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, '#') if word.is_empty() => break,
            (None, c) if c.is_whitespace() => words.push(std::mem::take(&mut word)),
            (_, c) => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

impl Commands {
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_path_buf(),
            helps: RefCell::default(),
        }
    }

    /// Whether the program takes these arguments.
    pub fn check(&self, arguments: &[String]) -> Result<(), String> {
        let Some((subcommand, rest)) = arguments.split_first() else {
            return Ok(());
        };
        if subcommand.starts_with('-') {
            return self.option(&[], subcommand);
        }
        let known = self.help(&[])?;
        let mut lines = known.lines().map(str::trim);
        if !lines.any(|line| line.split_whitespace().next() == Some(subcommand)) {
            return Err(format!("there is no subcommand `{subcommand}`"));
        }
        for option in rest.iter().filter(|word| word.starts_with("--")) {
            self.option(&[subcommand], option)?;
        }
        match subcommand.as_str() {
            "run" => self.run(rest),
            _ => Ok(()),
        }
    }

    fn option(&self, of: &[&str], option: &str) -> Result<(), String> {
        let name = option.split('=').next().unwrap_or(option);
        let help = self.help(of)?;
        let is_it = |word: &str| word.trim_end_matches([',', ']']) == name;
        if help.split_whitespace().any(is_it) {
            Ok(())
        } else {
            Err(format!("there is no option `{name}`"))
        }
    }

    /// The script and its parameters. Of a script that the book only names, the form alone is known.
    fn run(&self, arguments: &[String]) -> Result<(), String> {
        let mut positional = arguments.iter().filter(|word| !word.starts_with('-'));
        let script = positional.next().ok_or("`run` needs a script")?;
        if script.starts_with("scripts/") && !self.folder.join(script).exists() {
            return Err(format!("there is no {script}"));
        }
        if !self.folder.join(script).exists() {
            return Ok(());
        }
        let help = self.help(&["run", script])?;
        for word in positional.filter(|word| word.contains('=')) {
            let (key, _) = word.split_once('=').unwrap_or((word, ""));
            let declared = help.lines().any(|line| {
                let shown = line.trim().split([' ', '=']).next();
                line.starts_with("  ") && shown == Some(key)
            });
            if !declared && !OF_EVERY_RUN.contains(&key) {
                return Err(format!("{script} has no parameter `{key}`"));
            }
        }
        Ok(())
    }

    /// The program's help for a command, asked for once.
    fn help(&self, of: &[&str]) -> Result<String, String> {
        let mut helps = self.helps.borrow_mut();
        let help = helps.entry(of.join(" ")).or_insert_with(|| {
            let output = program::run(&self.folder, &[of, &["--help"]].concat());
            if output.succeeded {
                Ok(output.stdout)
            } else {
                Err(output.stderr)
            }
        });
        help.clone()
    }
}

#[test]
fn commands_are_read_as_a_shell_reads_them() {
    let check = |line: &str, expected: Option<&[&str]>| {
        let found = arguments(line);
        let expected = expected.map(|words| words.iter().map(|word| word.to_string()).collect());
        assert_eq!(found, expected, "{line}");
    };
    check("pe-script", Some(&[]));
    check("./pe-script doctor  # all well?", Some(&["doctor"]));
    check(
        "A=1 pe-script run a.rhai x=1 &",
        Some(&["run", "a.rhai", "x=1"]),
    );
    check(
        "pe-script test --tag '!slow' | head",
        Some(&["test", "--tag", "!slow"]),
    );
    check("make table2", None);
    check("alias pe-script=$PWD/target/release/pe-script", None);
}

#[test]
fn a_command_that_the_program_has_not_is_told() {
    let commands = Commands::new(crate::root());
    let check = |line: &str, expected: Result<(), &str>| {
        let found = commands.check(&arguments(line).unwrap());
        match (found, expected) {
            (Ok(()), Ok(())) => {}
            (Err(found), Err(expected)) => assert!(found.contains(expected), "{line}: {found}"),
            (found, _) => panic!("{line}: found {found:?}"),
        }
    };
    check("pe-script --version", Ok(()));
    check("pe-script doctor", Ok(()));
    check("pe-script doctr", Err("no subcommand `doctr`"));
    check(
        "pe-script run scripts/phantom.rhai n_exams=2 seed=1 --quiet",
        Ok(()),
    );
    check(
        "pe-script run scripts/phantom.rhai n_exam=2",
        Err("no parameter `n_exam`"),
    );
    check(
        "pe-script run scripts/phantom.rhai --quite",
        Err("no option `--quite`"),
    );
    check("pe-script run scripts/table2.rhai tcn.causal=false", Ok(()));
    check(
        "pe-script run scripts/table2.rhai tcn.casual=false",
        Err("no parameter `tcn.casual`"),
    );
    check(
        "pe-script run scripts/nothing.rhai",
        Err("there is no scripts/nothing.rhai"),
    );
}
