//! Splits exams into parts for training, validation and test.

use std::collections::BTreeMap;
use std::fmt;

use pe_ct::ExamId;
use pe_store::StoredExam;
use serde::{Deserialize, Serialize};

use crate::TrainError;
use crate::random::Stream;

/// Options of [`Split::new`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SplitOptions {
    /// Share of the exams in the test part, above 0 and below 1. The paper's is 0.2. Not used with
    /// `folds`.
    pub test: f64,
    /// Share of the other exams in the validation part, which chooses the checkpoint and the
    /// threshold; 0 to below 1.
    pub validation: f64,
    /// Number of folds of a cross-validation, of which `fold` is the test part; 0 for a single
    /// split.
    pub folds: usize,
    /// The fold that is the test part, from 0.
    pub fold: usize,
    /// Number of exams to train on; 0 takes all. A smaller number takes a subset of a larger one,
    /// with the same share of PE and the same test part, so that a learning curve can be drawn.
    pub n_train: usize,
    /// Whether to use exams called indeterminate; they count as PE (the paper's 2,368).
    pub indeterminate: bool,
    /// SeriesInstanceUIDs of exams to leave out, for example those with a wrong mask.
    pub leave_out: Vec<String>,
    /// Seed of the order in which patients are assigned to parts.
    pub seed: u64,
}

impl Default for SplitOptions {
    fn default() -> Self {
        Self {
            test: 0.2,
            validation: 0.1,
            folds: 0,
            fold: 0,
            n_train: 0,
            indeterminate: true,
            leave_out: Vec::new(),
            seed: 0,
        }
    }
}

/// Exams split into three parts; no patient is in two of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// Exams that the weights are fitted to.
    pub train: Vec<ExamId>,
    /// Exams that choose the checkpoint and the threshold.
    pub validation: Vec<ExamId>,
    /// Exams for the final evaluation; nothing is chosen on them.
    pub test: Vec<ExamId>,
    /// Exams in no part: without labels, indeterminate, named in `leave_out`, or beyond `n_train`.
    pub left_out: Vec<ExamId>,
}

impl Split {
    /// Splits exams, stratified by the exam's label and grouped by patient: exams with the same
    /// patient key or study stay together. The order of `exams` does not matter.
    ///
    /// # Errors
    /// [`TrainError::Option`] for an option out of range or an unknown UID in `leave_out`;
    /// [`TrainError::Data`] when a part that was asked for would be empty.
    pub fn new(exams: &[StoredExam], options: &SplitOptions) -> Result<Self, TrainError> {
        check(options)?;
        check_left_out(exams, options)?;
        let (usable, left_out): (Vec<_>, Vec<_>) =
            exams.iter().partition(|exam| usable(exam, options));
        let mut split = Self {
            train: Vec::new(),
            validation: Vec::new(),
            test: Vec::new(),
            left_out: left_out.into_iter().map(id).collect(),
        };
        let patients = patients(&usable);
        let mut train = Vec::new();
        for positive in [true, false] {
            let stratum: Vec<_> = patients
                .iter()
                .filter(|one| one.positive == positive)
                .collect();
            train.extend(split.deal(&stratum, positive, options));
        }
        split.take_train(train, options.n_train)?;
        for part in [
            &mut split.train,
            &mut split.validation,
            &mut split.test,
            &mut split.left_out,
        ] {
            part.sort();
        }
        split.check_filled(options)?;
        Ok(split)
    }

    /// Assigns the patients of one label to test and validation. Returns the others, to train on,
    /// each with its place among them from 0 to 1.
    fn deal<'a>(
        &mut self,
        stratum: &[&'a Patient],
        positive: bool,
        options: &SplitOptions,
    ) -> Vec<(f64, &'a Patient)> {
        let mut order: Vec<&Patient> = stratum.to_vec();
        Stream::new(options.seed, "split", &[usize::from(positive)]).shuffle(&mut order);
        let (test, rest): (Vec<_>, Vec<_>) = match options.folds {
            0 => {
                let rest = order.split_off(share(options.test, order.len()));
                (order, rest)
            }
            folds => {
                let (test, rest): (Vec<_>, Vec<_>) = order
                    .into_iter()
                    .enumerate()
                    .partition(|(idx, _)| idx % folds == options.fold);
                let strip = |part: Vec<(usize, _)>| part.into_iter().map(|(_, one)| one).collect();
                (strip(test), strip(rest))
            }
        };
        let (validation, train) = rest.split_at(share(options.validation, rest.len()));
        let exams = |part: &[&Patient]| -> Vec<ExamId> {
            part.iter()
                .flat_map(|one| one.exams.iter().cloned())
                .collect()
        };
        self.test.extend(exams(&test));
        self.validation.extend(exams(validation));
        let place = |idx: usize| (idx as f64 + 0.5) / train.len() as f64;
        let places = train.iter().enumerate();
        places.map(|(idx, &one)| (place(idx), one)).collect()
    }

    /// Takes patients in the order of their places until there are `n` exams to train on; 0 takes
    /// all. Sorting by place mixes patients with and without PE evenly, so any `n` has the share of
    /// PE of all.
    fn take_train(&mut self, mut order: Vec<(f64, &Patient)>, n: usize) -> Result<(), TrainError> {
        let all: usize = order.iter().map(|(_, one)| one.exams.len()).sum();
        if n > all {
            let expected = "0, or at most the exams that can be trained on";
            let found = format!("{n} of {all}");
            return Err(TrainError::option("n_train", expected, found));
        }
        order.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (_, patient) in order {
            let part = if n == 0 || self.train.len() < n {
                &mut self.train
            } else {
                &mut self.left_out
            };
            part.extend(patient.exams.iter().cloned());
        }
        Ok(())
    }

