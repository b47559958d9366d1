//! Compares two values, with a tolerance for numbers.

use std::fmt;

use pe_binding::script::{ScriptResult, options};
use rhai::{FLOAT, Map};
use serde::{Deserialize, Serialize};
use serde_yaml::Value;

use super::words;
use crate::language::value::{kind_of, shown};

/// Tolerance for two numbers: they may differ by `atol + rtol * |expected|`, as in numpy's
/// `assert_allclose`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Tolerance {
    rtol: FLOAT,
    atol: FLOAT,
}

impl Default for Tolerance {
    fn default() -> Self {
        Self {
            rtol: 1e-7,
            atol: 0.0,
        }
    }
}

impl Tolerance {
    /// No tolerance: numbers must be equal.
    pub const NONE: Self = Self {
        rtol: 0.0,
        atol: 0.0,
    };

    /// Reads the option map of the function `of`.
    ///
    /// # Errors
    /// For an unknown option, and for a value that is no number.
    pub fn read(of: &str, map: &Map) -> ScriptResult<Self> {
        options(of, map)
    }

    /// Returns whether two numbers are equal within the tolerance. NaN equals only NaN.
    pub fn holds(self, expected: f64, found: f64) -> bool {
        if expected == found || (expected.is_nan() && found.is_nan()) {
            return true;
        }
        // Infinities that are not equal differ by infinity or NaN, so no tolerance applies.
        let finite = expected.is_finite() && found.is_finite();
        finite && (found - expected).abs() <= self.atol + self.rtol * expected.abs()
    }
}

impl fmt::Display for Tolerance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rtol {:?}, atol {:?}", self.rtol, self.atol)
    }
}

/// A place where two values differ.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Difference {
    /// Path in the value: `[1].auroc`; empty for the value itself.
    pub at: String,
    pub expected: String,
    pub found: String,
    /// Absolute and relative difference of two finite numbers.
    pub apart: Option<(f64, f64)>,
}

impl Difference {
    pub fn new(at: &str, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self {
            at: at.to_owned(),
            expected: expected.into(),
            found: found.into(),
            apart: None,
        }
    }

    pub fn of_numbers(at: &str, (expected, found): (f64, f64), texts: (String, String)) -> Self {
        let absolute = (found - expected).abs();
        let apart = absolute
            .is_finite()
            .then(|| (absolute, absolute / expected.abs()));
        Self {
            apart,
            ..Self::new(at, texts.0, texts.1)
        }
    }

    /// "absolute difference 0.1, relative 0.25"; `None` unless both are finite numbers.
    pub fn distance(&self) -> Option<String> {
        self.apart.map(|(absolute, relative)| {
            if relative.is_finite() {
                format!(
                    "absolute difference {}, relative {}",
                    short(absolute),
                    short(relative)
                )
            } else {
                format!("absolute difference {}", short(absolute))
            }
        })
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}, found {}", self.expected, self.found)?;
        match self.at.as_str() {
            "" => Ok(()),
            at => write!(f, " at {at}"),
        }
    }
}

