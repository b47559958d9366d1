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

/// Results of one model at each level.
#[derive(Debug, Clone)]
pub struct ModelResults {
    /// The main level: that of the first table, the curves and the comparisons.
    pub main: Evaluation,
    /// The other levels that have labelled samples.
    pub others: Vec<Evaluation>,
    /// The main level at the threshold chosen on the test part itself.
    pub optimistic: Optimistic,
    /// Comparison with the baseline, at the main level; `None` for the baseline itself, and without
    /// one.
    pub to_baseline: Option<Comparison>,
}

impl ModelResults {
    /// The evaluations at all levels, the main one first.
    pub fn levels(&self) -> impl Iterator<Item = &Evaluation> {
        [&self.main].into_iter().chain(&self.others)
    }

    /// The evaluation at the level of this name: `slice`, `slab` or `exam`.
    pub fn at(&self, level: &str) -> Option<&Evaluation> {
        self.levels().find(|found| found.level.name() == level)
    }
}

/// The main level at the threshold with the greatest Youden index on the test part itself. No model
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

impl Results {
    /// The models' evaluations at the main level.
    pub fn main(&self) -> impl Iterator<Item = &Evaluation> {
        self.models.iter().map(|model| &model.main)
    }

    /// The main level; slices if there are no models.
    pub fn main_level(&self) -> Level {
        self.main().next().map_or(Level::Slice, |found| found.level)
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
            for evaluation in results.levels() {
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
    /// Returns the main level, and the others that have labelled samples.
    fn levels(&self, slab: usize) -> (Level, Vec<Level>) {
        let labelled = |level: &Level| {
            let first = self.models.first();
            first.is_some_and(|model| !model.scores.samples(*level).is_empty())
        };
        let all = [Level::Slice, Level::Slab(slab), Level::Exam];
        let main = match &self.level {
            Some(name) => all.into_iter().find(|level| level.name() == name),
            None => all.into_iter().find(labelled),
        };
        let main = main.unwrap_or(Level::Slice);
        let others = all.into_iter().filter(|level| *level != main);
        (main, others.filter(labelled).collect())
    }

    /// Evaluates every model at each level that has labelled samples, and does the comparisons at the
    /// main one: that of [`ExperimentOptions::level`](super::ExperimentOptions::level), or else
    /// slices, or exams if no slice is labelled.
    ///
    /// # Errors
    /// [`ReportError::NoModels`]; [`ReportError::Metrics`] for an option out of range or a level
    /// without labelled samples; [`ReportError::Interrupted`].
    pub fn evaluate(&mut self, options: &EvaluateOptions, work: &Work) -> Result<(), ReportError> {
        if self.models.is_empty() {
            return Err(ReportError::NoModels);
        }
        options.check()?;
        let (main, others) = self.levels(options.slab);
        let levels = (main, &*others);
        let mut models = Vec::new();
        for (n, model) in self.models.iter().enumerate() {
            let baseline = self.baseline.filter(|baseline| *baseline != n);
            let baseline = baseline.map(|baseline| &self.models[baseline].scores);
            models.push(evaluate_model(
                &model.scores,
                baseline,
                levels,
                options,
                work,
            )?);
        }
        let mut comparisons = Vec::new();
        for &(base, id) in &self.pairs {
            let (base, model) = (&self.models[base].scores, &self.models[id].scores);
            comparisons.push(compare_watched(base, model, main, options, work)?);
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
    (main, others): (Level, &[Level]),
    options: &EvaluateOptions,
    work: &Work,
) -> Result<ModelResults, ReportError> {
    let at = |level: &Level| evaluate_watched(scores, *level, options, work);
    Ok(ModelResults {
        optimistic: optimistic(scores, main),
        main: at(&main)?,
        others: others.iter().map(at).collect::<Result<_, _>>()?,
        to_baseline: baseline
            .map(|baseline| compare_watched(baseline, scores, main, options, work))
            .transpose()?,
    })
}

fn optimistic(scores: &Scores, level: Level) -> Optimistic {
    let samples = scores.samples(level);
    let threshold = youden(&samples.labels, &samples.probabilities).threshold;
    Optimistic {
        threshold,
        confusion: Confusion::at(&samples.labels, &samples.probabilities, threshold),
    }
}
