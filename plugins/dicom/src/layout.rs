//! The layout of samples in frames and words, and the limits on what is decoded.

use crate::FileFault;

/// The layout of samples in a frame (DICOM PS3.3 section C.7.6.3).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Layout {
    pub rows: usize,
    pub cols: usize,
    pub n_frames: usize,
    pub samples: usize,
    /// True if each colour has a plane of its own.
    pub planar: bool,
    pub photometric: String,
    pub bits_allocated: u32,
    pub bits_stored: u32,
    pub high_bit: u32,
    pub signed: bool,
    /// PixelPaddingValue to PixelPaddingRangeLimit as stored values, ascending.
    pub padding: Option<(i64, i64)>,
}

impl Layout {
    /// Maximum size of a decoded frame, 4096 × 4096 pixels: CT has 512 × 512, at most 2048 × 2048.
    pub const MAX_FRAME_PIXELS: usize = 1 << 24;
    /// Maximum number of frames of a file. An exam has hundreds.
    pub const MAX_FRAMES: usize = 1 << 16;

    /// Number of pixels of a frame.
    pub fn frame_pixels(&self) -> usize {
        self.rows * self.cols
    }

    /// Number of samples of a frame: pixels times colours.
    pub fn frame_samples(&self) -> usize {
        self.frame_pixels() * self.samples
    }

    /// Returns whether pairs of native pixels share their chroma: two bytes per pixel instead of three.
    pub fn halves_chroma(&self) -> bool {
        self.photometric == "YBR_FULL_422" && self.samples == 3
    }

    /// Size of all frames in a native encoding, bytes.
    pub fn native_bytes(&self) -> u64 {
        let samples = if self.halves_chroma() {
            self.frame_pixels() * 2
        } else {
            self.frame_samples()
        };
        (samples as u64 * self.n_frames as u64 * u64::from(self.bits_allocated)).div_ceil(8)
    }

    /// Maximum bytes that the fragments of all compressed frames may take: twice the samples, plus room
    /// for tables and comments. Noise, the worst case, makes compressed frames a tenth larger than the
    /// samples.
    pub fn max_coded_bytes(&self) -> u64 {
        const FILE_BYTES: u64 = 1 << 20;
        const FRAME_BYTES: u64 = 64 << 10;
        let sample_bytes = u64::from(self.bits_allocated.div_ceil(8));
        let frame = 2 * self.frame_samples() as u64 * sample_bytes + FRAME_BYTES;
        FILE_BYTES + frame.saturating_mul(self.n_frames as u64)
    }

    /// Checks the size and the bits of the image against the limits.
    pub fn check(&self) -> Result<(), FileFault> {
        let Self {
            rows,
            cols,
            samples,
            n_frames,
            ..
        } = *self;
        if rows == 0 || cols == 0 {
            return Err(FileFault::NoImage(format!(
                "it has {rows} rows, {cols} columns"
            )));
        }
        if rows * cols > Self::MAX_FRAME_PIXELS || n_frames > Self::MAX_FRAMES {
            return Err(FileFault::TooLarge(format!(
                "expected at most {} pixels a frame and {} frames, found {rows} × {cols} pixels and {n_frames} frames",
                Self::MAX_FRAME_PIXELS,
                Self::MAX_FRAMES
            )));
        }
        if samples != 1 && samples != 3 {
            return Err(FileFault::unsupported(format!("{samples} samples a pixel")));
        }
        self.check_bits()
    }

    fn check_bits(&self) -> Result<(), FileFault> {
        let (allocated, stored, high) = (self.bits_allocated, self.bits_stored, self.high_bit);
        if !matches!(allocated, 1 | 8 | 16 | 32) {
            return Err(FileFault::unsupported(format!(
                "{allocated} bits allocated a sample (1, 8, 16 and 32 are read)"
            )));
        }
        if stored == 0 || stored > allocated || high >= allocated || high + 1 < stored {
            return Err(FileFault::Malformed(format!(
                "{stored} bits stored up to bit {high} do not fit into {allocated} bits allocated"
            )));
        }
        Ok(())
    }

    /// Returns the stored value in a word of BitsAllocated bits. Bits above and below it are dropped
    /// (old files have overlays there), and a signed value is extended from its own sign bit.
    pub fn stored(&self, word: u32) -> i64 {
        let left = 31 - self.high_bit;
        let right = 32 - self.bits_stored;
        if self.signed {
            i64::from(((word << left) as i32) >> right)
        } else {
            i64::from((word << left) >> right)
        }
    }

    /// Returns the word of BitsAllocated bits with the same stored value and nothing else: zeros below
    /// it, and above it zeros or copies of its sign.
    pub fn without_other_bits(&self, word: u32) -> u32 {
        self.within_allocated((self.stored(word) << self.lowest_bit()) as u32)
    }

    /// Keeps the bits of the stored value in place and sets all others to zero.
    pub fn only_stored_bits(&self, word: u32) -> u32 {
        word & (u32::MAX >> (32 - self.bits_stored) << self.lowest_bit())
    }

    /// Keeps the lowest BitsAllocated bits of a word.
    pub fn within_allocated(&self, word: u32) -> u32 {
        word & u32::MAX >> (32 - self.bits_allocated)
    }

    /// Returns whether a whole word equals the first or the last value of padding.
    pub fn is_padding_word(&self, word: u32) -> bool {
        let unused = 32 - self.bits_allocated;
        let value = if self.signed {
            i64::from((word << unused) as i32 >> unused)
        } else {
            i64::from(word << unused >> unused)
        };
        (self.padding).is_some_and(|(first, last)| value == first || value == last)
    }

    fn lowest_bit(&self) -> u32 {
        self.high_bit + 1 - self.bits_stored
    }
}
