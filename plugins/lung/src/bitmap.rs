//! A slice as bits, 64 pixels per word. Every step between HU and mask works on it.

use std::borrow::Cow;
use std::ops::Range;

use ndarray::{Array2, ArrayView1, ArrayView2, ArrayViewMut2};

/// Pixels in a word.
pub(crate) const WORD: usize = u64::BITS as usize;

/// One slice of pixels, each inside (1) or outside (0).
///
/// Rows are padded to whole words; bit `col % 64` of word `col / 64` is the pixel at `col`. The
/// padding bits are always 0, so that no step sees pixels beyond the edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bitmap {
    rows: usize,
    cols: usize,
    words_per_row: usize,
    words: Vec<u64>,
}

impl Bitmap {
    /// A slice with no pixel inside.
    pub fn empty(rows: usize, cols: usize) -> Self {
        let words_per_row = cols.div_ceil(WORD);
        Self {
            rows,
            cols,
            words_per_row,
            words: vec![0; rows * words_per_row],
        }
    }

    /// Packs an image: the pixels for which `inside` holds are inside.
    pub fn pack<T: Copy>(image: ArrayView2<T>, inside: impl Fn(T) -> bool) -> Self {
        let (rows, cols) = image.dim();
        let mut packed = Self::empty(rows, cols);
        for (row, pixels) in image.outer_iter().enumerate() {
            pack_row(&contiguous(pixels), &inside, packed.row_mut(row));
        }
        packed
    }

    /// Writes the pixels to `image`.
    ///
    /// # Panics
    /// When `image` has another shape.
    pub fn unpack_into(&self, mut image: ArrayViewMut2<bool>) {
        assert_eq!(image.dim(), (self.rows, self.cols), "shapes differ");
        for (row, mut pixels) in image.outer_iter_mut().enumerate() {
            match pixels.as_slice_mut() {
                Some(pixels) => unpack_row(self.row(row), pixels),
                None => {
                    let mut unpacked = vec![false; self.cols];
                    unpack_row(self.row(row), &mut unpacked);
                    pixels.assign(&ArrayView1::from(&unpacked));
                }
            }
        }
    }

    /// The pixels as an array, `[row, col]`.
    pub fn unpack(&self) -> Array2<bool> {
        let mut image = Array2::from_elem((self.rows, self.cols), false);
        self.unpack_into(image.view_mut());
        image
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn cols(&self) -> usize {
        self.cols
    }

    /// The words of one row.
    pub fn row(&self, row: usize) -> &[u64] {
        &self.words[row * self.words_per_row..][..self.words_per_row]
    }

    /// The words of one row, for writing. The caller must keep the padding 0.
    pub fn row_mut(&mut self, row: usize) -> &mut [u64] {
        &mut self.words[row * self.words_per_row..][..self.words_per_row]
    }

    /// Mask of the bits of a row's last word that are pixels and not padding.
    pub fn last_word_pixels(&self) -> u64 {
        match self.cols % WORD {
            0 => u64::MAX,
            used => (1 << used) - 1,
        }
    }

    /// Swaps inside and outside.
    pub fn inverted(mut self) -> Self {
        let last = self.last_word_pixels();
        for row in 0..self.rows {
            let words = self.row_mut(row);
            words.iter_mut().for_each(|word| *word = !*word);
            if let Some(word) = words.last_mut() {
                *word &= last;
            }
        }
        self
    }

    /// Puts the pixels `start..end` of `row` inside.
    pub fn insert(&mut self, row: usize, start: usize, end: usize) {
        let words = self.row_mut(row);
        for_each_word(start, end, |index, pixels| {
            words[index] |= pixels;
            false
        });
    }

    /// Returns whether the pixel is inside.
    pub fn has(&self, row: usize, col: usize) -> bool {
        self.row(row)[col / WORD] >> (col % WORD) & 1 == 1
    }

    /// Puts every pixel of `other`, a slice of the same shape, inside.
    pub fn add(&mut self, other: &Self) {
        self.combine(other, |word, other| word | other);
    }

    /// Puts every pixel of `other`, a slice of the same shape, outside.
    pub fn subtract(&mut self, other: &Self) {
        self.combine(other, |word, other| word & !other);
    }

    /// Puts every pixel that is not in `other`, a slice of the same shape, outside.
    pub fn intersect(&mut self, other: &Self) {
        self.combine(other, |word, other| word & other);
    }

    fn combine(&mut self, other: &Self, both: impl Fn(u64, u64) -> u64) {
        debug_assert_eq!((self.rows, self.cols), (other.rows, other.cols));
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word = both(*word, *other);
        }
    }

