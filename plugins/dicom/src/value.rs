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

    /// The first value as 32 bits.
    pub fn long(&self) -> Option<u32> {
        let bytes = self.bytes.first_chunk()?;
        Some(self.encoding.u32(*bytes))
    }

    /// A time of the day (VR TM), or a date and time (VR DT) whose date has `n_date` digits, as
    /// microseconds from some start; `None` for what is neither.
    pub fn microseconds(&self, n_date: usize) -> Option<i64> {
        let text = self.text();
        // The old form of a time has colons; what follows a sign is a time zone.
        let text = text.split(['+', '-', '&']).next()?.replace(':', "");
        let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
        let digits = |from: usize, to: usize| whole.get(from..to)?.parse::<i64>().ok();
        let is_digits = (whole.bytes().chain(part.bytes())).all(|b| b.is_ascii_digit());
        if !is_digits || whole.len() < n_date + 2 {
            return None;
        }
        let days = match n_date {
            0 => 0,
            // Months of 31 days keep the order, which is all that is asked of it.
            _ => (digits(0, 4)? * 12 + digits(4, 6)?) * 31 + digits(6, 8)?,
        };
        let two = |at: usize| digits(n_date + at, n_date + at + 2).unwrap_or(0);
        let seconds = ((days * 24 + two(0)) * 60 + two(2)) * 60 + two(4);
        let micros: i64 = format!("{part:0<6}").get(..6)?.parse().ok()?;
        Some(seconds * 1_000_000 + micros)
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
