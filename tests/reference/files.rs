//! The committed files are what would be written, and their links lead somewhere.

use std::collections::{BTreeMap, BTreeSet};

use libtest_mimic::Trial;
use pe_script::catalogue::Catalogue;
use pe_script::docs;

use crate::{none_of, repository};

pub fn trials(catalogue: &Catalogue) -> Vec<Trial> {
    let files = docs::reference(catalogue);
    let linked = files.clone();
    vec![
        Trial::test("files::are_up_to_date", move || none_of(stale(&files))),
        Trial::test("files::links_lead_to_headings", move || {
            none_of(broken(&linked))
        }),
    ]
}

fn stale(files: &BTreeMap<String, String>) -> Vec<String> {
    let stale = docs::stale(&repository().join("docs/reference"), files);
    let problem = |path: &std::path::PathBuf| {
        let path = path.strip_prefix(repository()).unwrap_or(path);
        format!("{} is stale: run `pe-script docs build`", path.display())
    };
    stale.iter().map(problem).collect()
}

/// Links to a heading that no file has.
fn broken(files: &BTreeMap<String, String>) -> Vec<String> {
    let headings: BTreeSet<String> = files
        .iter()
        .flat_map(|(file, text)| text.lines().map(move |line| (file, line)))
        .filter(|(_, line)| line.starts_with("## ") || line.starts_with("### "))
        .map(|(file, line)| format!("{file}#{}", anchor(line.trim_start_matches('#').trim())))
        .collect();
    let mut problems = Vec::new();
    for (file, text) in files {
        for link in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let known = headings.contains(link) || files.contains_key(link);
            // What lies beside the reference is a chapter, which the book's tests look at.
            let chapter = link.strip_prefix("../");
            let known =
                known || chapter.is_some_and(|file| repository().join("docs").join(file).exists());
            if !known && !link.starts_with("https://") {
                problems.push(format!("{file}: the link to {link} leads nowhere"));
            }
        }
    }
    problems
}

/// As GitHub and mdBook make it: letters, digits, `-` and `_`, spaces as `-`.
fn anchor(heading: &str) -> String {
    let lower = heading.to_lowercase();
    let kept = lower
        .chars()
        .filter(|c| c.is_alphanumeric() || "-_ ".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}
