use std::path::Path;

use pe_files::Files;
use pe_metrics::{Estimate, Evaluation, ExamScores, Level, Scores};
use serde_json::{Value, json};

use super::baseline::meaning;
use super::html::{self, summary};
use super::metric::{METRICS, Metric};
use super::numbers::{interval, share, signed, signed_interval};
use super::{Experiment, Model, ModelResults, Optimistic, Results};
use crate::ReportError;
use crate::write::{write_together, write_whole};

/// Writes all files of an experiment. None of them appears before all are written.
pub fn save(
    experiment: &Experiment,
    results: &Results,
    folder: &Path,
    files: &Files,
) -> Result<(), ReportError> {
    let named = |ending: &str| format!("{}.{ending}", experiment.file);
    let html = html::render(experiment, results)?.into_bytes();
    let contents = [
        (named("html"), html),
        (named("json"), json(experiment, results).into_bytes()),
        (named("csv"), table(experiment, results)?),
        (named("md"), markdown(experiment, results).into_bytes()),
        ("predictions.csv".to_owned(), predictions(experiment)?),
    ];
    write_together(folder, &contents, files)
}

/// Reads the numbers of an experiment that was saved: the contents of its `.json` file.
///
/// # Errors
/// [`ReportError::Read`] when the file cannot be read; [`ReportError::Damaged`] when it is not
/// JSON.
pub fn saved_numbers(path: &Path, files: &Files) -> Result<Value, ReportError> {
    let text = files.read(path).map_err(|source| ReportError::Read {
        path: path.to_path_buf(),
        source,
    })?;
    serde_json::from_slice(&text).map_err(|error| ReportError::Damaged {
        path: path.to_path_buf(),
        expected: "the numbers of a saved experiment",
        found: error.to_string(),
    })
}

/// Returns all numbers as JSON, except the curves, which can be computed from the predictions.
fn json(experiment: &Experiment, results: &Results) -> String {
    let models: Vec<Value> = experiment
        .models
        .iter()
        .zip(&results.models)
        .map(|(model, ours)| model_json(experiment, model, ours))
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
        "target": experiment.target(),
        "level": results.main_level().name(),
        "summary": summary(experiment, results),
        "options": results.options,
        "baseline": experiment.baseline.map(|baseline| &experiment.models[baseline].id),
        "models": models,
        "comparisons": comparisons,
        "groups": groups_json(experiment, results),
        "facts": facts.collect::<Vec<_>>(),
        "notes": experiment.notes,
        "warnings": results.warnings(experiment),
        "reference": experiment.reference,
    });
    format!("{whole:#}\n")
}

/// Returns each model's numbers on each group of slices.
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

fn model_json(experiment: &Experiment, model: &Model, ours: &ModelResults) -> Value {
    let reference = experiment.of_reference(&model.id);
    let mut value = json!({
        "id": model.id,
        "name": model.name,
        "optimistic": optimistic_json(&ours.optimistic),
        "to_baseline": ours.to_baseline,
        "reference": reference.map(|(_, theirs)| &theirs.numbers),
        "training_s": model.training_s(),
        "history": model.history,
    });
    for found in ours.levels() {
        value[found.level.name()] = numbers(found);
    }
    value
}

fn optimistic_json(optimistic: &Optimistic) -> Value {
    let mut fields = serde_json::Map::new();
    fields.insert("threshold".into(), json!(optimistic.threshold));
    fields.insert("confusion".into(), json!(optimistic.confusion));
    for (metric, of) in Metric::of_thresholds() {
        fields.insert(metric.key.into(), json!(optimistic.value(of)));
    }
    fields.into()
}

/// Returns an evaluation without its curves, and without the options, which all evaluations share.
fn numbers(evaluation: &Evaluation) -> Value {
    let mut value = json!(evaluation);
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|name, _| !matches!(name.as_str(), "roc" | "precision_recall" | "options"));
    }
    value
}

