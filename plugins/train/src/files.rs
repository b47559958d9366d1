//! Files that are found whole or not at all.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use pe_nn::NnError;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::TrainError;

/// Writes a file beside its place, waits until it is on the disk, and renames it.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
    let beside = unfinished(path);
    let write = || {
        let mut file = File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(TrainError::io("write", &beside))?;
    fs::rename(&beside, path).map_err(TrainError::io("write", path))?;
    sync_folder(path)
}

/// As [`write_whole`], with what `write` writes; gives its checksum.
pub(crate) fn write_stream(
    path: &Path,
    write: impl FnOnce(&mut Hashed) -> Result<(), NnError>,
) -> Result<String, TrainError> {
    let beside = unfinished(path);
    let file = File::create(&beside).map_err(TrainError::io("write", &beside))?;
    let mut out = Hashed {
        file: BufWriter::new(file),
        hasher: blake3::Hasher::new(),
    };
    match write(&mut out) {
        Err(NnError::Write { source }) => return Err(TrainError::io("write", &beside)(source)),
        other => other?,
    }
    let finished = out
        .file
        .into_inner()
        .map_err(std::io::IntoInnerError::into_error);
    finished
        .and_then(|file| file.sync_all())
        .map_err(TrainError::io("write", &beside))?;
    fs::rename(&beside, path).map_err(TrainError::io("write", path))?;
    sync_folder(path)?;
    Ok(out.hasher.finalize().to_hex().to_string())
}

/// A file, and the checksum of what was written to it.
pub(crate) struct Hashed {
    file: BufWriter<File>,
    hasher: blake3::Hasher,
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let n = self.file.write(bytes)?;
        self.hasher.update(&bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

/// Waits until the names in a file's folder are on the disk.
pub(crate) fn sync_folder(path: &Path) -> Result<(), TrainError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let sync = || File::open(folder)?.sync_all();
    sync().map_err(TrainError::io("write", folder))
}

/// Where a file lies while it is written.
pub(crate) fn unfinished(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".unfinished-{name}"))
}

/// A JSON file that knows its own checksum.
#[derive(Serialize, Deserialize)]
struct Sealed {
    content: serde_json::Value,
    seal: String,
}

/// `value` as the text of a sealed file.
pub(crate) fn sealed(value: &impl Serialize) -> String {
    let content = serde_json::json!(value);
    let seal = seal(&content);
    format!("{:#}\n", serde_json::json!(Sealed { content, seal }))
}

/// Reads a sealed file; `None` when there is none.
pub(crate) fn read_sealed<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, TrainError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(TrainError::io("read", path)(error)),
    };
    let damaged = |found: String| TrainError::Damaged {
        path: path.to_owned(),
        expected: "a record with its seal".into(),
        found,
    };
    let read: Sealed =
        serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
    if seal(&read.content) != read.seal {
        return Err(damaged("another seal".into()));
    }
    serde_json::from_value(read.content)
        .map(Some)
        .map_err(|error| damaged(error.to_string()))
}

fn seal(content: &serde_json::Value) -> String {
    checksum(content.to_string().as_bytes())
}

/// BLAKE3, hexadecimal.
pub(crate) fn checksum(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// Removes a file that may not be there.
pub(crate) fn remove_if_there(path: &Path) -> Result<(), TrainError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(TrainError::io("remove", path)(error))
        }
        _ => Ok(()),
    }
}
