//! The report of an experiment: models scored on the same exams, beside the numbers of a reference.

mod baseline;
mod evaluation;
mod files;
mod html;
mod metric;
mod numbers;
mod reference;
mod row;
mod text;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use pe_binding::nearest::nearest;
use pe_ct::ChannelSlice;
use pe_files::Files;
use pe_metrics::{Groups, Level, Mistake, PE_ON_SLICE, Scores};
use serde::{Deserialize, Serialize};

pub use evaluation::{ModelResults, Optimistic, Results};
pub use files::{save_predictions, saved_numbers};
pub use reference::{Reference, ReferenceModel};
pub use row::Row;

use crate::{Picture, ReportError};

/// An experiment and its report: models scored on the same exams, how they were trained, and how
/// they compare.
///
/// Add models and comparisons first, then call [`Experiment::evaluate`] to compute the results.
/// After adding more, call it again.
#[derive(Debug, Clone, Default)]
pub struct Experiment {
    title: String,
    file: String,
    reference: Option<Reference>,
    /// Name of the main level; `None` chooses it by the labels.
    level: Option<String>,
    data: Option<String>,
    models: Vec<Model>,
    /// Pairs of models to compare, as indices: the first is the base, the second is compared with
    /// it.
    pairs: Vec<(usize, usize)>,
    /// The model that every other one is compared with, as an index.
    baseline: Option<usize>,
    groups: Vec<Groups>,
    facts: Vec<(String, String)>,
    notes: Vec<String>,
    examples: Vec<ExampleSlice>,
    results: Option<Results>,
}

/// Options of an experiment: its file name, its main level, and a reference for its numbers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExperimentOptions {
    /// Name of its files, without an ending; empty derives it from the title.
    pub file: String,
    /// Level of the first table, the curves and the comparisons: `slice`, `slab` or `exam`. Empty
    /// takes slices, or exams if no slice is labelled.
    pub level: String,
    /// Numbers from another source, printed beneath those of the models of the same `id`.
    pub reference: Option<Reference>,
}

/// Converts a title to a file name: `Which mask?` becomes `which_mask`.
fn file_name(title: &str) -> String {
    let words = title.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<String> = words
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    if words.is_empty() {
        "experiment".into()
    } else {
        words.join("_")
    }
}

/// One model: its scores on the test part, and how it was trained.
#[derive(Debug, Clone)]
pub struct Model {
    /// Name in scripts and files, such as `effnet_lstm`.
    pub id: String,
    /// Name to display.
    pub name: String,
    /// Probabilities on the test part.
    pub scores: Scores,
    /// Numbers of each training epoch.
    pub history: Vec<Epoch>,
}

impl Model {
    /// Duration of its training, s: the sum of the epochs' `elapsed_s`; `None` if no epoch has it.
    pub fn training_s(&self) -> Option<f64> {
        let epochs = self.history.iter();
        let times = epochs.filter_map(|epoch| epoch.values.get("elapsed_s"));
        times.copied().reduce(|sum, one| sum + one)
    }
}

/// Numbers of one training epoch: `train_loss`, `validation_auroc`, `learning_rate` …
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// The epoch. It may be fractional, if numbers were logged within an epoch.
    pub epoch: f64,
    /// The numbers by their names.
    #[serde(flatten)]
    pub values: BTreeMap<String, f64>,
}

/// An example slice, with its model's probability.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Example {
    /// Kind of example: `false positive`, `false negative`.
    pub kind: String,
    /// The exam's SeriesInstanceUID.
    pub exam: String,
    /// Index of the slice.
    pub slice_idx: usize,
    /// The model's probability, in [0, 1].
    pub probability: f64,
    /// The slice's label; `None` if it has none.
    pub label: Option<bool>,
}

