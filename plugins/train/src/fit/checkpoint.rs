//! Checkpoints of a training run. After any crash there is a complete one on disk; the one before
//! it is kept as well.
//!
//! ```text
//! checkpoint.json            progress of the run, and the names and checksums of:
//! state-E0003-S000012.safetensors    weights, their average, moments of the optimizer, BatchNorm's statistics
//! best-E0002.safetensors             the weights of the best epoch
//! checkpoint.previous.json   the one before
//! ```
//!
//! The tensor files are written first, under names of their own. The record that names them is
//! renamed into place last, so a record never names a file that is not complete.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use pe_binding::Work;
use pe_files::{Files, UNFINISHED};
use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::progress::{Length, Progress};
use crate::TrainError;
use crate::files::{
    Hashed, checksum, is_plain, parse_sealed, read_sealed, remove_if_there, sealed, write_stream,
    write_whole,
};

const CURRENT: &str = "checkpoint.json";
const PREVIOUS: &str = "checkpoint.previous.json";

/// Named tensors, in a fixed order.
pub(crate) type State = Vec<(String, Tensor)>;

/// Name and checksum of a tensor file, as a record has them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TensorFile {
    pub(crate) name: String,
    /// BLAKE3, hexadecimal.
    pub(crate) checksum: String,
}

/// A run's progress and tensors, read from a checkpoint.
type Found = (Progress, BTreeMap<String, Tensor>);

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    progress: Progress,
    state: TensorFile,
}

impl Record {
    fn check(&self, length: &Length, path: &Path) -> Result<(), TrainError> {
        let checked = self.progress.check(length);
        checked.map_err(|(expected, found)| TrainError::Damaged {
            path: path.to_owned(),
            expected,
            found,
        })
    }
}

/// Parses a record from bytes, checks it as [`Checkpoints::read`] does, and returns the names of
/// its tensor files.
pub(crate) fn parse(bytes: &[u8], length: &Length) -> Result<Vec<String>, TrainError> {
    let path = Path::new("in memory");
    let record: Record = parse_sealed(bytes, path)?;
    record.check(length, path)?;
    let best = record.progress.best.map(|best| best.weights.name);
    Ok(best.into_iter().chain([record.state.name]).collect())
}

/// The checkpoints in one run's folder.
pub(crate) struct Checkpoints {
    folder: PathBuf,
    files: Files,
}

impl Checkpoints {
    pub(crate) fn new(folder: &Path, files: &Files) -> Self {
        Self {
            folder: folder.to_owned(),
            files: files.clone(),
        }
    }

    /// Writes tensors to a file in the folder.
    pub(crate) fn write_tensors(
        &self,
        name: &str,
        state: &State,
    ) -> Result<TensorFile, TrainError> {
        write_tensors(&self.folder.join(name), state, &self.files)
    }

    /// Reads a tensor file that a record names.
    pub(crate) fn read_tensors(
        &self,
        file: &TensorFile,
    ) -> Result<BTreeMap<String, Tensor>, TrainError> {
        read_tensors(&self.folder, file, &self.files)
    }

