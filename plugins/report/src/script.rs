//! `report` in Rhai: pictures, pages, and the report of an experiment.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use pe_binding::script::{ScriptResult, number, raise, shown};
use rhai::def_package;
use rhai::plugin::*;

use crate::{Epoch, Experiment, LineSeries, Page, Picture, ReportError, Row, Table};

/// A page that a script fills step by step; its copies are the same page.
#[derive(Debug, Clone, Default)]
pub struct PageHandle(Arc<Mutex<Page>>);

impl PageHandle {
    fn with<T>(&self, act: impl FnOnce(&mut Page) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// An experiment that a script fills step by step; its copies are the same experiment.
#[derive(Debug, Clone, Default)]
pub struct ExperimentHandle(Arc<Mutex<Experiment>>);

impl ExperimentHandle {
    fn with<T>(&self, act: impl FnOnce(&mut Experiment) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

def_package! {
    /// Pictures and pages that show what was done.
    pub ReportPackage(module) {
        module.set_custom_type::<Picture>("Picture");
        module.set_custom_type::<PageHandle>("Page");
        module.set_custom_type::<ExperimentHandle>("Experiment");
        combine_with_exported_module!(module, "report", report);
    }
}

/// A table from an array of arrays: the first row names the columns.
fn table_of(context: &NativeCallContext, rows: rhai::Array) -> Result<Table, ReportError> {
    let cells = |row: Dynamic| {
        let found = row.type_name().to_owned();
        match row.try_cast::<rhai::Array>() {
            Some(cells) => Ok(cells
                .iter()
                .map(|cell| shown(context, cell))
                .collect::<Vec<_>>()),
            None => Err(ReportError::Option {
                option: "rows",
                expected: "an array of arrays",
                found,
            }),
        }
    };
    let mut rows = rows.into_iter().map(cells);
    let columns = rows.next().transpose()?.unwrap_or_default();
    Ok(Table {
        columns,
        rows: rows.collect::<Result<_, _>>()?,
    })
}

/// A history from an array of maps of numbers: `epoch` in each, and `()` where an epoch has no number.
fn epochs_of(history: rhai::Array) -> ScriptResult<Vec<Epoch>> {
    let epoch_of = |entry: Dynamic| {
        let found = entry.type_name().to_owned();
        let entry = entry.try_cast::<rhai::Map>();
        let entry = entry.ok_or_else(|| raise(history_error(&format!("a {found}"))))?;
        let mut values = std::collections::BTreeMap::new();
        for (name, value) in entry.iter().filter(|(_, value)| !value.is_unit()) {
            values.insert(name.to_string(), number(name, value)?);
        }
        let epoch = values.remove("epoch");
        let epoch = epoch.ok_or_else(|| raise(history_error("a map without `epoch`")))?;
        Ok(Epoch { epoch, values })
    };
    history.into_iter().map(epoch_of).collect()
}

fn history_error(found: &str) -> ReportError {
    ReportError::Option {
        option: "history",
        expected: "an array of maps of numbers, `epoch` in each",
        found: found.into(),
    }
}

/// JSON as a value of a script; `NaN`, which JSON can only write as text, is a number again.
fn script_value(value: serde_json::Value) -> Dynamic {
    use serde_json::Value;
    match value {
        Value::Null => Dynamic::UNIT,
        Value::Bool(value) => value.into(),
        Value::Number(number) => match number.as_i64() {
            Some(int) => (int as rhai::INT).into(),
            None => (number.as_f64().unwrap_or(f64::NAN) as rhai::FLOAT).into(),
        },
        Value::String(text) if text == "NaN" => rhai::FLOAT::NAN.into(),
        Value::String(text) => text.into(),
        Value::Array(values) => {
            let values = values.into_iter().map(script_value);
            values.collect::<rhai::Array>().into()
        }
        Value::Object(entries) => {
            let entries = entries.into_iter();
            let entries = entries.map(|(name, value)| (name.into(), script_value(value)));
            entries.collect::<rhai::Map>().into()
        }
    }
}

fn row_map(row: Row) -> rhai::Map {
    let numbers = row.numbers.into_iter();
    let numbers = numbers.map(|(name, value)| (name.into(), (value as rhai::FLOAT).into()));
    [
        ("id".into(), row.id.into()),
        ("name".into(), row.name.into()),
    ]
    .into_iter()
    .chain(numbers)
    .collect()
}

// rhai's macro unwraps arguments whose types it has checked.
#[allow(clippy::unwrap_used)]
#[export_module]
mod report {
    use pe_binding::script::{options, work};
    use pe_ct::{ChannelSlice, Mask, Volume};
    use pe_metrics::script::GroupsHandle;
    use pe_metrics::{Groups, Scores};
    use rhai::{Array, INT, Map};

    /// A contact sheet of an exam, from the apex to the base.
    ///
    /// Of each slice it shows the PE window, the same with the mask's outline, and the three
    /// masked channels as red, green and blue.
    ///
    /// Throws `ct.shape` for a mask of another shape than the volume's.
    ///
    /// ```rhai
    /// report::contact_sheet(volume, mask).save("sheet.png");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn contact_sheet(
        context: NativeCallContext,
        volume: Volume,
        mask: Mask,
    ) -> ScriptResult<Picture> {
        crate::contact_sheet(&volume, &mask, &Default::default(), &work(&context)).map_err(raise)
    }

    /// As `report::contact_sheet(volume, mask)`, with options.
    ///
    /// - `tile` (160): side of a tile, 16 to 1024 pixels
    /// - `columns` (4): slices beside each other, 1 to 64
    /// - `n_slices` (0): how many slices, evenly spaced; 0 shows all, or as many as fit
    /// - `slices` ([]): the indices of the slices instead
    ///
    /// Throws `options.invalid` for one out of range, and `report.size` for a picture larger than
    /// 30,000 pixels a side.
    ///
    /// ```rhai
    /// let few = report::contact_sheet(volume, mask, #{ tile: 64, columns: 2, n_slices: 4 });
    /// print(few.width < 500); // true
    /// let chosen = report::contact_sheet(volume, mask, #{ slices: [3, 4, 20] });
    /// let none = #{ columns: 0 };
    /// try { report::contact_sheet(volume, mask, none); } catch (error) {
    ///     print(error.kind); // options.invalid
    /// }
    /// ```
    #[rhai_fn(name = "contact_sheet", return_raw)]
    pub fn contact_sheet_with(
        context: NativeCallContext,
        volume: Volume,
        mask: Mask,
        settings: Map,
    ) -> ScriptResult<Picture> {
        let settings = options("report::contact_sheet()", &settings)?;
        crate::contact_sheet(&volume, &mask, &settings, &work(&context)).map_err(raise)
    }

    /// A histogram of the volume's HU, on a logarithmic scale.
    ///
    /// ```rhai
    /// report::histogram(volume).save("histogram.png");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn histogram(volume: Volume) -> ScriptResult<Picture> {
        crate::histogram(&volume, None, &Default::default()).map_err(raise)
    }

    /// A histogram of the volume's HU with that of the voxels inside the mask.
    ///
    /// Throws `ct.shape` for a mask of another shape than the volume's.
    ///
    /// ```rhai
    /// report::histogram(volume, mask).save("histogram.png");
    /// ```
    #[rhai_fn(name = "histogram", return_raw)]
    pub fn histogram_of_mask(volume: Volume, mask: Mask) -> ScriptResult<Picture> {
        crate::histogram(&volume, Some(&mask), &Default::default()).map_err(raise)
    }

    /// As `report::histogram(volume, mask)`, with options.
    ///
    /// - `lower_hu` (-1024), `upper_hu` (1024): what is shown; voxels outside are counted in words
    /// - `bin_hu` (16): width of a bin, at least 1
    ///
    /// Throws `options.invalid` for a range or a bin that is empty.
    ///
    /// ```rhai
    /// let lung = report::histogram(volume, mask, #{ lower_hu: -1000, upper_hu: 0, bin_hu: 10 });
    /// let empty = #{ lower_hu: 0, upper_hu: 0 };
    /// try { report::histogram(volume, mask, empty); } catch (error) {
    ///     print(error.kind); // options.invalid
    /// }
    /// ```
    #[rhai_fn(name = "histogram", return_raw)]
    pub fn histogram_with(volume: Volume, mask: Mask, settings: Map) -> ScriptResult<Picture> {
        let settings = options("report::histogram()", &settings)?;
        crate::histogram(&volume, Some(&mask), &settings).map_err(raise)
    }

    /// Writes the picture as PNG; folders that are missing are made.
    ///
    /// Throws `report.path` for a name that does not end in `.png`, and `report.io` when the file
    /// cannot be written.
    ///
    /// ```rhai
    /// picture.save("slice.png");
    /// print(exists("slice.png")); // true
    /// try { picture.save("slice.png/inside.png"); } catch (error) {
    ///     print(error.kind); // report.io
    /// }
    /// ```
    #[rhai_fn(global, name = "save", return_raw, volatile, pure)]
    pub fn save_picture(
        context: NativeCallContext,
        picture: &mut Picture,
        path: &str,
    ) -> ScriptResult<()> {
        let saved = picture.save(Path::new(path), work(&context).files());
        saved.map_err(raise)
    }

    /// The width of the picture, pixels.
    #[rhai_fn(global, get = "width", pure)]
    pub fn picture_width(picture: &mut Picture) -> INT {
        INT::from(picture.image().width())
    }

    /// The height of the picture, pixels.
    #[rhai_fn(global, get = "height", pure)]
    pub fn picture_height(picture: &mut Picture) -> INT {
        INT::from(picture.image().height())
    }

    /// The picture in words.
    #[rhai_fn(global, name = "to_string", name = "to_debug", pure)]
    pub fn picture_to_string(picture: &mut Picture) -> String {
        picture.to_string()
    }

    /// An empty page with a title, to be filled and saved.
    ///
    /// Its copies are the same page.
    ///
    /// ```rhai
    /// let page = report::page("One exam");
    /// page.fact("slices", volume.n_slices);
    /// page.save("summary.html");
    /// ```
    pub fn page(title: &str) -> PageHandle {
        PageHandle(Arc::new(Mutex::new(Page::new(title))))
    }

    /// Adds a heading.
    ///
    /// ```rhai
    /// page.heading("Mask");
    /// ```
    #[rhai_fn(global, pure)]
    pub fn heading(page: &mut PageHandle, text: &str) {
        page.with(|page| page.heading(text));
    }

    /// Adds a paragraph.
    ///
    /// ```rhai
    /// page.text("The mask follows the paper's steps.");
    /// ```
    #[rhai_fn(global, pure)]
    pub fn text(page: &mut PageHandle, text: &str) {
        page.with(|page| page.text(text));
    }

    /// Adds a line `name: value`; the value may be anything that can be printed.
    ///
    /// ```rhai
    /// page.fact("inside the mask, ml", mask.volume_ml);
    /// ```
    #[rhai_fn(global, pure)]
    pub fn fact(context: NativeCallContext, page: &mut PageHandle, name: &str, value: Dynamic) {
        page.with(|page| page.fact(name, &shown(&context, &value)));
    }

    /// Adds a table from an array of rows, each an array of cells; the first names the columns.
    ///
    /// Throws `report.table` for a row that has not as many cells as there are columns, and
    /// `options.invalid` for rows that are no arrays.
    ///
    /// ```rhai
    /// page.table([["exam", "slices"], ["1", 40], ["2", 40]]);
    /// try { page.table([["exam", "slices"], ["1"]]); } catch (error) {
    ///     print(error.kind); // report.table
    /// }
    /// ```
    #[rhai_fn(global, return_raw, pure)]
    pub fn table(
        context: NativeCallContext,
        page: &mut PageHandle,
        rows: Array,
    ) -> ScriptResult<()> {
        table_of(&context, rows)
            .and_then(|table| page.with(|page| page.table(table)))
            .map_err(raise)
    }

    /// Adds a picture with a caption.
    ///
    /// ```rhai
    /// page.picture(report::contact_sheet(volume, mask, #{ n_slices: 4 }), "four slices");
    /// ```
    #[rhai_fn(global, pure)]
    pub fn picture(page: &mut PageHandle, picture: Picture, caption: &str) {
        page.with(|page| page.picture(&picture, caption));
    }

    /// Writes the page: `.html` gives a page that needs no other file, `.png` a picture of it.
    ///
    /// Folders that are missing are made.
    ///
    /// Throws `report.path` for another ending, and `report.io` when the file cannot be written.
    ///
    /// ```rhai
    /// page.save("page.html");
    /// page.save("page.png");
    /// try { page.save("page.pdf"); } catch (error) { print(error.kind); } // report.path
    /// ```
    #[rhai_fn(global, name = "save", return_raw, volatile, pure)]
    pub fn save_page(
        context: NativeCallContext,
        page: &mut PageHandle,
        path: &str,
    ) -> ScriptResult<()> {
        let work = work(&context);
        let saved = page.with(|page| page.save(Path::new(path), work.files()));
        saved.map_err(raise)
    }

    /// The page in words.
    #[rhai_fn(global, name = "to_string", name = "to_debug", pure)]
    pub fn page_to_string(page: &mut PageHandle) -> String {
        page.with(|page| page.title().to_owned())
    }

    /// A plot of lines, with an interval at each point: a picture.
    ///
    /// `series` is an array of maps, a line each, six at most: `name` for the legend; `x` and `y`, an
    /// array of numbers each; and where there are intervals, `low` and `high`, their ends. The
    /// settings:
    ///
    /// - `x` (""), `y` (""): what the axes measure, with units
    /// - `reference` (()), `reference_name` (""): a broken line at this height, and what it is
    ///
    /// Throws `options.invalid` for series that have not as many values of each.
    ///
    /// ```rhai
    /// let auroc = #{ name: "effnet", x: [20, 40, 80], y: [0.6, 0.7, 0.75], low: [0.5, 0.6, 0.7], high: [0.7, 0.8, 0.8] };
    /// let axes = #{ x: "exams to train on", y: "AUC", reference: 0.5, reference_name: "blind" };
    /// report::line_plot("Learning curve", [auroc], axes).save("curve.png");
    /// try { report::line_plot("No line", [], axes); } catch (error) { print(error.kind); } // options.invalid
    /// ```
    #[rhai_fn(return_raw)]
    pub fn line_plot(title: &str, series: Array, settings: Map) -> ScriptResult<Picture> {
        let one = |map: Dynamic| {
            let found = map.type_name().to_owned();
            let map = map.try_cast::<Map>().ok_or_else(|| {
                raise(ReportError::Option {
                    option: "series",
                    expected: "an array of maps",
                    found: format!("an array with a {found}"),
                })
            })?;
            options("report::line_plot()", &map)
        };
        let series: Vec<LineSeries> = series.into_iter().map(one).collect::<Result<_, _>>()?;
        let settings = options("report::line_plot()", &settings)?;
        crate::line_plot(title, &series, &settings).map_err(raise)
    }

    /// The numbers of an experiment that was saved, as a map: the contents of its `.json` file.
    ///
    /// Throws `report.io` where there is none, and `report.damaged` for one that is no JSON.
    ///
    /// ```rhai
    /// experiment.evaluate(#{ replicates: 100 });
    /// experiment.save("table");
    /// let numbers = report::saved("table/two_models.json");
    /// print(numbers.models[0].slice.auroc.value == experiment.rows[0].auroc); // true
    /// try { report::saved("nowhere.json"); } catch (error) { print(error.kind); } // report.io
    /// ```
    #[rhai_fn(return_raw, volatile)]
    pub fn saved(context: NativeCallContext, path: &str) -> ScriptResult<Map> {
        let work = work(&context);
        let numbers = crate::saved_numbers(Path::new(path), work.files()).map_err(raise)?;
        Ok(script_value(numbers).try_cast::<Map>().unwrap_or_default())
    }

    /// One exam's probability of PE along the body, with the threshold of the scores and the
    /// slices that are labelled PE: a picture.
    ///
    /// `exam` is the name by which the scores know it, its series UID.
    ///
    /// Throws `report.exam` for an exam that the scores do not have.
    ///
    /// ```rhai
    /// let picture = report::strip(scores, scores.exams[0].exam);
    /// try { report::strip(scores, "1.2.3"); } catch (error) { print(error.kind); } // report.exam
    /// ```
    #[rhai_fn(return_raw)]
    pub fn strip(scores: Scores, exam: &str) -> ScriptResult<Picture> {
        crate::strip(&scores, exam).map_err(raise)
    }

    /// Writes scores as a table, CSV: exam, slice index, label (empty where there is none),
    /// probability.
    ///
    /// Throws `report.io` when the file cannot be written.
    ///
    /// ```rhai
    /// report::save_predictions(scores, "predictions.csv");
    /// ```
    #[rhai_fn(return_raw, volatile)]
    pub fn save_predictions(
        context: NativeCallContext,
        scores: Scores,
        path: &str,
    ) -> ScriptResult<()> {
        let work = work(&context);
        crate::save_predictions(&scores, Path::new(path), work.files()).map_err(raise)
    }

    /// A slice as a network sees it: its channels as red, green and blue, and beside it the PE
    /// window alone.
    ///
    /// ```rhai
    /// report::slice(slices.slice(exam.info.series_uid, 20)).save("slice.png");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn slice(slice: ChannelSlice) -> ScriptResult<Picture> {
        crate::slice_picture(&slice).map_err(raise)
    }

    /// The report of models that were scored on the same exams, to be filled, evaluated and saved.
    ///
    /// Its copies are the same experiment.
    ///
    /// ```rhai
    /// let experiment = report::experiment("Two models");
    /// experiment.data("six synthetic exams");
    /// experiment.model("effnet", scores, model.history);
    /// experiment.model("effnet_tcn", other, head.history);
    /// experiment.compare("effnet", "effnet_tcn");
    /// experiment.evaluate(#{ replicates: 100 });
    /// print(experiment.table());
    /// ```
    pub fn experiment(title: &str) -> ExperimentHandle {
        ExperimentHandle(Arc::new(Mutex::new(Experiment::new(title))))
    }

    /// As `report::experiment(title)`, with options.
    ///
    /// - `file` (""): the name of the files that are saved, without an ending; by default the title in
    ///   small letters, `two_models`
    /// - `level` (""): what the first table, the curves and the comparisons are about: `"slice"`,
    ///   `"slab"` or `"exam"`; by default slices, or exams where no slice is labelled
    /// - `reference` (()): numbers from elsewhere, such as a paper's table, printed beneath ours
    ///
    /// A reference is a map: `name`, what its rows are called; `data`, what its numbers were made on;
    /// `caveats`, an array of sentences; and `models`, an array of maps with `id`, the model's name in
    /// this script, `name`, its name for people, `dashed`, whether its lines are broken, and `numbers`, its
    /// numbers at that level by name: `accuracy`, `sensitivity`, `specificity`, `precision`, `f1`,
    /// `auroc`, `same_height_auroc`, `average_precision`, `brier`. Whatever it leaves out stays
    /// empty. `read_yaml` reads it from a file.
    ///
    /// Throws `options.invalid` for a file name of other signs than letters, digits, `_` and `-`, a
    /// reference without a name, and a number or a level that the report does not have.
    ///
    /// ```rhai
    /// let paper = #{ name: "paper", data: "900 exams of one hospital",
    ///     models: [#{ id: "effnet", name: "EfficientNet-B0", numbers: #{ auroc: 0.83 } }] };
    /// let compared = report::experiment("Two models", #{ file: "models", reference: paper });
    /// let misspelt = #{ name: "paper", models: [#{ id: "effnet", numbers: #{ auc: 0.83 } }] };
    /// try { report::experiment("Two models", #{ reference: misspelt }); } catch (error) {
    ///     print(error.kind); // options.invalid
    /// }
    /// ```
    #[rhai_fn(name = "experiment", return_raw)]
    pub fn experiment_with(title: &str, settings: Map) -> ScriptResult<ExperimentHandle> {
        let settings = options("report::experiment()", &settings)?;
        let experiment = Experiment::with_options(title, settings).map_err(raise)?;
        Ok(ExperimentHandle(Arc::new(Mutex::new(experiment))))
    }

    /// Says in words on what data the models were trained and tested; they stand beside the
    /// numbers.
    ///
    /// ```rhai
    /// experiment.data("six synthetic exams, which are no substitute for patients");
    /// ```
    #[rhai_fn(global, name = "data", pure)]
    pub fn experiment_data(experiment: &mut ExperimentHandle, words: &str) {
        experiment.with(|experiment| experiment.data(words));
    }

    /// Adds a model by its id, its scores on the test part, and the history of its training.
    ///
    /// `history` is an array of maps of numbers, an epoch each: `epoch`, and any of `train_loss`,
    /// `validation_loss`, `validation_auroc`, `learning_rate`; `[]` where there was none. A model
    /// that the experiment's reference has, by its id, gets that row beside it.
    ///
    /// Throws `report.model` for an id that is there already, `report.exam` for scores of other
    /// exams or labels than the first model's, and `options.invalid` for a history of another
    /// form.
    ///
    /// ```rhai
    /// let rows = report::experiment("Two rows");
    /// rows.model("effnet", scores, model.history);
    /// rows.model("effnet_tcn", other, head.history);
    /// try { rows.model("effnet", scores, []); } catch (error) { print(error.kind); } // report.model
    /// ```
    #[rhai_fn(global, name = "model", return_raw, pure)]
    pub fn experiment_model(
        experiment: &mut ExperimentHandle,
        id: &str,
        scores: Scores,
        history: Array,
    ) -> ScriptResult<()> {
        let history = epochs_of(history)?;
        let added = experiment.with(|experiment| experiment.model(id, scores, history));
        added.map_err(raise)
    }

    /// Names a model for people, where it is another than its `id` stands for in the reference.
    ///
    /// Throws `report.model` when the experiment has no such model.
    ///
    /// ```rhai
    /// let lite = report::experiment("A stand-in");
    /// lite.model("effnet", scores, model.history);
    /// lite.rename("effnet", "EfficientNet-Lite0");
    /// try { lite.rename("resnet3d", "R3D"); } catch (error) { print(error.kind); } // report.model
    /// ```
    #[rhai_fn(global, name = "rename", return_raw, pure)]
    pub fn experiment_rename(
        experiment: &mut ExperimentHandle,
        id: &str,
        name: &str,
    ) -> ScriptResult<()> {
        let renamed = experiment.with(|experiment| experiment.rename(id, name));
        renamed.map_err(raise)
    }

    /// Adds a model without training that every other model is held against: what a model is worth is
    /// what it is better by.
    ///
    /// It may be added before the others or after them. The report shows of each model how much its
    /// AUC among slices at the same height is above the baseline's, with an interval of the same
    /// resamples of exams.
    ///
    /// Throws as `experiment.model()`, and `report.model` for a second baseline.
    ///
    /// ```rhai
    /// let rows = report::experiment("A model and where slices lie");
    /// rows.model("effnet", scores, model.history);
    /// rows.baseline("position", train::position_baseline(slices, split));
    /// rows.evaluate(#{ replicates: 50 });
    /// let found = rows.rows[0];
    /// print(found.same_height_to_baseline_low <= found.same_height_to_baseline_high); // true
    /// try { rows.baseline("other", other); } catch (error) { print(error.kind); } // report.model
    /// ```
    #[rhai_fn(global, name = "baseline", return_raw, pure)]
    pub fn experiment_baseline(
        experiment: &mut ExperimentHandle,
        id: &str,
        scores: Scores,
    ) -> ScriptResult<()> {
        let added = experiment.with(|experiment| experiment.baseline(id, scores));
        added.map_err(raise)
    }

    /// Asks for a comparison: how much better `id` is than `base`. `experiment.evaluate()`
    /// computes it.
    ///
    /// Throws `report.model` for a model that the experiment does not have.
    ///
    /// ```rhai
    /// experiment.compare("effnet", "effnet_tcn");
    /// try { experiment.compare("effnet", "resnet"); } catch (error) {
    ///     print(error.kind); // report.model
    /// }
    /// ```
    #[rhai_fn(global, name = "compare", return_raw, pure)]
    pub fn experiment_compare(
        experiment: &mut ExperimentHandle,
        base: &str,
        id: &str,
    ) -> ScriptResult<()> {
        let asked = experiment.with(|experiment| experiment.compare(base, id));
        asked.map_err(raise)
    }

    /// Asks where the models fail: for their numbers on each group of slices.
    ///
    /// `groups` are made by `metrics::groups()`. The report shows each model's AUC, also among slices
    /// at the same height, of the PE slices of each group, and how many of the group's other slices
    /// are called PE; `scores.by(groups)` gives the same numbers of one model.
    /// `experiment.evaluate()` computes them, and throws `metrics.groups` for groups that do not fit.
    ///
    /// ```rhai
    /// let ends = report::experiment("At the ends");
    /// ends.model("effnet", scores, model.history);
    /// let uid = scores.exams[0].exam;
    /// ends.by(metrics::groups("end", [#{ exam: uid, group: "lowest", slices: [0, 1, 2] }]));
    /// ends.evaluate(#{ replicates: 20 });
    /// ```
    #[rhai_fn(global, name = "by", pure)]
    pub fn experiment_by(experiment: &mut ExperimentHandle, groups: GroupsHandle) {
        experiment.with(|experiment| experiment.by(Groups::clone(&groups)));
    }

    /// Adds a fact of the data or the settings; the value may be anything that can be printed.
    ///
    /// ```rhai
    /// experiment.fact("exams", scan.exams.len());
    /// ```
    #[rhai_fn(global, name = "fact", pure)]
    pub fn experiment_fact(
        context: NativeCallContext,
        experiment: &mut ExperimentHandle,
        name: &str,
        value: Dynamic,
    ) {
        let value = shown(&context, &value);
        experiment.with(|experiment| experiment.fact(name, &value));
    }

    /// Adds a remark.
    ///
    /// ```rhai
    /// experiment.note("Both models were trained for one epoch.");
    /// ```
    #[rhai_fn(global, name = "note", pure)]
    pub fn experiment_note(experiment: &mut ExperimentHandle, text: &str) {
        experiment.with(|experiment| experiment.note(text));
    }

    /// Adds the picture of a slice that model `id` judged wrongly.
    ///
    /// `mistake` is an entry of `scores.errors(n)`,
    /// `#{kind, exam, slice_idx, probability, label}`.
    ///
    /// Throws `report.model` and `report.exam` for a model, an exam or a slice that the experiment
    /// does not have.
    ///
    /// ```rhai
    /// for mistake in scores.errors(1) {
    ///     experiment.example("effnet", mistake, slices.slice(mistake.exam, mistake.slice_idx));
    /// }
    /// ```
    #[rhai_fn(global, name = "example", return_raw, pure)]
    pub fn experiment_example(
        experiment: &mut ExperimentHandle,
        id: &str,
        mistake: Map,
        slice: ChannelSlice,
    ) -> ScriptResult<()> {
        let about = options("example()", &mistake)?;
        let added = experiment.with(|experiment| experiment.example(id, about, &slice));
        added.map_err(raise)
    }

    /// As `experiment.evaluate(settings)` with its defaults.
    ///
    /// ```rhai
    /// experiment.evaluate();
    /// print(experiment.rows.len()); // 2
    /// ```
    #[rhai_fn(global, name = "evaluate", return_raw, volatile, pure)]
    pub fn experiment_evaluate(
        context: NativeCallContext,
        experiment: &mut ExperimentHandle,
    ) -> ScriptResult<()> {
        let (settings, work) = (Default::default(), work(&context));
        let done = experiment.with(|experiment| experiment.evaluate(&settings, &work));
        done.map_err(raise)
    }

    /// Evaluates every model at slice, slab and exam level, where there are labels, and compares what
    /// is to be compared.
    ///
    /// - `replicates` (1000): resamples of the exams for the intervals
    /// - `confidence` (0.95): of the intervals
    /// - `seed` (0): of the resamples
    /// - `slab` (32): slices in a slab
    /// - `bins` (10): of the calibration
    /// - `height_tolerance` (0.04): how far the heights of slices may differ that the same-height
    ///   AUC compares, in shares of the exam
    ///
    /// Throws `report.model` for an experiment without models, and as `metrics::evaluate`.
    ///
    /// ```rhai
    /// experiment.evaluate(#{ replicates: 100 });
    /// let empty = report::experiment("No models");
    /// try { empty.evaluate(#{}); } catch (error) { print(error.kind); } // report.model
    /// ```
    #[rhai_fn(global, name = "evaluate", return_raw, volatile, pure)]
    pub fn experiment_evaluate_with(
        context: NativeCallContext,
        experiment: &mut ExperimentHandle,
        settings: Map,
    ) -> ScriptResult<()> {
        let (settings, work) = (options("evaluate()", &settings)?, work(&context));
        let done = experiment.with(|experiment| experiment.evaluate(&settings, &work));
        done.map_err(raise)
    }

    /// The table as text, the reference's row beneath each of its models.
    ///
    /// Throws `report.evaluate` before `experiment.evaluate()`, and after a model or a comparison
    /// was added since.
    ///
    /// ```rhai
    /// experiment.evaluate(#{ replicates: 100 });
    /// print(experiment.table());
    /// let fresh = report::experiment("Not evaluated");
    /// try { fresh.table(); } catch (error) { print(error.kind); } // report.evaluate
    /// ```
    #[rhai_fn(global, name = "table", return_raw, pure)]
    pub fn experiment_table(experiment: &mut ExperimentHandle) -> ScriptResult<String> {
        experiment
            .with(|experiment| experiment.table())
            .map_err(raise)
    }

    /// Each model's numbers at the experiment's level, which is that of slices by default, an array
    /// of maps.
    ///
    /// They have `id`, `name`, `threshold`; `accuracy`, `accuracy_low`, `accuracy_high` and so
    /// on for `sensitivity`, `specificity`, `precision`, `f1`, `auroc`, `same_height_auroc`,
    /// `average_precision` and `brier`; `slab_auroc` and `exam_auroc`; and `reference_accuracy` and so
    /// on for models that the reference has. With a
    /// baseline, the other models have `same_height_to_baseline`, how much their same-height AUC is
    /// above the baseline's, its ends `_low` and `_high`, and its p value `_p`; at another level than
    /// that of slices `auroc_to_baseline`.
    ///
    /// Throws `report.evaluate` as `experiment.table()`.
    #[rhai_fn(global, get = "rows", return_raw, pure)]
    pub fn experiment_rows(experiment: &mut ExperimentHandle) -> ScriptResult<Array> {
        let rows = experiment
            .with(|experiment| experiment.rows())
            .map_err(raise)?;
        Ok(rows.into_iter().map(|row| row_map(row).into()).collect())
    }

    /// Writes the report as `.html`, `.json`, `.csv` and `.md`, and `predictions.csv`, into the
    /// folder. The option `file` of the experiment names them, or else its title.
    ///
    /// The folder is created when it is missing. The same experiment gives the same files.
    ///
    /// Throws `report.evaluate` as `experiment.table()`, and `report.io` when a file cannot be
    /// written.
    ///
    /// ```rhai
    /// experiment.evaluate(#{ replicates: 100 });
    /// experiment.save("table");
    /// print(exists("table/two_models.html")); // true
    /// ```
    #[rhai_fn(global, name = "save", return_raw, volatile, pure)]
    pub fn save_experiment(
        context: NativeCallContext,
        experiment: &mut ExperimentHandle,
        folder: &str,
    ) -> ScriptResult<()> {
        let work = work(&context);
        let saved = experiment.with(|one| one.save(Path::new(folder), work.files()));
        saved.map_err(raise)
    }

    /// The experiment in words.
    #[rhai_fn(global, name = "to_string", name = "to_debug", pure)]
    pub fn experiment_to_string(experiment: &mut ExperimentHandle) -> String {
        experiment.with(|experiment| experiment.to_string())
    }
}
