//! A model's numbers on groups of slices, such as small clots or slices that only look like PE.
//! They show where a model fails.

use std::collections::{HashMap, HashSet};
use std::fmt;

use pe_binding::Work;
use serde::{Deserialize, Serialize};

use crate::same_height::HeightPairs;
use crate::threshold::{labelled, threshold};
use crate::{
    Bootstrap, Estimate, EvaluateOptions, ExamScores, Level, MetricsError, SameHeight, Scores,
    ThresholdFrom, json_number, percentile_interval,
};

/// Groups of slices, by something known besides the label, such as the size of the clot. A slice
/// may be in no group or in several.
#[derive(Debug, Clone, PartialEq)]
pub struct Groups {
    name: String,
    names: Vec<String>,
    /// For each exam, its slices with their groups, as indices into the names.
    exams: HashMap<String, Vec<(usize, usize)>>,
}

/// Slices of one exam that belong to one group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GroupSlices {
    /// The exam's SeriesInstanceUID.
    pub exam: String,
    /// Name of the group.
    pub group: String,
    /// Indices of the slices.
    pub slices: Vec<usize>,
}

/// One model's numbers on groups of slices.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupsEvaluation {
    /// The model's name.
    pub model: String,
    /// Name of the grouping.
    pub by: String,
    /// A probability equal to it or above is called PE.
    #[serde(with = "json_number")]
    pub threshold: f64,
    /// Source of the threshold.
    pub threshold_from: ThresholdFrom,
    /// The groups in the order in which they were first named; the last one has the slices in none
    /// of them, [`Groups::NONE`]. Groups without a labelled slice are left out.
    pub groups: Vec<GroupEvaluation>,
    /// Options of the evaluation.
    pub options: EvaluateOptions,
}

/// One model's numbers on one group. Intervals come from a bootstrap over all exams.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupEvaluation {
    /// Name of the group.
    pub group: String,
    /// Number of PE slices in the group.
    pub n_pe_slices: usize,
    /// Number of slices without PE in the group.
    pub n_other_slices: usize,
    /// Numbers of the group's PE slices; `None` without any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pe: Option<GroupPe>,
    /// The share of the group's slices without PE that are called PE; `None` without any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub false_positive_rate: Option<Estimate>,
}

/// Numbers of a group's PE slices. They are compared with slices of exams without PE, whatever
/// their group.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct GroupPe {
    /// Share of the PE slices called PE.
    pub sensitivity: Estimate,
    /// The area under the ROC curve against all slices of exams without PE.
    pub auroc: Estimate,
    /// The same against slices at the same height only, see
    /// [`same_height_auroc`](crate::same_height_auroc).
    pub same_height_auroc: SameHeight,
}

impl Groups {
    /// Name of the group of slices that are in no other group.
    pub const NONE: &str = "none of these";

    /// Creates groups from a table; `name` is what the slices are grouped by, such as `clot size`.
    ///
    /// # Errors
    /// [`MetricsError::Groups`] for a group without a name, or called [`Groups::NONE`].
    pub fn new(
        name: impl Into<String>,
        table: impl IntoIterator<Item = GroupSlices>,
    ) -> Result<Self, MetricsError> {
        let mut groups = Self {
            name: name.into(),
            names: Vec::new(),
            exams: HashMap::new(),
        };
        for row in table {
            if row.group.is_empty() || row.group == Self::NONE {
                return Err(groups.wrong(format!("expected a group's name, found {:?}", row.group)));
            }
            let known = groups.names.iter().position(|name| *name == row.group);
            let group = known.unwrap_or(groups.names.len());
            if known.is_none() {
                groups.names.push(row.group);
            }
            let slices = row.slices.into_iter().map(|slice_idx| (slice_idx, group));
            groups.exams.entry(row.exam).or_default().extend(slices);
        }
        Ok(groups)
    }

    /// Name of the grouping.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Names of the groups, in the order in which they were first named.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Returns, for each group and last for none, the slices that a model scored, as indices of
    /// exam and slice.
    fn slices_of(&self, scores: &Scores) -> Result<Vec<HashSet<(usize, usize)>>, MetricsError> {
        let mut slices = vec![HashSet::new(); self.names.len() + 1];
        let mut any = false;
        for (exam_idx, exam) in scores.exams().iter().enumerate() {
            let mut none: HashSet<usize> = (0..exam.labels.len()).collect();
            let grouped = self.exams.get(&exam.exam);
            any |= grouped.is_some();
            for &(slice_idx, group) in grouped.into_iter().flatten() {
                if slice_idx >= exam.labels.len() {
                    return Err(self.wrong(format!(
                        "expected a slice index below {} in exam {}, found {slice_idx}",
                        exam.labels.len(),
                        exam.exam
                    )));
                }
                none.remove(&slice_idx);
                slices[group].insert((exam_idx, slice_idx));
            }
            slices[self.names.len()]
                .extend(none.into_iter().map(|slice_idx| (exam_idx, slice_idx)));
        }
        if any {
            Ok(slices)
        } else {
            Err(self.wrong(format!(
                "expected exams that {} scored, found none of them",
                scores.model()
            )))
        }
    }

