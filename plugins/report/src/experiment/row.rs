use pe_metrics::Estimate;

use super::metric::METRICS;
use super::{Experiment, Model, ModelResults};
use crate::ReportError;

/// A model's numbers by name, for scripts and run records.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The model's name in scripts.
    pub id: String,
    /// The model's display name.
    pub name: String,
    /// `threshold`; `accuracy`, `accuracy_low`, `accuracy_high` and so on for each metric at the main
    /// level; if there is a baseline and the model is another, the difference of the same-height AUC
    /// to the baseline's: `same_height_to_baseline`, `same_height_to_baseline_low`,
    /// `same_height_to_baseline_high`, `same_height_to_baseline_p`, or `auroc_to_baseline` and so on
    /// if the main level is not that of slices; `slab_auroc`, `exam_auroc` for other levels that have
    /// labels; and if the reference has the model, `reference_accuracy` and so on for each number
    /// that it has.
    pub numbers: Vec<(String, f64)>,
}

impl Experiment {
    /// Returns each model's numbers.
    ///
    /// # Errors
    /// [`ReportError::NotEvaluated`].
    pub fn rows(&self) -> Result<Vec<Row>, ReportError> {
        let results = &self.results()?.models;
        let rows = self.models.iter().zip(results);
        Ok(rows.map(|(model, ours)| row(self, model, ours)).collect())
    }
}

fn row(experiment: &Experiment, model: &Model, ours: &ModelResults) -> Row {
    let mut numbers = vec![("threshold".into(), ours.main.threshold)];
    for metric in &METRICS {
        numbers.extend(named(metric.key, &metric.estimate(&ours.main)));
    }
    if let Some(found) = ours.difference() {
        let key = match ours.main.same_height_auroc {
            Some(_) => "same_height_to_baseline",
            None => "auroc_to_baseline",
        };
        numbers.extend(named(key, &found.delta));
        numbers.push((format!("{key}_p"), found.p));
    }
    let others = ours.others.iter();
    numbers.extend(others.map(|found| {
        let key = format!("{}_auroc", found.level.name());
        (key, found.auroc.value)
    }));
    if let Some((_, reference)) = experiment.of_reference(&model.id) {
        let theirs = reference.numbers.iter();
        numbers.extend(theirs.map(|(key, value)| (format!("reference_{key}"), *value)));
    }
    Row {
        id: model.id.clone(),
        name: model.name.clone(),
        numbers,
    }
}

/// Returns a number and the ends of its interval, by their names.
fn named(key: &str, estimate: &Estimate) -> [(String, f64); 3] {
    [
        (key.into(), estimate.value),
        (format!("{key}_low"), estimate.low),
        (format!("{key}_high"), estimate.high),
    ]
}
