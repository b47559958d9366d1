use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use memmap2::Mmap;
use pe_ct::ExamId;
use pe_files::{Files, UNFINISHED};
use serde::{Deserialize, Serialize};

use crate::lock::{WriteLock, sweep};
use crate::manifest::folder_name;
use crate::map::map;
use crate::slices::create;
use crate::stored::checksum;
use crate::{StoreError, StoredExam};

/// The unit that one row of features stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeatureUnit {
    /// One slice.
    Slice,
    /// A slab of this many consecutive slices; the last slab of an exam is padded with zeros.
    Slab(usize),
}

/// Settings that stored features are made with, besides their slices.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureSettings {
    /// The network's name, for messages.
    pub network: String,
    /// Digest of the network's weights and of its input's normalisation.
    pub weights: String,
    /// The key of the slices' settings ([`crate::SliceSettings::key`]).
    pub slices: String,
    /// The unit that a row stands for.
    pub unit: FeatureUnit,
    /// Values per row.
    pub width: usize,
}

/// Version of the files' format, a part of every key.
const FORMAT: u32 = 1;
/// The values begin at a multiple of this many bytes, so that they are aligned in the memory map.
const ALIGNMENT: usize = 64;
/// Largest header, in bytes. We write no longer ones.
const MAX_HEADER: usize = 1 << 20;

impl FeatureSettings {
    /// Returns a digest of the settings, as 16 hexadecimal digits.
    pub fn key(&self) -> String {
        let mut hasher = blake3::Hasher::new_derive_key("pe-script feature settings");
        hasher.update(&FORMAT.to_le_bytes());
        hasher.update(serde_json::json!(self).to_string().as_bytes());
        hasher.finalize().to_hex()[..16].to_owned()
    }
}

/// The features of many exams, all made by the same frozen network: one checksummed file per exam,
/// `FOLDER/features/SETTINGS/EXAM.bin`.
#[derive(Debug)]
pub struct FeatureStore {
    root: PathBuf,
    folder: PathBuf,
    settings: FeatureSettings,
    files: Files,
    lock: Mutex<Option<Arc<WriteLock>>>,
}

/// One exam's features, `[row, value]`, read through a memory map. Cheap to clone.
#[derive(Clone)]
pub struct StoredFeatures {
    map: Arc<Mmap>,
    offset: usize,
    rows: usize,
    width: usize,
}

/// Header of a file, before its values.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    exam: ExamId,
    /// The checksum of the slices that the features were made from.
    source: String,
    rows: usize,
    width: usize,
    checksum: String,
}