    fn check_filled(&self, options: &SplitOptions) -> Result<(), TrainError> {
        let parts = [
            ("train", &self.train, true),
            ("validation", &self.validation, options.validation > 0.0),
            ("test", &self.test, true),
        ];
        match parts
            .iter()
            .find(|(_, part, asked)| *asked && part.is_empty())
        {
            None => Ok(()),
            Some((name, ..)) => Err(TrainError::Data {
                what: format!("the {name} part of the split"),
                expected: "at least one labelled exam".into(),
                found: format!(
                    "none: {} exams are labelled, {} are left out",
                    self.train.len() + self.validation.len() + self.test.len(),
                    self.left_out.len()
                ),
            }),
        }
    }

    /// Returns the exams of `part` from `exams`, in the order of `part`.
    ///
    /// # Errors
    /// [`TrainError::Data`] when one is missing in `exams`.
    pub fn of(part: &[ExamId], exams: &[StoredExam]) -> Result<Vec<StoredExam>, TrainError> {
        let known: BTreeMap<&ExamId, &StoredExam> = exams
            .iter()
            .map(|exam| (&exam.manifest().exam.id, exam))
            .collect();
        part.iter()
            .map(|id| {
                known
                    .get(id)
                    .map(|exam| StoredExam::clone(exam))
                    .ok_or_else(|| TrainError::Data {
                        what: "the stored slices".into(),
                        expected: format!("exam {}", id.series_uid),
                        found: format!("{} exams without it", exams.len()),
                    })
            })
            .collect()
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} exams to train, {} to validate, {} to test",
            self.train.len(),
            self.validation.len(),
            self.test.len()
        )?;
        match self.left_out.len() {
            0 => Ok(()),
            n => write!(f, ", {n} left out"),
        }
    }
}

/// The exams of one patient, as far as patient keys and studies show.
struct Patient {
    positive: bool,
    exams: Vec<ExamId>,
}

fn check(options: &SplitOptions) -> Result<(), TrainError> {
    if options.folds == 0 && !(options.test > 0.0 && options.test < 1.0) {
        return Err(TrainError::option(
            "test",
            "above 0 and below 1",
            options.test,
        ));
    }
    if !(0.0..1.0).contains(&options.validation) {
        let expected = "0 to below 1";
        return Err(TrainError::option(
            "validation",
            expected,
            options.validation,
        ));
    }
    if options.folds == 1 || options.fold >= options.folds.max(1) {
        let expected = "0 for both, or at least 2 folds and a fold below that";
        let found = format!("fold {} of {}", options.fold, options.folds);
        return Err(TrainError::option("fold", expected, found));
    }
    Ok(())
}

/// Checks that every UID in `leave_out` exists: with a misspelt one, the exam would be used after
/// all.
fn check_left_out(exams: &[StoredExam], options: &SplitOptions) -> Result<(), TrainError> {
    let known = |uid: &String| exams.iter().any(|exam| id(exam).series_uid == *uid);
    match options.leave_out.iter().find(|uid| !known(uid)) {
        None => Ok(()),
        Some(found) => Err(TrainError::option(
            "leave_out",
            "SeriesInstanceUIDs of stored exams",
            found,
        )),
    }
}

/// Returns whether the exam and at least one of its slices have a label, and `options` do not leave
/// it out.
fn usable(exam: &StoredExam, options: &SplitOptions) -> bool {
    let left_out = options.leave_out.contains(&id(exam).series_uid);
    !left_out
        && exam.manifest().exam.labels.as_ref().is_some_and(|labels| {
            labels.positive().is_some()
                && labels.pe_on_slice.iter().any(Option::is_some)
                && (options.indeterminate || !labels.indeterminate())
        })
}

fn id(exam: &StoredExam) -> ExamId {
    exam.manifest().exam.id.clone()
}

fn positive(exam: &StoredExam) -> bool {
    let labels = exam.manifest().exam.labels.as_ref();
    labels.and_then(|labels| labels.positive()) == Some(true)
}

/// Groups exams that share a patient key or a study. Sorts them first, so that the order of `exams`
/// does not matter.
fn patients(exams: &[&StoredExam]) -> Vec<Patient> {
    let mut sorted = exams.to_vec();
    sorted.sort_by_key(|exam| id(exam));
    // `group[i]` is the smallest index in the group of exam i; each exam starts as its own group. A
    // study or patient key seen before merges two groups under the smaller index.
    let mut group: Vec<usize> = (0..sorted.len()).collect();
    let mut first: BTreeMap<(bool, &str), usize> = BTreeMap::new();
    for (idx, exam) in sorted.iter().enumerate() {
        let info = &exam.manifest().exam;
        let study = Some((false, info.id.study_uid.as_str()));
        let patient = info.patient_key.as_deref().map(|key| (true, key));
        for key in study.into_iter().chain(patient) {
            let other = group[*first.entry(key).or_insert(idx)];
            let (low, high) = (other.min(group[idx]), other.max(group[idx]));
            group
                .iter_mut()
                .filter(|one| **one == high)
                .for_each(|one| *one = low);
        }
    }
    let mut patients: BTreeMap<usize, Patient> = BTreeMap::new();
    for (exam, group) in sorted.iter().zip(group) {
        let patient = patients.entry(group).or_insert_with(|| Patient {
            positive: false,
            exams: Vec::new(),
        });
        patient.positive |= positive(exam);
        patient.exams.push(id(exam));
    }
    patients.into_values().collect()
}

/// Returns `share` of `n`, rounded, but never all of `n`. If a share is asked for and `n` is at
/// least 2, it is at least 1.
fn share(share: f64, n: usize) -> usize {
    let least = usize::from(share > 0.0 && n >= 2);
    ((share * n as f64).round() as usize)
        .max(least)
        .min(n.saturating_sub(1))
}
