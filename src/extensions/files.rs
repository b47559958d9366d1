//! The files of a plugin: its scripts and `plugin.yaml`, without its tests.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::manifest::FILE;

/// Texts by their path within the plugin's folder.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Files(BTreeMap<PathBuf, String>);

/// Folders that are no part of what a plugin does.
const LEFT_OUT: [&str; 2] = ["tests", "runs"];
/// A folder with this file is a run's, with copies of the plugin, wherever `--out` put it.
const RUN: &str = "run.yaml";

impl Files {
    pub fn read(folder: &Path) -> io::Result<Self> {
        let mut files = Self::default();
        let real = folder.canonicalize()?;
        files
            .0
            .insert(FILE.into(), read_within(&real, &folder.join(FILE))?);
        files.add(folder, &real, Path::new(""))?;
        Ok(files)
    }

    fn add(&mut self, folder: &Path, real: &Path, below: &Path) -> io::Result<()> {
        for entry in fs::read_dir(folder.join(below))? {
            let entry = entry?;
            let path = below.join(entry.file_name());
            let name = entry.file_name().to_string_lossy().into_owned();
            // A link is no folder here: it may lead in a circle.
            if entry.file_type()?.is_dir() {
                let run = folder.join(&path).join(RUN).exists();
                if !name.starts_with('.') && !LEFT_OUT.contains(&name.as_str()) && !run {
                    self.add(folder, real, &path)?;
                }
            } else if path.extension().is_some_and(|ending| ending == "rhai") {
                let text = read_within(real, &folder.join(&path))?;
                self.0.insert(path, text);
            }
        }
        Ok(())
    }

    pub fn text(&self, path: &Path) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Path, &str)> {
        self.0
            .iter()
            .map(|(path, text)| (path.as_path(), text.as_str()))
    }

    /// A digest of names and contents; the same files elsewhere have the same.
    pub fn digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for (path, text) in self.iter() {
            let path = path.to_string_lossy();
            // Lengths keep a name apart from what follows it.
            for part in [path.as_ref(), text] {
                hasher.update(&(part.len() as u64).to_le_bytes());
                hasher.update(part.as_bytes());
            }
        }
        hasher.finalize().to_hex().to_string()
    }
}

/// Reads a file unless it is a link that leads out of the folder, whose real path is `real`.
fn read_within(real: &Path, path: &Path) -> io::Result<String> {
    let file = path.canonicalize()?;
    if !file.starts_with(real) {
        let path = path.display();
        let text = format!("{path} is a link that leads out of the plugin's folder");
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
    }
    fs::read_to_string(file)
}
