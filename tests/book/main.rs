//! The book says what is true: its links lead somewhere, its scripts run, its errors are the
//! program's own, and its commands are ones that the program has.
//!
//! What is done with a fenced block stands behind its language, see `scripts.rs`.

// A test may panic, in its own functions too.
#![allow(clippy::unwrap_used)]

mod architecture;
mod commands;
mod markdown;
mod program;
mod scripts;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use commands::Commands;
use markdown::Page;
use scripts::Chapter;

/// The folder of the repository.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Markdown file below `folder`, sorted.
fn markdown_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(markdown_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The chapters whose blocks are run here: those of `docs` itself. The reference's examples have a
/// test of their own.
fn chapters() -> Vec<Page> {
    let files = markdown_files(&root().join("docs"));
    let files = files.iter().filter(|file| {
        file.parent() == Some(&root().join("docs")) && !file.ends_with("SUMMARY.md")
    });
    files.map(|file| Page::read(file)).collect()
}

#[test]
fn the_summary_lists_every_page_and_nothing_else() {
    let docs = root().join("docs");
    let summary = Page::read(&docs.join("SUMMARY.md"));
    let listed: Vec<PathBuf> = summary
        .links
        .iter()
        .map(|link| docs.join(&link.target))
        .collect();
    let mut there = markdown_files(&docs);
    there.retain(|file| *file != docs.join("SUMMARY.md"));
    let distinct: BTreeSet<&PathBuf> = listed.iter().collect();
    assert_eq!(distinct.len(), listed.len(), "a page is listed twice");
    assert_eq!(distinct, there.iter().collect());
}

#[test]
fn every_link_leads_somewhere() {
    let docs = root().join("docs");
    let mut pages: Vec<Page> = markdown_files(&docs)
        .iter()
        .map(|file| Page::read(file))
        .collect();
    pages.push(Page::read(&root().join("README.md")));
    let mut n_links = 0;
    let mut broken = Vec::new();
    for page in &pages {
        for link in page.links.iter().filter(|link| link.is_relative()) {
            n_links += 1;
            if let Err(reason) = link.check(page, &docs) {
                broken.push(format!(
                    "{}: {}: {reason}",
                    page.file.display(),
                    link.target
                ));
            }
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
    assert!(
        n_links > 30,
        "found only {n_links} links: are they read at all?"
    );
}

#[test]
fn every_script_of_the_book_runs() {
    let pages = chapters();
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let run = |page| scope.spawn(move || Chapter::new(page).run());
        let running: Vec<_> = pages.iter().map(run).collect();
        let done = running.into_iter();
        done.map(|chapter| chapter.join().unwrap()).collect()
    });
    let n_run: usize = outcomes.iter().flatten().sum();
    let failures: Vec<String> = outcomes
        .into_iter()
        .filter_map(Result::err)
        .flatten()
        .collect();
    assert!(failures.is_empty(), "\n{}", failures.join("\n\n"));
    assert!(
        n_run > 40,
        "only {n_run} blocks were run: are they read at all?"
    );
}

#[test]
fn every_command_of_the_book_is_one_of_the_program() {
    let mut pages = chapters();
    pages.push(Page::read(&root().join("README.md")));
    let mut wrong = Vec::new();
    let mut n_commands = 0;
    for page in pages {
        let chapter = Chapter::new(&page);
        // Its files are there when its commands are looked at; that its scripts fail is another test's.
        let _ = chapter.write_files();
        let commands = Commands::new(chapter.folder());
        for line in page.shell_lines() {
            if let Some(arguments) = commands::arguments(&line) {
                n_commands += 1;
                if let Err(reason) = commands.check(&arguments) {
                    wrong.push(format!("{}: `{line}`: {reason}", page.file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(
        n_commands > 30,
        "found only {n_commands} commands: are they read at all?"
    );
}

/// The tutorial's own experiment, edited as the reader edits it and run as they run it, on a cohort
/// that takes seconds.
#[test]
fn the_first_experiment_runs_as_it_is_written() {
    let page = Page::read(&root().join("docs/tutorial.md"));
    let chapter = Chapter::new(&page);
    chapter.write_files().unwrap();
    let arguments = [
        "run",
        "scripts/window.rhai",
        "rows=effnet,effnet_tcn",
        "pe_window=100,300",
        "tcn.causal=false",
        "out=narrow",
        "cohort.n_exams=12",
        "cohort.size=64",
        "cohort.max_slices=40",
        "sizes.effnet=24",
        "sizes.resnet3d=16",
        "split.validation=0.3",
        "effnet.network=efficientnet_b0",
        "effnet.weights=",
        "effnet.epochs=1",
        "effnet.steps=4",
        "effnet.warmup_steps=0",
        "tcn.epochs=1",
        "evaluation.replicates=20",
        "threads=1",
        "--json",
    ];
    let output = program::run(chapter.folder(), &arguments);
    assert!(output.succeeded, "{}", output.stderr);
    let record: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    let rows = record["results"]["rows"].as_array().unwrap();
    let ids: Vec<&str> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["effnet", "effnet_tcn", "position"]);
    let models = fs::read_dir(chapter.folder().join("narrow/models")).unwrap();
    let settings: Vec<String> = models
        .map(|model| fs::read_to_string(model.unwrap().path().join("model.json")).unwrap())
        .collect();
    let holds = |text: &str| {
        settings
            .iter()
            .any(|json| without_space(json).contains(text))
    };
    assert!(
        holds("[100.0,300.0]"),
        "the window did not reach the slices"
    );
    assert!(
        holds("\"causal\":false"),
        "the option did not reach the head"
    );
}

fn without_space(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}
