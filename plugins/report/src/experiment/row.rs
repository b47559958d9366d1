use pe_metrics::Estimate;

use super::columns::COLUMNS;
use super::{Experiment, Model, ModelResults};
use crate::ReportError;

/// A model's numbers by name, for scripts and run records.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The model's name in scripts.
    pub id: String,
    /// The model's name for people.
    pub name: String,
    /// `threshold`; `accuracy`, `accuracy_low`, `accuracy_high` … `auroc_high` at slice level;
    /// `same_height_auroc`, `same_height_auroc_low`, `same_height_auroc_high`; how much that is above
    /// the baseline's, where there is one and the model is another: `same_height_to_baseline`,
    /// `same_height_to_baseline_low`, `same_height_to_baseline_high`, `same_height_to_baseline_p`;
    /// `slab_auroc`, `exam_auroc`; and where the paper has the model, `paper_accuracy` …
    /// `paper_auroc`.
    pub numbers: Vec<(String, f64)>,
}

impl Experiment {
    /// Each model's numbers.
    ///
    /// # Errors
    /// [`ReportError::NotEvaluated`].
    pub fn rows(&self) -> Result<Vec<Row>, ReportError> {
        let results = &self.results()?.models;
        Ok(self.models.iter().zip(results).map(row).collect())
    }
}

fn row((model, ours): (&Model, &ModelResults)) -> Row {
    let mut numbers = vec![("threshold".into(), ours.slice.threshold)];
    for column in &COLUMNS {
        numbers.extend(named(column.key, (column.ours)(&ours.slice)));
    }
    numbers.extend(named("same_height_auroc", &ours.same_height_auroc()));
    if let Some(found) = ours.same_height_to_baseline() {
        numbers.extend(named("same_height_to_baseline", &found.delta_auroc));
        numbers.push(("same_height_to_baseline_p".into(), found.p));
    }
    numbers.push(("slab_auroc".into(), ours.slab.auroc.value));
    numbers.push(("exam_auroc".into(), ours.exam.auroc.value));
    for (column, paper) in COLUMNS.iter().zip(model.paper.iter().cycle()) {
        numbers.push((format!("paper_{}", column.key), (column.paper)(paper)));
    }
    Row {
        id: model.id.clone(),
        name: model.name.clone(),
        numbers,
    }
}

/// A number and the ends of its interval by their names.
fn named(key: &str, estimate: &Estimate) -> [(String, f64); 3] {
    [
        (key.into(), estimate.value),
        (format!("{key}_low"), estimate.low),
        (format!("{key}_high"), estimate.high),
    ]
}
