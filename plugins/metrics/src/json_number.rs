//! Serialises numbers to JSON. JSON has neither NaN nor infinities, so they are written as text.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number that is written as text if it is not finite.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(untagged)]
enum Number {
    Finite(f64),
    Other(NotFinite),
}

#[derive(Clone, Copy, Serialize, Deserialize)]
enum NotFinite {
    #[serde(rename = "NaN")]
    Nan,
    #[serde(rename = "inf")]
    Infinite,
    #[serde(rename = "-inf")]
    MinusInfinite,
}

impl From<f64> for Number {
    fn from(value: f64) -> Self {
        if value.is_finite() {
            Self::Finite(value)
        } else if value.is_nan() {
            Self::Other(NotFinite::Nan)
        } else if value > 0.0 {
            Self::Other(NotFinite::Infinite)
        } else {
            Self::Other(NotFinite::MinusInfinite)
        }
    }
}

impl From<Number> for f64 {
    fn from(number: Number) -> Self {
        match number {
            Number::Finite(value) => value,
            Number::Other(NotFinite::Nan) => Self::NAN,
            Number::Other(NotFinite::Infinite) => Self::INFINITY,
            Number::Other(NotFinite::MinusInfinite) => Self::NEG_INFINITY,
        }
    }
}

pub(crate) fn serialize<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
    Number::from(*value).serialize(to)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Number::deserialize(from).map(f64::from)
}

/// The same for a list of numbers.
pub(crate) mod list {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Number;

    pub(crate) fn serialize<S: Serializer>(values: &[f64], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(values.iter().map(|value| Number::from(*value)))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<f64>, D::Error> {
        let numbers = Vec::<Number>::deserialize(from)?;
        Ok(numbers.into_iter().map(f64::from).collect())
    }
}
