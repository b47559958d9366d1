use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

use ndarray::{Array2, Array3, ArrayViewMut2};
use pe_binding::Work;
use pe_ct::{ExamInfo, Volume};
use pe_files::Files;
use rayon::prelude::*;

use crate::exam::{Images, SliceSource};
use crate::frame::Frames;
use crate::layout::Layout;
use crate::rescale::Rescale;
use crate::scan::scan_images;
use crate::source::{Source, read_file};
use crate::{DicomError, FileFault, ScanOptions};

/// Maximum number of voxels of an exam: 2 GB of HU. The paper's largest exam has 84 million.
const MAX_VOXELS: usize = 1 << 30;
/// Maximum number of voxels per byte of an exam's files. Compressed CT has 2 to 20, and a deflated row
/// of zeros 500. A header that claims more is broken or hostile, so no memory is allocated for it.
const MAX_VOXELS_PER_BYTE: usize = 1024;

thread_local! {
    /// A file's bytes; the memory is reused for the next file of the same thread.
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Loads an exam's voxels in HU, `[slice, row, col]`, reading and converting images in parallel.
///
/// Slices ascend towards the head, rows to the back and columns to the patient's left, however the
/// images lie: their rows and columns are flipped and exchanged as needed.
///
/// Each slice is `slope × stored + intercept` with the values of its own file, rounded to the nearest
/// integer (half away from zero). Stored values that are padding (PixelPaddingValue to
/// PixelPaddingRangeLimit) and everything below −1024 become −1024.
///
/// # Errors
/// [`DicomError::File`] for a file that can no longer be read or is not what was scanned, for
/// pixel data that cannot be decoded, and for a value above 32767 HU; [`DicomError::ExamSize`]
/// over 2³⁰ voxels; [`DicomError::Interrupted`].
pub(crate) fn load(exam: &Images, info: &Arc<ExamInfo>, work: &Work) -> Result<Volume, DicomError> {
    check_size(exam)?;
    let task = work.task("loading slices", exam.slices.len(), "slices");
    // Zeroed memory costs nothing until a thread writes its slice. Every voxel is written below.
    let [n_images, rows, cols] = exam.grid.loaded();
    let mut hu = Array3::zeros((n_images, rows, cols));
    let Some(voxels) = hu.as_slice_mut() else {
        unreachable!("a new array is contiguous");
    };
    for run in runs_of_files(&exam.slices) {
        let images = &mut voxels[run.start * rows * cols..run.end * rows * cols];
        let slices = &exam.slices[run.clone()];
        let chunks = images.par_chunks_mut(rows * cols);
        let job = |(image_idx, hu): (usize, &mut [i16]), source: Option<&Source>| {
            task.check()?;
            let done = match source {
                Some(source) => lay(source, exam, image_idx, hu),
                None => BUFFER
                    .with_borrow_mut(|buffer| load_file(exam, image_idx, buffer, hu, work.files())),
            };
            done.map_err(|fault| DicomError::file(&exam.slices[image_idx].file.path(), fault))?;
            task.advance(1);
            Ok::<(), DicomError>(())
        };
        if slices[0].n_frames == 1 {
            let pairs = run.into_par_iter().zip(chunks);
            first_error(pairs.map(|pair| job(pair, None)).collect())?;
        } else {
            // One multi-frame file holds the whole run: read it once, and decode its frames in parallel.
            let bytes = read_whole(&slices[0], work.files())?;
            let source = Source::parse(&bytes)
                .map_err(|fault| DicomError::file(&slices[0].file.path(), fault))?;
            let pairs = run.into_par_iter().zip(chunks);
            first_error(pairs.map(|pair| job(pair, Some(&source))).collect())?;
        }
    }
    Ok(Volume::new(Arc::clone(info), exam.grid.settled(hu))?)
}

/// Loads an exam whose slices are all frames of one file, from that file's bytes.
pub(crate) fn load_bytes(exam: &Images, bytes: &[u8]) -> Result<Array3<i16>, DicomError> {
    check_size(exam)?;
    let fault = |fault| DicomError::file(&exam.slices[0].file.path(), fault);
    let source = Source::parse(bytes).map_err(fault)?;
    let [n_images, rows, cols] = exam.grid.loaded();
    let mut hu = vec![0; n_images * rows * cols];
    for (image_idx, hu) in hu.chunks_exact_mut(rows * cols).enumerate() {
        lay(&source, exam, image_idx, hu).map_err(fault)?;
    }
    let stack = Array3::from_shape_vec((n_images, rows, cols), hu)
        .unwrap_or_else(|_| unreachable!("one value a voxel"));
    Ok(exam.grid.settled(stack))
}

/// Checks an exam's voxels against the limits before memory is allocated for them.
fn check_size(exam: &Images) -> Result<(), DicomError> {
    let found = (exam.grid.shape().into_iter()).fold(1, usize::saturating_mul);
    let mut sizes: Vec<_> = exam
        .slices
        .iter()
        .map(|s| (s.file.idx(), s.file.packed_bytes().unwrap_or(s.file_bytes)))
        .collect();
    // Several frames may come from one file, consecutive or not: count each file once.
    sizes.sort();
    sizes.dedup();
    let n_bytes = sizes.iter().map(|(_, bytes)| *bytes as usize);
    let n_bytes = n_bytes.fold(0, usize::saturating_add);
    let limit = MAX_VOXELS.min(n_bytes.saturating_mul(MAX_VOXELS_PER_BYTE));
    if found > limit {
        return Err(DicomError::ExamSize { limit, found });
    }
    Ok(())
}

/// Scans `path` with the default options and loads its only exam.
///
/// # Errors
/// [`pe_ct::CtError::ExamCount`] when there is not exactly one exam; those of [`crate::scan`] and of loading.
pub fn load_only(path: &Path, work: &Work) -> Result<Volume, DicomError> {
    let scanned = scan_images(path, &ScanOptions::default(), work)?;
    let images = scanned.exams.first().cloned();
    scanned.scan().only_exam()?;
    let Some(images) = images else {
        unreachable!("there is exactly one exam");
    };
    load(&images, &images.info, work)
}

/// Returns the first error in slice order, so that it does not depend on the threads.
fn first_error(results: Vec<Result<(), DicomError>>) -> Result<(), DicomError> {
    results.into_iter().collect()
}

/// Ranges of slices that are loaded together: consecutive single-frame files, or the frames of one
/// multi-frame file.
fn runs_of_files(slices: &[SliceSource]) -> Vec<std::ops::Range<usize>> {
    let together =
        |a: &SliceSource, b: &SliceSource| (a.n_frames == 1 && b.n_frames == 1) || a.file == b.file;
    let mut runs = Vec::new();
    let mut start = 0;
    for run in slices.chunk_by(together) {
        runs.push(start..start + run.len());
        start += run.len();
    }
    runs
}

fn read_whole(slice: &SliceSource, files: &Files) -> Result<Vec<u8>, DicomError> {
    let mut bytes = Vec::new();
    let read = read_unchanged(slice, &mut bytes, files);
    read.map_err(|fault| DicomError::file(&slice.file.path(), fault))?;
    Ok(bytes)
}

fn read_unchanged(
    slice: &SliceSource,
    buffer: &mut Vec<u8>,
    files: &Files,
) -> Result<(), FileFault> {
    if read_file(&slice.file, buffer, files)? == slice.file_bytes {
        Ok(())
    } else {
        Err(FileFault::Changed("its size in bytes is another"))
    }
}

fn load_file(
    exam: &Images,
    image_idx: usize,
    buffer: &mut Vec<u8>,
    hu: &mut [i16],
    files: &Files,
) -> Result<(), FileFault> {
    read_unchanged(&exam.slices[image_idx], buffer, files)?;
    lay(&Source::parse(buffer)?, exam, image_idx, hu)
}

/// Converts an image to HU and stores it in its place in the volume.
fn lay(source: &Source, exam: &Images, image_idx: usize, hu: &mut [i16]) -> Result<(), FileFault> {
    let (slice, layout) = (&exam.slices[image_idx], &exam.layout);
    if exam.grid.is_plain() {
        return convert(source, slice, layout, hu);
    }
    let mut image = Array2::zeros((layout.rows, layout.cols));
    if let Some(pixels) = image.as_slice_mut() {
        convert(source, slice, layout, pixels)?;
    }
    let [_, rows, cols] = exam.grid.loaded();
    if let Ok(place) = ArrayViewMut2::from_shape((rows, cols), hu) {
        exam.grid.place(image_idx, image.view(), place);
    }
    Ok(())
}

fn convert(
    source: &Source,
    slice: &SliceSource,
    expected: &Layout,
    hu: &mut [i16],
) -> Result<(), FileFault> {
    let layout = &source.header.layout;
    if (layout.rows, layout.cols) != (expected.rows, expected.cols) {
        return Err(FileFault::Changed("its size in pixels is another"));
    }
    if slice.frame_idx >= layout.n_frames {
        return Err(FileFault::Changed("it has fewer frames"));
    }
    let frames = Frames::new(source)?;
    let rescale = Rescale::new(source.header.frame_facts(slice.frame_idx), layout);
    match frames.le_words(slice.frame_idx) {
        Some(words) => rescale.le_words(words, layout, hu),
        None => {
            let words = frames.words(slice.frame_idx)?;
            rescale.values(words.into_iter().map(|word| layout.stored(word)), hu)
        }
    }
}
