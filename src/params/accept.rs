//! Whether a value fits where it is given.

use serde_yaml::Value;

use super::literal::{is_plain, nearest_choice};
use super::{Bad, Param};
use crate::language::value::{kind_of, shown};

/// What takes a value: a parameter, or an entry of one that is a map.
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

    /// Reads what is written on the command line; [`accept`](Self::accept) says whether it fits.
    pub fn parse(&self, text: &str) -> Value {
        match self.default {
            // `a`, `a,b` and `[a, b]` are arrays; nothing at all is none.
            Value::Sequence(_) if text.is_empty() || text.trim().starts_with('[') => yaml(text),
            Value::Sequence(_) => {
                let item = |item: &str| match item.trim() {
                    "" => Value::Null,
                    item => parse(self.element(), item),
                };
                Value::Sequence(text.split(',').map(item).collect())
            }
            // Scripts write maps as `#{…}`.
            Value::Mapping(_) => yaml(text.strip_prefix('#').unwrap_or(text)),
            like => parse(Some(like), text),
        }
    }

    /// The value as one of the default's kind.
    ///
    /// # Errors
    /// [`Bad`] for one of another kind, or not among the choices.
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

    /// What an array's elements are like: arrays of mixed kinds have no meaning here.
    fn element(&self) -> Option<&Value> {
        let items = self.default.as_sequence()?;
        items.first().or(self.choices.first())
    }
}

/// A string is taken as it is written, anything else as YAML.
fn parse(like: Option<&Value>, text: &str) -> Value {
    match like {
        Some(Value::String(_)) => Value::from(text),
        _ => yaml(text),
    }
}

/// "yes", "on", "0x1f" and the like are strings in YAML 1.2, and so is what is no YAML.
fn yaml(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap_or_else(|_| Value::from(text))
}

/// `value` as something of the kind of `like`, an array's elements as `element`; an integer is
/// accepted for a float.
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
