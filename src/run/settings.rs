//! Settings of the run given as `key=value`: `device=cuda` instead of `--device cuda`.

use crate::params::{Bad, Param, SETTINGS, split};
use crate::run::RunArgs;

/// Moves such arguments from the parameters to their options. A key that the script declares as a
/// parameter stays one.
pub(super) fn fold(arguments: &RunArgs, params: &[Param]) -> Result<RunArgs, Bad> {
    let mut folded = RunArgs {
        params: Vec::new(),
        ..arguments.clone()
    };
    let mut seen = Vec::new();
    for argument in &arguments.params {
        let (key, text) = split(argument)?;
        if !SETTINGS.contains(&key) || params.iter().any(|param| param.name == key) {
            folded.params.push(argument.clone());
            continue;
        }
        if seen.contains(&key) {
            let message = format!("setting `{key}` is given twice on the command line");
            return Err(Bad::new(message, "give it once"));
        }
        seen.push(key);
        match key {
            "seed" => put(&mut folded.session.seed, key, integer(key, text)?)?,
            "threads" => put(&mut folded.session.threads, key, threads(text)?)?,
            _ => put(&mut folded.session.device, key, text.to_owned())?,
        }
    }
    Ok(folded)
}

/// Sets an option, unless it was given with another value.
fn put<T>(option: &mut Option<T>, key: &str, value: T) -> Result<(), Bad>
where
    T: PartialEq + std::fmt::Display,
{
    match option {
        Some(known) if *known != value => {
            let message = format!("`--{key} {known}` and `{key}={value}` are both given");
            Err(Bad::new(message, "give one of them"))
        }
        _ => {
            *option = Some(value);
            Ok(())
        }
    }
}

fn integer(key: &str, text: &str) -> Result<i64, Bad> {
    text.parse().map_err(|_| {
        let message = format!("setting `{key}`: expected an integer, found `{text}`");
        Bad::new(message, format!("as in `{key}=3`"))
    })
}

fn threads(text: &str) -> Result<u16, Bad> {
    let number = integer("threads", text)?;
    let fits = u16::try_from(number).ok().filter(|&number| number > 0);
    fits.ok_or_else(|| {
        let message = format!("setting `threads`: expected 1 to 65535, found {number}");
        Bad::new(message, "leave it out to use all cores")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::bare;
    use crate::params::declared;
    use crate::session::SessionArgs;

    fn fold_in(script: &str, given: &[&str], options: &RunArgs) -> Result<RunArgs, Bad> {
        let params = declared(&bare().compile(script).unwrap()).unwrap();
        let arguments = RunArgs {
            params: given.iter().map(|&text| text.to_owned()).collect(),
            ..options.clone()
        };
        fold(&arguments, &params)
    }

    #[test]
    fn settings_are_taken_unless_the_script_declares_them() {
        let check = |script: &str, given: &[&str], params: &[&str], settings| {
            let folded = fold_in(script, given, &RunArgs::default()).unwrap();
            assert_eq!(folded.params, params);
            let found = (
                folded.session.device.as_deref(),
                folded.session.seed,
                folded.session.threads,
            );
            assert_eq!(found, settings, "{given:?}");
        };
        check("", &[], &[], (None, None, None));
        check(
            "",
            &["device=cuda:1", "n=1", "seed=-3", "threads=2"],
            &["n=1"],
            (Some("cuda:1"), Some(-3), Some(2)),
        );
        check(
            "param(\"seed\", 1, \"d\")",
            &["seed=5", "threads=65535"],
            &["seed=5"],
            (None, None, Some(65535)),
        );
    }

    #[test]
    fn what_is_said_twice_or_wrongly_is_refused() {
        let options = RunArgs {
            session: SessionArgs {
                seed: Some(3),
                device: Some("cpu".to_owned()),
                ..SessionArgs::default()
            },
            ..RunArgs::default()
        };
        let check = |given: &[&str], message: &str| {
            let bad = fold_in("", given, &options).unwrap_err();
            assert!(bad.message.contains(message), "{}", bad.message);
        };
        assert_eq!(
            fold_in("", &["seed=3"], &options).unwrap().session.seed,
            Some(3)
        );
        check(&["seed=4"], "`--seed 3` and `seed=4` are both given");
        check(&["device=cuda"], "`--device cpu` and `device=cuda`");
        check(&["seed=3", "seed=3"], "`seed` is given twice");
        check(&["seed=1.5"], "`seed`: expected an integer, found `1.5`");
        check(&["threads=0"], "expected 1 to 65535, found 0");
        check(&["threads=65536"], "found 65536");
        check(&["threads"], "expected `key=value`");
    }
}
