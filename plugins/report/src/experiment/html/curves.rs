use pe_metrics::Evaluation;

use super::{Sheet, legend, line_style};
use crate::experiment::numbers::{capitalized, decimals, plural, share};
use crate::experiment::{Experiment, Results};
use crate::svg::{Axis, Mark, Plot, Series, Style};

/// Side of a curve's frame, pixels.
const SIDE: f64 = 290.0;

/// Adds the plots of ROC, precision and recall, and calibration, each with all models.
pub fn draw(sheet: &mut Sheet, experiment: &Experiment, results: &Results) {
    sheet.heading("Curves");
    sheet.out.push_str(&legend(experiment));
    let lines = |line: fn(&Evaluation) -> Line| series(experiment, results, line);
    let of_positives = format!("share with {}", experiment.finding());
    let share_positive = results.main().next().map_or(0.0, |ours| {
        ours.n_positive as f64 / ours.n_samples.max(1) as f64
    });
    let level = |up| Some([(0.0, up), (1.0, up)]);
    let diagonal = Some([(0.0, 0.0), (1.0, 1.0)]);
    let plots = [
        (
            "Receiver operating characteristic",
            "1 − specificity",
            "sensitivity",
            lines(roc),
            diagonal,
        ),
        (
            "Precision and recall",
            "sensitivity (recall)",
            "precision",
            lines(precision_recall),
            level(share_positive),
        ),
        (
            "Calibration",
            "mean probability in a bin",
            &of_positives,
            lines(calibration),
            diagonal,
        ),
    ];
    let content: String = plots
        .into_iter()
        .map(|(title, across, up, series, reference)| {
            let plot = Plot {
                title: title.into(),
                across: Axis::unit(across),
                up: Axis::unit(up),
                series,
                reference,
                size: (SIDE, SIDE),
            };
            format!("<div><h3>{title}</h3>\n{}</div>\n", plot.render())
        })
        .collect();
    sheet.figure(
        &format!(
            "{} level, test part. Dots on the first two plots are the models at their thresholds. \
             Dotted lines: guessing, guessing at the share of positive {}, and perfect calibration.",
            capitalized(results.main_level().name()),
            plural(results.main_level())
        ),
        "plots",
        &content,
    );
}

/// Returns a line for each model, in its colour.
fn series(
    experiment: &Experiment,
    results: &Results,
    line: fn(&Evaluation) -> Line,
) -> Vec<Series> {
    let models = experiment.models.iter().zip(results.main()).enumerate();
    models
        .map(|(n, (model, ours))| {
            let line = line(ours);
            let (colour, dashed) = line_style(experiment, n);
            Series {
                tooltip: format!("{}, {}", model.name, line.tooltip),
                colour,
                style: if dashed { Style::Dashed } else { Style::Solid },
                points: line.points,
                marks: named(line.marks, &model.name),
            }
        })
        .collect()
}

struct Line {
    points: Vec<(f64, f64)>,
    marks: Vec<Mark>,
    tooltip: String,
}

fn named(marks: Vec<Mark>, name: &str) -> Vec<Mark> {
    marks
        .into_iter()
        .map(|mark| Mark {
            tooltip: format!("{name}: {}", mark.tooltip),
            ..mark
        })
        .collect()
}

fn roc(ours: &Evaluation) -> Line {
    let curve = &ours.roc;
    let (sensitivity, specificity) = (ours.sensitivity.value, ours.specificity.value);
    let at = (1.0 - specificity, sensitivity);
    Line {
        points: curve
            .false_positive_rate
            .iter()
            .copied()
            .zip(curve.sensitivity.iter().copied())
            .collect(),
        marks: shown(
            at,
            format!(
                "threshold {}, sensitivity {}, specificity {}",
                share(ours.threshold),
                share(sensitivity),
                share(specificity)
            ),
        ),
        tooltip: format!("AUC {}", share(ours.auroc.value)),
    }
}

/// Returns the precision-recall curve. It goes in steps, as average precision sums it: a precision
/// holds until the next threshold adds a positive.
fn precision_recall(ours: &Evaluation) -> Line {
    let curve = &ours.precision_recall;
    let mut points: Vec<(f64, f64)> = Vec::new();
    for (&recall, &precision) in curve.recall.iter().zip(&curve.precision) {
        if let Some(&(last_recall, _)) = points.last() {
            points.push((last_recall, precision));
        }
        points.push((recall, precision));
    }
    let (recall, precision) = (ours.sensitivity.value, ours.precision.value);
    Line {
        points,
        marks: shown(
            (recall, precision),
            format!(
                "threshold {}, sensitivity {}, precision {}",
                share(ours.threshold),
                share(recall),
                share(precision)
            ),
        ),
        tooltip: format!("average precision {}", share(ours.average_precision.value)),
    }
}

fn calibration(ours: &Evaluation) -> Line {
    let bins = || ours.calibration.iter();
    Line {
        points: bins()
            .map(|bin| (bin.mean_probability, bin.positive_fraction))
            .collect(),
        marks: bins()
            .map(|bin| Mark {
                at: (bin.mean_probability, bin.positive_fraction),
                tooltip: format!(
                    "{} {}, mean probability {}, {} positive",
                    bin.n_samples,
                    plural(ours.level),
                    decimals(bin.mean_probability, 3),
                    decimals(bin.positive_fraction, 3)
                ),
            })
            .collect(),
        tooltip: format!(
            "expected calibration error {}",
            share(ours.calibration_error)
        ),
    }
}

fn shown(at: (f64, f64), tooltip: String) -> Vec<Mark> {
    let number = at.0.is_finite() && at.1.is_finite();
    number.then_some(Mark { at, tooltip }).into_iter().collect()
}
