use std::path::Path;

use pe_files::Files;
use pe_metrics::{Estimate, Evaluation, Scores};
use serde_json::{Value, json};

use super::columns::{COLUMNS, interval, share, signed, signed_interval};
use super::html::{self, summary};
use super::same_height::meaning;
use super::{CAVEATS, Experiment, Model, ModelResults, PAPER_DATA, Results};
use crate::ReportError;
use crate::write::{write_together, write_whole};

/// Writes all files of an experiment; none of them appears before all are written.
pub fn save(
    experiment: &Experiment,
    results: &Results,
    folder: &Path,
    files: &Files,
) -> Result<(), ReportError> {
    let contents = [
        (
            "table2.html",
            html::render(experiment, results)?.into_bytes(),
        ),
        (NUMBERS, json(experiment, results).into_bytes()),
        ("table2.csv", table(experiment, results)?),
        ("table2.md", markdown(experiment, results).into_bytes()),
        ("predictions.csv", predictions(experiment)?),
    ];
    write_together(folder, &contents, files)
}

/// The name of the file with the numbers.
const NUMBERS: &str = "table2.json";

/// The numbers of an experiment that was saved into `folder`: the contents of its `table2.json`.
///
/// # Errors
/// [`ReportError::Io`] where there is none; [`ReportError::Damaged`] for one that is no JSON.
pub fn saved_numbers(folder: &Path, files: &Files) -> Result<Value, ReportError> {
    let path = folder.join(NUMBERS);
    let text = files.read(&path).map_err(|source| ReportError::Read {
        path: path.clone(),
        source,
    })?;
    serde_json::from_slice(&text).map_err(|error| ReportError::Damaged {
        path,
        expected: "the numbers of a saved experiment",
        found: error.to_string(),
    })
}

/// Everything numeric but the curves, which the predictions hold.
fn json(experiment: &Experiment, results: &Results) -> String {
    let models: Vec<Value> = experiment
        .models
        .iter()
        .zip(&results.models)
        .map(|(model, ours)| model_json(model, ours))
        .collect();
    let comparisons: Vec<Value> = experiment
        .pairs
        .iter()
        .zip(&results.comparisons)
        .map(|(&(base, id), found)| {
            let (base, id) = (&experiment.models[base].id, &experiment.models[id].id);
            json!({ "base": base, "model": id, "result": found })
        })
        .collect();
    let facts = experiment
        .facts
        .iter()
        .map(|(name, value)| json!({ "name": name, "value": value }));
    let whole = json!({
        "title": experiment.title,
        "data": experiment.data,
        "summary": summary(experiment, results),
        "options": results.options,
        "baseline": experiment.baseline.map(|baseline| &experiment.models[baseline].id),
        "models": models,
        "comparisons": comparisons,
        "groups": groups_json(experiment, results),
        "facts": facts.collect::<Vec<_>>(),
        "stages": experiment.stages,
        "notes": experiment.notes,
        "warnings": results.warnings(experiment),
        "paper": { "data": PAPER_DATA, "caveats": CAVEATS },
    });
    format!("{whole:#}\n")
}

/// Each model's numbers on each group of slices.
fn groups_json(experiment: &Experiment, results: &Results) -> Vec<Value> {
    let groups = experiment.groups.iter().zip(&results.groups);
    groups
        .map(|(groups, found)| {
            let models = experiment.models.iter().zip(found);
            let models: Vec<Value> = models
                .map(|(model, found)| {
                    json!({ "id": model.id, "threshold": found.threshold, "groups": found.groups })
                })
                .collect();
            json!({ "by": groups.name(), "models": models })
        })
        .collect()
}

fn model_json(model: &Model, ours: &ModelResults) -> Value {
    json!({
        "id": model.id,
        "name": model.name,
        "slice": numbers(&ours.slice),
        "slab": numbers(&ours.slab),
        "exam": numbers(&ours.exam),
        "optimistic": ours.optimistic,
        "to_baseline": ours.to_baseline,
        "paper": model.paper,
        "history": model.history,
    })
}

