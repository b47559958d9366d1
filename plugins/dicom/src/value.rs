//! Values of attributes: numbers written as text, binary words, plain text.

use crate::element::Encoding;

/// Replacement for a text that is none of the defined terms of its attribute.
pub(crate) const NO_TERM: &str = "?";

/// The value of one attribute, with the list of invalid attributes to add to.
pub(crate) struct Values<'a> {
    pub bytes: &'a [u8],
    pub encoding: Encoding,
    pub invalid: &'a mut Vec<&'static str>,
}

impl Values<'_> {
    /// Returns the text without padding. Only for attributes of the default character set.
    pub fn text(&self) -> String {
        let text = String::from_utf8_lossy(self.bytes);
        text.trim_matches(|c: char| c == '\0' || c.is_whitespace())
            .to_owned()
    }

    /// Returns the text if it is one of `terms` or empty, else [`NO_TERM`]: another text in the place of
    /// a term might be a person's name.
    pub fn term<'t>(&self, mut terms: impl Iterator<Item = &'t str>) -> String {
        let text = self.text();
        if text.is_empty() || terms.any(|term| term == text) {
            text
        } else {
            NO_TERM.into()
        }
    }

    /// Returns the first value as a 16-bit number.
    pub fn word(&self) -> Option<u16> {
        let bytes = self.bytes.first_chunk()?;
        Some(self.encoding.u16(*bytes))
    }

    /// Returns the first value as a 32-bit number.
    pub fn long(&self) -> Option<u32> {
        let bytes = self.bytes.first_chunk()?;
        Some(self.encoding.u32(*bytes))
    }

    /// Parses the time of day, in microseconds, of a time (VR TM, `n_date` 0) or of a date and time (VR
    /// DT, after `n_date` digits). `None` if it is neither. The date is not read, to keep it private.
    pub fn microseconds(&self, n_date: usize) -> Option<i64> {
        let text = self.text();
        // The old format of a time has colons; a sign begins the time zone.
        let text = text.split(['+', '-', '&']).next()?.replace(':', "");
        let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
        let is_digits = (whole.bytes().chain(part.bytes())).all(|b| b.is_ascii_digit());
        if !is_digits || whole.len() < n_date + 2 {
            return None;
        }
        let time = whole.get(n_date..)?;
        let two = |at: usize| time.get(at..at + 2).map_or(Some(0), |two| two.parse().ok());
        let seconds: i64 = (two(0)? * 60 + two(2)?) * 60 + two(4)?;
        let micros: i64 = format!("{part:0<6}").get(..6)?.parse().ok()?;
        Some(seconds * 1_000_000 + micros)
    }

    /// Parses one decimal number (VR DS). `None` for an empty value, and for one that is no number,
    /// which is added to the invalid attributes as `name`.
    pub fn number(&mut self, name: &'static str) -> Option<f64> {
        self.numbers::<1>(name).map(|[number]| number)
    }

    /// Parses exactly `N` decimal numbers, as [`Values::number`] does.
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

    /// Parses one integer (VR IS), as [`Values::number`] does.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_compared_by_the_time_of_the_day() {
        let check = |text: &str, n_date: usize, expected: Option<i64>| {
            let mut invalid = Vec::new();
            let values = Values {
                bytes: text.as_bytes(),
                encoding: Encoding::EXPLICIT_LE,
                invalid: &mut invalid,
            };
            assert_eq!(values.microseconds(n_date), expected, "{text:?}");
        };
        let noon = 12 * 3600 * 1_000_000;
        check("120000", 0, Some(noon));
        check("12", 0, Some(noon));
        check("12:00:01.5 ", 0, Some(noon + 1_500_000));
        check("120000.0000021", 0, Some(noon + 2));
        check("20260102120000.25+0100", 8, Some(noon + 250_000));
        check("20260102", 8, None);
        check("", 0, None);
        check("noon", 0, None);
        check("1", 0, None);
        check("１２", 0, None);
    }
}