/// Returns the CSV table: one line for each model and level, and one for each row of the reference.
fn table(experiment: &Experiment, results: &Results) -> Result<Vec<u8>, ReportError> {
    let mut head: Vec<String> = ["model", "level", "source", "threshold"]
        .map(Into::into)
        .into();
    for metric in &METRICS {
        head.extend(["", "_low", "_high"].map(|end| format!("{}{end}", metric.key)));
    }
    let mut rows = vec![head];
    for (model, ours) in experiment.models.iter().zip(&results.models) {
        let main = ours.main.level.name();
        for evaluation in ours.levels() {
            let values = METRICS.iter().flat_map(|metric| {
                let estimate = metric.estimate(evaluation);
                [estimate.value, estimate.low, estimate.high].map(number)
            });
            let first = line(model, evaluation.level.name(), "ours", evaluation.threshold);
            rows.push(first.chain(values).collect());
        }
        let at = &ours.optimistic;
        let values = METRICS.iter().flat_map(|metric| {
            let of_ranking = || (metric.key == "auroc").then_some(ours.main.auroc.value);
            let of_threshold = metric.at_threshold.map(|of| at.value(of));
            alone(of_threshold.or_else(of_ranking).unwrap_or(f64::NAN))
        });
        let first = line(model, main, "ours, optimistic threshold", at.threshold);
        rows.push(first.chain(values).collect());
        if let Some((_, theirs)) = experiment.of_reference(&model.id) {
            let reference = experiment.reference.as_ref();
            let source = reference.map_or("", |from| from.name.as_str());
            let value = |metric: &Metric| theirs.numbers.get(metric.key).copied();
            let values = METRICS
                .iter()
                .flat_map(|metric| alone(value(metric).unwrap_or(f64::NAN)));
            let first = line(model, main, source, f64::NAN);
            rows.push(first.chain(values).collect());
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

/// Returns the cells of a number without an interval.
fn alone(value: f64) -> [String; 3] {
    [number(value), String::new(), String::new()]
}

/// Returns the shortest text that parses to the same number; empty if it is not finite.
fn number(value: f64) -> String {
    if value.is_finite() {
        format!("{value:?}")
    } else {
        String::new()
    }
}

/// Returns the table with intervals, as Markdown.
fn markdown(experiment: &Experiment, results: &Results) -> String {
    let row = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut names = vec!["Model".into()];
    names.extend(Metric::of_all().map(|metric| metric.name.into()));
    names.push("AUC interval".into());
    if results.main_level() == Level::Slice {
        names.push("Same-height AUC".into());
    }
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
    let best: Vec<Vec<bool>> = Metric::of_all()
        .map(|metric| metric.best(results.main()))
        .collect();
    for (n, (model, found)) in experiment.models.iter().zip(&results.models).enumerate() {
        let (ours, mut cells) = (&found.main, vec![plain(&model.name)]);
        for (metric, best) in Metric::of_all().zip(&best) {
            let value = (metric.format)(metric.estimate(ours).value);
            cells.push(if best[n] {
                format!("**{value}**")
            } else {
                value
            });
        }
        cells.push(interval(&ours.auroc));
        if let Some(same_height) = &ours.same_height_auroc {
            cells.push(with(&same_height.auroc, share, interval));
        }
        if experiment.baseline.is_some() {
            let delta = found.difference().map(|found| found.delta);
            let cell = |delta| with(&delta, |value| signed(value, 4), signed_interval);
            cells.push(delta.map_or_else(String::new, cell));
        }
        cells.push(share(ours.threshold));
        out += &row(cells);
        if let Some((_, theirs)) = experiment.of_reference(&model.id) {
            let name = experiment
                .reference
                .as_ref()
                .map_or("", |from| from.name.as_str());
            let mut cells = vec![format!("*{}*", plain(name))];
            cells.extend(Metric::of_all().map(|metric| {
                let value = theirs.numbers.get(metric.key);
                value.map_or_else(String::new, |value| {
                    format!("*{}*", (metric.format)(*value))
                })
            }));
            cells.resize(n_columns, String::new());
            out += &row(cells);
        }
    }
    if let Some(meaning) = meaning(results) {
        out += &format!("\n{}\n", plain(&meaning));
    }
    if let Some(reference) = &experiment.reference {
        out += &format!("\n{}\n\n", plain(&reference.source()));
        for text in &reference.caveats {
            out += &format!("- {}\n", plain(text));
        }
    }
    out
}

/// Formats a number with its interval in brackets.
fn with(
    estimate: &Estimate,
    value: impl Fn(f64) -> String,
    interval: fn(&Estimate) -> String,
) -> String {
    format!("{} ({})", value(estimate.value), interval(estimate))
}

/// Escapes text for Markdown.
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

/// Writes the probabilities of one model as a table: exam, slice index (empty for the exam itself),
/// label (empty if there is none), probability.
///
/// # Errors
/// [`ReportError::Io`].
pub fn save_predictions(scores: &Scores, path: &Path, files: &Files) -> Result<(), ReportError> {
    let predictions = predictions_of(&[(scores.model(), scores)])?;
    write_whole(path, &predictions, files)
}

/// Returns a line for each slice: exam, slice index, label (empty if there is none), and a column
/// of probabilities for each model. An exam that any model has a probability of its own for gets
/// one more line, without a slice index. All models must have the same exams.
fn predictions_of(models: &[(&str, &Scores)]) -> Result<Vec<u8>, ReportError> {
    let mut head: Vec<String> = ["exam", "slice_idx", "label"].map(Into::into).into();
    head.extend(models.iter().map(|(id, _)| (*id).to_owned()));
    let mut rows = vec![head];
    let first = models.first().map_or(&[][..], |(_, scores)| scores.exams());
    for (exam_idx, exam) in first.iter().enumerate() {
        let mut add = |slice_idx: String, label: Option<bool>, of: &dyn Fn(&ExamScores) -> f64| {
            let label = label.map_or("", |label| if label { "1" } else { "0" });
            let mut row = vec![exam.exam.clone(), slice_idx, label.into()];
            let scored = models.iter().map(|(_, scores)| &scores.exams()[exam_idx]);
            row.extend(scored.map(|scored| number(of(scored))));
            rows.push(row);
        };
        for (slice_idx, label) in exam.labels.iter().enumerate() {
            add(slice_idx.to_string(), *label, &|scored| {
                scored.probabilities[slice_idx]
            });
        }
        let own = |scores: &Scores| scores.exams()[exam_idx].probability.is_some();
        if models.iter().any(|(_, scores)| own(scores)) {
            add(String::new(), exam.positive, &|scored| {
                scored.probability.unwrap_or(f64::NAN)
            });
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
