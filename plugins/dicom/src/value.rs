//! Values of attributes: numbers written as text, binary words, plain text.

use crate::element::Encoding;

/// What stands for a text that is none of the terms that an attribute may have.
pub(crate) const NO_TERM: &str = "?";

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

    /// The text where it is one of `terms`, empty where there is none, and else [`NO_TERM`]: what
    /// stands in the place of a term may be a name.
    pub fn term<'t>(&self, mut terms: impl Iterator<Item = &'t str>) -> String {
        let text = self.text();
        if text.is_empty() || terms.any(|term| term == text) {
            text
        } else {
            NO_TERM.into()
        }
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

    /// The time of the day in a time (VR TM), or behind the `n_date` digits of a date (VR DT), in
    /// microseconds; `None` for what is neither. The date is not read: it is nobody's business here.
    pub fn microseconds(&self, n_date: usize) -> Option<i64> {
        let text = self.text();
        // The old form of a time has colons; what follows a sign is a time zone.
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
