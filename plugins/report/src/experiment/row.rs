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
    /// `threshold`; `accuracy`, `accuracy_lower`, `accuracy_upper` … `auroc_upper` at slice level;
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
        let estimate = (column.ours)(&ours.slice);
        numbers.push((column.key.into(), estimate.value));
        numbers.push((format!("{}_lower", column.key), estimate.lower));
        numbers.push((format!("{}_upper", column.key), estimate.upper));
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
