use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use half::f16;
use ndarray::Axis;
use pe_binding::Work;
use pe_ct::channels::{Channels, to_byte};
use pe_ct::{ChannelSlice, ExamInfo, Mask, Volume};
use pe_files::{Files, UNFINISHED};
use rayon::prelude::*;

use crate::crop::Frame;
use crate::lock::{WriteLock, sweep};
use crate::manifest::{self, Manifest, folder_name};
use crate::stored::{self, StoredExam, checksum};
use crate::{Dtype, Outside, SliceSettings, StoreError};

/// The preprocessed slices of many exams, all made with the same settings.
///
/// Opening it reads nothing, and creates only the settings' folder. The first exam that is put
/// takes the store's lock. Only one exam at a time takes memory.
#[derive(Debug)]
pub struct SliceStore {
    root: PathBuf,
    folder: PathBuf,
    settings: SliceSettings,
    channels: Channels,
    files: Files,
    lock: Mutex<Option<Arc<WriteLock>>>,
}

/// State of an exam in the store.
#[derive(Debug)]
pub enum Status {
    /// Complete, with correct checksums.
    Whole(StoredExam),
    /// Not stored.
    Missing,
    /// The stored slices were made from other inputs: the exam's files have changed since.
    Stale,
    /// A file does not match its manifest, for this reason.
    Damaged(StoreError),
}

impl SliceStore {
    /// Opens the slices with `settings` in the store at `root`, creating the folder.
    ///
    /// # Errors
    /// [`StoreError::Ct`] for a size that cannot be made; [`StoreError::NoMask`] for a setting that
    /// needs a mask, without one; [`StoreError::Io`].
    pub fn open(root: &Path, settings: SliceSettings, files: &Files) -> Result<Self, StoreError> {
        settings.check()?;
        let channels = Channels::new(&settings.windows, settings.size)?;
        let folder = root.join("slices").join(settings.key());
        create(&folder, &serde_json::json!(settings), files)?;
        Ok(Self {
            root: root.to_owned(),
            folder,
            settings,
            channels,
            files: files.clone(),
            lock: Mutex::new(None),
        })
    }

    /// The settings that every exam here is made with.
    pub fn settings(&self) -> &SliceSettings {
        &self.settings
    }

    /// The folder of these settings.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the state of `exam`. Reads and checks every stored byte of it.
    ///
    /// # Errors
    /// [`StoreError::Io`] when a file exists but cannot be read.
    pub fn status(&self, exam: &ExamInfo) -> Result<Status, StoreError> {
        Ok(match self.opened(exam)? {
            Status::Whole(stored) => match stored.verify() {
                Ok(()) => Status::Whole(stored),
                Err(error) => Status::Damaged(error),
            },
            other => other,
        })
    }

    /// Returns the stored slices of `exam` if they are up to date. Checks lengths and the
    /// manifest's seal, but not every byte, see [`StoredExam::verify`].
    ///
    /// # Errors
    /// [`StoreError::Io`] when a file exists but cannot be read.
    pub fn get(&self, exam: &ExamInfo) -> Result<Option<StoredExam>, StoreError> {
        match self.opened(exam)? {
            Status::Whole(stored) => Ok(Some(stored)),
            Status::Missing | Status::Stale | Status::Damaged(_) => Ok(None),
        }
    }

