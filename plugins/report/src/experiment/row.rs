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
    /// `threshold`; `accuracy`, `accuracy_low`, `accuracy_high` and so on for each metric at slice
    /// level; the difference of the same-height AUC to the baseline's, if there is a baseline and
    /// the model is another: `same_height_to_baseline`, `same_height_to_baseline_low`,
    /// `same_height_to_baseline_high`, `same_height_to_baseline_p`; `slab_auroc`, `exam_auroc`; and
    /// if the reference has the model, `reference_accuracy` and so on for each number that it has.
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
    let mut numbers = vec![("threshold".into(), ours.slice.threshold)];
    for metric in &METRICS {
        numbers.extend(named(metric.key, &metric.estimate(&ours.slice)));
    }
    if let Some(found) = ours.same_height_to_baseline() {
        numbers.extend(named("same_height_to_baseline", &found.delta_auroc));
        numbers.push(("same_height_to_baseline_p".into(), found.p));
    }
    numbers.push(("slab_auroc".into(), ours.slab.auroc.value));
    numbers.push(("exam_auroc".into(), ours.exam.auroc.value));
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