    fn wrong(&self, problem: String) -> MetricsError {
        MetricsError::Groups {
            name: self.name.clone(),
            problem,
        }
    }
}

impl fmt::Display for Groups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "slices by {}: {}", self.name, self.names.join(", "))
    }
}

/// Evaluates a model on each group of slices: how well it separates the PE slices of the group from
/// all slices of exams without PE, and how many of the group's other slices it calls PE.
///
/// Exams that the model did not score are ignored, so that one table of a cohort serves all its
/// parts. The threshold is the same as that of [`evaluate`](crate::evaluate) for slices.
///
/// ```
/// use pe_metrics::{EvaluateOptions, ExamScores, GroupSlices, Groups, Scores, evaluate_groups};
/// let exam = |name: &str, labels: [bool; 3], probabilities: [f64; 3]| ExamScores {
///     exam: name.into(),
///     positive: None,
///     probability: None,
///     labels: labels.map(Some).to_vec(),
///     probabilities: probabilities.to_vec(),
/// };
/// let scores = Scores::new("effnet", vec![
///     exam("1.2.3", [false, true, true], [0.1, 0.9, 0.3]),
///     exam("1.2.4", [false, false, false], [0.2, 0.4, 0.4]),
/// ])?.with_threshold(0.35);
/// let slices = |group: &str, slice_idx| GroupSlices {
///     exam: "1.2.3".into(),
///     group: group.into(),
///     slices: vec![slice_idx],
/// };
/// let groups = Groups::new("clot", [slices("large", 1), slices("small", 2)])?;
/// let found = evaluate_groups(&scores, &groups, &EvaluateOptions::default())?.groups;
/// assert_eq!(found[0].pe.map(|pe| pe.sensitivity.value), Some(1.0));
/// assert_eq!(found[1].pe.map(|pe| pe.auroc.value), Some(1.0 / 3.0));
/// assert_eq!(found[2].group, Groups::NONE);
/// assert_eq!(found[2].false_positive_rate.map(|rate| rate.value), Some(0.5));
/// # Ok::<(), pe_metrics::MetricsError>(())
/// ```
///
/// # Errors
/// [`MetricsError::Groups`] when the groups have none of the scored exams, or a slice that an exam
/// does not have; as [`evaluate`](crate::evaluate).
pub fn evaluate_groups(
    scores: &Scores,
    groups: &Groups,
    options: &EvaluateOptions,
) -> Result<GroupsEvaluation, MetricsError> {
    evaluate_groups_watched(scores, groups, options, &Work::silent())
}

/// Like [`evaluate_groups`], with progress and stop requests.
///
/// # Errors
/// As [`evaluate_groups`], and [`MetricsError::Interrupted`].
pub fn evaluate_groups_watched(
    scores: &Scores,
    groups: &Groups,
    options: &EvaluateOptions,
    work: &Work,
) -> Result<GroupsEvaluation, MetricsError> {
    options.check()?;
    let samples = labelled(scores, Level::Slice)?;
    let (threshold, threshold_from) = threshold(scores, Level::Slice, &samples)?;
    let slices = groups.slices_of(scores)?;
    let parts = slices
        .iter()
        .map(|slices| Part::new(scores, slices, threshold, options));
    let names = groups
        .names
        .iter()
        .map(String::as_str)
        .chain([Groups::NONE]);
    let (names, parts): (Vec<&str>, Vec<Part>) = names
        .zip(parts)
        .filter(|(_, part)| !part.is_empty())
        .unzip();
    let bootstrap = Bootstrap {
        replicates: options.replicates,
        seed: options.seed,
        n_exams: samples.n_exams(),
    };
    let numbers = |times: &[u32]| parts.iter().map(|part| part.at(times)).collect::<Vec<_>>();
    let replicates = bootstrap.run(numbers, work)?;
    let of = |(group, name): (usize, &&str)| {
        let replicates = replicates.iter().map(|numbers| numbers[group]);
        parts[group].evaluation(name, replicates.collect(), options)
    };
    Ok(GroupsEvaluation {
        model: scores.model().to_owned(),
        by: groups.name.clone(),
        threshold,
        threshold_from,
        groups: names.iter().enumerate().map(of).collect(),
        options: *options,
    })
}

