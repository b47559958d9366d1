//! Atomic writing of files, and JSON files with a checksum (the seal).

use std::io::{self, BufWriter, Write};
use std::path::Path;

use pe_files::{Files, Output};
use pe_nn::NnError;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::TrainError;

/// Writes a file atomically: writes a temporary file beside it, syncs that to the disk and renames
/// it.
pub(crate) fn write_whole(path: &Path, bytes: &[u8], files: &Files) -> Result<(), TrainError> {
    let written = files.replace_synced(path, bytes);
    written.map_err(TrainError::io("write", path))
}

/// Like [`write_whole`], but `write` streams the content. Returns the content's checksum.
pub(crate) fn write_stream(
    path: &Path,
    files: &Files,
    write: impl FnOnce(&mut Hashed) -> Result<(), NnError>,
) -> Result<String, TrainError> {
    let stream = |out: &mut Output| -> Result<String, Failed> {
        let mut hashed = Hashed {
            file: BufWriter::new(out),
            hasher: blake3::Hasher::new(),
        };
        write(&mut hashed)?;
        hashed.flush()?;
        // Sync before the rename, so that the name never refers to half a file, even after a power
        // cut.
        hashed.file.get_ref().sync_all()?;
        Ok(hashed.hasher.finalize().to_hex().to_string())
    };
    let written = files.replace_with(path, stream).and_then(|checksum| {
        // Sync the folder too, or a power cut may undo the rename.
        files.sync_folder(path)?;
        Ok(checksum)
    });
    written.map_err(|failed| match failed {
        Failed::Io(source) | Failed::Nn(NnError::Write { source }) => {
            TrainError::io("write", path)(source)
        }
        Failed::Nn(error) => error.into(),
    })
}

/// The error of writing a stream.
enum Failed {
    Io(io::Error),
    Nn(NnError),
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<NnError> for Failed {
    fn from(error: NnError) -> Self {
        Self::Nn(error)
    }
}

/// A writer that computes the checksum of everything it writes to its file.
pub(crate) struct Hashed<'a> {
    file: BufWriter<&'a mut Output>,
    hasher: blake3::Hasher,
}

impl Write for Hashed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.file.write(bytes)?;
        self.hasher.update(&bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// JSON content with its own checksum, the seal.
#[derive(Serialize, Deserialize)]
struct Sealed {
    content: serde_json::Value,
    seal: String,
}

/// Serialises `value` as the text of a sealed file.
pub(crate) fn sealed(value: &impl Serialize) -> String {
    let content = serde_json::json!(value);
    let seal = seal(&content);
    format!("{:#}\n", serde_json::json!(Sealed { content, seal }))
}

/// Reads a sealed file; returns `None` if it does not exist.
pub(crate) fn read_sealed<T: DeserializeOwned>(
    path: &Path,
    files: &Files,
) -> Result<Option<T>, TrainError> {
    match files.read(path) {
        Ok(bytes) => parse_sealed(&bytes, path).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(TrainError::io("read", path)(error)),
    }
}

/// Parses the bytes of a sealed file and checks the seal.
pub(crate) fn parse_sealed<T: DeserializeOwned>(
    bytes: &[u8],
    path: &Path,
) -> Result<T, TrainError> {
    let damaged = |found: String| TrainError::Damaged {
        path: path.to_owned(),
        expected: "a record with its seal".into(),
        found,
    };
    let read: Sealed = serde_json::from_slice(bytes).map_err(|error| damaged(error.to_string()))?;
    if seal(&read.content) != read.seal {
        return Err(damaged("another seal".into()));
    }
    serde_json::from_value(read.content).map_err(|error| damaged(error.to_string()))
}

/// Checksum of the content's compact JSON, so that the file's line breaks do not matter.
fn seal(content: &serde_json::Value) -> String {
    checksum(content.to_string().as_bytes())
}

/// Returns the BLAKE3 hash of `bytes`, hexadecimal.
pub(crate) fn checksum(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// Removes a file if it exists.
pub(crate) fn remove_if_there(path: &Path, files: &Files) -> Result<(), TrainError> {
    files.remove(path).map_err(TrainError::io("remove", path))
}

/// Returns whether a record's file name is a plain name, of a file beside the record. A path that
/// leads elsewhere, such as `../a`, is not.
pub(crate) fn is_plain(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    matches!(
        (parts.next(), parts.next()),
        (Some(std::path::Component::Normal(part)), None) if part == name
    )
}
