use std::fmt::Write;

use pe_metrics::ExamScores;

use super::Sheet;
use crate::experiment::numbers::share;
use crate::experiment::{Experiment, Model};
use crate::html::escaped;
use crate::svg::{Anchor, Drawing, pixel, rounded_ticks};

/// Most exams to show: more would make the page heavy.
const MOST_EXAMS: usize = 24;
/// Most of those with PE, as long as there are enough without.
const MOST_POSITIVE: usize = 16;
/// Number of shades of probability, the page's classes `h1` to `h12`. More cannot be told apart.
const SHADES: usize = 12;

const LEFT: f64 = 168.0;
const WIDTH: f64 = 380.0;
/// Height of a model's row, and distance from one row to the next, pixels.
const ROW: f64 = 9.0;
const PITCH: f64 = 14.5;
/// Height of the row that marks the labelled slices, pixels.
const LABELS: f64 = 5.0;

/// Adds each exam's probabilities along the body, one row per model; exams with PE first.
pub fn draw(sheet: &mut Sheet, experiment: &Experiment) {
    let Some(first) = experiment.models.first() else {
        return;
    };
    let shown = shown_exams(first.scores.exams());
    if shown.is_empty() {
        return;
    }
    let n_more = first.scores.exams().len() - shown.len();
    let content: String = shown
        .iter()
        .map(|exam_idx| strip(experiment, *exam_idx))
        .collect();
    let more = match n_more {
        0 => "All exams of the test part are shown.".into(),
        n => format!("Exams left out here: {n}; predictions.csv has them."),
    };
    sheet.heading("Exams");
    let caption = format!(
        "Probability of PE along the body, from the feet (left) to the head: the stronger the \
         colour, the more probable. Above, slices labelled PE are marked, and unlabelled ones pale; a line beneath a \
         row marks the slices at or above the model's threshold. Exams with PE come first. {more}"
    );
    sheet.figure(&caption, "strips", &content);
}

/// Selects the exams with slices to show: first those with PE, then those without, each in the order given.
fn shown_exams(exams: &[ExamScores]) -> Vec<usize> {
    let (positive, negative): (Vec<usize>, Vec<usize>) = (0..exams.len())
        .filter(|exam_idx| !exams[*exam_idx].labels.is_empty())
        .partition(|exam_idx| is_positive(&exams[*exam_idx]));
    let n_negative = negative
        .len()
        .min(MOST_EXAMS - positive.len().min(MOST_POSITIVE));
    let n_positive = positive.len().min(MOST_EXAMS - n_negative);
    let positive = positive.into_iter().take(n_positive);
    positive
        .chain(negative.into_iter().take(n_negative))
        .collect()
}

fn is_positive(exam: &ExamScores) -> bool {
    exam.positive.unwrap_or(exam.labels.contains(&Some(true)))
}

fn strip(experiment: &Experiment, exam_idx: usize) -> String {
    let exam = &experiment.models[0].scores.exams()[exam_idx];
    let n_slices = exam.labels.len();
    let height = LABELS + 4.0 + PITCH * experiment.models.len() as f64 + 16.0;
    let mut drawing = Drawing::new(LEFT + WIDTH, height, &format!("exam {}", exam.exam));
    let labelled = |label: Option<bool>| runs(&exam.labels, |other| *other == label);
    let scale = WIDTH / n_slices.max(1) as f64;
    drawing.path(
        &boxes(labelled(Some(true)), scale, 0.0, LABELS),
        "pe",
        "labelled PE",
    );
    drawing.path(
        &boxes(labelled(None), scale, 0.0, LABELS),
        "unlabelled",
        "unlabelled",
    );
    for (n, model) in experiment.models.iter().enumerate() {
        draw_row(
            &mut drawing,
            model,
            exam_idx,
            LABELS + 4.0 + PITCH * n as f64,
        );
    }
    for tick in rounded_ticks(0.0, n_slices as f64, 4) {
        let at = (LEFT + tick * scale, height - 3.0);
        drawing.text(&format!("{tick}"), at, Anchor::Middle, "tick");
    }
    let n_positive = exam
        .labels
        .iter()
        .filter(|label| **label == Some(true))
        .count();
    let words = match (is_positive(exam), n_positive) {
        (true, n) => format!("PE on {n} of {n_slices} slices"),
        (false, _) => format!("no PE, {n_slices} slices"),
    };
    let (full, name) = (escaped(&exam.exam), escaped(&short(&exam.exam)));
    let svg = drawing.into_svg();
    format!("<div><h3><b title=\"{full}\">{name}</b> · {words}</h3>\n{svg}</div>\n")
}

