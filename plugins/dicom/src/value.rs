//! Values of attributes: numbers written as text, binary words, plain text.

use crate::element::Encoding;

/// One attribute's value, and the list of attributes that could not be read.
pub(crate) struct Values<'a> {
    pub bytes: &'a [u8],
    pub encoding: Encoding,
    pub invalid: &'a mut Vec<&'static str>,
}

impl Values<'_> {
    /// The text without padding. Only for attributes of the default character set.
    pub fn text(&self) -> String {
        let text = String::from_utf8_lossy(self.bytes);
        text.trim_matches(|c: char| c == '\0' || c.is_whitespace())
            .to_owned()
    }

    /// The first value as 16 bits.
    pub fn word(&self) -> Option<u16> {
        let bytes = self.bytes.first_chunk()?;
        Some(self.encoding.u16(*bytes))
    }

    /// One decimal number (VR DS); `None` for an empty value, and for one that is no number, which
    /// is noted under `name`.
    pub fn number(&mut self, name: &'static str) -> Option<f64> {
        self.numbers::<1>(name).map(|[number]| number)
    }

    /// Exactly `N` decimal numbers, as [`Values::number`].
    pub fn numbers<const N: usize>(&mut self, name: &'static str) -> Option<[f64; N]> {
        let text = self.text();
        if text.is_empty() {
            return None;
        }
        let numbers: Option<Vec<f64>> = text.split('\\').map(decimal).collect();
        let array = numbers.and_then(|numbers| <[f64; N]>::try_from(numbers).ok());
        if array.is_none() {
            self.invalid.push(name);
        }
        array
    }

    /// One whole number (VR IS), as [`Values::number`].
    pub fn integer(&mut self, name: &'static str) -> Option<i64> {
        let text = self.text();
        if text.is_empty() {
            return None;
        }
        let number = text.parse().ok();
        if number.is_none() {
            self.invalid.push(name);
        }
        number
    }
}

fn decimal(text: &str) -> Option<f64> {
    let number: f64 = text.trim().parse().ok()?;
    number.is_finite().then_some(number)
}
