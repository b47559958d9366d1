//! Reads the bits of a JPEG-LS scan. After a byte of ones, the first bit of the next byte is always zero
//! and is skipped; if it is one, a marker begins (ISO 14495-1, clause C.3).

/// Reads bits, the highest of a byte first.
pub(super) struct Bits<'a> {
    data: &'a [u8],
    /// The next byte.
    pos: usize,
    /// Bits that were read but not yet taken, from the highest on, followed by zeros.
    cache: u64,
    n_cached: u32,
    was_ones: bool,
}

impl<'a> Bits<'a> {
    pub fn new(data: &'a [u8]) -> Self {
        Self {
            data,
            pos: 0,
            cache: 0,
            n_cached: 0,
            was_ones: false,
        }
    }

    /// Fills the cache with more than 56 bits; with fewer before a marker or the end.
    fn fill(&mut self) {
        while self.n_cached <= 56 {
            let Some(&byte) = self.data.get(self.pos) else {
                return;
            };
            let is_marker = if self.was_ones {
                byte >= 0x80
            } else {
                byte == 0xFF && self.data.get(self.pos + 1).is_none_or(|it| *it >= 0x80)
            };
            if is_marker {
                return;
            }
            let n_bits = 8 - u32::from(self.was_ones);
            self.cache |= u64::from(byte) << (64 - self.n_cached - n_bits);
            self.n_cached += n_bits;
            self.was_ones = byte == 0xFF;
            self.pos += 1;
        }
    }

    /// Takes the next `n` bits, at most 32, as a number; `None` if fewer are left.
    pub fn take(&mut self, n: u32) -> Option<u32> {
        if n == 0 {
            return Some(0);
        }
        if self.n_cached < n {
            self.fill();
        }
        if self.n_cached < n {
            return None;
        }
        let value = self.cache >> (64 - n);
        self.drop(n);
        Some(value as u32)
    }

    fn drop(&mut self, n: u32) {
        self.cache = self.cache.checked_shl(n).unwrap_or(0);
        self.n_cached -= n;
    }

    /// Counts the zeros before the next one, and takes all of them; `None` for more than `most` zeros.
    pub fn zeros(&mut self, most: u32) -> Option<u32> {
        let mut zeros = 0;
        loop {
            if self.n_cached < 32 {
                self.fill();
            }
            if self.n_cached == 0 {
                return None;
            }
            let found = self.cache.leading_zeros();
            if found < self.n_cached {
                self.drop(found + 1);
                zeros += found;
                return (zeros <= most).then_some(zeros);
            }
            zeros += self.n_cached;
            self.drop(self.n_cached);
            if zeros > most {
                return None;
            }
        }
    }

    /// Skips the restart marker, which must be next; `None` if it is not.
    pub fn restart(&mut self) -> Option<()> {
        self.fill();
        let marker = self.data.get(self.pos..)?.first_chunk::<2>()?;
        let is_next = self.n_cached < 8 && matches!(marker, [0xFF, 0xD0..=0xD7]);
        *self = Self {
            pos: self.pos + 2,
            ..Self::new(self.data)
        };
        is_next.then_some(())
    }

    /// Returns the end of the scan's bytes, which is the next marker, once all samples are taken.
    pub fn end(mut self) -> usize {
        self.fill();
        self.pos
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bit_is_stuffed_behind_ones_and_markers_end_the_bits() {
        let mut bits = Bits::new(&[0xFF, 0x7F, 0x80, 0xFF, 0xD9]);
        assert_eq!(bits.take(8), Some(0xFF));
        assert_eq!(bits.take(7), Some(0x7F));
        assert_eq!(bits.zeros(9), Some(0));
        assert_eq!(bits.zeros(9), None);
        assert_eq!(bits.end(), 3);
    }

    #[test]
    fn zeros_are_counted_to_a_limit() {
        let check = |data: &[u8], most: u32, expected: Option<u32>| {
            assert_eq!(Bits::new(data).zeros(most), expected, "{data:?}");
        };
        check(&[0x80], 0, Some(0));
        check(&[0x01], 7, Some(7));
        check(&[0x01], 6, None);
        check(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 79, Some(79));
        check(&[0; 20], 60, None);
        check(&[], 9, None);
    }

    #[test]
    fn a_restart_begins_a_byte() {
        let mut bits = Bits::new(&[0b1010_0000, 0xFF, 0xD3, 0b1100_0000, 0xFF, 0xD9]);
        assert_eq!(bits.take(3), Some(5));
        assert_eq!(bits.restart(), Some(()));
        assert_eq!(bits.take(2), Some(3));
        assert_eq!(bits.restart(), None);
    }
}
