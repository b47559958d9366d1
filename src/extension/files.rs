//! The files of a plugin: its scripts and `plugin.yaml`, without its tests.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use pe_files::Files as FileSystem;

use super::manifest::FILE;
use crate::text;

/// File contents by path, relative to the plugin's folder.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Files(BTreeMap<PathBuf, String>);

/// Folders that are skipped, because they do not affect what a plugin does.
const LEFT_OUT: [&str; 2] = ["tests", "runs"];
/// Limit in MiB for all scripts of a plugin together. All are held in memory, and a folder from
/// elsewhere may hold ten thousand scripts of the longest length.
const MOST_MIB: usize = 16;
/// A folder with this file is a run folder. It holds copies of the plugin's scripts, so it is skipped
/// wherever `--out` put it.
const RUN: &str = "run.yaml";

impl Files {
    /// Reads `plugin.yaml` and all scripts below `folder`.
    ///
    /// # Errors
    /// When a file cannot be read, is a link that leads out of the folder, or the scripts are too long.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let mut files = Self::default();
        let manifest = read_within(folder, Path::new(FILE))?;
        files.0.insert(FILE.into(), manifest);
        files.add(folder, Path::new(""), &mut (MOST_MIB << 20))?;
        Ok(files)
    }

    /// Reads the scripts in `folder/below` and its subfolders. `room` is the number of bytes left.
    fn add(&mut self, folder: &Path, below: &Path, room: &mut usize) -> io::Result<()> {
        for entry in fs::read_dir(folder.join(below))? {
            let entry = entry?;
            let path = below.join(entry.file_name());
            let name = entry.file_name().to_string_lossy().into_owned();
            // `file_type` does not follow links, so a link to a folder is skipped: it could form a cycle.
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

    /// BLAKE3 digest of names and contents. It does not depend on where the folder lies.
    pub fn digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for (path, text) in self.iter() {
            let path = path.to_string_lossy();
            // With each length hashed first, `ab` + `c` and `a` + `bc` have different digests.
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

/// Reads a script or manifest in `folder`. A link that leads out of the folder is an error.
fn read_within(folder: &Path, file: &Path) -> io::Result<String> {
    let named = |error: io::Error| {
        let text = format!("{}: {error}", folder.join(file).display());
        io::Error::new(error.kind(), text)
    };
    let real = text::within(folder, file, "plugin").map_err(named)?;
    text::script(&real, &FileSystem::free()).map_err(named)
}
