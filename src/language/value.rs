//! Plain data: values that scripts, the command line, YAML and JSON have in common.

use rhai::{Array, Dynamic, FLOAT, INT, Map};
use serde_yaml::Value;

/// Converts a script value to plain data.
///
/// # Errors
/// The name of the type that is no plain data.
pub fn to_value(value: &Dynamic) -> Result<Value, String> {
    if value.is_unit() {
        Ok(Value::Null)
    } else if let Ok(flag) = value.as_bool() {
        Ok(flag.into())
    } else if let Ok(int) = value.as_int() {
        Ok(int.into())
    } else if let Ok(float) = value.as_float() {
        Ok(float.into())
    } else if let Ok(text) = value.as_immutable_string_ref() {
        Ok(text.as_str().into())
    } else if let Ok(array) = value.as_array_ref() {
        array
            .iter()
            .map(to_value)
            .collect::<Result<_, _>>()
            .map(Value::Sequence)
    } else if let Ok(map) = value.as_map_ref() {
        map.iter()
            .map(|(key, item)| Ok((Value::from(key.as_str()), to_value(item)?)))
            .collect::<Result<_, String>>()
            .map(Value::Mapping)
    } else {
        Err(value.type_name().to_owned())
    }
}

/// Converts plain data to a script value.
pub fn to_dynamic(value: &Value) -> Dynamic {
    match value {
        Value::Null => Dynamic::UNIT,
        Value::Bool(flag) => (*flag).into(),
        Value::Number(number) => match number.as_i64() {
            Some(int) => (int as INT).into(),
            None => (number.as_f64().unwrap_or(FLOAT::NAN) as FLOAT).into(),
        },
        Value::String(text) => text.clone().into(),
        Value::Sequence(items) => items.iter().map(to_dynamic).collect::<Array>().into(),
        Value::Mapping(entries) => entries
            .iter()
            .map(|(key, item)| (text(key).into(), to_dynamic(item)))
            .collect::<Map>()
            .into(),
        Value::Tagged(tagged) => to_dynamic(&tagged.value),
    }
}

/// The text of a value for messages and for help: as in a script, strings in quotes.
pub fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text:?}"),
        Value::Sequence(items) => {
            let items: Vec<String> = items.iter().map(shown).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Mapping(entries) => {
            let entry = |(key, item): (&Value, &Value)| format!("{}: {}", text(key), shown(item));
            let entries: Vec<String> = entries.iter().map(entry).collect();
            format!("#{{{}}}", entries.join(", "))
        }
        Value::Null => "()".to_owned(),
        other => text(other),
    }
}

/// The kind of a value, for messages: `an integer`.
pub fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a bool",
        Value::Number(number) if number.is_f64() => "a float",
        Value::Number(_) => "an integer",
        Value::String(_) => "a string",
        Value::Sequence(_) => "an array",
        Value::Mapping(_) => "a map",
        Value::Tagged(_) => "a tagged value",
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => serde_yaml::to_string(other)
            .map_or_else(|_| format!("{other:?}"), |yaml| yaml.trim_end().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive_the_way_to_yaml_and_back() {
        let check = |script: &str| {
            let before: Dynamic = rhai::Engine::new().eval(script).unwrap();
            let value = to_value(&before).unwrap();
            let yaml = serde_yaml::to_string(&value).unwrap();
            let after = to_dynamic(&serde_yaml::from_str(&yaml).unwrap());
            assert_eq!(format!("{before:?}"), format!("{after:?}"), "{yaml}");
        };
        check("()");
        check("true");
        check("-9223372036854775807");
        check("0.1");
        check("1.0");
        check("\"yes\"");
        check("\"1.0\"");
        check("\"\"");
        check("[1, [2.5, \"a\\nb\"], #{a: ()}]");
    }

    #[test]
    fn what_is_not_data_is_named() {
        let value: Dynamic = rhai::Engine::new().eval("[|| 1]").unwrap();
        assert_eq!(to_value(&value), Err("Fn".to_owned()));
    }

    #[test]
    fn strings_are_shown_in_quotes_and_floats_as_floats() {
        assert_eq!(shown(&Value::from("a b")), "\"a b\"");
        assert_eq!(shown(&Value::from(1.0)), "1.0");
        assert_eq!(
            shown(&serde_yaml::from_str("[1, x]").unwrap()),
            "[1, \"x\"]"
        );
    }
}