fn draw_row(drawing: &mut Drawing, model: &Model, exam_idx: usize, top: f64) {
    let probabilities = &model.scores.exams()[exam_idx].probabilities;
    let scale = WIDTH / probabilities.len().max(1) as f64;
    let greatest = probabilities.iter().copied().enumerate();
    let greatest = greatest.max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
    let tooltip = greatest.map_or_else(String::new, |(slice_idx, probability)| {
        format!(
            "{}: greatest {} at slice {slice_idx}",
            model.name,
            share(probability)
        )
    });
    let place = (LEFT - 8.0, top + ROW - 0.5);
    drawing.text(&model.name, place, Anchor::End, "tick");
    drawing.rectangle((LEFT, top), (WIDTH, ROW), "floor", &tooltip);
    for shade in 1..=SHADES {
        let found = runs(probabilities, |probability| shade_of(*probability) == shade);
        if !found.is_empty() {
            let class = format!("heat h{shade}");
            drawing.path(&boxes(found, scale, top, ROW), &class, &tooltip);
        }
    }
    if let Some(threshold) = model.scores.threshold() {
        let found = runs(probabilities, |probability| *probability >= threshold);
        let tooltip = format!("{}: at or above {}", model.name, share(threshold));
        drawing.path(&boxes(found, scale, top + ROW + 1.0, 1.6), "over", &tooltip);
    }
}

/// Returns the shade of a probability: 0 for invisible, up to [`SHADES`] for certain.
fn shade_of(probability: f64) -> usize {
    (probability * SHADES as f64).round() as usize
}

/// Finds the runs of slices that are `wanted`: first slice and length.
fn runs<T>(values: &[T], wanted: impl Fn(&T) -> bool) -> Vec<(usize, usize)> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    for (slice_idx, _) in values.iter().enumerate().filter(|(_, value)| wanted(value)) {
        match found.last_mut() {
            Some((first, length)) if *first + *length == slice_idx => *length += 1,
            _ => found.push((slice_idx, 1)),
        }
    }
    found
}

/// Returns runs as boxes of one SVG path.
fn boxes(runs: Vec<(usize, usize)>, scale: f64, top: f64, height: f64) -> String {
    let mut commands = String::new();
    for (first, length) in runs {
        let left = pixel(LEFT + first as f64 * scale);
        let (width, top, height) = (pixel(length as f64 * scale), pixel(top), pixel(height));
        // Writing to a String cannot fail.
        let _ = write!(commands, "M{left} {top}h{width}v{height}h-{width}z");
    }
    commands
}

/// Shortens a long UID to its end, which is where UIDs differ.
pub fn short(uid: &str) -> String {
    let n = uid.chars().count();
    match n {
        0..=24 => uid.into(),
        _ => format!("…{}", uid.chars().skip(n - 12).collect::<String>()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exam(name: usize, positive: bool) -> ExamScores {
        ExamScores {
            exam: name.to_string(),
            positive: Some(positive),
            probability: None,
            labels: vec![Some(positive)],
            probabilities: vec![0.5],
        }
    }

    #[test]
    fn exams_with_pe_come_first_and_leave_room_for_others() {
        let check = |n_positive, n_negative, expected: (usize, usize)| {
            let exams: Vec<ExamScores> = (0..n_negative + n_positive)
                .map(|n| exam(n, n >= n_negative))
                .collect();
            let shown = shown_exams(&exams);
            let n_shown = shown.iter().filter(|n| is_positive(&exams[**n])).count();
            assert_eq!((n_shown, shown.len() - n_shown), expected);
            assert!(shown.iter().take(n_shown).all(|n| is_positive(&exams[*n])));
        };
        check(3, 5, (3, 5));
        check(40, 40, (16, 8));
        check(40, 2, (22, 2));
        check(2, 40, (2, 22));
        check(0, 0, (0, 0));
    }

    #[test]
    fn runs_are_put_together() {
        let check = |values: &[u8], expected: &[(usize, usize)]| {
            assert_eq!(runs(values, |value| *value == 1), expected, "{values:?}");
        };
        check(&[], &[]);
        check(&[0, 0], &[]);
        check(&[1, 1, 0, 1], &[(0, 2), (3, 1)]);
        check(&[0, 1], &[(1, 1)]);
    }

    #[test]
    fn long_uids_are_shortened_at_the_front() {
        assert_eq!(short("1.2.3"), "1.2.3");
        assert_eq!(
            short("1.2.826.0.1.3680043.8.498.123456789012"),
            "…123456789012"
        );
    }
}
