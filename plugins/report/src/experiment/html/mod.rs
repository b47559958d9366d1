//! Renders an experiment as one self-contained HTML page.

mod curves;
mod examples;
mod groups;
mod history;
mod strips;
mod style;
mod tables;

use super::numbers::{count, duration};
use super::{Experiment, Model, Results};
use crate::ReportError;
use crate::html::escaped;

/// The page that is being written. It numbers tables and figures.
struct Sheet {
    out: String,
    n_tables: usize,
    n_figures: usize,
}

/// Renders the experiment's page.
pub fn render(experiment: &Experiment, results: &Results) -> Result<String, ReportError> {
    let title = escaped(&experiment.title);
    let style = style::STYLE;
    let mut sheet = Sheet {
        out: format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n\
             <title>{title}</title>\n<style>{style}\n</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
        ),
        n_tables: 0,
        n_figures: 0,
    };
    sheet.out.push_str(&format!(
        "<p class=\"lead\">{}</p>\n",
        escaped(&summary(experiment, results))
    ));
    tables::results(&mut sheet, experiment, results);
    caveats(&mut sheet, experiment);
    tables::comparisons(&mut sheet, experiment, results);
    curves::draw(&mut sheet, experiment, results);
    groups::show(&mut sheet, experiment, results);
    tables::levels(&mut sheet, experiment, results);
    strips::draw(&mut sheet, experiment);
    examples::show(&mut sheet, experiment)?;
    history::draw(&mut sheet, experiment);
    tables::settings(&mut sheet, experiment, results);
    sheet.out.push_str("</body>\n</html>\n");
    Ok(sheet.out)
}

/// Returns a summary of models, exams and data, in one paragraph of plain text.
pub fn summary(experiment: &Experiment, results: &Results) -> String {
    let Some(first) = results.models.first() else {
        return "No models.".into();
    };
    let finding = experiment.finding();
    let exams = first.at("exam").unwrap_or(&first.main);
    let slices = first.at("slice").map_or_else(String::new, |slices| {
        let share = 100.0 * slices.n_positive as f64 / slices.n_samples.max(1) as f64;
        format!(
            " of {} labelled slices ({} with {finding}, {share:.1} %)",
            count(slices.n_samples),
            count(slices.n_positive)
        )
    });
    let data = experiment.data_words();
    let times = experiment.models.iter().filter_map(Model::training_s);
    let time = times.reduce(|sum, one| sum + one);
    let time = time.map_or_else(String::new, |sum| {
        format!(" Training took {}.", duration(sum))
    });
    let models = match experiment.models.len() {
        1 => "One model, scored on".into(),
        n => format!("{n} models, all scored on the same"),
    };
    format!(
        "{models} {} test exams ({} with {finding}){slices}. Data: {data}.{time}",
        count(exams.n_samples),
        count(exams.n_positive),
    )
}

/// Adds the reference's caveats, which a reader must know before comparing.
fn caveats(sheet: &mut Sheet, experiment: &Experiment) {
    let caveats = experiment.reference.iter().flat_map(|from| &from.caveats);
    let items: String = caveats
        .map(|text| format!("<li>{}</li>\n", escaped(text)))
        .collect();
    if !items.is_empty() {
        sheet
            .out
            .push_str(&format!("<ul class=\"notes\">\n{items}</ul>\n"));
    }
}

impl Sheet {
    fn heading(&mut self, text: &str) {
        self.out.push_str(&format!("<h2>{}</h2>\n", escaped(text)));
    }

    /// Adds a table with its number and caption above it; `rows` is HTML.
    fn table(&mut self, caption: &str, class: &str, rows: &str) {
        self.n_tables += 1;
        let (n, caption) = (self.n_tables, escaped(caption));
        self.out.push_str(&format!(
            "<div class=\"wide\"><table class=\"{class}\">\n\
             <caption><b>Table {n}.</b> {caption}</caption>\n{rows}</table></div>\n"
        ));
    }

    /// Adds a figure with its number and caption beneath it; `content` is HTML.
    fn figure(&mut self, caption: &str, class: &str, content: &str) {
        self.n_figures += 1;
        let (n, caption) = (self.n_figures, escaped(caption));
        self.out.push_str(&format!(
            "<figure>\n<div class=\"{class}\">\n{content}</div>\n\
             <figcaption><b>Figure {n}.</b> {caption}</figcaption>\n</figure>\n"
        ));
    }
}

/// Returns a row of header or body cells; the cells are HTML.
fn row(tag: &str, class: &str, cells: &[String]) -> String {
    let cells: String = cells
        .iter()
        .map(|cell| format!("<{tag}>{cell}</{tag}>"))
        .collect();
    match class {
        "" => format!("<tr>{cells}</tr>\n"),
        class => format!("<tr class=\"{class}\">{cells}</tr>\n"),
    }
}

/// Returns a header row of plain text.
fn head(names: &[&str]) -> String {
    let cells: Vec<String> = names.iter().map(|name| escaped(name)).collect();
    format!("<thead>{}</thead>\n", row("th", "", &cells))
}

/// Number of colours that the page has for lines.
const COLOURS: usize = 8;

/// Returns the colour of model `n`'s lines, as an index, and whether they are dashed, so that they
/// can be told apart without colour. Models of the reference have colours of their own. The others
/// share the colours that are left, and have dashed lines when a colour repeats.
fn line_style(experiment: &Experiment, n: usize) -> (usize, bool) {
    let models = &experiment.models;
    if let Some((place, known)) = experiment.of_reference(&models[n].id) {
        return (place % COLOURS, known.dashed);
    }
    let reference = experiment.reference.as_ref();
    let taken = reference
        .map_or(0, |from| from.models.len())
        .min(COLOURS - 1);
    let others = models[..n].iter();
    let others = others.filter(|model| experiment.of_reference(&model.id).is_none());
    let (before, left) = (others.count(), COLOURS - taken);
    (taken + before % left, before / left % 2 == 1)
}

/// Returns a legend of the experiment's models.
fn legend(experiment: &Experiment) -> String {
    let entries: String = experiment
        .models
        .iter()
        .enumerate()
        .map(|(n, model)| {
            let (colour, dashed) = line_style(experiment, n);
            let name = escaped(&model.name);
            format!(
                "<span><svg width=\"26\" height=\"10\" aria-hidden=\"true\">\
                 <path class=\"line s{colour}{}\" d=\"M1 5H25\"/></svg>{name}</span>\n",
                if dashed { " dashed" } else { "" }
            )
        })
        .collect();
    format!("<div class=\"legend\">\n{entries}</div>\n")
}
