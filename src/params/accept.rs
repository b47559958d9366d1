//! Parses the value for a parameter and checks that it fits.

use serde_yaml::Value;

use super::literal::{is_plain, nearest_choice};
use super::{Bad, Param};
use crate::language::value::{kind_of, shown};

/// Something that can be given a value: a parameter, or an entry of a parameter that is a map.
pub(super) struct Slot<'a> {
    /// The parameter's name, or `parameter.entry`.
    pub name: String,
    default: &'a Value,
    choices: &'a [Value],
    doc: &'a str,
}

impl<'a> Slot<'a> {
    pub fn param(param: &'a Param) -> Self {
        Self {
            name: param.name.clone(),
            default: &param.default,
            choices: &param.choices,
            doc: &param.doc,
        }
    }

    pub fn entry(param: &'a Param, key: &str, default: &'a Value) -> Self {
        Self {
            name: format!("{}.{key}", param.name),
            default,
            choices: &[],
            doc: &param.doc,
        }
    }

    /// Parses a value from the command line. [`accept`](Self::accept) then checks that it fits.
    pub fn parse(&self, text: &str) -> Value {
        match self.default {
            // `a`, `a,b` and `[a, b]` are arrays. An empty text is YAML's null, which is rejected later.
            Value::Sequence(_) if text.is_empty() || text.trim().starts_with('[') => yaml(text),
            Value::Sequence(_) => {
                let item = |item: &str| match item.trim() {
                    "" => Value::Null,
                    item => parse(self.element(), item),
                };
                Value::Sequence(text.split(',').map(item).collect())
            }
            // Rhai's maps, `#{…}`, are YAML without the `#`.
            Value::Mapping(_) => yaml(text.strip_prefix('#').unwrap_or(text)),
            like => parse(Some(like), text),
        }
    }

    /// Converts the value to the default's kind, an integer to a float if needed. `place` is for
    /// messages: `on the command line`.
    ///
    /// # Errors
    /// [`Bad`] for a value of another kind, or one that is not among the choices.
    pub fn accept(&self, value: Value, place: &str) -> Result<Value, Bad> {
        let name = &self.name;
        let value = coerce(self.default, self.element(), value).map_err(|found| {
            Bad::new(
                format!(
                    "parameter `{name}` {place}: expected {}, found {} {}",
                    self.expected(),
                    kind_of(&found),
                    shown(&found)
                ),
                format!("{name}: {} (default {})", self.doc, shown(self.default)),
            )
        })?;
        let chosen = match (&value, self.default) {
            (Value::Sequence(items), Value::Sequence(_)) => items.as_slice(),
            (value, _) => std::slice::from_ref(value),
        };
        let wrong = |item: &&Value| !self.choices.is_empty() && !self.choices.contains(item);
        match chosen.iter().find(wrong) {
            Some(item) => Err(self.not_allowed(item, place)),
            None => Ok(value),
        }
    }

    fn not_allowed(&self, found: &Value, place: &str) -> Bad {
        let (name, choices) = (&self.name, shown(&Value::Sequence(self.choices.to_vec())));
        let expected = match self.default {
            Value::Sequence(_) => "expected elements among",
            _ => "expected one of",
        };
        Bad::new(
            format!(
                "parameter `{name}` {place}: {expected} {choices}, found {}",
                shown(found)
            ),
            match nearest_choice(found, self.choices) {
                Some(near) => format!("did you mean {near:?}?"),
                None => format!("{name}: {}", self.doc),
            },
        )
    }

    fn expected(&self) -> String {
        match self.default {
            Value::Sequence(items) if items.is_empty() => "an array".to_owned(),
            Value::Sequence(_) => format!("an array, such as `{}`", shown(self.default)),
            Value::Mapping(_) => format!("a map, such as `{}`", shown(self.default)),
            default => kind_of(default).to_owned(),
        }
    }

    /// Sample of an array's elements, whose kind all of them must have: the first of the default, or
    /// the first choice.
    fn element(&self) -> Option<&Value> {
        let items = self.default.as_sequence()?;
        items.first().or(self.choices.first())
    }
}

/// Parses a text to a value of the kind of `like`: a string is taken as it is, anything else is YAML.
fn parse(like: Option<&Value>, text: &str) -> Value {
    match like {
        Some(Value::String(_)) => Value::from(text),
        _ => yaml(text),
    }
}

/// Parses YAML. A text that is no YAML becomes a string, as `yes` and `on` do in YAML 1.2.
fn yaml(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap_or_else(|_| Value::from(text))
}

/// Converts `value` to the kind of `like`, and the elements of an array to that of `element`. An
/// integer is accepted for a float.
///
/// # Errors
/// The value, or the element, that does not fit.
fn coerce(like: &Value, element: Option<&Value>, value: Value) -> Result<Value, Value> {
    match (like, value) {
        (Value::Number(like), Value::Number(number)) => match (like.is_f64(), number.as_f64()) {
            (true, Some(float)) => Ok(Value::from(float)),
            (false, _) if number.is_i64() => Ok(Value::Number(number)),
            _ => Err(Value::Number(number)),
        },
        (Value::Sequence(_), Value::Sequence(items)) => match element {
            Some(like) => items
                .into_iter()
                .map(|item| coerce(like, first(like), item))
                .collect::<Result<_, _>>()
                .map(Value::Sequence),
            None => match items.iter().find(|item| !is_plain(item)) {
                Some(item) => Err(item.clone()),
                None => Ok(Value::Sequence(items)),
            },
        },
        (Value::Bool(_), value @ Value::Bool(_))
        | (Value::String(_), value @ Value::String(_))
        | (Value::Mapping(_), value @ Value::Mapping(_)) => Ok(value),
        (_, value) => Err(value),
    }
}

fn first(value: &Value) -> Option<&Value> {
    value.as_sequence()?.first()
}
