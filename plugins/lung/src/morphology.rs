//! Dilation, erosion and closing of a bitmap by a disk.
//!
//! A disk of radius r is, row by row, a segment: `d` rows from the middle it reaches
//! `isqrt(r² − d²)` pixels to either side (scikit-image's `disk`). So a dilation is, for every row,
//! an OR of the rows up to r away, each widened by its segment. Widening needs few shifts: a row
//! that is already widened by w can be shifted by up to w + 1 at once without leaving gaps. (Up to
//! 2w + 1, were it not for the edge: of a pixel there only w + 1 are left to shift.)

use crate::bitmap::{Bitmap, WORD};

/// Dilates: returns every pixel within `radius` of a pixel inside. Nothing is inside beyond the
/// edge.
pub(crate) fn dilated(image: &Bitmap, radius: usize) -> Bitmap {
    let rows = image.rows();
    let mut out = Bitmap::empty(rows, image.cols());
    let mut widened = Widened::new(image);
    for row in 0..rows {
        let words = image.row(row);
        if words.iter().all(|word| *word == 0) {
            continue;
        }
        widened.start(words);
        // From the far rows to the near ones, because the row can only be widened further.
        for offset in (0..=radius).rev() {
            widened.widen_to((radius * radius - offset * offset).isqrt());
            if let Some(above) = row.checked_sub(offset) {
                widened.add_to(out.row_mut(above));
            }
            if offset > 0 && row + offset < rows {
                widened.add_to(out.row_mut(row + offset));
            }
        }
    }
    out
}

/// Erodes: returns every pixel all of whose neighbours within `radius` are inside. Beyond the edge
/// everything counts as inside, so that the edge itself erodes nothing.
pub(crate) fn eroded(image: Bitmap, radius: usize) -> Bitmap {
    dilated(&image.inverted(), radius).inverted()
}

/// Closes: dilates, then erodes. This closes gaps that no disk of `radius` fits into.
pub(crate) fn closed(image: &Bitmap, radius: usize) -> Bitmap {
    eroded(dilated(image, radius), radius)
}

/// A row of words that is dilated horizontally, step by step.
struct Widened {
    words: Vec<u64>,
    before: Vec<u64>,
    by: usize,
    last_word_pixels: u64,
}

impl Widened {
    fn new(image: &Bitmap) -> Self {
        let n_words = image.cols().div_ceil(WORD);
        Self {
            words: vec![0; n_words],
            before: vec![0; n_words],
            by: 0,
            last_word_pixels: image.last_word_pixels(),
        }
    }

    fn start(&mut self, words: &[u64]) {
        self.words.copy_from_slice(words);
        self.by = 0;
    }

    /// Widens the row until it is dilated by `by` pixels to either side.
    fn widen_to(&mut self, by: usize) {
        while self.by < by {
            let step = (by - self.by).min(self.by + 1).min(WORD - 1);
            self.shift_both_ways(step as u32);
            self.by += step;
        }
    }

    /// ORs the row with itself shifted by `step` pixels to the left and to the right.
    fn shift_both_ways(&mut self, step: u32) {
        self.before.copy_from_slice(&self.words);
        let carry = WORD as u32 - step;
        for (word, before) in self.words.iter_mut().zip(&self.before) {
            *word |= before << step | before >> step;
        }
        for (word, left) in self.words.iter_mut().skip(1).zip(&self.before) {
            *word |= left >> carry;
        }
        for (word, right) in self.words.iter_mut().zip(self.before.iter().skip(1)) {
            *word |= right << carry;
        }
        if let Some(word) = self.words.last_mut() {
            *word &= self.last_word_pixels;
        }
    }

    fn add_to(&self, row: &mut [u64]) {
        for (sum, word) in row.iter_mut().zip(&self.words) {
            *sum |= word;
        }
    }
}