/// Counts and pairs from which one group's numbers are computed.
struct Part {
    at_height: HeightPairs,
    at_all_heights: HeightPairs,
    /// For each exam that the bootstrap draws.
    exams: Vec<Calls>,
}

/// Numbers of the group's slices in one exam, and of those called PE.
#[derive(Debug, Clone, Copy, Default)]
struct Calls {
    n_pe: u64,
    pe_called: u64,
    n_other: u64,
    other_called: u64,
}

/// The numbers of one group in one resample; NaN where they are undefined.
#[derive(Debug, Clone, Copy)]
struct Numbers {
    sensitivity: f64,
    auroc: f64,
    same_height_auroc: f64,
    false_positive_rate: f64,
}

impl Part {
    fn new(
        scores: &Scores,
        slices: &HashSet<(usize, usize)>,
        threshold: f64,
        options: &EvaluateOptions,
    ) -> Self {
        let pairs = |tolerance| {
            HeightPairs::new(scores, tolerance, |exam_idx, slice_idx| {
                slices.contains(&(exam_idx, slice_idx))
            })
        };
        let exams = scores.exams().iter().enumerate();
        // The bootstrap only numbers exams with labelled slices.
        let exams = exams.filter(|(_, exam)| exam.labels.iter().any(Option::is_some));
        Self {
            at_height: pairs(options.height_tolerance),
            // A tolerance of 1 compares slices of any height.
            at_all_heights: pairs(1.0),
            exams: exams
                .map(|(exam_idx, exam)| {
                    Calls::of(exam, threshold, |slice_idx| {
                        slices.contains(&(exam_idx, slice_idx))
                    })
                })
                .collect(),
        }
    }

    fn total(&self, times: &[u32]) -> Calls {
        let mut total = Calls::default();
        for (calls, times) in self.exams.iter().zip(times) {
            let times = u64::from(*times);
            total.n_pe += times * calls.n_pe;
            total.pe_called += times * calls.pe_called;
            total.n_other += times * calls.n_other;
            total.other_called += times * calls.other_called;
        }
        total
    }

    fn is_empty(&self) -> bool {
        let all = self.total(&self.once());
        all.n_pe + all.n_other == 0
    }

    /// The weights of the sample itself: each exam once.
    fn once(&self) -> Vec<u32> {
        vec![1; self.exams.len()]
    }

    fn at(&self, times: &[u32]) -> Numbers {
        let total = self.total(times);
        Numbers {
            sensitivity: total.pe_called as f64 / total.n_pe as f64,
            auroc: self.at_all_heights.auroc(times),
            same_height_auroc: self.at_height.auroc(times),
            false_positive_rate: total.other_called as f64 / total.n_other as f64,
        }
    }

    fn evaluation(
        &self,
        group: &str,
        replicates: Vec<Numbers>,
        options: &EvaluateOptions,
    ) -> GroupEvaluation {
        let (all, value) = (self.total(&self.once()), self.at(&self.once()));
        let interval = |of: fn(&Numbers) -> f64| {
            percentile_interval(replicates.iter().map(of).collect(), options.confidence)
        };
        let estimate = |of: fn(&Numbers) -> f64| {
            let (low, high) = interval(of);
            Estimate {
                value: of(&value),
                low,
                high,
            }
        };
        GroupEvaluation {
            group: group.to_owned(),
            n_pe_slices: all.n_pe as usize,
            n_other_slices: all.n_other as usize,
            pe: (all.n_pe > 0).then(|| GroupPe {
                sensitivity: estimate(|numbers| numbers.sensitivity),
                auroc: estimate(|numbers| numbers.auroc),
                same_height_auroc: self.at_height.result(interval(|n| n.same_height_auroc)),
            }),
            false_positive_rate: (all.n_other > 0)
                .then(|| estimate(|numbers| numbers.false_positive_rate)),
        }
    }
}

impl Calls {
    fn of(exam: &ExamScores, threshold: f64, in_group: impl Fn(usize) -> bool) -> Self {
        let mut calls = Self::default();
        for (slice_idx, label) in exam.labels.iter().enumerate() {
            let called = u64::from(exam.probabilities[slice_idx] >= threshold);
            match label.filter(|_| in_group(slice_idx)) {
                Some(true) => {
                    calls.n_pe += 1;
                    calls.pe_called += called;
                }
                Some(false) => {
                    calls.n_other += 1;
                    calls.other_called += called;
                }
                None => {}
            }
        }
        calls
    }
}
