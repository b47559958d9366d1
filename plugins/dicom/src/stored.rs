use std::path::Path;

use pe_files::Files;

use crate::catalogue::FileRef;
use crate::frame::Frames;
use crate::source::{Source, read_file};
use crate::{DicomError, FileFault};

/// Maximum number of samples that [`decode_file`] returns: 256 MB of them.
const MAX_SAMPLES: usize = 1 << 25;

/// The image of one file with its stored values: no rescale, no colour conversion, no palette.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredImage {
    /// Number of frames.
    pub n_frames: usize,
    /// Rows of a frame.
    pub rows: usize,
    /// Columns of a frame.
    pub cols: usize,
    /// Samples per pixel: 1, or 3 for colour.
    pub samples: usize,
    /// PhotometricInterpretation, the meaning of the samples; `?` if it is none of the standard's terms.
    pub photometric: String,
    /// The stored values, `[frame, row, col, sample]`, sign-extended from BitsStored.
    pub values: Vec<i64>,
}

/// Decodes all frames of a file to stored values, to view any DICOM image.
///
/// The samples are those in the file: YCbCr stays YCbCr (subsampled chroma is enlarged to full size),
/// palette indices stay indices. Bits outside BitsStored are dropped. For values in HU, use
/// [`crate::scan`] and [`pe_ct::Exam::load`].
///
/// # Errors
/// [`DicomError::File`] with the reason for a file that is not DICOM, holds no image, is
/// truncated, larger than 2²⁵ samples, or in an encoding that is not supported.
pub fn decode_file(path: &Path) -> Result<StoredImage, DicomError> {
    let mut buffer = Vec::new();
    read_file(&FileRef::only(path), &mut buffer, &Files::free())
        .and_then(|_| decode(&buffer))
        .map_err(|fault| DicomError::file(path, fault))
}

pub(crate) fn decode(bytes: &[u8]) -> Result<StoredImage, FileFault> {
    let source = Source::parse(bytes)?;
    let layout = &source.header.layout;
    let frames = Frames::new(&source)?;
    let n_samples = layout.frame_samples().saturating_mul(layout.n_frames);
    if n_samples > MAX_SAMPLES {
        return Err(FileFault::TooLarge(format!(
            "expected at most {MAX_SAMPLES} samples, found {n_samples}"
        )));
    }
    let mut values = Vec::with_capacity(n_samples);
    for frame_idx in 0..layout.n_frames {
        let words = frames.words(frame_idx)?;
        values.extend(words.into_iter().map(|word| layout.stored(word)));
    }
    Ok(StoredImage {
        n_frames: layout.n_frames,
        rows: layout.rows,
        cols: layout.cols,
        samples: layout.samples,
        photometric: layout.photometric.clone(),
        values,
    })
}
