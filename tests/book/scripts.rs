//! A chapter's blocks, run in a scratch folder that looks like a clone: `scripts/` is there.
//!
//! | block | what is done with it |
//! |---|---|
//! | `rhai` | the chapter's script: these blocks in order, run as one at the end |
//! | `rhai,data` | part of that script in a second run, where the real series is there |
//! | `rhai,fails` | a script of its own that must fail; the next block shows its error's first line |
//! | `rhai,file=NAME`, `yaml,file=NAME` | written to that file |
//! | `rhai,in=FILE` | must stand in that file, word by word |
//! | `rhai,instead` | takes the place of the `in` block before it |
//! | `rhai,ignore` | a part of a script, or one that needs what a test has not |
//! | `sh` | its `cp` lines are done, and its `pe-script` lines must be possible, see `commands.rs` |
//! | `sh,run` | its `pe-script` lines are run too |
//! | `sh,fails` | as `rhai,fails` |

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::commands::arguments;
use crate::markdown::{Block, Page};
use crate::program::{self, Output};
use crate::root;

/// A page and the folder in which it is run.
pub struct Chapter<'a> {
    page: &'a Page,
    folder: TempDir,
}

impl<'a> Chapter<'a> {
    pub fn new(page: &'a Page) -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy(&root().join("scripts"), &folder.path().join("scripts"));
        Self { page, folder }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs every block, and gives how many; or what failed.
    pub fn run(&self) -> Result<usize, Vec<String>> {
        let mut failures: Vec<String> = self.write_files().err().into_iter().collect();
        let mut n_run = 0;
        for (i, block) in self.page.blocks.iter().enumerate() {
            let shown = self.page.blocks.get(i + 1);
            let done = match (block.language.as_str(), block.is("fails")) {
                ("rhai", true) => self.fails(&self.script(&block.text), shown),
                ("sh", true) => self.fails(&self.shell(block), shown),
                ("sh", false) if block.is("run") => succeeds(&self.shell(block)),
                _ => continue,
            };
            n_run += 1;
            failures.extend(done.err().map(|why| self.place(block, &why)));
        }
        let (n_steps, failed) = self.run_steps();
        failures.extend(failed);
        if failures.is_empty() {
            Ok(n_run + n_steps)
        } else {
            Err(failures)
        }
    }

    /// Writes the chapter's files and makes its edits, in order.
    pub fn write_files(&self) -> Result<(), String> {
        let mut edited: Option<(PathBuf, String)> = None;
        for block in &self.page.blocks {
            if block.language == "sh" {
                self.copies(block);
            } else if let Some(name) = block.value("file") {
                let file = self.folder().join(name);
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(file, &block.text).unwrap();
            } else if let Some(name) = block.value("in") {
                edited = Some((self.folder().join(name), block.text.clone()));
            } else if block.is("instead") {
                let (file, before) = edited.take().expect("an `in` block comes before it");
                let text = fs::read_to_string(&file).unwrap();
                if text.matches(&before).count() != 1 {
                    return Err(self.place(block, "what it replaces does not stand there once"));
                }
                fs::write(file, text.replace(&before, &block.text)).unwrap();
            }
        }
        Ok(())
    }

    /// The `cp` lines of a shell block: what the reader copies is there for what comes after.
    fn copies(&self, block: &Block) {
        for line in block.commands() {
            let words: Vec<&str> = line.split_whitespace().collect();
            if let ["cp", from, to] = words[..] {
                let from = self.folder().join(from);
                if from.is_file() {
                    fs::copy(from, self.folder().join(to)).unwrap();
                }
            }
        }
    }

    /// The chapter's script: once as those run it who have no series, and once with one.
    fn run_steps(&self) -> (usize, Vec<String>) {
        let is_step = |block: &&Block| block.language == "rhai" && block.words.is_empty();
        let is_data = |block: &Block| block.language == "rhai" && block.is("data");
        let steps = self.page.blocks.iter().filter(is_step).count();
        if steps == 0 {
            return (0, Vec::new());
        }
        let mut runs = vec![false];
        if self.page.blocks.iter().any(is_data) {
            match series() {
                Some(series) => {
                    std::os::unix::fs::symlink(series, self.folder().join("my-series")).unwrap();
                    runs.push(true);
                }
                None => eprintln!("skipped: the blocks on a real series, which is not here"),
            }
        }
        let failed = runs.iter().filter_map(|with_data| {
            let blocks = self.page.blocks.iter();
            let blocks = blocks.filter(|block| is_step(block) || (*with_data && is_data(block)));
            // A line typed alone needs no semicolon at the prompt.
            let script: String = blocks.map(|block| format!("{};\n", block.text)).collect();
            let output = self.script(&script);
            let said = succeeds(&output).and_then(|()| prints(&script, &output.stdout));
            said.err()
                .map(|why| format!("{}: its script: {why}", self.page.file.display()))
        });
        (steps * runs.len(), failed.collect())
    }

    fn script(&self, text: &str) -> Output {
        let file = self.folder().join("chapter.rhai");
        fs::write(&file, text).unwrap();
        program::run(self.folder(), &["run", "chapter.rhai", "--quiet"])
    }

    /// Runs the commands of a shell block, up to the first that fails; gives the last one's output.
    fn shell(&self, block: &Block) -> Output {
        let mut last = None;
        for line in block.commands() {
            let Some(arguments) = arguments(&line) else {
                continue;
            };
            let mut arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            // Networks on one thread: beside other tests, their threads would wait for each other.
            if arguments.first() == Some(&"run") {
                arguments.extend(["--threads", "1"]);
            }
            let output = program::run(self.folder(), &arguments);
            if !output.succeeded {
                return output;
            }
            last = Some(output);
        }
        last.expect("a block that is run has a command")
    }

    /// Whether it failed with the error that the next block shows; `…` at its end stands for the
    /// rest.
    fn fails(&self, output: &Output, shown: Option<&Block>) -> Result<(), String> {
        let shown = shown.filter(|block| block.language == "text");
        let shown = shown.ok_or("no `text` block with its error comes after it")?;
        let expected = shown.text.lines().next().unwrap_or_default();
        let found = output.error();
        let same = match expected.strip_suffix('…') {
            Some(beginning) => found.starts_with(beginning),
            None => found == expected,
        };
        if same && !output.succeeded {
            Ok(())
        } else {
            Err(format!(
                "the book shows\n{expected}\nand the program says\n{found}"
            ))
        }
    }

    fn place(&self, block: &Block, why: &str) -> String {
        let (file, text) = (self.page.file.display(), &block.text);
        format!("{file}: {why}\nin the block\n{text}")
    }
}

fn succeeds(output: &Output) -> Result<(), String> {
    if output.succeeded {
        Ok(())
    } else {
        Err(format!("it failed:\n{}", output.stderr))
    }
}

/// Whether each `print(…);    // what it prints` is followed by what it says.
fn prints(script: &str, printed: &str) -> Result<(), String> {
    let mut lines = printed.lines();
    for line in script
        .lines()
        .filter(|line| line.trim().starts_with("print("))
    {
        let Some((_, expected)) = line
            .split_once("; ")
            .and_then(|(_, rest)| rest.split_once("// "))
        else {
            continue;
        };
        let same = |found: &str| match expected.strip_suffix('…') {
            Some(beginning) => found.starts_with(beginning.trim_end()),
            None => found == expected,
        };
        if !lines.any(same) {
            return Err(format!("nothing printed {expected:?} for {line}"));
        }
    }
    Ok(())
}

/// The real series of the tests, where it is: in `PE_TEST_DATA`, or beside the repository.
fn series() -> Option<PathBuf> {
    let beside = root().join("../shared/data");
    let data = std::env::var_os("PE_TEST_DATA").map_or(beside, PathBuf::from);
    let series = data.join("ct/lung-dx-a0001");
    let series = series.canonicalize().ok()?;
    series.is_dir().then_some(series)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target)
        } else {
            fs::copy(&path, target).unwrap();
        }
    }
}
