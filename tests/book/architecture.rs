//! The arrows of `docs/architecture.md` are those of the code, and none of them closes a circle.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use regex::Regex;

use crate::root;

/// Each module, or crate, with those that it uses.
type Arrows = BTreeMap<String, BTreeSet<String>>;

/// The arrows that the architecture lists in the block with this language: `module → one, other`.
fn listed(language: &str) -> Arrows {
    let text = fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let start = format!("```{language}\n");
    let (_, block) = text
        .split_once(&start)
        .expect("docs/architecture.md has this block");
    let (block, _) = block.split_once("```").unwrap();
    let lines = block.lines().filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let (module, uses) = line.split_once('→').unwrap_or((line, ""));
            let uses = uses
                .split(',')
                .map(str::trim)
                .filter(|name| !name.is_empty());
            (module.trim().to_owned(), uses.map(str::to_owned).collect())
        })
        .collect()
}

/// The crates of the workspace, without `pe-`, and what each is built on.
fn of_crates() -> Arrows {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let short = |name: &serde_json::Value| {
        let name = name.as_str().unwrap();
        if name == "pe-script" {
            Some("host")
        } else {
            name.strip_prefix("pe-")
        }
        .map(str::to_owned)
    };
    let packages = metadata["packages"].as_array().unwrap();
    let arrows = packages.iter().map(|package| {
        let needed = package["dependencies"].as_array().unwrap().iter();
        // Tests may use what the crate must not know.
        let needed = needed.filter(|needed| needed["kind"].is_null());
        let uses = needed.filter_map(|needed| short(&needed["name"])).collect();
        (short(&package["name"]).unwrap(), uses)
    });
    arrows.collect()
}

/// The modules of `src`, and what each uses of the others outside of tests.
fn of_host() -> Arrows {
    let src = root().join("src");
    let path = Regex::new(r"\bcrate::(\w+|\{)").unwrap();
    let mut arrows = Arrows::new();
    for file in rust_files(&src) {
        let inside = file.strip_prefix(&src).unwrap();
        let first = inside.components().next().unwrap().as_os_str();
        let module = Path::new(first)
            .file_stem()
            .unwrap()
            .to_string_lossy()
            .into_owned();
        // The crate's root names its modules, and the program starts it.
        if ["lib", "main"].contains(&&*module) {
            continue;
        }
        let uses = arrows.entry(module.clone()).or_default();
        for line in outside_of_tests(&fs::read_to_string(&file).unwrap()) {
            for found in path.captures_iter(line) {
                assert_ne!(
                    &found[1],
                    "{",
                    "{}: name the module in `{line}`",
                    file.display()
                );
                if found[1] != module {
                    uses.insert(found[1].to_owned());
                }
            }
        }
    }
    arrows
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_test = path.file_stem().is_some_and(|name| name == "tests");
        if path.is_dir() && !is_test {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") && !is_test {
            found.push(path);
        }
    }
    found
}

/// The lines of a file that are neither comments nor tests. A module of tests in the file is its end.
fn outside_of_tests(text: &str) -> Vec<&str> {
    let mut lines = text.lines();
    let mut kept = Vec::new();
    while let Some(line) = lines.next() {
        if line.trim() == "#[cfg(test)]" {
            if lines.next().is_some_and(|item| item.ends_with('{')) {
                break;
            }
        } else if !line.trim_start().starts_with("//") {
            kept.push(line);
        }
    }
    kept
}

/// A way along the arrows that comes back to where it began.
fn circle(arrows: &Arrows) -> Option<Vec<&str>> {
    fn search<'a>(
        arrows: &'a Arrows,
        module: &'a str,
        way: &mut Vec<&'a str>,
        done: &mut BTreeSet<&'a str>,
    ) -> bool {
        if let Some(at) = way.iter().position(|&seen| seen == module) {
            way.drain(..at);
            way.push(module);
            return true;
        }
        way.push(module);
        let uses = arrows.get(module).into_iter().flatten();
        for next in uses {
            if !done.contains(next.as_str()) && search(arrows, next, way, done) {
                return true;
            }
        }
        way.pop();
        done.insert(module);
        false
    }
    let mut done = BTreeSet::new();
    arrows.keys().find_map(|module| {
        let mut way = Vec::new();
        search(arrows, module, &mut way, &mut done).then_some(way)
    })
}

fn check(language: &str, found: &Arrows) {
    assert!(found.len() > 5, "{found:?}");
    assert_eq!(circle(found), None, "a circle");
    let listed = listed(language);
    let pairs = |arrows: &Arrows| -> BTreeSet<String> {
        let uses = |(module, uses): (&String, &BTreeSet<String>)| {
            let alone = uses.is_empty().then(|| module.clone());
            let arrows = uses.iter().map(move |to| format!("{module} → {to}"));
            alone.into_iter().chain(arrows.collect::<Vec<_>>())
        };
        arrows.iter().flat_map(uses).collect()
    };
    let (found, listed) = (pairs(found), pairs(&listed));
    let unlisted: Vec<_> = found.difference(&listed).collect();
    let gone: Vec<_> = listed.difference(&found).collect();
    assert!(
        unlisted.is_empty() && gone.is_empty(),
        "docs/architecture.md does not list {unlisted:?}, and lists {gone:?}, which the code does not have"
    );
}

#[test]
fn crates_use_each_other_as_listed() {
    check("crates", &of_crates());
}

#[test]
fn modules_of_the_host_use_each_other_as_listed() {
    check("modules", &of_host());
}

#[test]
fn a_circle_is_found_wherever_it_begins() {
    let arrows = |list: &[(&str, &[&str])]| -> Arrows {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        list.iter()
            .map(|(module, uses)| ((*module).to_owned(), owned(uses)))
            .collect()
    };
    let tree = arrows(&[("a", &["b", "c"]), ("b", &["c"]), ("c", &[])]);
    assert_eq!(circle(&tree), None);
    let ring = arrows(&[("a", &["b"]), ("b", &["c", "d"]), ("c", &["b"]), ("d", &[])]);
    assert_eq!(circle(&ring), Some(vec!["b", "c", "b"]));
    let itself = arrows(&[("a", &["a"])]);
    assert_eq!(circle(&itself), Some(vec!["a", "a"]));
}

#[test]
fn tests_and_comments_make_no_arrow() {
    let text = "use crate::a::A;\n#[cfg(test)]\nmod tests;\n// crate::b\nuse crate::c::C;\n\
                #[cfg(test)]\nmod tests {\n    use crate::d::D;\n}\n";
    assert_eq!(
        outside_of_tests(text),
        ["use crate::a::A;", "use crate::c::C;"]
    );
}