    /// The number of pixels inside.
    pub fn area(&self) -> usize {
        self.words
            .iter()
            .map(|word| word.count_ones() as usize)
            .sum()
    }

    /// The number of pixels inside among the columns `..col` of all rows.
    pub fn area_left_of(&self, col: usize) -> usize {
        let (whole, rest) = (col / WORD, col % WORD);
        let in_row = |row: usize| {
            let words = self.row(row);
            let ones = |word: &u64| word.count_ones() as usize;
            let part = words.get(whole).map_or(0, |word| word & ((1 << rest) - 1));
            words.iter().take(whole).map(ones).sum::<usize>() + ones(&part)
        };
        (0..self.rows).map(in_row).sum()
    }

    /// Copies the window of `rows` and of whole words `words`, as a slice of its own.
    pub fn cropped(&self, rows: Range<usize>, words: Range<usize>) -> Self {
        let end = (words.end * WORD).min(self.cols);
        let mut part = Self::empty(rows.len(), end.saturating_sub(words.start * WORD));
        for (to, from) in rows.enumerate() {
            part.row_mut(to)
                .copy_from_slice(&self.row(from)[words.clone()]);
        }
        part
    }

    /// Puts the pixels of `part` inside. The first pixel of `part` lies at `row` and at word
    /// `word`.
    pub fn add_part(&mut self, part: &Self, row: usize, word: usize) {
        for from in 0..part.rows {
            let to = &mut self.row_mut(row + from)[word..];
            for (to, from) in to.iter_mut().zip(part.row(from)) {
                *to |= from;
            }
        }
    }

    /// Returns the ranges of rows and of words per row that hold pixels inside; `None` if there are
    /// none.
    pub fn bounds(&self) -> Option<(Range<usize>, Range<usize>)> {
        let used = |row: &usize| self.row(*row).iter().any(|word| *word != 0);
        let top = (0..self.rows).find(used)?;
        let bottom = (top..self.rows).rev().find(used)?;
        let used = |word: &usize| (top..=bottom).any(|row| self.row(row)[*word] != 0);
        let left = (0..self.words_per_row).find(used)?;
        let right = (left..self.words_per_row).rev().find(used)?;
        Some((top..bottom + 1, left..right + 1))
    }

    /// Returns whether any of the pixels `start..end` of `row` is inside.
    pub fn meets(&self, row: usize, start: usize, end: usize) -> bool {
        let words = self.row(row);
        for_each_word(start, end, |index, pixels| words[index] & pixels != 0)
    }
}

/// Calls `visit` with each word's index and its bits among the pixels `start..end`, until it
/// returns true; returns whether it did.
#[inline]
fn for_each_word(start: usize, end: usize, mut visit: impl FnMut(usize, u64) -> bool) -> bool {
    if start >= end {
        return false;
    }
    let (first, last) = (start / WORD, (end - 1) / WORD);
    let from_start = u64::MAX << (start % WORD);
    let to_end = u64::MAX >> (WORD - 1 - (end - 1) % WORD);
    if first == last {
        return visit(first, from_start & to_end);
    }
    visit(first, from_start)
        || (first + 1..last).any(|index| visit(index, u64::MAX))
        || visit(last, to_end)
}

