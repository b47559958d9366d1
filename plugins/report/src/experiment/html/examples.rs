use super::Sheet;
use super::strips::short;
use crate::ReportError;
use crate::experiment::numbers::share;
use crate::experiment::{ExampleSlice, Experiment};
use crate::html::escaped;

/// Adds the example slices, in the order given.
pub fn show(sheet: &mut Sheet, experiment: &Experiment) -> Result<(), ReportError> {
    if experiment.examples.is_empty() {
        return Ok(());
    }
    let content: String = experiment
        .examples
        .iter()
        .map(|example| figure(experiment, example))
        .collect::<Result<_, _>>()?;
    sheet.heading("Slices judged wrongly");
    sheet.figure(
        "Slices as the networks see them, each twice: the channels lung, PE and mediastinum as red, \
         green and blue; and the PE window alone.",
        "examples",
        &content,
    );
    Ok(())
}

fn figure(experiment: &Experiment, example: &ExampleSlice) -> Result<String, ReportError> {
    let about = &example.about;
    let model = escaped(&experiment.models[example.model].name);
    let label = match about.label {
        Some(true) => "PE",
        Some(false) => "no PE",
        None => "unlabelled",
    };
    let (kind, exam) = (escaped(&about.kind), escaped(&short(&about.exam)));
    let (full, url) = (escaped(&about.exam), example.picture.data_url()?);
    let (width, height) = example.picture.image().dimensions();
    Ok(format!(
        "<div><img src=\"{url}\" width=\"{width}\" height=\"{height}\" alt=\"{kind}, slice {slice} of exam {full}\">\
         <b>{kind}</b> of {model}: probability {share}, label {label}<br>\
         slice {slice} of <span title=\"{full}\">{exam}</span></div>\n",
        slice = about.slice_idx,
        share = share(about.probability),
    ))
}
