use std::collections::BTreeMap;

use pe_binding::nearest::nearest;
use serde::{Deserialize, Serialize};

use super::metric::METRICS;
use crate::ReportError;

/// Numbers from another source, such as a paper's table, that a report prints beneath ours.
///
/// ```
/// use pe_report::Reference;
/// let paper: Reference = serde_json::from_str(r#"{
///     "name": "paper", "data": "900 test exams of one hospital",
///     "models": [{ "id": "cnn", "name": "VGG-16", "numbers": { "auroc": 0.81 } }]
/// }"#)?;
/// assert_eq!(paper.models[0].numbers["auroc"], 0.81);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reference {
    /// Name of its rows: `paper`.
    pub name: String,
    /// The data that its numbers are from.
    pub data: String,
    /// Notes that a reader must know before comparing with its numbers.
    pub caveats: Vec<String>,
    /// Its models. The page's colours are given to them in this order.
    pub models: Vec<ReferenceModel>,
}

/// One row of a [`Reference`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReferenceModel {
    /// The model's name in scripts: `effnet_lstm`.
    pub id: String,
    /// The name to display.
    pub name: String,
    /// True if its lines are dashed, so that they can be told apart without colour.
    pub dashed: bool,
    /// Its numbers by the metrics' names, at slice level: `accuracy`, `auroc` …
    pub numbers: BTreeMap<String, f64>,
}

impl Reference {
    /// Finds the model that scripts call `id`, with its index.
    pub(crate) fn model(&self, id: &str) -> Option<(usize, &ReferenceModel)> {
        let mut models = self.models.iter().enumerate();
        models.find(|(_, model)| model.id == id)
    }

    /// Returns the source and its data as a sentence: `Paper: 900 test exams.`
    pub(crate) fn source(&self) -> String {
        let mut name = self.name.chars();
        let first = name.next().map(|c| c.to_uppercase().to_string());
        format!(
            "{}{}: {}.",
            first.unwrap_or_default(),
            name.as_str(),
            self.data
        )
    }

    /// Checks that the reference can be printed.
    ///
    /// # Errors
    /// [`ReportError::Option`] for a reference without a name, two models of one `id`, an unknown
    /// metric, and a value that is not finite.
    pub fn check(&self) -> Result<(), ReportError> {
        let wrong = |expected, found: String| {
            Err(ReportError::Option {
                option: "reference",
                expected,
                found,
            })
        };
        if self.name.trim().is_empty() {
            return wrong("a `name` for its rows, such as `paper`", "none".into());
        }
        for (n, model) in self.models.iter().enumerate() {
            if model.id.is_empty() || self.models[..n].iter().any(|other| other.id == model.id) {
                return wrong(
                    "an `id` of its own for each model",
                    format!("`{}`", model.id),
                );
            }
            for (key, value) in &model.numbers {
                let known = METRICS.iter().map(|metric| metric.key);
                if !known.clone().any(|known| known == key) {
                    let near = nearest(key, known);
                    let near = near.map_or_else(String::new, |near| format!(" (near: `{near}`)"));
                    let found = format!("`{key}` of `{}`{near}", model.id);
                    return wrong("numbers by names of metrics", found);
                }
                if !value.is_finite() {
                    return wrong("finite numbers", format!("{value} as `{key}`"));
                }
            }
        }
        Ok(())
    }
}