/// Returns the pixels of a row as a slice, copied only if they are not contiguous in memory.
pub(crate) fn contiguous<T: Copy>(pixels: ArrayView1<'_, T>) -> Cow<'_, [T]> {
    match pixels.to_slice() {
        Some(slice) => Cow::Borrowed(slice),
        None => Cow::Owned(pixels.to_vec()),
    }
}

fn pack_row<T: Copy>(pixels: &[T], inside: &impl Fn(T) -> bool, words: &mut [u64]) {
    let (chunks, rest) = pixels.as_chunks::<WORD>();
    for (word, chunk) in words.iter_mut().zip(chunks) {
        // Compare all pixels first: the compiler does many of these comparisons at a time.
        let flags = chunk.map(|pixel| u8::from(inside(pixel)));
        let (eights, _) = flags.as_chunks::<8>();
        for (nth, eight) in eights.iter().enumerate() {
            *word |= gather(*eight) << (8 * nth);
        }
    }
    for (col, &pixel) in (WORD * chunks.len()..).zip(rest) {
        words[col / WORD] |= u64::from(inside(pixel)) << (col % WORD);
    }
}

/// Packs eight bytes of 0 or 1 into the eight low bits of a word, the first byte lowest. The
/// product moves byte `i`'s flag to bit 56 + i, and no two of its terms meet.
#[inline]
fn gather(flags: [u8; 8]) -> u64 {
    u64::from_le_bytes(flags).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

fn unpack_row(words: &[u64], pixels: &mut [bool]) {
    for (&word, pixels) in words.iter().zip(pixels.chunks_mut(WORD)) {
        // Most words of a mask are all inside or all outside.
        match word {
            0 => pixels.fill(false),
            u64::MAX => pixels.fill(true),
            _ => unpack_word(word, pixels),
        }
    }
}

fn unpack_word(word: u64, pixels: &mut [bool]) {
    for (byte, pixels) in word.to_le_bytes().into_iter().zip(pixels.chunks_mut(8)) {
        pixels.copy_from_slice(&FLAGS[usize::from(byte)][..pixels.len()]);
    }
}

/// The bits of each byte as pixels, lowest bit first.
static FLAGS: [[bool; 8]; 256] = {
    let mut flags = [[false; 8]; 256];
    let mut nth = 0;
    while nth < 256 * 8 {
        flags[nth / 8][nth % 8] = (nth / 8) >> (nth % 8) & 1 == 1;
        nth += 1;
    }
    flags
};

#[cfg(test)]
mod tests {
    use ndarray::Axis;
    use proptest::prelude::*;

    use super::*;

    fn image() -> impl Strategy<Value = Array2<bool>> {
        (0..5_usize, 0..140_usize).prop_flat_map(|(rows, cols)| {
            proptest::collection::vec(any::<bool>(), rows * cols).prop_map(move |pixels| {
                Array2::from_shape_vec((rows, cols), pixels).expect("as many pixels as the shape")
            })
        })
    }

    proptest! {
        #[test]
        fn packing_keeps_every_pixel(image in image()) {
            let packed = Bitmap::pack(image.view(), |inside| inside);
            prop_assert_eq!(packed.unpack(), image.clone());
            prop_assert_eq!(packed.inverted().unpack(), image.mapv(|inside| !inside));
        }

        #[test]
        fn packing_follows_any_memory_order(mut image in image()) {
            image.invert_axis(Axis(1));
            let packed = Bitmap::pack(image.t(), |inside| inside);
            let mut found = Array2::from_elem(image.dim(), false);
            packed.unpack_into(found.view_mut().reversed_axes());
            prop_assert_eq!(found, image);
        }

        #[test]
        fn ranges_are_half_open(cols in 1..200_usize, a in 0..200_usize, b in 0..200_usize) {
            let (start, end) = (a.min(cols), b.min(cols));
            let mut bitmap = Bitmap::empty(2, cols);
            bitmap.insert(1, start, end);
            let expected = Array2::from_shape_fn((2, cols), |(row, col)| {
                row == 1 && (start..end).contains(&col)
            });
            prop_assert_eq!(bitmap.unpack(), expected);
            prop_assert_eq!(bitmap.meets(1, start, end), start < end);
            prop_assert!(!bitmap.meets(1, 0, start.min(end)));
            prop_assert!(!bitmap.meets(1, end.max(start), cols));
        }
    }
}