/// Formats a number with four significant digits.
fn short(number: f64) -> String {
    let exponent = number.log10().floor();
    if number == 0.0 || !(-4.0..6.0).contains(&exponent) {
        return format!("{number:.3e}");
    }
    let decimals = (3.0 - exponent).max(0.0) as usize;
    let text = format!("{number:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// Comparison of strings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Texts {
    /// Letter by letter.
    Exact,
    /// Word by word, the numbers within the tolerance.
    Words,
}

/// All places where `found` differs from `expected`.
pub(super) fn differences(
    expected: &Value,
    found: &Value,
    by: Tolerance,
    texts: Texts,
) -> Vec<Difference> {
    let mut all = Vec::new();
    collect(expected, found, "", &Manner { by, texts }, &mut all);
    all
}

/// Options of a comparison.
struct Manner {
    by: Tolerance,
    texts: Texts,
}

fn collect(expected: &Value, found: &Value, at: &str, how: &Manner, all: &mut Vec<Difference>) {
    match (expected, found) {
        (Value::Sequence(expected), Value::Sequence(found)) => {
            if expected.len() != found.len() {
                let (expected, found) = (expected.len(), found.len());
                all.push(Difference::new(
                    at,
                    format!("{expected} elements"),
                    found.to_string(),
                ));
                return;
            }
            for (i, (expected, found)) in expected.iter().zip(found).enumerate() {
                collect(expected, found, &format!("{at}[{i}]"), how, all);
            }
        }
        (Value::Mapping(_), Value::Mapping(_)) => entries(expected, found, at, how, all),
        (Value::Number(a), Value::Number(b)) => {
            let numbers = (
                a.as_f64().unwrap_or(f64::NAN),
                b.as_f64().unwrap_or(f64::NAN),
            );
            if a != b && !how.by.holds(numbers.0, numbers.1) {
                // YAML writes these as `.inf` and `.nan`; messages have `inf` and `NaN`.
                let text = |number: f64, value: &Value| {
                    if number.is_finite() {
                        shown(value)
                    } else {
                        number.to_string()
                    }
                };
                let texts = (text(numbers.0, expected), text(numbers.1, found));
                all.push(Difference::of_numbers(at, numbers, texts));
            }
        }
        (Value::String(expected), Value::String(found)) if how.texts == Texts::Words => {
            all.extend(words::differences(expected, found, at, how.by));
        }
        _ if expected == found => {}
        // For `1` and `"1"` the quotes show the difference. Other values of two kinds, such as an array
        // and a number, are shown with their kinds.
        _ if kind_of(expected) == kind_of(found) || is_leaf(expected) && is_leaf(found) => {
            all.push(Difference::new(at, shown(expected), shown(found)));
        }
        _ => {
            let text = |value: &Value| format!("{} {}", kind_of(value), shown(value));
            all.push(Difference::new(at, text(expected), text(found)));
        }
    }
}

/// Returns whether a value is neither an array nor a map.
fn is_leaf(value: &Value) -> bool {
    !matches!(value, Value::Sequence(_) | Value::Mapping(_))
}

/// The differences of two maps.
fn entries(expected: &Value, found: &Value, at: &str, how: &Manner, all: &mut Vec<Difference>) {
    let (Some(left), Some(right)) = (expected.as_mapping(), found.as_mapping()) else {
        return;
    };
    let place = |key: &Value| {
        let key = key.as_str().map_or_else(|| shown(key), str::to_owned);
        format!("{at}.{key}").trim_start_matches('.').to_owned()
    };
    for (key, expected) in left {
        match right.get(key) {
            Some(found) => collect(expected, found, &place(key), how, all),
            None => all.push(Difference::new(
                &place(key),
                shown(expected),
                "no such entry",
            )),
        }
    }
    for (key, found) in right.iter().filter(|(key, _)| !left.contains_key(*key)) {
        all.push(Difference::new(&place(key), "no such entry", shown(found)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_differ_at_places() {
        let check = |expected: &str, found: &str, texts: &[&str]| {
            let value = |yaml| serde_yaml::from_str(yaml).unwrap();
            let by = Tolerance {
                rtol: 0.0,
                atol: 0.01,
            };
            let found = differences(&value(expected), &value(found), by, Texts::Exact);
            let found: Vec<String> = found.iter().map(ToString::to_string).collect();
            assert_eq!(found, texts, "{expected}");
        };
        check("1", "1.005", &[]);
        check("1", "1.5", &["expected 1, found 1.5"]);
        check(".nan", ".nan", &[]);
        check(".inf", "-.inf", &["expected inf, found -inf"]);
        check("1.0", ".nan", &["expected 1.0, found NaN"]);
        check("9223372036854775807", "9223372036854775807", &[]);
        check("a", "b", &["expected \"a\", found \"b\""]);
        check("1", "'1'", &["expected 1, found \"1\""]);
        check("[1]", "[1, 2]", &["expected 1 elements, found 2"]);
        check("[1]", "1", &["expected an array [1], found an integer 1"]);
        check(
            "[{a: 1, b: x}]",
            "[{a: 2, b: x}]",
            &["expected 1, found 2 at [0].a"],
        );
        check(
            "{a: {b: [1, 2]}}",
            "{a: {b: [1, 3]}}",
            &["expected 2, found 3 at a.b[1]"],
        );
        check(
            "{a: 1, b: 2}",
            "{a: 1, c: 3}",
            &[
                "expected 2, found no such entry at b",
                "expected no such entry, found 3 at c",
            ],
        );
    }

    #[test]
    fn distances_are_short() {
        let check = |expected, found, text: &str| {
            let texts = (String::new(), String::new());
            let difference = Difference::of_numbers("", (expected, found), texts);
            assert_eq!(difference.distance().as_deref(), Some(text));
        };
        check(0.8, 0.9, "absolute difference 0.1, relative 0.125");
        check(0.0, 2.0, "absolute difference 2");
        check(1e9, 1e9 + 1.0, "absolute difference 1, relative 1.000e-9");
        check(3.0, 12348.9, "absolute difference 12346, relative 4115");
        let texts = (String::new(), String::new());
        assert_eq!(
            Difference::of_numbers("", (f64::INFINITY, 1.0), texts).distance(),
            None
        );
    }
}