    /// Like [`SliceStore::status`], but without checking the voxels' checksum.
    fn opened(&self, exam: &ExamInfo) -> Result<Status, StoreError> {
        let stored = match self.open_exam(&self.exam_folder(exam)) {
            Ok(None) => return Ok(Status::Missing),
            Ok(Some(stored)) => stored,
            // The manifest is there but `slices.bin` is not: make the exam again.
            Err(StoreError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Status::Missing);
            }
            Err(error @ StoreError::Damaged { .. }) => return Ok(Status::Damaged(error)),
            Err(error) => return Err(error),
        };
        let known = &stored.manifest().exam;
        // Only the inputs decide. Labels may change without making the slices again, see `has`.
        let current = known.inputs_key == exam.inputs_key && known.sop_uids == exam.sop_uids;
        Ok(if current {
            Status::Whole(stored)
        } else {
            Status::Stale
        })
    }

    /// Returns whether the store has `exam` complete and up to date, so that it need not be made
    /// again. If its labels have changed, they are updated in the manifest. Damage is reported as a
    /// warning and counts as missing.
    ///
    /// # Errors
    /// As [`SliceStore::status`]; [`StoreError::Locked`] when labels changed and another process
    /// writes.
    pub fn has(&self, exam: &ExamInfo, work: &Work) -> Result<bool, StoreError> {
        match self.status(exam)? {
            Status::Whole(stored) => {
                if stored.manifest().exam != *exam {
                    self.take_lock()?;
                    let manifest = Manifest {
                        exam: exam.clone(),
                        ..stored.manifest().clone()
                    };
                    manifest.write(&self.exam_folder(exam), &self.files)?;
                }
                Ok(true)
            }
            Status::Damaged(error) => {
                work.warn(&format!("{error}; it is made again"));
                Ok(false)
            }
            Status::Missing | Status::Stale => Ok(false),
        }
    }

    /// Makes the slices of `volume`, masked by `mask`, and stores them, replacing any of this exam.
    ///
    /// # Errors
    /// [`StoreError::OtherMask`] for a mask with another recipe than the settings';
    /// [`StoreError::Ct`] for one of another shape; [`StoreError::Empty`] for a volume without
    /// pixels; [`StoreError::Locked`], [`StoreError::Io`], [`StoreError::Interrupted`].
    pub fn put(
        &self,
        volume: &Volume,
        mask: Option<&Mask>,
        work: &Work,
    ) -> Result<StoredExam, StoreError> {
        self.check(volume, mask)?;
        self.take_lock()?;
        // Write to a folder beside the exam's, and rename it only when it is complete.
        let beside = self
            .folder
            .join(format!("{UNFINISHED}{}", folder_name(&volume.info().id)));
        self.remove(&beside)?;
        (self.files)
            .create_dir(&beside)
            .map_err(StoreError::io("create", &beside))?;
        self.write(volume, mask, &beside, work).inspect_err(|_| {
            // Keep the first error, even if the clean-up fails too. The next writer sweeps again.
            let _ = self.remove(&beside);
        })?;
        self.move_in(&beside, volume.info())
    }

    fn write(
        &self,
        volume: &Volume,
        mask: Option<&Mask>,
        folder: &Path,
        work: &Work,
    ) -> Result<(), StoreError> {
        let path = folder.join(stored::FILE);
        let checksum = match self.settings.dtype {
            Dtype::U8 => {
                let values = self.render(volume, mask, to_byte, work)?;
                self.write_values(&path, &values, work)?
            }
            Dtype::F16 => {
                let values = self.render(volume, mask, f16::from_f32, work)?;
                self.write_values(&path, &values, work)?
            }
        };
        let manifest = Manifest {
            exam: ExamInfo::clone(volume.info()),
            shape: [
                volume.n_slices(),
                self.settings.windows.len(),
                self.settings.size,
                self.settings.size,
            ],
            dtype: self.settings.dtype,
            empty_slices: mask.map(Mask::empty_slices).unwrap_or_default(),
            mask_ml: mask.map(Mask::volume_ml),
            quality: mask.and_then(Mask::quality).cloned(),
            checksum,
        };
        manifest.write(folder, &self.files)
    }

    /// Returns all exams stored with these settings, ordered by folder name, which does not depend
    /// on when they were stored. Checks seals and lengths, but not checksums.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] for the first exam with damaged files; [`StoreError::Io`].
    pub fn exams(&self) -> Result<Vec<StoredExam>, StoreError> {
        let mut folders = Vec::new();
        let entries = self.files.list(&self.folder);
        for path in entries.map_err(StoreError::io("read", &self.folder))? {
            let unfinished = path
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with('.'));
            let is_folder = || self.files.metadata(&path).is_ok_and(|found| found.is_dir());
            if !unfinished && is_folder() {
                folders.push(path);
            }
        }
        folders
            .iter()
            .filter_map(|folder| self.open_exam(folder).transpose())
            .collect()
    }

    /// Opens the exam in a folder and checks that it has these settings.
    fn open_exam(&self, folder: &Path) -> Result<Option<StoredExam>, StoreError> {
        let stored = StoredExam::open(folder, &self.files)?;
        if let Some(stored) = &stored {
            let path = folder.join(manifest::FILE);
            stored.manifest().check_made_with(&self.settings, &path)?;
        }
        Ok(stored)
    }

    /// Counts exams and slices, and those that show PE. Reads every manifest.
    ///
    /// # Errors
    /// As [`SliceStore::exams`].
    pub fn counts(&self) -> Result<Counts, StoreError> {
        let mut counts = Counts::default();
        for stored in self.exams()? {
            let labels = stored.manifest().exam.labels.as_ref();
            counts.n_exams += 1;
            counts.n_slices += stored.n_slices();
            counts.n_pe_exams += usize::from(labels.and_then(|l| l.positive()) == Some(true));
            counts.n_pe_slices += labels.map_or(0, |labels| labels.n_pe_slices());
        }
        Ok(counts)
    }

    /// Returns one slice of the stored exam with this SeriesInstanceUID, to look at.
    ///
    /// # Errors
    /// [`StoreError::NoSlice`] when there is none; as [`SliceStore::exams`].
    pub fn slice(&self, series_uid: &str, slice_idx: i64) -> Result<ChannelSlice, StoreError> {
        let missing = |n_slices| StoreError::NoSlice {
            series_uid: series_uid.to_owned(),
            slice_idx,
            n_slices,
        };
        let exams = self.exams()?;
        let exam = exams
            .iter()
            .find(|exam| exam.manifest().exam.id.series_uid == series_uid);
        let exam = exam.ok_or_else(|| missing(0))?;
        let idx = usize::try_from(slice_idx)
            .ok()
            .filter(|idx| *idx < exam.n_slices());
        let idx = idx.ok_or_else(|| missing(exam.n_slices()))?;
        Ok(ChannelSlice::new(exam.slice(idx))?)
    }

    fn exam_folder(&self, exam: &ExamInfo) -> PathBuf {
        self.folder.join(folder_name(&exam.id))
    }

    fn check(&self, volume: &Volume, mask: Option<&Mask>) -> Result<(), StoreError> {
        let found = volume.dim();
        if found.0 * found.1 * found.2 == 0 {
            let series_uid = volume.info().id.series_uid.clone();
            return Err(StoreError::Empty { series_uid, found });
        }
        if let Some(mask) = mask {
            mask.check_fits(volume)?;
        }
        let recipe = mask.map_or("none", Mask::recipe);
        if recipe != self.settings.mask {
            return Err(StoreError::OtherMask {
                expected: self.settings.mask.clone(),
                found: recipe.into(),
            });
        }
        Ok(())
    }

    fn render<T: bytemuck::Pod + Send + Sync>(
        &self,
        volume: &Volume,
        mask: Option<&Mask>,
        store: impl Fn(f32) -> T + Sync,
        work: &Work,
    ) -> Result<Vec<T>, StoreError> {
        let (n_slices, rows, cols) = volume.dim();
        let task = work.task("making channels", n_slices, "slices");
        // The mask always decides the crop, but only blanks voxels with `Outside::Zero`.
        let frame = Frame::new(self.settings.crop, mask, rows, cols);
        let (rows, cols) = frame.shape();
        let blanking = mask.filter(|_| self.settings.outside == Outside::Zero);
        let mut values = vec![T::zeroed(); n_slices * self.channels.len()];
        values
            .par_chunks_exact_mut(self.channels.len())
            .enumerate()
            .try_for_each_init(
                || self.channels.renderer(rows, cols),
                |renderer, (slice_idx, out)| {
                    task.check()?;
                    let mask =
                        blanking.map(|mask| frame.of(mask.voxels().index_axis(Axis(0), slice_idx)));
                    renderer.render_with(frame.of(volume.slice(slice_idx)), mask, out, &store);
                    task.advance(1);
                    Ok::<_, StoreError>(())
                },
            )?;
        Ok(values)
    }

    fn write_values<T: bytemuck::Pod>(
        &self,
        path: &Path,
        values: &[T],
        work: &Work,
    ) -> Result<String, StoreError> {
        let bytes: &[u8] = bytemuck::cast_slice(values);
        let task = work.task("writing slices", bytes.len(), "bytes");
        let mut out = self
            .files
            .create(path)
            .map_err(StoreError::io("write", path))?;
        out.write_all(bytes)
            .map_err(StoreError::io("write", path))?;
        let checksum = checksum(bytes);
        task.advance(bytes.len());
        Ok(checksum)
    }

    fn remove(&self, folder: &Path) -> Result<(), StoreError> {
        let removed = self.files.remove(folder);
        removed.map_err(StoreError::io("remove", folder))
    }

    /// Takes the store's lock on the first call, and removes what an interrupted writer left.
    fn take_lock(&self) -> Result<(), StoreError> {
        let mut lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        if lock.is_none() {
            let taken = WriteLock::take(&self.root, &self.files)?;
            sweep(&self.folder, UNFINISHED, &self.files)?;
            *lock = Some(taken);
        }
        Ok(())
    }

    /// Renames a finished folder to its exam's name. A folder cannot be renamed over another, so an
    /// old one is moved aside first. After a crash between the two the exam is missing, not broken.
    fn move_in(&self, beside: &Path, exam: &ExamInfo) -> Result<StoredExam, StoreError> {
        let folder = self.exam_folder(exam);
        let aside = self
            .folder
            .join(format!("{UNFINISHED}old-{}", folder_name(&exam.id)));
        self.remove(&aside)?;
        match self.files.rename(&folder, &aside) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(StoreError::io("replace", &folder)(error));
            }
            _ => {}
        }
        let moved = self.files.rename(beside, &folder);
        moved.map_err(StoreError::io("create", &folder))?;
        self.remove(&aside)?;
        StoredExam::open(&folder, &self.files)?.ok_or_else(|| StoreError::Damaged {
            path: folder,
            expected: "the manifest just written".into(),
            found: "none".into(),
        })
    }
}

/// Creates the folder of some settings, and writes the settings into it, for people to read.
pub(crate) fn create(
    folder: &Path,
    settings: &serde_json::Value,
    files: &Files,
) -> Result<(), StoreError> {
    let made = files.create_dir_all(folder);
    made.map_err(StoreError::io("create", folder))?;
    let path = folder.join("settings.json");
    if files.metadata(&path).is_ok() {
        return Ok(());
    }
    let written = files.replace(&path, format!("{settings:#}\n").as_bytes());
    written.map_err(StoreError::io("write", &path))
}

/// Numbers of exams and slices in a store, and of those with PE.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Number of exams.
    pub n_exams: usize,
    /// Number of exams with PE, including the indeterminate ones.
    pub n_pe_exams: usize,
    /// Number of slices of all exams.
    pub n_slices: usize,
    /// Number of slices labelled as showing PE.
    pub n_pe_slices: usize,
}

impl fmt::Display for SliceStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.settings.size;
        write!(
            f,
            "slices of {size} × {size} pixels in {}",
            self.folder.display()
        )
    }
}
