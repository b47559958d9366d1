use pe_metrics::{Evaluation, Level, ThresholdFrom};

use super::{Sheet, head, row};
use crate::experiment::baseline::meaning;
use crate::experiment::metric::Metric;
use crate::experiment::numbers::{
    capitalized, count, duration, interval, p_value, percent, plural, share, signed,
    signed_interval,
};
use crate::experiment::{Experiment, ModelResults, Results};
use crate::html::escaped;

/// Adds the table of the main level: our numbers with intervals, those of the reference beneath.
pub fn results(sheet: &mut Sheet, experiment: &Experiment, results: &Results) {
    let to_baseline = experiment.baseline_name();
    let to_baseline = to_baseline.map(|name| format!("less {name}'s"));
    let level = results.main_level();
    let metrics = Metric::of_level(level);
    let mut names = vec!["Model"];
    names.extend(metrics.clone().map(|metric| metric.name));
    names.extend(to_baseline.as_deref());
    names.push("Threshold");
    let best = best_of(metrics.clone(), || results.main());
    let mut body = String::new();
    for (n, (model, found)) in experiment.models.iter().zip(&results.models).enumerate() {
        let (ours, mut cells) = (&found.main, vec![escaped(&model.name)]);
        cells.extend(values(metrics.clone(), ours, &best, n));
        cells.extend(to_baseline.as_ref().map(|_| above_baseline(found)));
        cells.push(over(share(ours.threshold), from(ours)));
        body += &row("td", "ours", &cells);
        if let Some((_, theirs)) = experiment.of_reference(&model.id) {
            let reference = experiment.reference.as_ref();
            let mut cells = vec![reference.map_or_else(String::new, |from| escaped(&from.name))];
            cells.extend(metrics.clone().map(|metric| {
                let value = theirs.numbers.get(metric.key);
                value.map_or_else(String::new, |value| (metric.format)(*value))
            }));
            cells.resize(names.len(), String::new());
            body += &row("td", "beside", &cells);
        }
    }
    let (beneath, source) = match &experiment.reference {
        Some(from) => (
            format!(", the {}'s printed numbers beneath", from.name),
            format!(" The {}'s: {}.", from.name, from.data),
        ),
        None => (String::new(), String::new()),
    };
    let caption = format!(
        "{} Our numbers with their {} intervals (bootstrap over exams, {} replicates){beneath}; our \
         best of each column in bold. {}Our data: {}.{source}",
        level_words(level),
        percent(results.options.confidence),
        count(results.options.replicates),
        meaning(results).map_or_else(String::new, |text| text + " "),
        experiment.data_words(),
    );
    let rows = format!("{}<tbody>\n{body}</tbody>\n", head(&names));
    sheet.table(&caption, "numbers", &rows);
    optimism(sheet, experiment, results);
}

/// Returns, for each metric, which models are best.
fn best_of<'a, E: Iterator<Item = &'a Evaluation>>(
    metrics: impl Iterator<Item = &'static Metric>,
    evaluations: impl Fn() -> E,
) -> Vec<Vec<bool>> {
    metrics.map(|metric| metric.best(evaluations())).collect()
}

/// Returns the cells of model `n`: each metric with its interval.
fn values(
    metrics: impl Iterator<Item = &'static Metric>,
    ours: &Evaluation,
    best: &[Vec<bool>],
    n: usize,
) -> Vec<String> {
    let cell = |(metric, best): (&Metric, &Vec<bool>)| {
        let estimate = metric.estimate(ours);
        let value = (metric.format)(estimate.value);
        let value = if best[n] {
            format!("<span class=\"best\">{value}</span>")
        } else {
            value
        };
        over(value, &interval(&estimate))
    };
    metrics.zip(best).map(cell).collect()
}

/// Returns the difference of a model's AUC to the baseline's; empty for the baseline itself.
fn above_baseline(found: &ModelResults) -> String {
    found.difference().map_or_else(String::new, |to| {
        let value = over(signed(to.delta.value, 4), &signed_interval(&to.delta));
        over(value, &format!("p {}", p_value(to.p)))
    })
}

/// Adds the same numbers at the threshold that was chosen on the test part itself.
fn optimism(sheet: &mut Sheet, experiment: &Experiment, results: &Results) {
    let mut names = vec!["Model"];
    names.extend(Metric::of_thresholds().map(|(metric, _)| metric.name));
    names.push("Threshold");
    let body: String = experiment
        .models
        .iter()
        .zip(&results.models)
        .map(|(model, ours)| {
            let mut cells = vec![escaped(&model.name)];
            let at = &ours.optimistic;
            let values = Metric::of_thresholds();
            cells.extend(values.map(|(metric, of)| (metric.format)(at.value(of))));
            cells.push(share(at.threshold));
            row("td", "", &cells)
        })
        .collect();
    let caption = format!(
        "Optimistic: {} level at the threshold with the greatest Youden index on the test part \
         itself, which no model may know beforehand.",
        results.main_level().name()
    );
    sheet.table(
        &caption,
        "numbers",
        &format!("{}<tbody>\n{body}</tbody>\n", head(&names)),
    );
}

