//! Writes the generated files, or checks that they are up to date.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use pe_files::Files;

/// First line of every generated Markdown file. It marks files that may be removed when they are no
/// longer generated.
pub(super) const MARK: &str =
    "<!-- Written by `pe-script docs build`; edit the functions' documentation. -->";

/// Writes the files into a folder, and removes files that an earlier version generated and this one
/// does not.
///
/// # Errors
/// When the folder or a file cannot be written; the message names it.
pub(super) fn write(out: &Path, files: &BTreeMap<String, String>, disk: &Files) -> Result<()> {
    let made = disk.create_dir_all(out);
    made.with_context(|| format!("cannot make the folder {}", out.display()))?;
    let swept = disk.sweep(out);
    swept.with_context(|| format!("cannot clear the folder {}", out.display()))?;
    for (name, text) in files {
        let path = out.join(name);
        if fs::read_to_string(&path).is_ok_and(|found| found == *text) {
            continue;
        }
        let written = disk.replace(&path, text.as_bytes());
        written.with_context(|| format!("cannot write {}", path.display()))?;
    }
    for path in left_over(out, files) {
        let removed = disk.remove_file(&path);
        removed.with_context(|| format!("cannot remove {}", path.display()))?;
    }
    Ok(())
}

/// The files in a folder that are not up to date: missing, different, or no longer generated.
pub fn stale(out: &Path, files: &BTreeMap<String, String>) -> Vec<PathBuf> {
    let differs = |(name, text): (&String, &String)| {
        let path = out.join(name);
        let same = fs::read_to_string(&path).is_ok_and(|found| found == *text);
        (!same).then_some(path)
    };
    let mut stale: Vec<PathBuf> = files.iter().filter_map(differs).collect();
    stale.extend(left_over(out, files));
    stale
}

/// Files with the mark that are no longer generated.
fn left_over(out: &Path, files: &BTreeMap<String, String>) -> Vec<PathBuf> {
    let entries = fs::read_dir(out).into_iter().flatten().flatten();
    let ours = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let known = files.contains_key(name.as_ref());
        !known && fs::read_to_string(path).is_ok_and(|text| text.starts_with(MARK))
    };
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(ours).collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use pe_files::{Fault, Faults};

    use super::*;

    #[test]
    fn what_differs_is_stale_until_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("reference");
        let files = |text: &str| BTreeMap::from([("a.md".to_owned(), format!("{MARK}\n{text}"))]);
        let names = |files: &BTreeMap<String, String>| -> Vec<String> {
            let stale = stale(&out, files).into_iter();
            let name = |path: PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
            stale.map(name).collect()
        };
        assert_eq!(names(&files("x")), ["a.md"], "missing");
        write(&out, &files("x"), &Files::free()).unwrap();
        assert!(names(&files("x")).is_empty());
        assert_eq!(names(&files("y")), ["a.md"], "different");
        fs::write(out.join("own.md"), "a page of the user's").unwrap();
        fs::write(out.join("old.md"), format!("{MARK}\nold")).unwrap();
        assert_eq!(names(&files("x")), ["old.md"], "left over");
        write(&out, &files("x"), &Files::free()).unwrap();
        assert!(names(&files("x")).is_empty() && out.join("own.md").exists());
    }

    #[test]
    fn every_page_is_an_old_one_or_a_new_one_whatever_fails_and_when() {
        let pages = |text: &str| {
            let page = |name: &str| (name.to_owned(), format!("{MARK}\n{text} {name}"));
            BTreeMap::from(["a.md", "b.md"].map(page))
        };
        let (old, new) = (pages("old"), pages("new"));
        for fault in [Fault::Killed, Fault::Full, Fault::ReadOnly, Fault::Denied] {
            for at in 0.. {
                let folder = tempfile::tempdir().unwrap();
                let out = folder.path().join("reference");
                write(&out, &old, &Files::free()).unwrap();
                fs::write(out.join("left.md"), MARK).unwrap();
                let faults = Arc::new(Faults::at(at, fault, at));
                let disk = Files::free().with_faults(faults.clone());
                let written = write(&out, &new, &disk);
                if !faults.met() {
                    assert!(at > 6, "{at} changes");
                    break;
                }
                let what = format!("{fault:?} at change {at}");
                for name in ["a.md", "b.md"] {
                    let found = fs::read_to_string(out.join(name)).unwrap();
                    assert!(found == old[name] || found == new[name], "{what}: {found}");
                }
                if let Err(error) = written {
                    let text = error.to_string();
                    assert!(text.contains("reference"), "{what}: {text}");
                }
                write(&out, &new, &Files::free()).unwrap();
                let left = Files::free().list(&out).unwrap();
                assert_eq!(left, [out.join("a.md"), out.join("b.md")], "{what}");
                assert!(stale(&out, &new).is_empty(), "{what}");
            }
        }
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let error = write(&file.join("out"), &BTreeMap::new(), &Files::free()).unwrap_err();
        assert!(error.to_string().contains("file/out"), "{error}");
    }
}
