//! The options that the documentation names, with their defaults, are those that functions take.

use std::collections::BTreeSet;

use libtest_mimic::{Failed, Trial};
use pe_script::catalogue::{Catalogue, Function, OptionDoc};
use pe_script::docs::Runner;
use rhai::{Dynamic, Engine};
use serde::Serialize;
use serde_json::Value;

use crate::{none_of, runner};

/// Calls with an option that no function has: the error lists those that there are.
const CALLS: [(&str, &str); 23] = [
    (
        "dicom::deidentify",
        "dicom::deidentify(cohort, \"none\", MAP)",
    ),
    ("dicom::scan", "dicom::scan(cohort, MAP)"),
    ("lung::mask", "lung::mask(volume, MAP)"),
    ("lung::masking", "lung::masking(MAP)"),
    ("metrics::scores", "metrics::scores(\"a\", [MAP])"),
    ("metrics::groups", "metrics::groups(\"a\", [MAP])"),
    ("metrics::youden", "metrics::youden(scores, MAP)"),
    ("metrics::evaluate", "metrics::evaluate(scores, MAP)"),
    ("metrics::compare", "metrics::compare(scores, other, MAP)"),
    ("Scores.with_threshold", "scores.with_threshold(0.5, MAP)"),
    ("Scores.by", "scores.by(metrics::groups(\"a\", []), MAP)"),
    ("phantom::exam", "phantom::exam(0, MAP)"),
    ("phantom::write", "phantom::write(\"none\", MAP)"),
    (
        "report::contact_sheet",
        "report::contact_sheet(volume, mask, MAP)",
    ),
    ("report::histogram", "report::histogram(volume, mask, MAP)"),
    ("report::line_plot", "report::line_plot(\"a\", [], MAP)"),
    ("report::experiment", "report::experiment(\"a\", MAP)"),
    ("Experiment.evaluate", "experiment.evaluate(MAP)"),
    ("store::slices", "store::slices(\"none\", MAP)"),
    ("train::runs", "train::runs(\"none\", MAP)"),
    ("train::split", "train::split(slices, MAP)"),
    ("Runs.cnn", "runs.cnn(\"none\", MAP, slices, split)"),
    (
        "Runs.sequence",
        "runs.sequence(\"none\", MAP, features, split)",
    ),
];

/// Maps that are no option maps: an entry of `scores.errors(n)`, passed on; a parameter's default, whose
/// entries are the options of a function that the script names.
const NO_OPTIONS: [&str; 2] = ["Experiment.example", "param"];

const UNKNOWN: &str = "#{ zzzzzzzz_qqqqqqqq: 1 }";

pub fn trials(catalogue: &Catalogue) -> Vec<Trial> {
    let mut trials: Vec<Trial> = CALLS
        .iter()
        .map(|&(name, call)| {
            let documented = documented(catalogue, name);
            Trial::test(format!("options::{name}"), move || {
                let accepted = runner::with(move |runner| accepted(runner, call))?;
                let names: BTreeSet<String> = documented.into_iter().map(|o| o.name).collect();
                if names == accepted {
                    Ok(())
                } else {
                    Err(Failed::from(format!(
                        "the documentation names {names:?}, and {accepted:?} are taken"
                    )))
                }
            })
        })
        .collect();
    trials.extend(defaults().into_iter().map(|(name, defaults)| {
        let documented = documented(catalogue, name);
        Trial::test(format!("defaults::{name}"), move || {
            none_of(different(&documented, &defaults))
        })
    }));
    let maps: Vec<String> = unchecked(catalogue);
    trials.push(Trial::test("options::of_every_function", move || {
        none_of(maps)
    }));
    trials
}

/// The options of all overloads of a function.
fn documented(catalogue: &Catalogue, name: &str) -> Vec<OptionDoc> {
    let overloads = catalogue.named(name).into_iter();
    overloads.flat_map(|f| catalogue.options_of(f)).collect()
}

/// What the error of a call with an unknown option lists.
fn accepted(runner: &Runner, call: &str) -> Result<BTreeSet<String>, String> {
    let call = call.replace("MAP", UNKNOWN);
    let script = format!("try {{ {call}; }} catch (error) {{ print(error.hint); }}");
    let printed = runner.printed("unknown option", &script)?.join("\n");
    let listed = printed.strip_prefix("the options are ");
    let listed =
        listed.ok_or_else(|| format!("{call}: expected the options, found `{printed}`"))?;
    Ok(listed.split(", ").map(str::to_owned).collect())
}

/// Functions that take a map and are in no table here.
fn unchecked(catalogue: &Catalogue) -> Vec<String> {
    let takes_map = |f: &&Function| !f.standard && f.params.iter().any(|p| p.type_name == "map");
    let name = |f: &Function| match f.on_type() {
        Some(on) => format!("{on}.{}", f.name),
        None => f.path(),
    };
    let known = |name: &String| {
        CALLS.iter().any(|(call, _)| call == name) || NO_OPTIONS.contains(&name.as_str())
    };
    let names = catalogue.functions().iter().filter(takes_map).map(name);
    names
        .filter(|name| !known(name))
        .map(|name| format!("{name} takes a map, and its options are not looked at"))
        .collect()
}

/// The options' own defaults, of the types that say them.
fn defaults() -> [(&'static str, Value); 14] {
    fn of<T: Serialize + Default>() -> Value {
        serde_json::to_value(T::default()).unwrap()
    }
    [
        ("dicom::scan", of::<pe_dicom::ScanOptions>()),
        ("lung::masking", of::<pe_lung::MaskOptions>()),
        ("metrics::evaluate", of::<pe_metrics::EvaluateOptions>()),
        ("phantom::write", of::<pe_phantom::PhantomOptions>()),
        (
            "report::contact_sheet",
            of::<pe_report::ContactSheetOptions>(),
        ),
        ("report::histogram", of::<pe_report::HistogramOptions>()),
        ("report::line_plot", of::<pe_report::LinePlotOptions>()),
        ("report::experiment", of::<pe_report::ExperimentOptions>()),
        ("Experiment.evaluate", of::<pe_metrics::EvaluateOptions>()),
        ("store::slices", of::<pe_store::SliceSettings>()),
        ("train::runs", of::<pe_train::RunSettings>()),
        ("train::split", of::<pe_train::SplitOptions>()),
        ("Runs.cnn", of::<pe_train::CnnOptions>()),
        ("Runs.sequence", of::<pe_train::SequenceOptions>()),
    ]
}

/// Documented defaults that are not the real ones. What is `null` has no value to be written.
fn different(documented: &[OptionDoc], defaults: &Value) -> Vec<String> {
    let engine = Engine::new();
    let problem = |option: &OptionDoc| {
        let real = defaults.get(&option.name).filter(|real| !real.is_null())?;
        let written = engine.eval_expression::<Dynamic>(&option.default).ok();
        let written = written.and_then(|value| serde_json::to_value(value).ok());
        let same = written.is_some_and(|written| equal(&written, real));
        let text = format!(
            "`{}` is said to be {}, and is {real}",
            option.name, option.default
        );
        (!same).then_some(text)
    };
    documented.iter().filter_map(problem).collect()
}

/// Equality with whole and decimal numbers alike.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
        }
        (Value::Number(a), Value::Number(b)) => a
            .as_f64()
            .zip(b.as_f64())
            .is_some_and(|(a, b)| (a - b).abs() < 1e-12),
        _ => a == b,
    }
}