    /// Writes a checkpoint; the current one becomes the previous one.
    pub(crate) fn write(&self, progress: &Progress, state: &State) -> Result<(), TrainError> {
        let name = format!(
            "state-E{:04}-S{:06}.safetensors",
            progress.epoch, progress.step
        );
        let record = Record {
            progress: progress.clone(),
            state: self.write_tensors(&name, state)?,
        };
        let (current, previous) = (self.folder.join(CURRENT), self.folder.join(PREVIOUS));
        // After a crash between this rename and the write below, `read` takes the previous
        // checkpoint. A run's first checkpoint has nothing to rename.
        match self.files.rename(&current, &previous) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(TrainError::io("rename", &current)(error));
            }
            _ => {}
        }
        write_whole(&current, sealed(&record).as_bytes(), &self.files)?;
        self.sweep()
    }

    /// Reads the newest undamaged checkpoint of a run of this length. Warns about a damaged one.
    pub(crate) fn read(&self, length: &Length, work: &Work) -> Result<Option<Found>, TrainError> {
        for name in [CURRENT, PREVIOUS] {
            match self.read_one(name, length) {
                Ok(None) => {}
                Ok(found) => return Ok(found),
                Err(error @ TrainError::Damaged { .. }) => {
                    work.warn(&format!("{error}; the checkpoint before it is taken"));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    fn read_one(&self, name: &str, length: &Length) -> Result<Option<Found>, TrainError> {
        let path = self.folder.join(name);
        let Some(record) = read_sealed::<Record>(&path, &self.files)? else {
            return Ok(None);
        };
        record.check(length, &path)?;
        if let Some(best) = &record.progress.best {
            // Read the best weights now: they are needed at the end, and damage would show only
            // then.
            self.read_tensors(&best.weights)?;
        }
        let state = self.read_tensors(&record.state)?;
        Ok(Some((record.progress, state)))
    }

    /// Removes tensor files that no checkpoint names, and temporary files of interrupted writes.
    fn sweep(&self) -> Result<(), TrainError> {
        let mut named = BTreeSet::new();
        for name in [CURRENT, PREVIOUS] {
            // A damaged record keeps no files; the other record still keeps its own.
            if let Ok(Some(record)) = read_sealed::<Record>(&self.folder.join(name), &self.files) {
                named.insert(record.state.name);
                named.extend(record.progress.best.map(|best| best.weights.name));
            }
        }
        self.remove(|name| !named.contains(name))
    }

    /// Removes all checkpoints, once the run is finished.
    pub(crate) fn clear(&self) -> Result<(), TrainError> {
        // The records go first, so that a crash leaves no record without its tensors.
        remove_if_there(&self.folder.join(CURRENT), &self.files)?;
        remove_if_there(&self.folder.join(PREVIOUS), &self.files)?;
        self.remove(|_| true)
    }

    fn remove(&self, unwanted: impl Fn(&str) -> bool) -> Result<(), TrainError> {
        let entries = self.files.list(&self.folder);
        for path in entries.map_err(TrainError::io("read", &self.folder))? {
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let ours = ["state-", "best-", UNFINISHED];
            if ours.iter().any(|prefix| name.starts_with(prefix)) && unwanted(&name) {
                remove_if_there(&path, &self.files)?;
            }
        }
        Ok(())
    }
}

/// Takes a tensor out of a checkpoint's `state`; it must have the shape and kind of `like`.
pub(crate) fn take(
    state: &mut BTreeMap<String, Tensor>,
    name: &str,
    like: &Tensor,
) -> Result<Tensor, TrainError> {
    let saved = state
        .remove(name)
        .filter(|saved| saved.size() == like.size() && saved.kind() == like.kind());
    saved.ok_or_else(|| TrainError::Data {
        what: "the checkpoint".into(),
        expected: format!(
            "tensor `{name}` of shape {:?} and {:?}",
            like.size(),
            like.kind()
        ),
        found: "none of that shape and kind".into(),
    })
}

/// Writes tensors to a safetensors file; returns its name and checksum.
pub(crate) fn write_tensors(
    path: &Path,
    state: &State,
    files: &Files,
) -> Result<TensorFile, TrainError> {
    let write = |out: &mut Hashed<'_>| pe_nn::safetensors_io::write(state, &BTreeMap::new(), out);
    let checksum = write_stream(path, files, write)?;
    Ok(TensorFile {
        name: path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        checksum,
    })
}

/// Reads a safetensors file in `folder` and checks its name and checksum.
pub(crate) fn read_tensors(
    folder: &Path,
    file: &TensorFile,
    files: &Files,
) -> Result<BTreeMap<String, Tensor>, TrainError> {
    let path = folder.join(&file.name);
    let damaged = |found: String| TrainError::Damaged {
        path: path.clone(),
        expected: format!("tensors with checksum {}", file.checksum),
        found,
    };
    if !is_plain(&file.name) {
        return Err(damaged("the name of a file elsewhere".into()));
    }
    let bytes = match files.read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(damaged("no file".into()));
        }
        Err(error) => return Err(TrainError::io("read", &path)(error)),
    };
    let found = checksum(&bytes);
    if found != file.checksum {
        return Err(damaged(found));
    }
    Ok(pe_nn::safetensors_io::from_bytes(&bytes)?.0)
}
