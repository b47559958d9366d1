use pe_metrics::{Confusion, Estimate, Evaluation, Level};

use super::numbers::share;

/// A number that the report prints for every model: a column of its tables. To add one, add it to
/// [`METRICS`].
pub struct Metric {
    /// Name in files and scripts.
    pub key: &'static str,
    /// Name to display.
    pub name: &'static str,
    /// Short name, for narrow columns.
    pub short: &'static str,
    /// Value with its interval; `None` at a level that does not have it.
    pub of: fn(&Evaluation) -> Option<&Estimate>,
    /// Value from the counts at a threshold; `None` for a metric that needs no threshold.
    pub at_threshold: Option<fn(&Confusion) -> f64>,
    /// Direction in which values are better.
    pub better: Better,
    /// Formats the value.
    pub format: fn(f64) -> String,
    /// The tables that print it.
    pub shown: Shown,
}

/// Direction in which values of a metric are better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// Higher is better, as for an area under a curve.
    Higher,
    /// Lower is better, as for a squared error.
    Lower,
}

/// The tables that print a metric. The files have all metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// The tables of slices, slabs and exams.
    Everywhere,
    /// Only the table of slices.
    Slices,
    /// Only the tables of slabs and exams.
    Coarser,
    /// No table.
    Files,
}

/// All metrics of the report, in its order.
pub const METRICS: [Metric; 9] = [
    Metric {
        at_threshold: Some(Confusion::accuracy),
        ..higher("accuracy", "Accuracy", "Accuracy", |of| Some(&of.accuracy))
    },
    Metric {
        at_threshold: Some(Confusion::sensitivity),
        ..higher("sensitivity", "Sensitivity", "Sens.", |of| {
            Some(&of.sensitivity)
        })
    },
    Metric {
        at_threshold: Some(Confusion::specificity),
        ..higher("specificity", "Specificity", "Spec.", |of| {
            Some(&of.specificity)
        })
    },
    Metric {
        at_threshold: Some(Confusion::precision),
        ..higher("precision", "Precision", "Prec.", |of| Some(&of.precision))
    },
    Metric {
        at_threshold: Some(Confusion::f1),
        ..higher("f1", "F1", "F1", |of| Some(&of.f1))
    },
    higher("auroc", "AUC", "AUC", |of| Some(&of.auroc)),
    Metric {
        shown: Shown::Slices,
        ..higher(
            "same_height_auroc",
            "Same-height AUC",
            "Same height",
            |of| of.same_height_auroc.as_ref().map(|found| &found.auroc),
        )
    },
    Metric {
        shown: Shown::Coarser,
        ..higher("average_precision", "Average precision", "AP", |of| {
            Some(&of.average_precision)
        })
    },
    Metric {
        better: Better::Lower,
        shown: Shown::Files,
        ..higher("brier", "Brier score", "Brier", |of| Some(&of.brier))
    },
];

const fn higher(
    key: &'static str,
    name: &'static str,
    short: &'static str,
    of: fn(&Evaluation) -> Option<&Estimate>,
) -> Metric {
    Metric {
        key,
        name,
        short,
        of,
        at_threshold: None,
        better: Better::Higher,
        format: share,
        shown: Shown::Everywhere,
    }
}

/// Placeholder for a level that does not have a metric.
const NONE: Estimate = Estimate {
    value: f64::NAN,
    low: f64::NAN,
    high: f64::NAN,
};

impl Metric {
    /// The metrics that the page's table of a level prints.
    pub fn of_level(level: Level) -> impl Iterator<Item = &'static Self> + Clone {
        let also = match level {
            Level::Slice => Shown::Slices,
            Level::Slab(_) | Level::Exam => Shown::Coarser,
        };
        let printed = move |metric: &&Self| [Shown::Everywhere, also].contains(&metric.shown);
        METRICS.iter().filter(printed)
    }

    /// The metrics that every table prints.
    pub fn of_all() -> impl Iterator<Item = &'static Self> + Clone {
        METRICS
            .iter()
            .filter(|metric| metric.shown == Shown::Everywhere)
    }

    /// The metrics that depend on a threshold.
    pub fn of_thresholds() -> impl Iterator<Item = (&'static Self, fn(&Confusion) -> f64)> + Clone {
        METRICS
            .iter()
            .filter_map(|metric| Some((metric, metric.at_threshold?)))
    }

    /// The value with its interval; NaN at a level that does not have the metric.
    pub fn estimate(&self, evaluation: &Evaluation) -> Estimate {
        (self.of)(evaluation).copied().unwrap_or(NONE)
    }

    /// Returns, for each of `evaluations`, whether it is the best. None is if all are equal, or if
    /// there is only one.
    pub fn best<'a>(&self, evaluations: impl Iterator<Item = &'a Evaluation>) -> Vec<bool> {
        let values: Vec<f64> = evaluations.map(|one| self.estimate(one).value).collect();
        let better = |a: f64, b: f64| match self.better {
            Better::Higher => a > b,
            Better::Lower => a < b,
        };
        let best = values.iter().copied().filter(|value| value.is_finite());
        let best = best.reduce(|best, value| if better(value, best) { value } else { best });
        let apart = best.is_some_and(|best| values.iter().any(|value| better(best, *value)));
        values
            .iter()
            .map(|value| apart && Some(*value) == best)
            .collect()
    }
}
