//! Converts stored values to HU: padding first, then `slope × stored + intercept` (DICOM PS3.3 C.11.1).

use pe_ct::AIR_HU;

use crate::FileFault;
use crate::header::FrameFacts;
use crate::layout::Layout;

/// The conversion of one frame from stored values to HU.
///
/// Padding is recognised by the stored value, before the rescale. It becomes −1024 HU, as does every
/// result below −1024. A fractional result is rounded to the nearest integer, half away from zero. A
/// result above 32767 is an error, not clamped.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rescale {
    slope: f64,
    intercept: f64,
    /// Slope and intercept, if both are integers small enough for 32-bit arithmetic.
    whole: Option<(i32, i32)>,
    /// First and last stored value of padding; an empty range if there is none.
    padding: (i64, i64),
}

impl Rescale {
    pub fn new(facts: &FrameFacts, layout: &Layout) -> Self {
        let slope = facts.slope.unwrap_or(1.0);
        let intercept = facts.intercept.unwrap_or(0.0);
        // 2^14 times a 16-bit value plus 2^24 stays inside 32 bits.
        let is_whole = slope.fract() == 0.0
            && intercept.fract() == 0.0
            && slope.abs() <= 16_384.0
            && intercept.abs() <= 16_777_216.0;
        Self {
            slope,
            intercept,
            whole: is_whole.then_some((slope as i32, intercept as i32)),
            padding: layout.padding.unwrap_or((1, 0)),
        }
    }

    /// Converts 16-bit little-endian words to HU.
    pub fn le_words(self, bytes: &[u8], layout: &Layout, hu: &mut [i16]) -> Result<(), FileFault> {
        let words = bytes.as_chunks::<2>().0;
        let Some((slope, intercept)) = self.whole else {
            let stored = words
                .iter()
                .map(|&word| layout.stored(u32::from(u16::from_le_bytes(word))));
            return self.values(stored, hu);
        };
        // The two shifts drop the bits above HighBit and below the stored bits.
        let left = 15 - layout.high_bit;
        let right = 16 - layout.bits_stored;
        let (from, to) = self.padding_i32();
        let highest = if layout.signed {
            let stored = |word| i32::from((u16::from_le_bytes(word) << left) as i16 >> right);
            whole_row(words, hu, stored, slope, intercept, from, to)
        } else {
            let stored = |word| i32::from((u16::from_le_bytes(word) << left) >> right);
            whole_row(words, hu, stored, slope, intercept, from, to)
        };
        if highest <= i32::from(i16::MAX) {
            return Ok(());
        }
        // Some value is too large. Take the slow path again, which names it in the error.
        let stored = words
            .iter()
            .map(|&word| layout.stored(u32::from(u16::from_le_bytes(word))));
        self.values(stored, hu)
    }

    /// Converts any stored values to HU.
    pub fn values(
        self,
        stored: impl Iterator<Item = i64>,
        hu: &mut [i16],
    ) -> Result<(), FileFault> {
        for (hu, stored) in hu.iter_mut().zip(stored) {
            *hu = self.value(stored)?;
        }
        Ok(())
    }

    fn value(self, stored: i64) -> Result<i16, FileFault> {
        if (self.padding.0..=self.padding.1).contains(&stored) {
            return Ok(AIR_HU);
        }
        let hu = (self.slope * stored as f64 + self.intercept).round();
        if hu > f64::from(i16::MAX) {
            return Err(FileFault::HuRange {
                stored,
                slope: self.slope,
                intercept: self.intercept,
            });
        }
        Ok(hu.max(f64::from(AIR_HU)) as i16)
    }

    fn padding_i32(self) -> (i32, i32) {
        let clip = |value: i64| value.clamp(i32::MIN.into(), i32::MAX.into()) as i32;
        (clip(self.padding.0), clip(self.padding.1))
    }
}

/// Rescales one frame with integers. Returns the greatest HU, so that the range is checked only once.
/// Has no branches, so that the compiler can vectorise it.
#[inline(always)]
fn whole_row(
    words: &[[u8; 2]],
    hu: &mut [i16],
    stored: impl Fn([u8; 2]) -> i32,
    slope: i32,
    intercept: i32,
    padding_from: i32,
    padding_to: i32,
) -> i32 {
    let air = i32::from(AIR_HU);
    let mut highest = air;
    for (hu, &word) in hu.iter_mut().zip(words) {
        let stored = stored(word);
        let is_padding = (stored >= padding_from) & (stored <= padding_to);
        // Cannot overflow, see `Rescale::new`; `wrapping` avoids the checks in debug builds.
        let value = stored.wrapping_mul(slope).wrapping_add(intercept).max(air);
        let value = if is_padding { air } else { value };
        highest = highest.max(value);
        *hu = value as i16;
    }
    highest
}