/// Adds the table of the comparisons that were asked for.
pub fn comparisons(sheet: &mut Sheet, experiment: &Experiment, results: &Results) {
    if results.comparisons.is_empty() {
        return;
    }
    let body: String = experiment
        .pairs
        .iter()
        .zip(&results.comparisons)
        .map(|(&(base, id), found)| {
            let name = |n: usize| escaped(&experiment.models[n].name);
            let delta = &found.delta_auroc;
            let mut cells = vec![
                name(id),
                name(base),
                signed(delta.value, 4),
                signed_interval(delta),
                signed(found.delong_z, 2),
                p_value(found.delong_p),
            ];
            cells.extend(found.same_height.iter().flat_map(|found| {
                let delta = &found.delta_auroc;
                let value = signed(delta.value, 4);
                [value, signed_interval(delta), p_value(found.p)]
            }));
            row("td", "", &cells)
        })
        .collect();
    let mut names = vec!["Model", "against", "Δ AUC", "interval", "z", "p"];
    let level = results.main_level();
    let (of_delong, same_height) = match level {
        Level::Slice => {
            names.extend(["Δ same-height AUC", "interval", "p"]);
            (
                "z and the first p by DeLong's test, which takes slices as independent and so is too \
                 sure.",
                " The same of the AUC at the same height, with p from the same bootstrap.",
            )
        }
        Level::Slab(_) => (
            "z and p by DeLong's test, which takes slabs as independent and so is too sure.",
            "",
        ),
        Level::Exam => ("z and p by DeLong's test.", ""),
    };
    let caption = format!(
        "Difference in AUC at {} level on the same exams: {} interval by a paired bootstrap over \
         exams; {of_delong}{same_height} p values are not corrected for the number of comparisons.",
        level.name(),
        percent(results.options.confidence)
    );
    sheet.heading("Comparisons");
    let rows = format!("{}<tbody>\n{body}</tbody>\n", head(&names));
    sheet.table(&caption, "numbers pairs", &rows);
}

/// Adds the tables of the other levels.
pub fn levels(sheet: &mut Sheet, experiment: &Experiment, results: &Results) {
    let Some(first) = results.models.first().filter(|one| !one.others.is_empty()) else {
        return;
    };
    let names: Vec<String> = first
        .others
        .iter()
        .map(|found| plural(found.level))
        .collect();
    sheet.heading(&capitalized(&names.join(" and ")));
    for (place, first) in first.others.iter().enumerate() {
        let metrics = Metric::of_level(first.level);
        let mut names = vec!["Model"];
        names.extend(metrics.clone().map(|metric| metric.name));
        names.push("Threshold");
        let evaluations = || results.models.iter().map(|model| &model.others[place]);
        let best = best_of(metrics.clone(), evaluations);
        let body: String = experiment
            .models
            .iter()
            .zip(evaluations())
            .enumerate()
            .map(|(n, (model, ours))| {
                let mut cells = vec![escaped(&model.name)];
                cells.extend(values(metrics.clone(), ours, &best, n));
                cells.push(over(share(ours.threshold), from(ours)));
                row("td", "ours", &cells)
            })
            .collect();
        let caption = format!(
            "{} {} samples, {} positive.",
            level_words(first.level),
            count(first.n_samples),
            count(first.n_positive)
        );
        let rows = format!("{}<tbody>\n{body}</tbody>\n", head(&names));
        sheet.table(&caption, "numbers", &rows);
    }
}

/// Says what a sample of a level is.
fn level_words(level: Level) -> String {
    match level {
        Level::Slice => "Slice level.".into(),
        Level::Slab(n) => format!(
            "Slab level: runs of {n} slices; a slab is positive when any of its slices is, and its \
             probability is its slices' greatest."
        ),
        Level::Exam => {
            "Exam level: the probability of an exam is the model's for the exam itself, or \
                        else its slices' greatest."
                .into()
        }
    }
}

/// Adds data, settings, training times, remarks and warnings.
pub fn settings(sheet: &mut Sheet, experiment: &Experiment, results: &Results) {
    sheet.heading("Data, settings and time");
    let data = experiment.data_words().to_owned();
    let evaluation = format!(
        "{} replicates, {} intervals, seed {}",
        count(results.options.replicates),
        percent(results.options.confidence),
        results.options.seed
    );
    let given = experiment.facts.iter().cloned();
    let facts: String = [("data".into(), data)]
        .into_iter()
        .chain(given)
        .chain([("evaluation".into(), evaluation)])
        .map(|(name, value)| row("td", "", &[escaped(&name), escaped(&value)]))
        .collect();
    let rows = format!("{}<tbody>\n{facts}</tbody>\n", head(&["What", "Value"]));
    sheet.table("Data and settings.", "words", &rows);
    times(sheet, experiment);
    let warnings = results.warnings(experiment);
    let remarks: String = experiment
        .notes
        .iter()
        .cloned()
        .chain(warnings)
        .map(|text| format!("<li>{}</li>\n", escaped(&text)))
        .collect();
    if !remarks.is_empty() {
        sheet.heading("Remarks");
        sheet.out.push_str(&format!("<ul>\n{remarks}</ul>\n"));
    }
}

fn times(sheet: &mut Sheet, experiment: &Experiment) {
    let models = experiment.models.iter();
    let timed = models.filter_map(|model| Some((model, model.training_s()?)));
    let body: String = timed
        .map(|(model, time)| {
            let epochs = model.history.len().to_string();
            row("td", "", &[escaped(&model.name), epochs, duration(time)])
        })
        .collect();
    if body.is_empty() {
        return;
    }
    let head = head(&["Model", "Epochs", "Training"]);
    let caption =
        "Time of training, validation included; of a sequence model without its backbone.";
    let rows = format!("{head}<tbody>\n{body}</tbody>\n");
    sheet.table(caption, "numbers", &rows);
}

/// Returns a cell's value with small text beneath it.
pub fn over(value: String, beneath: &str) -> String {
    format!("{value}<small>{}</small>", escaped(beneath))
}

/// Describes the source of a threshold.
fn from(ours: &Evaluation) -> &'static str {
    match ours.threshold_from {
        ThresholdFrom::Validation => "validation",
        ThresholdFrom::SameSamples => "test (optimistic)",
        ThresholdFrom::Half => "one class only",
    }
}
