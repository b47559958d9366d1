use std::collections::BTreeSet;

use super::Sheet;
use crate::experiment::{Epoch, Experiment, Model};
use crate::html::escaped;
use crate::svg::{Axis, Mark, Plot, Series, Style};

/// Size of a training curve's frame, pixels.
const SIZE: (f64, f64) = (290.0, 130.0);

/// Adds the training curves, three plots per model.
pub fn draw(sheet: &mut Sheet, experiment: &Experiment) {
    let content: String = experiment.models.iter().map(curves).collect();
    if content.is_empty() {
        return;
    }
    sheet.heading("Training");
    let entry = |class: &str, name: &str| {
        format!(
            "<span><svg width=\"26\" height=\"10\" aria-hidden=\"true\">\
             <path class=\"line {class}\" d=\"M1 5H25\"/></svg>{name}</span>\n"
        )
    };
    let (training, validation) = (entry("s7 dashed", "training"), entry("s2", "validation"));
    sheet.out.push_str(&format!(
        "<div class=\"legend\">\n{training}{validation}</div>\n"
    ));
    sheet.figure(
        &format!(
            "Loss, AUC and learning rate by epoch, on the training and the validation part. Other \
             numbers that training wrote down are in {}.json.",
            experiment.file
        ),
        "curves",
        &content,
    );
}

fn curves(model: &Model) -> String {
    let names: BTreeSet<&str> = model
        .history
        .iter()
        .flat_map(|epoch| epoch.values.keys().map(String::as_str))
        .collect();
    let plots: String = ["loss", "auroc", "learning_rate"]
        .into_iter()
        .map(|what| {
            let named = names.iter().filter(|name| name.ends_with(what));
            let series: Vec<Series> = named.map(|name| series(&model.history, name)).collect();
            match series.as_slice() {
                [] => String::new(),
                _ => plot(model, what, series),
            }
        })
        .collect();
    match plots.as_str() {
        "" => String::new(),
        plots => format!("<h3>{}</h3>\n{plots}", escaped(&model.name)),
    }
}

fn plot(model: &Model, what: &str, series: Vec<Series>) -> String {
    let label = match what {
        "auroc" => "AUC",
        "learning_rate" => "learning rate",
        other => other,
    };
    let epochs = || model.history.iter().map(|epoch| epoch.epoch);
    let (first, last) = (
        epochs().fold(f64::INFINITY, f64::min),
        epochs().fold(0.0, f64::max),
    );
    let values = series
        .iter()
        .flat_map(|series| series.points.iter().map(|point| point.1));
    let zero = (what == "learning_rate").then_some(0.0);
    let up = Axis::around(label, values.chain(zero), 3);
    let plot = Plot {
        title: format!("{}: {label} by epoch", model.name),
        across: Axis::tight("epoch", first, last, 5),
        up,
        series,
        reference: None,
        size: SIZE,
    };
    format!("<div>{}</div>\n", plot.render())
}

/// Makes the series of one number by epoch. Numbers of the training part, of the validation part,
/// and of neither have colours of their own.
fn series(history: &[Epoch], name: &str) -> Series {
    let training = name.starts_with("train");
    let points: Vec<(f64, f64)> = history
        .iter()
        .map(|epoch| {
            (
                epoch.epoch,
                epoch.values.get(name).copied().unwrap_or(f64::NAN),
            )
        })
        .collect();
    let last = points.iter().rev().find(|point| point.1.is_finite());
    Series {
        tooltip: name.replace('_', " "),
        colour: match name {
            _ if training => 7,
            _ if name.starts_with("validation") => 2,
            _ => 6,
        },
        style: if training {
            Style::Dashed
        } else {
            Style::Solid
        },
        marks: last
            .map(|&at| Mark {
                at,
                tooltip: format!("{}: {} at epoch {}", name.replace('_', " "), at.1, at.0),
            })
            .into_iter()
            .collect(),
        points,
    }
}
