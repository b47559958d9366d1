//! The files of a plugin: its scripts and `plugin.yaml`, without its tests.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use pe_files::Files as FileSystem;

use super::manifest::FILE;
use crate::text;

/// Texts by their path within the plugin's folder.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Files(BTreeMap<PathBuf, String>);

/// Folders that are no part of what a plugin does.
const LEFT_OUT: [&str; 2] = ["tests", "runs"];
/// Bytes of all scripts of a plugin. They are held together, and a folder of somebody else's may have
/// one of the longest under ten thousand names.
const MOST_MIB: usize = 16;
/// A folder with this file is a run's, with copies of the plugin, wherever `--out` put it.
const RUN: &str = "run.yaml";

impl Files {
    pub fn read(folder: &Path) -> io::Result<Self> {
        let mut files = Self::default();
        let manifest = read_within(folder, Path::new(FILE))?;
        files.0.insert(FILE.into(), manifest);
        files.add(folder, Path::new(""), &mut (MOST_MIB << 20))?;
        Ok(files)
    }

    fn add(&mut self, folder: &Path, below: &Path, room: &mut usize) -> io::Result<()> {
        for entry in fs::read_dir(folder.join(below))? {
            let entry = entry?;
            let path = below.join(entry.file_name());
            let name = entry.file_name().to_string_lossy().into_owned();
            // A link is no folder here: it may lead in a circle.
            if entry.file_type()?.is_dir() {
                let run = folder.join(&path).join(RUN).exists();
                if !name.starts_with('.') && !LEFT_OUT.contains(&name.as_str()) && !run {
                    self.add(folder, &path, room)?;
                }
            } else if path.extension().is_some_and(|ending| ending == "rhai") {
                let text = read_within(folder, &path)?;
                *room = room.checked_sub(text.len()).ok_or_else(too_much)?;
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

fn too_much() -> io::Error {
    let text = format!("expected scripts of at most {MOST_MIB} MiB in all, found more");
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

/// Reads a file unless it is a link that leads out of the folder.
fn read_within(folder: &Path, file: &Path) -> io::Result<String> {
    let named = |error: io::Error| {
        let text = format!("{}: {error}", folder.join(file).display());
        io::Error::new(error.kind(), text)
    };
    let real = text::within(folder, file, "plugin").map_err(named)?;
    text::script(&real, &FileSystem::free()).map_err(named)
}