/// An evaluation without its curves and the options, which all share.
fn numbers(evaluation: &Evaluation) -> Value {
    let mut value = json!(evaluation);
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|name, _| !matches!(name.as_str(), "roc" | "precision_recall" | "options"));
    }
    value
}

/// One line for each model and level, and one for each of the paper's rows.
fn table(experiment: &Experiment, results: &Results) -> Result<Vec<u8>, ReportError> {
    let mut head = vec![
        "model".into(),
        "level".into(),
        "source".into(),
        "threshold".into(),
    ];
    for key in COLUMNS
        .map(|column| column.key)
        .into_iter()
        .chain(["same_height_auroc"])
    {
        head.extend(["", "_low", "_high"].map(|end| format!("{key}{end}")));
    }
    let mut rows = vec![head];
    for (model, ours) in experiment.models.iter().zip(&results.models) {
        for (level, evaluation) in [
            ("slice", &ours.slice),
            ("slab", &ours.slab),
            ("exam", &ours.exam),
        ] {
            let values = COLUMNS.iter().flat_map(|column| {
                let estimate = (column.ours)(evaluation);
                [estimate.value, estimate.low, estimate.high].map(number)
            });
            let same_height = evaluation.same_height_auroc.map(|found| found.auroc);
            let same_height = same_height.map_or([f64::NAN; 3], |estimate| {
                [estimate.value, estimate.low, estimate.high]
            });
            let values = values.chain(same_height.map(number));
            let first = line(model, level, "ours", evaluation.threshold);
            rows.push(first.chain(values).collect());
        }
        let optimistic = &ours.optimistic;
        let first = line(
            model,
            "slice",
            "ours, optimistic threshold",
            optimistic.threshold,
        );
        let values = COLUMNS.iter().map(|column| (column.optimistic)(optimistic));
        let values = values.chain([f64::NAN]);
        rows.push(first.chain(values.flat_map(alone)).collect());
        if let Some(paper) = &model.paper {
            let values = COLUMNS.iter().map(|column| (column.paper)(paper));
            let values = values.chain([f64::NAN]);
            let first = line(model, "slice", "paper", f64::NAN);
            rows.push(first.chain(values.flat_map(alone)).collect());
        }
    }
    csv_bytes(rows)
}

fn line(model: &Model, level: &str, source: &str, threshold: f64) -> impl Iterator<Item = String> {
    [
        model.id.clone(),
        level.into(),
        source.into(),
        number(threshold),
    ]
    .into_iter()
}

/// A number without an interval.
fn alone(value: f64) -> [String; 3] {
    [number(value), String::new(), String::new()]
}

/// The shortest text that reads back as the same number; empty for what is none.
fn number(value: f64) -> String {
    if value.is_finite() {
        format!("{value:?}")
    } else {
        String::new()
    }
}

