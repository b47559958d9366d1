use pe_metrics::{Estimate, GroupEvaluation, Groups, GroupsEvaluation};

use super::tables::over;
use super::{Sheet, row};
use crate::experiment::numbers::{count, interval, percent, share};
use crate::experiment::{Experiment, Results};
use crate::html::escaped;

/// Picks a number of a group; `None` if it is not defined for the group.
type Number = fn(&GroupEvaluation) -> Option<Estimate>;

/// Adds the tables by group: a row for each model, a column for each group.
pub fn show(sheet: &mut Sheet, experiment: &Experiment, results: &Results) {
    if experiment.groups.is_empty() {
        return;
    }
    sheet.heading("Where it fails");
    for (groups, found) in experiment.groups.iter().zip(&results.groups) {
        of_pe(sheet, experiment, results, (groups, found));
        of_others(sheet, experiment, results, (groups, found));
    }
}

/// Adds the tables of AUCs of each group's PE slices against slices of exams without PE.
fn of_pe(
    sheet: &mut Sheet,
    experiment: &Experiment,
    results: &Results,
    (groups, found): (&Groups, &[GroupsEvaluation]),
) {
    let with_pe = |group: &GroupEvaluation| group.pe.is_some();
    let n_slices = |group: &GroupEvaluation| group.n_pe_slices;
    let by = groups.name();
    let auroc = format!(
        "AUC by {by}: the PE slices of each group against all slices of exams without PE, with {} \
         intervals. Beneath each group, its PE slices.",
        percent(results.options.confidence)
    );
    let number: Number = |group| group.pe.map(|pe| pe.auroc);
    numbers(sheet, experiment, found, &auroc, with_pe, n_slices, number);
    let at_height = format!(
        "Same-height AUC by {by}: the PE slices of each group against slices of exams without PE at \
         their height."
    );
    let number: Number = |group| group.pe.map(|pe| pe.same_height_auroc.auroc);
    numbers(
        sheet, experiment, found, &at_height, with_pe, n_slices, number,
    );
}

/// Adds the table of false positives in each group. It is left out for a grouping of PE slices,
/// which has few other slices.
fn of_others(
    sheet: &mut Sheet,
    experiment: &Experiment,
    results: &Results,
    (groups, found): (&Groups, &[GroupsEvaluation]),
) {
    let all = found.first().into_iter().flat_map(|found| &found.groups);
    let (n_pe, n_other) = all
        .filter(|group| group.group != Groups::NONE)
        .fold((0, 0), |(n_pe, n_other), group| {
            (n_pe + group.n_pe_slices, n_other + group.n_other_slices)
        });
    if n_other == 0 || n_other < n_pe {
        return;
    }
    let caption = format!(
        "False positives by {}: the share of each group's slices without PE that are called PE at \
         the model's threshold, with {} intervals. Beneath each group, its slices without PE.",
        groups.name(),
        percent(results.options.confidence)
    );
    let number: Number = |group| group.false_positive_rate;
    let n_slices = |group: &GroupEvaluation| group.n_other_slices;
    let with_others = |group: &GroupEvaluation| group.n_other_slices > 0;
    numbers(
        sheet,
        experiment,
        found,
        &caption,
        with_others,
        n_slices,
        number,
    );
}

/// Adds a table with one number of each model and of each group that it is defined for. All models
/// have the same groups, since they were scored on the same slices.
fn numbers(
    sheet: &mut Sheet,
    experiment: &Experiment,
    found: &[GroupsEvaluation],
    caption: &str,
    shown: impl Fn(&GroupEvaluation) -> bool,
    n_slices: impl Fn(&GroupEvaluation) -> usize,
    number: Number,
) {
    let groups = || found.first().into_iter().flat_map(|found| &found.groups);
    let names: Vec<String> = groups()
        .filter(|group| shown(group))
        .map(|group| over(escaped(&group.group), &count(n_slices(group))))
        .collect();
    if names.is_empty() {
        return;
    }
    let body: String = experiment
        .models
        .iter()
        .zip(found)
        .map(|(model, found)| {
            let groups = found.groups.iter().filter(|group| shown(group));
            let cell = |estimate: Estimate| over(share(estimate.value), &interval(&estimate));
            let cells = groups.map(|group| number(group).map_or_else(String::new, cell));
            let cells: Vec<String> = [escaped(&model.name)].into_iter().chain(cells).collect();
            row("td", "ours", &cells)
        })
        .collect();
    let names: Vec<String> = ["Model".to_owned()].into_iter().chain(names).collect();
    let head = format!("<thead>{}</thead>\n", row("th", "", &names));
    sheet.table(
        caption,
        "numbers",
        &format!("{head}<tbody>\n{body}</tbody>\n"),
    );
}
