use pe_binding::Work;
use pe_metrics::{
    Comparison, Confusion, EvaluateOptions, Evaluation, GroupsEvaluation, Level, Scores,
    ThresholdFrom, compare_watched, evaluate_groups_watched, evaluate_watched, youden,
};

use super::Experiment;
use crate::ReportError;

/// Results of an experiment.
#[derive(Debug, Clone)]
pub struct Results {
    /// Options of the evaluation.
    pub options: EvaluateOptions,
    /// Results of each model, in the experiment's order.
    pub models: Vec<ModelResults>,
    /// Results of each comparison that was asked for.
    pub comparisons: Vec<Comparison>,
    /// For each of the experiment's groupings, each model's numbers.
    pub groups: Vec<Vec<GroupsEvaluation>>,
}

/// Results of one model at the three levels.
#[derive(Debug, Clone)]
pub struct ModelResults {
    /// Slices: the level of the first table.
    pub slice: Evaluation,
    /// Runs of slices.
    pub slab: Evaluation,
    /// Exams.
    pub exam: Evaluation,
    /// Slices at the threshold chosen on the test part itself.
    pub optimistic: Optimistic,
    /// Comparison with the baseline, at slice level; `None` for the baseline itself, and without
    /// one.
    pub to_baseline: Option<Comparison>,
}

/// Slice level at the threshold with the greatest Youden index on the test part itself. No model
/// may know it beforehand, so these numbers are optimistic.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Optimistic {
    /// The threshold; NaN if the test part has one class only.
    pub threshold: f64,
    /// Numbers of right and wrong calls at it.
    pub confusion: Confusion,
}

impl Optimistic {
    /// Computes a number from the calls; NaN if there is no threshold.
    pub fn value(&self, of: fn(&Confusion) -> f64) -> f64 {
        if self.threshold.is_nan() {
            f64::NAN
        } else {
            of(&self.confusion)
        }
    }
}

/// Picks a level of a model's results.
pub type Pick = fn(&ModelResults) -> &Evaluation;

impl Results {
    /// The models' evaluations at slice level.
    pub fn slices(&self) -> impl Iterator<Item = &Evaluation> {
        self.models.iter().map(|model| &model.slice)
    }

    /// The levels above the slice, with their names.
    pub(crate) fn coarser_levels(&self) -> [(&'static str, Pick); 2] {
        [("Slab", |model| &model.slab), ("Exam", |model| &model.exam)]
    }

    /// Returns the warnings about the numbers, each once, preceded by its models and level.
    pub(crate) fn warnings(&self, experiment: &Experiment) -> Vec<String> {
        let mut found: Vec<(String, Vec<&str>)> = Vec::new();
        let mut add = |text: String, model| match found.iter_mut().find(|(other, _)| *other == text)
        {
            Some((_, models)) => models.push(model),
            None => found.push((text, vec![model])),
        };
        for (model, results) in experiment.models.iter().zip(&self.models) {
            for evaluation in [&results.slice, &results.slab, &results.exam] {
                let level = evaluation.level;
                if evaluation.threshold_from == ThresholdFrom::SameSamples {
                    add(format!("level {level}: {OPTIMISTIC}"), &model.name);
                }
                for text in &evaluation.warnings {
                    add(format!("level {level}: {text}"), &model.name);
                }
            }
        }
        let n_models = experiment.models.len();
        let say = |(text, models): (String, Vec<&str>)| match models.len() {
            n if n == n_models && n > 1 => format!("All models, {text}."),
            _ => format!("{}, {text}.", models.join(", ")),
        };
        found.into_iter().map(say).collect()
    }
}

const OPTIMISTIC: &str =
    "no threshold was chosen beforehand; the test part's own makes the numbers at it optimistic";

impl Experiment {
    /// Evaluates every model at slice, slab and exam level, and does the comparisons.
    ///
    /// # Errors
    /// [`ReportError::NoModels`]; [`ReportError::Metrics`] for an option out of range or a level
    /// without labelled samples; [`ReportError::Interrupted`].
    pub fn evaluate(&mut self, options: &EvaluateOptions, work: &Work) -> Result<(), ReportError> {
        if self.models.is_empty() {
            return Err(ReportError::NoModels);
        }
        options.check()?;
        let mut models = Vec::new();
        for (n, model) in self.models.iter().enumerate() {
            let baseline = self.baseline.filter(|baseline| *baseline != n);
            let baseline = baseline.map(|baseline| &self.models[baseline].scores);
            models.push(evaluate_model(&model.scores, baseline, options, work)?);
        }
        let mut comparisons = Vec::new();
        for &(base, id) in &self.pairs {
            let (base, model) = (&self.models[base].scores, &self.models[id].scores);
            comparisons.push(compare_watched(base, model, Level::Slice, options, work)?);
        }
        let of_models = |groups| {
            let models = self.models.iter();
            let found =
                models.map(|model| evaluate_groups_watched(&model.scores, groups, options, work));
            found.collect::<Result<Vec<_>, _>>()
        };
        let groups = self
            .groups
            .iter()
            .map(of_models)
            .collect::<Result<_, _>>()?;
        self.results = Some(Results {
            options: *options,
            models,
            comparisons,
            groups,
        });
        Ok(())
    }
}

fn evaluate_model(
    scores: &Scores,
    baseline: Option<&Scores>,
    options: &EvaluateOptions,
    work: &Work,
) -> Result<ModelResults, ReportError> {
    let at = |level| evaluate_watched(scores, level, options, work);
    let slice = at(Level::Slice)?;
    Ok(ModelResults {
        optimistic: optimistic(scores),
        slice,
        slab: at(Level::Slab(options.slab))?,
        exam: at(Level::Exam)?,
        to_baseline: baseline
            .map(|baseline| compare_watched(baseline, scores, Level::Slice, options, work))
            .transpose()?,
    })
}

fn optimistic(scores: &Scores) -> Optimistic {
    let samples = scores.samples(Level::Slice);
    let threshold = youden(&samples.labels, &samples.probabilities).threshold;
    Optimistic {
        threshold,
        confusion: Confusion::at(&samples.labels, &samples.probabilities, threshold),
    }
}