/// The table with intervals, as Markdown.
fn markdown(experiment: &Experiment, results: &Results) -> String {
    let row = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut names = vec!["Model".into()];
    names.extend(COLUMNS.iter().map(|column| column.name.into()));
    names.extend(["AUC interval", "Same-height AUC"].map(Into::into));
    if let Some(baseline) = experiment.baseline_name() {
        names.push(format!("less {}'s", plain(baseline)));
    }
    names.push("Threshold".into());
    let n_columns = names.len();
    let rule = vec!["---:".into(); names.len() - 1];
    let mut out = format!("# {}\n\n", plain(&experiment.title));
    out += &format!("{}\n\n", plain(&summary(experiment, results)));
    out += &row(names);
    out += &row([":---".into()].into_iter().chain(rule).collect());
    let best = COLUMNS.map(|column| column.best(results.slices()));
    for (n, (model, found)) in experiment.models.iter().zip(&results.models).enumerate() {
        let (ours, mut cells) = (&found.slice, vec![plain(&model.name)]);
        for (column, best) in COLUMNS.iter().zip(&best) {
            let value = share((column.ours)(ours).value);
            cells.push(if best[n] {
                format!("**{value}**")
            } else {
                value
            });
        }
        let same_height = found.same_height_auroc();
        cells.extend([interval(&ours.auroc), with(&same_height, share, interval)]);
        if experiment.baseline.is_some() {
            let delta = found
                .same_height_to_baseline()
                .map(|found| found.delta_auroc);
            let cell = |delta| with(&delta, |value| signed(value, 4), signed_interval);
            cells.push(delta.map_or_else(String::new, cell));
        }
        cells.push(share(ours.threshold));
        out += &row(cells);
        if let Some(paper) = &model.paper {
            let mut cells = vec!["*paper*".into()];
            cells.extend(
                COLUMNS
                    .iter()
                    .map(|column| format!("*{}*", share((column.paper)(paper)))),
            );
            cells.resize(n_columns, String::new());
            out += &row(cells);
        }
    }
    out += &format!("\n{}\n", plain(&meaning(results)));
    out += &format!("\nPaper: {PAPER_DATA}.\n\n");
    for text in CAVEATS {
        out += &format!("- {text}\n");
    }
    out
}

/// A number with its interval in brackets.
fn with(
    estimate: &Estimate,
    value: impl Fn(f64) -> String,
    interval: fn(&Estimate) -> String,
) -> String {
    format!("{} ({})", value(estimate.value), interval(estimate))
}

/// Text that Markdown shows as it is.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        match letter {
            '\n' | '\r' => out.push(' '),
            '\\' | '`' | '*' | '_' | '|' | '<' | '>' | '[' | ']' | '#' => {
                out.push('\\');
                out.push(letter);
            }
            _ => out.push(letter),
        }
    }
    out
}

fn predictions(experiment: &Experiment) -> Result<Vec<u8>, ReportError> {
    let models = experiment.models.iter();
    predictions_of(
        &models
            .map(|model| (model.id.as_str(), &model.scores))
            .collect::<Vec<_>>(),
    )
}

/// Writes the probabilities of one model as a table: exam, slice index, label (empty where there is
/// none), probability.
///
/// # Errors
/// [`ReportError::Io`].
pub fn save_predictions(scores: &Scores, path: &Path, files: &Files) -> Result<(), ReportError> {
    let predictions = predictions_of(&[(scores.model(), scores)])?;
    write_whole(path, &predictions, files)
}

/// A line for each slice: exam, slice index, label (empty where there is none), and a column of
/// probabilities for each model. All models have the same exams.
fn predictions_of(models: &[(&str, &Scores)]) -> Result<Vec<u8>, ReportError> {
    let mut head: Vec<String> = ["exam", "slice_idx", "label"].map(Into::into).into();
    head.extend(models.iter().map(|(id, _)| (*id).to_owned()));
    let mut rows = vec![head];
    let first = models.first().map_or(&[][..], |(_, scores)| scores.exams());
    for (exam_idx, exam) in first.iter().enumerate() {
        for (slice_idx, label) in exam.labels.iter().enumerate() {
            let label = label.map_or("", |label| if label { "1" } else { "0" });
            let mut row = vec![exam.exam.clone(), slice_idx.to_string(), label.into()];
            let probability =
                |scores: &Scores| number(scores.exams()[exam_idx].probabilities[slice_idx]);
            row.extend(models.iter().map(|(_, scores)| probability(scores)));
            rows.push(row);
        }
    }
    csv_bytes(rows)
}

fn csv_bytes(rows: Vec<Vec<String>>) -> Result<Vec<u8>, ReportError> {
    let failed = |error: String| ReportError::Io {
        path: "a table in memory".into(),
        source: std::io::Error::other(error),
    };
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in &rows {
        writer
            .write_record(row)
            .map_err(|error| failed(error.to_string()))?;
    }
    writer
        .into_inner()
        .map_err(|error| failed(error.to_string()))
}
