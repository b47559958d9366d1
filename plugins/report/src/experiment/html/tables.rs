use pe_metrics::{Evaluation, Level, ThresholdFrom};

use super::{Sheet, head, row};
use crate::experiment::metric::Metric;
use crate::experiment::numbers::{
    count, duration, interval, p_value, percent, share, signed, signed_interval,
};
use crate::experiment::same_height::meaning;
use crate::experiment::{Experiment, ModelResults, Results};
use crate::html::escaped;

/// Adds the table of slices: our numbers with intervals, those of the reference beneath.
pub fn results(sheet: &mut Sheet, experiment: &Experiment, results: &Results) {
    let to_baseline = experiment.baseline_name();
    let to_baseline = to_baseline.map(|name| format!("less {name}'s"));
    let mut names = vec!["Model"];
    names.extend(Metric::of_slices().map(|metric| metric.name));
    names.extend(to_baseline.as_deref());
    names.push("Threshold");
    let best = best_of(Metric::of_slices(), || results.slices());
    let mut body = String::new();
    for (n, (model, found)) in experiment.models.iter().zip(&results.models).enumerate() {
        let (ours, mut cells) = (&found.slice, vec![escaped(&model.name)]);
        cells.extend(values(Metric::of_slices(), ours, &best, n));
        cells.extend(to_baseline.as_ref().map(|_| above_baseline(found)));
        cells.push(over(share(ours.threshold), from(ours)));
        body += &row("td", "ours", &cells);
        if let Some((_, theirs)) = experiment.of_reference(&model.id) {
            let reference = experiment.reference.as_ref();
            let mut cells = vec![reference.map_or_else(String::new, |from| escaped(&from.name))];
            cells.extend(Metric::of_slices().map(|metric| {
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
        "Slice level. Our numbers with their {} intervals (bootstrap over exams, {} \
         replicates){beneath}; our best of each column in bold. {} Our data: {}.{source}",
        percent(results.options.confidence),
        count(results.options.replicates),
        meaning(results),
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

/// Returns the difference of a model's same-height AUC to the baseline's; empty for the baseline
/// itself.
fn above_baseline(found: &ModelResults) -> String {
    found
        .same_height_to_baseline()
        .map_or_else(String::new, |to| {
            let delta = &to.delta_auroc;
            let value = over(signed(delta.value, 4), &signed_interval(delta));
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
    sheet.table(
        "Optimistic: slice level at the threshold with the greatest Youden index on the test part \
         itself, which no model may know beforehand.",
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
    let names = [
        "Model",
        "against",
        "Δ AUC",
        "interval",
        "z",
        "p",
        "Δ same-height AUC",
        "interval",
        "p",
    ];
    let caption = format!(
        "Difference in AUC at slice level on the same exams: {} interval by a paired bootstrap \
         over exams; z and the first p by DeLong's test, which takes slices as independent and so is \
         too sure. The same of the AUC at the same height, with p from the same bootstrap. p values are not corrected for the number of comparisons.",
        percent(results.options.confidence)
    );
    sheet.heading("Comparisons");
    let rows = format!("{}<tbody>\n{body}</tbody>\n", head(&names));
    sheet.table(&caption, "numbers pairs", &rows);
}

/// Adds the tables of slabs and exams.
pub fn levels(sheet: &mut Sheet, experiment: &Experiment, results: &Results) {
    sheet.heading("Slabs and exams");
    for (what, pick) in results.coarser_levels() {
        let mut names = vec!["Model"];
        names.extend(Metric::of_coarser().map(|metric| metric.name));
        names.push("Threshold");
        let evaluations = || results.models.iter().map(pick);
        let best = best_of(Metric::of_coarser(), evaluations);
        let body: String = experiment
            .models
            .iter()
            .zip(evaluations())
            .enumerate()
            .map(|(n, (model, ours))| {
                let mut cells = vec![escaped(&model.name)];
                cells.extend(values(Metric::of_coarser(), ours, &best, n));
                cells.push(over(share(ours.threshold), from(ours)));
                row("td", "ours", &cells)
            })
            .collect();
        let caption = results
            .models
            .first()
            .map_or_else(String::new, |first| level_caption(what, pick(first)));
        let rows = format!("{}<tbody>\n{body}</tbody>\n", head(&names));
        sheet.table(&caption, "numbers", &rows);
    }
}

fn level_caption(what: &str, ours: &Evaluation) -> String {
    let sample = match ours.level {
        Level::Slab(n) => format!(
            "runs of {n} slices; a slab is positive when any of its slices is, and its probability \
             is its slices' greatest"
        ),
        _ => "the probability of an exam is its slices' greatest".into(),
    };
    format!(
        "{what} level: {sample}. {} samples, {} positive.",
        count(ours.n_samples),
        count(ours.n_positive)
    )
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