impl FeatureStore {
    /// Opens the features with `settings` in the store at `root`, creating the folder.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn open(root: &Path, settings: FeatureSettings, files: &Files) -> Result<Self, StoreError> {
        let folder = root.join("features").join(settings.key());
        create(&folder, &serde_json::json!(settings), files)?;
        Ok(Self {
            root: root.to_owned(),
            folder,
            settings,
            files: files.clone(),
            lock: Mutex::default(),
        })
    }

    /// The settings of every exam's features here.
    pub fn settings(&self) -> &FeatureSettings {
        &self.settings
    }

    /// The folder of these settings.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the features of `exam` if they are stored and were made from these slices. Every
    /// byte is checked: features are small compared with the cost of making them.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] for a file that does not match its header or the exam;
    /// [`StoreError::Io`].
    pub fn get(&self, exam: &StoredExam) -> Result<Option<StoredFeatures>, StoreError> {
        let path = self.path(exam);
        let file = match self.files.open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::io("open", &path)(error)),
        };
        let map = map(&file).map_err(StoreError::io("map", &path))?;
        let damaged = |expected: &str, found: &str| StoreError::Damaged {
            path: path.clone(),
            expected: expected.into(),
            found: found.into(),
        };
        let (header, offset) =
            header(&map).ok_or_else(|| damaged("a header of features", "something else"))?;
        let values = &map[offset..];
        let expected = (header.rows)
            .checked_mul(header.width)
            .and_then(|n| n.checked_mul(size_of::<f32>()));
        if expected != Some(values.len()) {
            let expected = format!("{} × {} values", header.rows, header.width);
            return Err(damaged(&expected, &format!("{} bytes", values.len())));
        }
        let found = checksum(values);
        if found != header.checksum {
            return Err(damaged(&format!("checksum {}", header.checksum), &found));
        }
        if header.width != self.settings.width || header.exam != exam.manifest().exam.id {
            return Err(damaged("features of this exam", "others"));
        }
        let (rows, width) = (header.rows, header.width);
        // Other slices: not damaged, but out of date.
        let current = header.source == exam.manifest().checksum;
        Ok(current.then(|| StoredFeatures {
            map: Arc::new(map),
            offset,
            rows,
            width,
        }))
    }

    /// Stores the features of `exam`, `[row, value]`, replacing any that are there.
    ///
    /// # Errors
    /// [`StoreError::Features`] when the values are no whole number of rows;
    /// [`StoreError::Locked`]; [`StoreError::Io`].
    pub fn put(&self, exam: &StoredExam, values: &[f32]) -> Result<StoredFeatures, StoreError> {
        let width = self.settings.width;
        if width == 0 || values.is_empty() || !values.len().is_multiple_of(width) {
            let found = values.len();
            return Err(StoreError::Features { width, found });
        }
        self.take_lock()?;
        let bytes: &[u8] = bytemuck::cast_slice(values);
        let header = Header {
            exam: exam.manifest().exam.id.clone(),
            source: exam.manifest().checksum.clone(),
            rows: values.len() / width,
            width,
            checksum: checksum(bytes),
        };
        let start = header.start();
        let path = self.path(exam);
        let written = self.files.replace_with(&path, |out| {
            out.write_all(&start)?;
            out.write_all(bytes)
        });
        written.map_err(StoreError::io("write", &path))?;
        // Read the file back, so that the caller gets what is on disk, checked.
        self.get(exam)?.ok_or_else(|| StoreError::Damaged {
            path,
            expected: "the features just written".into(),
            found: "none".into(),
        })
    }

    fn path(&self, exam: &StoredExam) -> PathBuf {
        let name = folder_name(&exam.manifest().exam.id);
        self.folder.join(format!("{name}.bin"))
    }

    fn take_lock(&self) -> Result<(), StoreError> {
        let mut lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        if lock.is_none() {
            let taken = WriteLock::take(&self.root, &self.files)?;
            // Now no other process writes here, so unfinished files are leftovers.
            sweep(&self.folder, UNFINISHED, &self.files)?;
            *lock = Some(taken);
        }
        Ok(())
    }
}

impl Header {
    /// Returns the file's bytes before its values, padded to the alignment.
    fn start(&self) -> Vec<u8> {
        let text = serde_json::json!(self).to_string();
        let mut start = (text.len() as u64).to_le_bytes().to_vec();
        start.extend_from_slice(text.as_bytes());
        start.resize(start.len().next_multiple_of(ALIGNMENT), b' ');
        start
    }
}

/// Parses the header; returns it and the offset of the values. `None` for other bytes.
fn header(bytes: &[u8]) -> Option<(Header, usize)> {
    let length = u64::from_le_bytes(bytes.get(..8)?.try_into().ok()?);
    let length = usize::try_from(length).ok().filter(|n| *n <= MAX_HEADER)?;
    let header: Header = serde_json::from_slice(bytes.get(8..8 + length)?).ok()?;
    let start = header.start();
    // Only the exact bytes that we would write count, padding included.
    bytes.starts_with(&start).then_some((header, start.len()))
}

impl StoredFeatures {
    /// The number of rows: slices or slabs of the exam.
    pub fn n_rows(&self) -> usize {
        self.rows
    }

    /// Values per row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// All values, row after row.
    pub fn values(&self) -> &[f32] {
        bytemuck::cast_slice(&self.map[self.offset..])
    }

    /// The values of one row.
    ///
    /// # Panics
    /// When `row` is not below [`StoredFeatures::n_rows`].
    pub fn row(&self, row: usize) -> &[f32] {
        &self.values()[row * self.width..][..self.width]
    }
}

impl fmt::Debug for StoredFeatures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "features {} × {}", self.rows, self.width)
    }
}