impl From<&Mistake> for Example {
    fn from(mistake: &Mistake) -> Self {
        Self {
            kind: mistake.kind.to_string(),
            exam: mistake.exam.clone(),
            slice_idx: mistake.slice_idx,
            probability: mistake.probability,
            label: Some(mistake.label),
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct ExampleSlice {
    model: usize,
    about: Example,
    picture: Picture,
}

impl Experiment {
    /// Creates an experiment without models, whose files are named after its title.
    pub fn new(title: &str) -> Self {
        Self {
            title: title.into(),
            file: file_name(title),
            ..Self::default()
        }
    }

    /// Creates an experiment without models, with options.
    ///
    /// # Errors
    /// [`ReportError::Option`] for a file name with other characters than letters, digits, `_` and
    /// `-`, and for another level; as [`Reference::check`].
    pub fn with_options(title: &str, options: ExperimentOptions) -> Result<Self, ReportError> {
        let own = Self::new(title);
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if !options.file.chars().all(plain) {
            return Err(ReportError::Option {
                option: "file",
                expected: "letters, digits, `_` and `-`, without an ending",
                found: format!("`{}`", options.file),
            });
        }
        if !options.level.is_empty() {
            Level::named(&options.level, 1)?;
        }
        if let Some(reference) = &options.reference {
            reference.check()?;
        }
        Ok(Self {
            file: if options.file.is_empty() {
                own.file
            } else {
                options.file
            },
            reference: options.reference,
            level: Some(options.level).filter(|level| !level.is_empty()),
            ..own
        })
    }

    /// The title.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The models, in the order in which they were added.
    pub fn models(&self) -> &[Model] {
        &self.models
    }

    /// Describes the data that the models were trained and tested on. The report prints this beside
    /// every number.
    pub fn data(&mut self, words: &str) {
        self.data = Some(words.trim_end_matches('.').into());
    }

    /// Adds a model. If the reference has a model with this `id`, its display name is taken from
    /// there.
    ///
    /// # Errors
    /// [`ReportError::DuplicateModel`]; [`ReportError::OtherExams`] when the scores are of another
    /// target, other exams, or other labels, than those of the first model.
    pub fn model(
        &mut self,
        id: &str,
        scores: Scores,
        history: Vec<Epoch>,
    ) -> Result<(), ReportError> {
        if self.models.iter().any(|model| model.id == id) {
            return Err(ReportError::DuplicateModel { id: id.into() });
        }
        if let Some(first) = self.models.first() {
            check_same_exams(first, id, &scores)?;
        }
        let known = self.of_reference(id).map(|(_, model)| model.name.as_str());
        let name = known
            .filter(|name| !name.is_empty())
            .unwrap_or(id)
            .to_owned();
        self.models.push(Model {
            id: id.into(),
            name,
            scores,
            history,
        });
        self.results = None;
        Ok(())
    }

    /// Changes a model's display name. Use it if the model is not the one that its `id` stands for
    /// in the reference: the report must not call a substitute by the name of the original.
    ///
    /// # Errors
    /// [`ReportError::UnknownModel`] when no model has this `id`.
    pub fn rename(&mut self, id: &str, name: &str) -> Result<(), ReportError> {
        let model = self.index_of(id)?;
        self.models[model].name = name.into();
        Ok(())
    }

    /// Adds a model without training that every other model is compared with, whenever it is added.
    /// A model is worth only as much as it is better than this. An example is the score of a
    /// slice's height, which sees no image.
    ///
    /// # Errors
    /// As [`Experiment::model`]; [`ReportError::SecondBaseline`].
    pub fn baseline(&mut self, id: &str, scores: Scores) -> Result<(), ReportError> {
        if let Some(first) = self.baseline {
            return Err(ReportError::SecondBaseline {
                id: id.into(),
                first: self.models[first].id.clone(),
            });
        }
        self.model(id, scores, Vec::new())?;
        self.baseline = Some(self.models.len() - 1);
        Ok(())
    }

    /// Requests a comparison: how much better `id` is than `base`.
    ///
    /// # Errors
    /// [`ReportError::UnknownModel`].
    pub fn compare(&mut self, base: &str, id: &str) -> Result<(), ReportError> {
        let pair = (self.index_of(base)?, self.index_of(id)?);
        self.pairs.push(pair);
        self.results = None;
        Ok(())
    }

    /// Requests the models' numbers on each group of slices, which show where they fail.
    pub fn by(&mut self, groups: Groups) {
        self.groups.push(groups);
        self.results = None;
    }

    /// Adds a fact of the data or the settings.
    pub fn fact(&mut self, name: &str, value: &str) {
        self.facts.push((name.into(), value.into()));
    }

    /// Adds a remark.
    pub fn note(&mut self, text: &str) {
        self.notes.push(text.into());
    }

    /// Adds the picture of a slice that model `id` judged wrongly, or that is worth a look.
    ///
    /// # Errors
    /// [`ReportError::UnknownModel`], [`ReportError::UnknownExam`], [`ReportError::UnknownSlice`];
    /// [`ReportError::TooLarge`] for a slice larger than a picture can be.
    pub fn example(
        &mut self,
        id: &str,
        about: Example,
        slice: &ChannelSlice,
    ) -> Result<(), ReportError> {
        let model = self.index_of(id)?;
        let exams = self.models[model].scores.exams();
        let exam = exams.iter().find(|exam| exam.exam == about.exam);
        let exam = exam.ok_or_else(|| ReportError::UnknownExam {
            exam: about.exam.clone(),
            model: id.into(),
        })?;
        if about.slice_idx >= exam.labels.len() {
            return Err(ReportError::UnknownSlice {
                exam: about.exam,
                n_slices: exam.labels.len(),
                found: about.slice_idx,
            });
        }
        self.examples.push(ExampleSlice {
            model,
            about,
            picture: crate::slice_picture(slice)?,
        });
        Ok(())
    }

    /// The results of [`Experiment::evaluate`].
    ///
    /// # Errors
    /// [`ReportError::NotEvaluated`] before that call, and after a model, a comparison or groups
    /// were added.
    pub fn results(&self) -> Result<&Results, ReportError> {
        self.results.as_ref().ok_or(ReportError::NotEvaluated)
    }

    /// Returns the table as text for a terminal, at most 110 columns wide.
    ///
    /// # Errors
    /// [`ReportError::NotEvaluated`].
    pub fn table(&self) -> Result<String, ReportError> {
        Ok(text::table(self, self.results()?))
    }

    /// Writes the report as `.html`, `.json`, `.csv` and `.md`, named by the option `file`, and
    /// `predictions.csv` into `folder`, which it creates if needed. The same experiment gives the
    /// same bytes.
    ///
    /// # Errors
    /// [`ReportError::NotEvaluated`]; [`ReportError::Io`].
    pub fn save(&self, folder: &Path, files: &Files) -> Result<(), ReportError> {
        files::save(self, self.results()?, folder, files)
    }

    /// Finds the reference's model with this `id`, and its index there.
    fn of_reference(&self, id: &str) -> Option<(usize, &ReferenceModel)> {
        self.reference.as_ref()?.model(id)
    }

    /// The description of the data, or a placeholder if the script gave none.
    fn data_words(&self) -> &str {
        self.data.as_deref().unwrap_or("not described")
    }

    /// The target of the scores; that of slices if there are no models.
    fn target(&self) -> &str {
        let first = self.models.first();
        first.map_or(PE_ON_SLICE, |model| model.scores.target())
    }

    /// What a positive sample has: `PE`, or the target's name.
    fn finding(&self) -> &str {
        match self.target() {
            PE_ON_SLICE => "PE",
            target => target,
        }
    }

    fn index_of(&self, id: &str) -> Result<usize, ReportError> {
        let found = self.models.iter().position(|model| model.id == id);
        let known = || self.models.iter().map(|model| model.id.as_str());
        found.ok_or_else(|| ReportError::UnknownModel {
            id: id.into(),
            nearest: nearest(id, known()).map(Into::into),
            known: known().map(Into::into).collect(),
        })
    }
}

impl fmt::Display for Experiment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (title, n) = (&self.title, self.models.len());
        let models = if n == 1 { "model" } else { "models" };
        let state = if self.results.is_some() {
            "evaluated"
        } else {
            "not evaluated"
        };
        write!(f, "experiment {title}: {n} {models}, {state}")
    }
}

fn check_same_exams(first: &Model, id: &str, scores: &Scores) -> Result<(), ReportError> {
    let (expected, found) = (first.scores.exams(), scores.exams());
    let other = |difference: String| {
        Err(ReportError::OtherExams {
            id: id.into(),
            first: first.id.clone(),
            difference,
        })
    };
    let (target, first_target) = (scores.target(), first.scores.target());
    if target != first_target {
        return other(format!("scores of {target}, not of {first_target}"));
    }
    if expected.len() != found.len() {
        return other(format!("{} exams, not {}", found.len(), expected.len()));
    }
    for (expected, found) in expected.iter().zip(found) {
        if expected.exam != found.exam {
            return other(format!(
                "exam {} where {} stands",
                found.exam, expected.exam
            ));
        }
        if expected.labels != found.labels || expected.positive != found.positive {
            return other(format!("other slices or labels in exam {}", found.exam));
        }
    }
    Ok(())
}
