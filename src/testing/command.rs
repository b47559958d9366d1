//! `pe-script test`: runs script tests, from the command line to the exit code.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use pe_files::Files;

use super::arguments::DEFAULT;
use super::choose::Choice;
use super::collect::is_script;
use super::report::human::Human;
use super::report::{Pass, json, junit};
use super::snapshot::remove;
use super::{Case, Finished, Snapshots, Surroundings, TestArgs, Verdict, collect, pool, watch};
use crate::console::Look;
use crate::diagnosis::Diagnosis;
use crate::params::Bad;
use crate::sandbox::Sandbox;
use crate::stop::Interrupt;
use crate::stop::{DONE, USAGE};
use crate::text::visible_line;

/// Runs the tests that the command line selects, and returns the exit code.
pub fn main(arguments: &TestArgs, look: Look) -> i32 {
    let command = Command {
        arguments,
        human: Human {
            colour: look.colour,
        },
    };
    command.run().unwrap_or_else(|bad| {
        let report = Diagnosis::new("usage.test", bad.message, Some(bad.hint));
        let _ = writeln!(io::stderr(), "{}", report.render(look.colour));
        USAGE
    })
}

struct Command<'a> {
    arguments: &'a TestArgs,
    human: Human,
}

impl Command<'_> {
    fn run(&self) -> Result<i32, Bad> {
        let choice = Choice::new(self.arguments)?;
        let cases = choice.of(self.all()?);
        if cases.is_empty() {
            let message = "no test matches `--filter` and `--tag`";
            return Err(Bad::new(
                message,
                "`pe-script test --list` shows the tests there are",
            ));
        }
        if self.arguments.list {
            self.list(&cases);
            return Ok(DONE);
        }
        let stop = listen()?;
        if self.arguments.watch {
            return watch::watch(&self.watched(), &stop, |changed| {
                self.again(&choice, changed, &stop)
            });
        }
        self.pass(&cases, &choice, &stop)
            .map(|pass| pass.exit_code())
    }

    /// The files and folders to watch for changes.
    fn watched(&self) -> Vec<PathBuf> {
        [self.arguments.roots(), self.arguments.plugin.clone()].concat()
    }

    /// All tests below the paths, each once.
    fn all(&self) -> Result<Vec<Case>, Bad> {
        let mut cases: Vec<Case> = Vec::new();
        let mut known = BTreeSet::new();
        for path in self.arguments.roots() {
            let found = self.found(&path)?;
            // A path may lie in another one, or be given in two spellings. So files are compared by
            // their real paths.
            let real = |case: &Case| case.file.canonicalize().unwrap_or_default();
            let files: BTreeSet<PathBuf> = found.iter().map(real).collect();
            cases.extend(
                found
                    .into_iter()
                    .filter(|case| !known.contains(&real(case))),
            );
            known.extend(files);
        }
        if cases.is_empty() {
            let roots = self.arguments.roots();
            let roots: Vec<String> = roots
                .iter()
                .map(|root| root.display().to_string())
                .collect();
            let message = format!("there are no tests in {}", roots.join(", "));
            return Err(Bad::new(
                message,
                "a test is a function `fn test_…()` of a .rhai file",
            ));
        }
        Ok(cases)
    }

    /// The tests of one path.
    fn found(&self, path: &Path) -> Result<Vec<Case>, Bad> {
        const HINT: &str = "name scripts (.rhai) or folders of them";
        if !path.exists() {
            return Err(self.no_such_path(path));
        }
        if path.is_file() && !is_script(path) {
            let message = format!("{} is no script", path.display());
            return Err(Bad::new(message, HINT));
        }
        collect(path).map_err(|error| Bad::new(format!("cannot read the tests: {error}"), HINT))
    }

    fn no_such_path(&self, path: &Path) -> Bad {
        if self.arguments.paths.is_empty() {
            Bad::new(
                format!("there is no folder {DEFAULT} here"),
                "name the scripts or folders with tests: `pe-script test PATH …`",
            )
        } else {
            Bad::new(
                format!("there is no file or folder {}", path.display()),
                "name scripts (.rhai) or folders of them",
            )
        }
    }

    fn list(&self, cases: &[Case]) {
        for case in cases {
            let line = if self.arguments.json {
                json::named(case).to_string()
            } else {
                visible_line(&case.name()).into_owned()
            };
            let _ = writeln!(io::stdout(), "{line}");
        }
    }

    /// Prints text for people: on stdout, or on stderr with `--json`.
    fn tell(&self, text: &str) {
        let _ = if self.arguments.json {
            writeln!(io::stderr(), "{text}")
        } else {
            writeln!(io::stdout(), "{text}")
        };
    }

    /// Prints an object on stdout with `--json`.
    fn tell_programs(&self, object: &serde_json::Value) {
        if self.arguments.json {
            let _ = writeln!(io::stdout(), "{object}");
        }
    }

    /// Runs a pass with `--watch`: the tests of the scripts that changed, or all of them.
    fn again(&self, choice: &Choice, changed: &watch::Changed, stop: &Interrupt) {
        let cases = self.all().map(|mut cases| {
            if let watch::Changed::Scripts(scripts) = changed {
                let known = |case: &Case| watch::is_among(&case.file, scripts);
                // If no test is among the changed scripts, they are modules, which any test may import.
                // Then all tests run.
                if cases.iter().any(known) {
                    cases.retain(known);
                }
            }
            choice.of(cases)
        });
        let ended = cases.and_then(|cases| self.pass(&cases, choice, stop));
        if let Err(bad) = ended {
            self.tell(
                &Diagnosis::new("usage.test", bad.message, Some(bad.hint))
                    .render(self.human.colour),
            );
        }
        if !stop.requested() {
            self.tell("waiting for changes … (Ctrl-C ends)");
        }
    }

    /// Runs the tests and writes the reports.
    fn pass(&self, cases: &[Case], choice: &Choice, stop: &Interrupt) -> Result<Pass, Bad> {
        let surroundings = Surroundings {
            test_data: std::env::var_os("PE_TEST_DATA").map(PathBuf::from),
            snapshots: Arc::new(Snapshots::new(self.arguments.update)),
            plugins: self.arguments.plugin.clone(),
            sandbox: self.arguments.sandbox.clone(),
            stop: stop.clone(),
        };
        self.tell_of_sandbox(cases);
        let began = Instant::now();
        let mut pass = Pass {
            n_chosen: cases.len(),
            ..Pass::default()
        };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let jobs = self.arguments.jobs.map_or(cores, usize::from);
        pool::run_all(
            cases,
            &surroundings,
            jobs,
            self.arguments.fail_fast,
            |case, finished| {
                self.tell(&self.human.line(case, &finished));
                self.tell_programs(&json::test(case, &finished));
                pass.done.push((case.clone(), finished));
            },
        );
        pass.elapsed = began.elapsed();
        pass.stopped = stop.exit_code();
        // A snapshot that cannot be removed is reported at the very end: the report comes first.
        let tidied = self.snapshots(&mut pass, choice, &surroundings.snapshots);
        self.tell(self.human.end(&pass).trim_end());
        self.tell_programs(&json::summary(&pass));
        self.write_junit(&pass)?;
        tidied.map(|()| pass)
    }

    /// Warns about the first script that is confined although the user did not ask for it. For the
    /// others the warning would be the same.
    fn tell_of_sandbox(&self, cases: &[Case]) {
        let notice = |case: &Case| {
            let sandbox = Sandbox::of(&self.arguments.sandbox, Some(&case.file));
            sandbox.ok().and_then(|sandbox| sandbox.notice())
        };
        if let Some(notice) = cases.iter().find_map(notice) {
            let _ = writeln!(io::stderr(), "warning: {notice}");
        }
    }

    /// Notes the written snapshots. In a complete pass, also finds those that no test asks for, and
    /// removes them with `--update`.
    fn snapshots(
        &self,
        pass: &mut Pass,
        choice: &Choice,
        snapshots: &Snapshots,
    ) -> Result<(), Bad> {
        pass.written = snapshots.written();
        if choice.is_part() || pass.n_not_run() > 0 {
            return Ok(());
        }
        pass.unused = snapshots.unused(&all_passed(&pass.done));
        if self.arguments.update {
            remove(&pass.unused).map_err(|error| {
                let message = format!("cannot remove a snapshot: {error}");
                Bad::new(message, "look at the rights of its folder")
            })?;
            pass.removed = true;
        }
        Ok(())
    }

    fn write_junit(&self, pass: &Pass) -> Result<(), Bad> {
        let Some(path) = &self.arguments.junit else {
            return Ok(());
        };
        let text = junit::text(pass).map_err(io::Error::other);
        text.and_then(|text| write_report(path, text.as_bytes()))
            .map_err(|error| {
                let message = format!("cannot write {}: {error}", path.display());
                Bad::new(
                    message,
                    "name a file that can be written with `--junit FILE.xml`",
                )
            })
    }
}

/// Writes a report. A device or pipe such as `/dev/stdout` is written to; a file is replaced as a whole.
fn write_report(path: &Path, text: &[u8]) -> io::Result<()> {
    match path.metadata() {
        Ok(found) if !found.is_file() => std::fs::write(path, text),
        _ => Files::free().replace(path, text),
    }
}

/// The scripts with a test that passed and none with another verdict.
fn all_passed(done: &[(Case, Finished)]) -> BTreeSet<PathBuf> {
    let of = |passed| {
        let done = done.iter();
        let these =
            done.filter(move |(_, finished)| (finished.verdict == Verdict::Passed) == passed);
        these
            .map(|(case, _)| case.file.clone())
            .collect::<BTreeSet<_>>()
    };
    &of(true) - &of(false)
}

fn listen() -> Result<Interrupt, Bad> {
    Interrupt::listen(|_| {}).map_err(|error| {
        let message = format!("cannot listen for Ctrl-C: {error}");
        Bad::new(message, "this is the operating system's refusal; try again")
    })
}
