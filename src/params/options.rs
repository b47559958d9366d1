use rhai::{Dynamic, Position};
use serde_yaml::{Mapping, Value};

use super::literal::is_plain;
use super::{Declaration, Param, SETTINGS};
use crate::language::bare;
use crate::language::value::to_value;

/// Completes parameters whose entries are the options of a function. Options that the default leaves
/// out get the function's own defaults. So each option can be given, is checked before the run, and is
/// in its record.
///
/// `options_of` returns the documented options of a function with their defaults, as text of a script;
/// none for an unknown name. Options that are settings of the run ([`SETTINGS`]) are not added, nor are
/// those whose default is no plain value.
///
/// # Errors
/// A [`Declaration`] for a function without options, and for an entry that is none of them.
pub fn complete(
    params: &mut [Param],
    options_of: impl Fn(&str) -> Vec<(String, String)>,
) -> Result<(), Declaration> {
    for param in params {
        let (Some(function), Value::Mapping(given)) = (&param.options, &param.default) else {
            continue;
        };
        let options = options_of(function);
        let wrong = |message: String| {
            let hint = "the fourth argument of `param` names a function with options, such as \"Runs.cnn\"";
            let position = Position::NONE;
            Err(Declaration {
                message,
                hint,
                position,
            })
        };
        if options.is_empty() {
            return wrong(format!(
                "parameter `{}`: there is no function `{function}` that has options",
                param.name
            ));
        }
        let known = |key: &&Value| {
            options
                .iter()
                .any(|(name, _)| Some(name.as_str()) == key.as_str())
        };
        if let Some(key) = given.keys().find(|key| !known(key)) {
            return wrong(format!(
                "parameter `{}`: `{function}` has no option `{}`",
                param.name,
                key.as_str().unwrap_or_default()
            ));
        }
        param.default = Value::Mapping(completed(given, &options));
    }
    Ok(())
}

/// The completed entries, in the order of the options.
fn completed(given: &Mapping, options: &[(String, String)]) -> Mapping {
    let entry = |(name, default): &(String, String)| {
        let own = given.get(name.as_str()).cloned();
        let default = || value_of(default).filter(|_| !SETTINGS.contains(&name.as_str()));
        Some((Value::from(name.as_str()), own.or_else(default)?))
    };
    options.iter().filter_map(entry).collect()
}

/// Evaluates the text of a default, such as `1e-4`. `None` if it is no plain value.
fn value_of(text: &str) -> Option<Value> {
    let value = bare().eval_expression::<Dynamic>(text).ok()?;
    to_value(&value).ok().filter(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::{Given, declared, resolve};

    fn options_of(function: &str) -> Vec<(String, String)> {
        let options = [
            ("batch", "48"),
            ("lr", "1e-4"),
            ("sigma", "[0.1, 2.0]"),
            ("share", "1.0 / 4.0"),
            ("seed", "7"),
            ("shape", "()"),
            ("untold", ""),
        ];
        let owned = options.map(|(name, default)| (name.to_owned(), default.to_owned()));
        if function == "Runs.cnn" {
            owned.into()
        } else {
            Vec::new()
        }
    }

    fn completed_in(script: &str) -> Result<Vec<Param>, Declaration> {
        let mut params = declared(&bare().compile(script).unwrap())?;
        complete(&mut params, options_of)?;
        Ok(params)
    }

    #[test]
    fn what_is_left_out_has_the_function_s_defaults() {
        let script = "param(\"net\", #{lr: 1e-3, batch: 2}, \"d\", \"Runs.cnn\")";
        let params = completed_in(script).unwrap();
        let given = Given {
            arguments: vec!["net.sigma=[0.0, 1.0]".to_owned()],
            ..Given::default()
        };
        let value = &resolve(&params, &given).unwrap()[0].value;
        let found = crate::language::value::shown(value);
        assert_eq!(
            found,
            "#{batch: 2, lr: 0.001, sigma: [0.0, 1.0], share: 0.25}"
        );
        let none = completed_in("param(\"net\", #{}, \"d\", \"Runs.cnn\")").unwrap();
        assert_eq!(none[0].default.as_mapping().unwrap().len(), 4);
        let wrong = Given {
            arguments: vec!["net.bach=3".to_owned()],
            ..Given::default()
        };
        assert!(resolve(&none, &wrong).unwrap_err().hint.contains("`batch`"));
    }

    #[test]
    fn functions_and_options_that_are_not_there_are_refused() {
        let check = |script: &str, expected: &str| {
            let error = completed_in(script).unwrap_err();
            assert!(error.message.contains(expected), "{}", error.message);
        };
        check(
            "param(\"a\", #{}, \"d\", \"Runs.cn\")",
            "no function `Runs.cn`",
        );
        check(
            "param(\"a\", #{bach: 1}, \"d\", \"Runs.cnn\")",
            "has no option `bach`",
        );
        check("param(\"a\", 1, \"d\", \"Runs.cnn\")", "is no map");
    }
}
