//! The report of an experiment: its files, its table, what it refuses.

use std::fs;
use std::path::Path;

use ndarray::Array3;
use pe_binding::{Explain, Work};
use pe_ct::ChannelSlice;
use pe_files::Files;
use pe_metrics::{EvaluateOptions, ExamScores, GroupSlices, Groups, Scores};
use pe_report::{
    Epoch, Example, Experiment, ExperimentOptions, Reference, ReferenceModel, ReportError,
};

#[allow(dead_code)]
#[path = "../examples/table2.rs"]
mod table2;

/// Ten exams of four slices; every other one has PE on its second slice, the third slice of all is
/// unlabelled. `found` is the probability where PE is.
fn scores(model: &str, found: f64) -> Scores {
    let exams = (0..10).map(|exam| ExamScores {
        exam: format!("1.2.{exam}"),
        positive: Some(exam % 2 == 0),
        probability: None,
        labels: vec![Some(false), Some(exam % 2 == 0), None, Some(false)],
        probabilities: vec![0.125, if exam % 2 == 0 { found } else { 0.25 }, 0.75, 0.5],
    });
    Scores::new(model, exams.collect()).expect("the scores are in order")
}

fn two_models() -> Experiment {
    let options = ExperimentOptions {
        file: "table2".into(),
        reference: Some(table2::reference()),
        ..Default::default()
    };
    let mut experiment =
        Experiment::with_options("Two models", options).expect("it can be printed");
    experiment.data("ten exams, made up");
    let base = scores("effnet", 0.375).with_threshold(0.375);
    experiment.model("effnet", base, vec![]).expect("the first");
    let best = scores("effnet_tcn", 0.875).with_threshold(0.625);
    experiment
        .model("effnet_tcn", best, vec![])
        .expect("the second");
    experiment
        .compare("effnet", "effnet_tcn")
        .expect("both are there");
    experiment
}

fn evaluated(mut experiment: Experiment) -> Experiment {
    let options = EvaluateOptions {
        replicates: 50,
        ..Default::default()
    };
    experiment
        .evaluate(&options, &Work::silent())
        .expect("the experiment can be evaluated");
    experiment
}

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).expect("the report wrote it")
}

const FILES: [&str; 5] = [
    "predictions.csv",
    "table2.csv",
    "table2.html",
    "table2.json",
    "table2.md",
];

#[test]
fn the_table_shows_ours_above_the_reference() {
    let table = evaluated(two_models()).table().expect("it is evaluated");
    let found: Vec<&str> = table.lines().take(9).collect();
    let expected = [
        "Two models",
        "",
        "slice level                 Accuracy    Sens.    Spec.    Prec.       F1      AUC   95 % interval  Same height",
        "──────────────────────────────────────────────────────────────────────────────────────────────────────────────",
        "EfficientNet-B0               0.6667   1.0000   0.6000   0.3333   0.5000   0.6000   0.545–0.643         1.0000",
        "  paper                       0.7700   0.7800   0.7600   0.1600   0.2700   0.8300",
        "EfficientNet-B0 + TCN         1.0000*  1.0000   1.0000*  1.0000*  1.0000*  1.0000*  1.000–1.000         1.0000",
        "  paper                       0.8000   0.8100   0.7900   0.2500   0.3800   0.8700",
        "",
    ];
    assert_eq!(found, expected);
    assert!(table.contains("ten exams, made up."), "{table}");
    assert!(table.contains("Paper: 900 exams"), "{table}");
    assert!(table.contains("from other data than ours"), "{table}");
    let widest = table.lines().map(|line| line.chars().count()).max();
    assert_eq!(widest, Some(110));
}

#[test]
fn without_a_reference_there_is_none() {
    let mut experiment = Experiment::new("Which mask, <lungs> or hull?");
    for (id, found) in [("lungs", 0.375), ("hull", 0.875)] {
        let scores = scores(id, found).with_threshold(0.5);
        experiment
            .model(id, scores, vec![])
            .expect("the exams are the same");
    }
    let experiment = evaluated(experiment);
    let scratch = tempfile::tempdir().expect("a scratch folder");
    experiment
        .save(scratch.path(), &Files::free())
        .expect("the folder can be written");
    for ending in ["html", "csv", "md"] {
        let text = read(
            scratch.path(),
            &format!("which_mask_lungs_or_hull.{ending}"),
        );
        // The page's background is called paper too.
        let body = text.split_once("</style>").map_or(&*text, |(_, body)| body);
        assert!(!body.contains("aper"), "{body}");
    }
    let numbers: serde_json::Value =
        serde_json::from_str(&read(scratch.path(), "which_mask_lungs_or_hull.json")).expect("JSON");
    assert!(numbers["reference"].is_null());
    assert!(
        !experiment
            .table()
            .expect("it is evaluated")
            .contains("aper")
    );
}

#[test]
fn a_reference_that_cannot_be_printed_is_refused() {
    let check = |change: &dyn Fn(&mut Reference), expected: &str| {
        let mut reference = table2::reference();
        change(&mut reference);
        let error = reference
            .check()
            .expect_err("it cannot be printed")
            .to_string();
        assert!(error.contains(expected), "{error}");
    };
    assert!(table2::reference().check().is_ok());
    check(&|reference| reference.name.clear(), "a `name`");
    check(
        &|reference| reference.models[1].id = "effnet".into(),
        "found `effnet`",
    );
    check(
        &|reference| reference.models.push(ReferenceModel::default()),
        "found ``",
    );
    let number = |key: &'static str, value| {
        move |reference: &mut Reference| {
            reference.models[0].numbers.insert(key.into(), value);
        }
    };
    check(&number("auroc", f64::NAN), "NaN as `auroc`");
    check(&number("aurok", 0.8), "`aurok` of `effnet` (near: `auroc`)");
    let file = ExperimentOptions {
        file: "../table2".into(),
        ..Default::default()
    };
    let error = Experiment::with_options("x", file)
        .expect_err("a path")
        .to_string();
    assert!(error.contains("found `../table2`"), "{error}");
}

#[test]
fn the_same_experiment_gives_the_same_bytes() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let folders = ["a", "b"].map(|name| scratch.path().join(name));
    for folder in &folders {
        let experiment = table2::experiment().expect("the example runs");
        experiment
            .save(folder, &Files::free())
            .expect("the folder can be written");
        let mut names: Vec<String> = fs::read_dir(folder)
            .expect("it is there")
            .map(|entry| {
                entry
                    .expect("readable")
                    .file_name()
                    .to_string_lossy()
                    .into()
            })
            .collect();
        names.sort();
        assert_eq!(names, FILES);
    }
    for name in FILES {
        assert_eq!(read(&folders[0], name), read(&folders[1], name), "{name}");
    }
}

/// Names and values that would break a page, a table or a line if they were taken as they are.
fn hostile() -> Experiment {
    let options = ExperimentOptions {
        file: "table2".into(),
        reference: None,
        ..Default::default()
    };
    let title = "<script>alert(1)</script> & \"co\"";
    let mut experiment = Experiment::with_options(title, options).expect("a plain file name");
    experiment.data("a|b, \"c\"\n<i>d</i>");
    let scores = scores("x", 0.5).with_threshold(0.5);
    let history = vec![Epoch {
        epoch: 1.0,
        values: [("train_loss".into(), f64::NAN)].into(),
    }];
    let id = "<b>,\"|`";
    experiment.model(id, scores, history).expect("any name");
    experiment.fact("<u>", "&amp;");
    experiment.note("</body>");
    let slice = ChannelSlice::new(Array3::zeros((3, 4, 4))).expect("a slice");
    let about = Example {
        kind: "<img src=x>".into(),
        exam: "1.2.0".into(),
        ..Default::default()
    };
    experiment
        .example(id, about, &slice)
        .expect("a slice of it");
    evaluated(experiment)
}

#[test]
fn pages_are_well_formed_and_need_no_other_file() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    for experiment in [table2::experiment().expect("the example runs"), hostile()] {
        experiment
            .save(scratch.path(), &Files::free())
            .expect("it can be written");
        let page = read(scratch.path(), "table2.html");
        assert_eq!(unbalanced(&page), None);
        for outside in [
            "http:", "https:", "href", "url(", "@import", "<script", "<link",
        ] {
            assert!(!page.contains(outside), "{outside}");
        }
        let sources = page.matches("src=\"").count();
        assert_eq!(
            sources,
            page.matches("src=\"data:image/png;base64,").count()
        );
        assert!(!page.contains("NaN"), "what is no number is not drawn");
    }
}

/// The first tag that closes nothing, or that nothing closes.
fn unbalanced(page: &str) -> Option<String> {
    let mut open = Vec::new();
    for piece in page.split('<').skip(1) {
        let (tag, _) = piece.split_once('>')?;
        let name = tag.split([' ', '\n']).next().unwrap_or_default();
        let void = tag.ends_with('/') || ["!doctype", "meta", "br", "img"].contains(&name);
        match name.strip_prefix('/') {
            Some(closed) if open.pop() != Some(closed) => return Some(format!("<{tag}>")),
            Some(_) => {}
            None if void => {}
            None => open.push(name),
        }
    }
    open.pop().map(|name| format!("<{name}>, never closed"))
}

#[test]
fn a_page_that_is_not_well_formed_would_be_found() {
    let check = |page, expected: Option<&str>| {
        assert_eq!(unbalanced(page).as_deref(), expected, "{page}");
    };
    check("<p>a<br>b</p>", None);
    check("<p><b>a</p></b>", Some("</p>"));
    check("<p>", Some("<p>, never closed"));
}

#[test]
fn names_are_escaped_wherever_they_are_written() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    hostile()
        .save(scratch.path(), &Files::free())
        .expect("it can be written");
    let page = read(scratch.path(), "table2.html");
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;co&quot;"));
    assert!(page.contains("&amp;amp;"));
    let markdown = read(scratch.path(), "table2.md");
    assert!(markdown.contains("| \\<b\\>,\"\\|\\` |"), "{markdown}");
    let mut table = csv::Reader::from_path(scratch.path().join("table2.csv")).expect("a table");
    let first = table.records().next().expect("a row").expect("readable");
    assert_eq!(&first[0], "<b>,\"|`");
    let json: serde_json::Value =
        serde_json::from_str(&read(scratch.path(), "table2.json")).expect("JSON");
    assert_eq!(json["models"][0]["id"], "<b>,\"|`");
}

#[test]
fn predictions_read_back_as_they_were() {
    let experiment = table2::experiment().expect("the example runs");
    let scratch = tempfile::tempdir().expect("a scratch folder");
    experiment
        .save(scratch.path(), &Files::free())
        .expect("it can be written");
    let mut table =
        csv::Reader::from_path(scratch.path().join("predictions.csv")).expect("a table");
    let head: Vec<String> = table
        .headers()
        .expect("a head")
        .iter()
        .map(Into::into)
        .collect();
    assert_eq!(head[..4], ["exam", "slice_idx", "label", "effnet"]);
    let mut rows = table.records().map(|row| row.expect("readable"));
    for exam_idx in 0..15 {
        let exam = &experiment.models()[0].scores.exams()[exam_idx];
        for slice_idx in 0..exam.labels.len() {
            let row = rows.next().expect("a row for each slice");
            assert_eq!(
                (&row[0], &row[1]),
                (exam.exam.as_str(), slice_idx.to_string().as_str())
            );
            let label = exam.labels[slice_idx].map(|label| label.into());
            assert_eq!(row[2].parse::<u8>().ok(), label);
            for (n, model) in experiment.models().iter().enumerate() {
                let expected = model.scores.exams()[exam_idx].probabilities[slice_idx];
                assert_eq!(row[3 + n].parse::<f64>(), Ok(expected));
            }
        }
    }
    assert_eq!(rows.next(), None);
}

#[test]
fn unlabelled_slices_have_no_label() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    evaluated(two_models())
        .save(scratch.path(), &Files::free())
        .expect("written");
    let expected = "exam,slice_idx,label,effnet,effnet_tcn\n\
                    1.2.0,0,0,0.125,0.125\n\
                    1.2.0,1,1,0.375,0.875\n\
                    1.2.0,2,,0.75,0.75\n";
    assert!(read(scratch.path(), "predictions.csv").starts_with(expected));
}

#[test]
fn json_holds_every_level_the_reference_and_the_comparisons() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    evaluated(two_models())
        .save(scratch.path(), &Files::free())
        .expect("written");
    let json: serde_json::Value =
        serde_json::from_str(&read(scratch.path(), "table2.json")).expect("JSON");
    let model = &json["models"][0];
    assert_eq!(model["slice"]["auroc"]["value"], 0.6);
    assert_eq!(model["slice"]["threshold_from"], "validation");
    assert_eq!(model["exam"]["n_samples"], 10);
    assert_eq!(model["slab"]["n_samples"], 10);
    assert_eq!(model["optimistic"]["threshold"], 0.375);
    assert_eq!(model["reference"]["auroc"], 0.83);
    assert_eq!(json["comparisons"][0]["base"], "effnet");
    assert_eq!(
        json["comparisons"][0]["result"]["delta_auroc"]["value"],
        0.4
    );
}

/// The two models beside a score that is the same on every second slice.
fn with_baseline() -> Experiment {
    let mut experiment = two_models();
    let blind = scores("height", 0.25).with_threshold(0.25);
    experiment.baseline("height", blind).expect("the first");
    experiment
}

#[test]
fn the_second_table_holds_slices_at_the_same_height_against_the_baseline() {
    let table = evaluated(with_baseline()).table().expect("it is evaluated");
    let lines = table
        .lines()
        .skip_while(|line| !line.starts_with("same height"));
    let found: Vec<&str> = lines.take(5).collect();
    let expected = [
        "same height                    AUC  95 % interval         less height's  95 % interval             p",
        "────────────────────────────────────────────────────────────────────────────────────────────────────",
        "EfficientNet-B0             1.0000  1.000–1.000                 +0.5000  +0.500 to +0.500      0.039",
        "EfficientNet-B0 + TCN       1.0000  1.000–1.000                 +0.5000  +0.500 to +0.500      0.039",
        "height                      0.5000  0.500–0.500",
    ];
    assert_eq!(found, expected);
    assert!(table.contains("(within 4 % of the scan)"), "{table}");
    let without = evaluated(two_models()).table().expect("it is evaluated");
    assert!(
        without.contains("same height                    AUC  95 % interval\n"),
        "{without}"
    );
}

#[test]
fn every_file_tells_of_slices_at_the_same_height() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let experiment = evaluated(with_baseline());
    experiment
        .save(scratch.path(), &Files::free())
        .expect("written");
    let json: serde_json::Value =
        serde_json::from_str(&read(scratch.path(), "table2.json")).expect("JSON");
    assert_eq!(json["baseline"], "height");
    let blind = &json["models"][2];
    let expected = serde_json::json!({
        "value": 0.5, "low": 0.5, "high": 0.5, "n_compared": 5, "n_left_out": 0
    });
    assert_eq!(blind["slice"]["same_height_auroc"], expected);
    assert!(blind["slab"]["same_height_auroc"].is_null() && blind["to_baseline"].is_null());
    let to_baseline = &json["models"][0]["to_baseline"];
    assert_eq!(to_baseline["model_a"], "height");
    assert_eq!(to_baseline["same_height"]["delta_auroc"]["value"], 0.5);
    let compared = &json["comparisons"][0]["result"]["same_height"];
    assert_eq!(compared["delta_auroc"]["value"], 0.0);
    assert_eq!(compared["p"], 1.0);

    let page = read(scratch.path(), "table2.html");
    for text in [
        "<th>Same-height AUC</th><th>less height's</th>",
        "+0.5000<small>+0.500 to +0.500</small><small>p 0.039</small>",
        "<th>Δ same-height AUC</th>",
        "0.5 is blind",
    ] {
        assert!(page.contains(text), "{text}");
    }
    let markdown = read(scratch.path(), "table2.md");
    assert!(
        markdown.contains("| 1.0000 (1.000–1.000) | +0.5000 (+0.500 to +0.500) |"),
        "{markdown}"
    );
    assert!(
        markdown.contains("| 0.5000 (0.500–0.500) |  |"),
        "{markdown}"
    );
    let mut table = csv::Reader::from_path(scratch.path().join("table2.csv")).expect("a table");
    let head = table.headers().expect("a head").clone();
    let column = head.iter().position(|name| name == "same_height_auroc_low");
    let column = column.expect("there is one");
    let lines: Vec<_> = table.records().map(|row| row.expect("readable")).collect();
    let cells: Vec<&str> = lines.iter().take(5).map(|line| &line[column]).collect();
    assert_eq!(cells, ["1.0", "", "", "", ""]);

    let rows = experiment.rows().expect("it is evaluated");
    let number = |row: usize, name: &str| {
        let found = rows[row].numbers.iter().find(|found| found.0 == name);
        found.map(|found| found.1)
    };
    assert_eq!(number(0, "same_height_to_baseline_low"), Some(0.5));
    assert_eq!(number(2, "same_height_auroc_high"), Some(0.5));
    assert_eq!(number(2, "same_height_to_baseline"), None);
}

#[test]
fn there_is_one_baseline() {
    let mut experiment = with_baseline();
    let error = experiment.baseline("other", scores("other", 0.5));
    let error = error.expect_err("a second");
    assert!(
        matches!(error, ReportError::SecondBaseline { .. }),
        "{error}"
    );
    assert_eq!(experiment.models().len(), 3);
    let mut experiment = two_models();
    let error = experiment.baseline("effnet", scores("effnet", 0.5));
    let error = error.expect_err("a model of that name");
    assert!(
        matches!(error, ReportError::DuplicateModel { .. }),
        "{error}"
    );
    experiment
        .baseline("height", scores("height", 0.25))
        .expect("what failed left none");
}

/// Ten exams that only have a label and a probability of their own; `found` is that of the positive.
fn of_exams(model: &str, target: &str, found: f64) -> Scores {
    let exams = (0..10).map(|exam| ExamScores {
        exam: format!("1.2.{exam}"),
        positive: Some(exam % 2 == 0),
        probability: Some(if exam % 2 == 0 {
            found
        } else {
            0.25 + f64::from(exam) / 32.0
        }),
        labels: vec![],
        probabilities: vec![],
    });
    Scores::new(model, exams.collect())
        .expect("the scores are in order")
        .with_target(target)
}

#[test]
fn a_target_of_exams_has_a_report_of_exams() {
    let mut experiment = Experiment::new("Central emboli");
    let blind = of_exams("prior", "central_pe", 0.375).with_threshold(0.5);
    experiment.baseline("prior", blind).expect("the first");
    let seen = of_exams("winner", "central_pe", 0.875).with_threshold(0.5);
    experiment
        .model("winner", seen, vec![])
        .expect("the second");
    experiment
        .compare("prior", "winner")
        .expect("both are there");
    let experiment = evaluated(experiment);
    let table = experiment.table().expect("it is evaluated");
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[2].starts_with("exam level  "), "{table}");
    assert!(lines[2].ends_with("AUC   95 % interval"), "{table}");
    let beside = lines
        .iter()
        .skip(3)
        .position(|line| line.starts_with("exam level"));
    let beside = &lines[3 + beside.expect("a second table")..];
    assert!(beside[0].contains("less prior's"), "{table}");
    assert!(
        beside[3].starts_with("winner                      1.0000"),
        "{table}"
    );
    assert!(
        table.contains("the same 10 test exams (5 with central_pe). Data: not described."),
        "{table}"
    );
    assert!(!table.contains("height"), "{table}");

    let scratch = tempfile::tempdir().expect("a scratch folder");
    experiment
        .save(scratch.path(), &Files::free())
        .expect("written");
    let json: serde_json::Value =
        serde_json::from_str(&read(scratch.path(), "central_emboli.json")).expect("JSON");
    assert_eq!(
        (&json["target"], &json["level"]),
        (&"central_pe".into(), &"exam".into())
    );
    let winner = &json["models"][1];
    assert_eq!(winner["exam"]["auroc"]["value"], 1.0);
    assert_eq!(winner["exam"]["target"], "central_pe");
    assert!(winner["slice"].is_null() && winner["slab"].is_null());
    assert_eq!(winner["to_baseline"]["level"], "exam");
    assert_eq!(json["comparisons"][0]["result"]["n_samples"], 10);
    let page = read(scratch.path(), "central_emboli.html");
    assert_eq!(unbalanced(&page), None);
    for text in [
        "Exam level:",
        "Difference in AUC at exam level",
        "share with central_pe",
    ] {
        assert!(page.contains(text), "{text}");
    }
    for text in ["lice level", "Slabs", "<h2>Exams</h2>", "eight"] {
        let body = page.split_once("</style>").map_or(&*page, |(_, body)| body);
        let body = body.replace(" height=", "");
        assert!(!body.contains(text), "{text}");
    }
    let predictions = read(scratch.path(), "predictions.csv");
    assert!(
        predictions.starts_with("exam,slice_idx,label,prior,winner\n1.2.0,,1,0.375,0.875\n"),
        "{predictions}"
    );
    let rows = experiment.rows().expect("it is evaluated");
    let names: Vec<&str> = rows[1].numbers.iter().map(|one| one.0.as_str()).collect();
    assert!(names.contains(&"auroc_to_baseline_low"), "{names:?}");
    assert!(!names.contains(&"exam_auroc") && !names.contains(&"slab_auroc"));
}

#[test]
fn an_experiment_is_about_the_level_that_was_asked_for() {
    let options = |level: &str| ExperimentOptions {
        level: level.into(),
        ..Default::default()
    };
    let mut experiment = Experiment::with_options("x", options("exam")).expect("a level");
    let scores = scores("x", 0.875).with_threshold(0.5);
    experiment.model("x", scores, vec![]).expect("the first");
    let experiment = evaluated(experiment);
    let results = experiment.results().expect("it is evaluated");
    let levels = results.models[0].levels().map(|found| found.level.name());
    assert_eq!(levels.collect::<Vec<_>>(), ["exam", "slice", "slab"]);
    let scratch = tempfile::tempdir().expect("a scratch folder");
    experiment
        .save(scratch.path(), &Files::free())
        .expect("written");
    let page = read(scratch.path(), "x.html");
    assert!(page.contains("<h2>Slices and slabs</h2>"), "{page}");
    let error = Experiment::with_options("x", options("lobe")).expect_err("no such level");
    assert!(error.to_string().contains("\"lobe\""), "{error}");
}

#[test]
fn models_of_one_experiment_have_one_target() {
    let mut experiment = Experiment::new("x");
    let add = |experiment: &mut Experiment, target| {
        experiment.model(target, of_exams(target, target, 0.5), vec![])
    };
    add(&mut experiment, "central_pe").expect("the first");
    let error = add(&mut experiment, "leftsided_pe").expect_err("another target");
    let error = error.to_string();
    assert!(
        error.contains("scores of leftsided_pe, not of central_pe"),
        "{error}"
    );
}

#[test]
fn groups_show_where_models_fail() {
    let row = |exam: &str, group: &str, slices: &[usize]| GroupSlices {
        exam: exam.into(),
        group: group.into(),
        slices: slices.to_vec(),
    };
    let sizes = [row("1.2.0", "<large>", &[1]), row("1.2.2", "small", &[1])];
    let sizes = Groups::new("clot size", sizes).expect("they have names");
    let nodes = Groups::new("look-alike", [row("1.2.1", "node", &[1, 3])]).expect("it has a name");
    let mut experiment = two_models();
    experiment.by(sizes);
    experiment.by(nodes);
    let experiment = evaluated(experiment);
    let scratch = tempfile::tempdir().expect("a scratch folder");
    experiment
        .save(scratch.path(), &Files::free())
        .expect("written");
    let page = read(scratch.path(), "table2.html");
    assert_eq!(unbalanced(&page), None);
    for text in [
        "<h2>Where it fails</h2>",
        "Same-height AUC by clot size",
        "<th>&lt;large&gt;<small>1</small></th><th>small<small>1</small></th><th>none of these<small>3</small></th>",
        "False positives by look-alike",
        "<th>node<small>2</small></th><th>none of these<small>23</small></th>",
    ] {
        assert!(page.contains(text), "{text}");
    }
    assert!(!page.contains("False positives by clot size"));
    let json: serde_json::Value =
        serde_json::from_str(&read(scratch.path(), "table2.json")).expect("JSON");
    let node = &json["groups"][1]["models"][0]["groups"][0];
    assert_eq!(json["groups"][1]["by"], "look-alike");
    assert_eq!(
        (&node["group"], &node["n_other_slices"]),
        (&"node".into(), &2.into())
    );
    assert_eq!(node["false_positive_rate"]["value"], 0.5);
}

#[test]
fn rows_are_named_numbers() {
    let rows = evaluated(two_models()).rows().expect("it is evaluated");
    let number = |name: &str| rows[1].numbers.iter().find(|found| found.0 == name);
    assert_eq!(number("auroc").map(|found| found.1), Some(1.0));
    assert_eq!(number("reference_f1").map(|found| found.1), Some(0.38));
    assert_eq!(number("threshold").map(|found| found.1), Some(0.625));
}

#[test]
fn what_does_not_fit_is_refused() {
    let check = |found: Result<(), ReportError>, message: &str, hint: &str| {
        let error = found.expect_err(message);
        assert!(error.to_string().contains(message), "{error}");
        assert!(error.hint().unwrap_or_default().contains(hint), "{error:?}");
    };
    let mut experiment = two_models();
    check(
        experiment.model("effnet", scores("effnet", 0.5), vec![]),
        "found `effnet` twice",
        "",
    );
    check(
        experiment.compare("effnet", "efnet_tcn"),
        "found `efnet_tcn`",
        "did you mean `effnet_tcn`?",
    );
    check(
        experiment.compare("gpt", "effnet"),
        "found `gpt`",
        "are effnet, effnet_tcn",
    );
    let other = |change: fn(&mut Vec<ExamScores>)| {
        let mut exams = scores("x", 0.5).exams().to_vec();
        change(&mut exams);
        Scores::new("x", exams).expect("scores")
    };
    let fewer = other(|exams| exams.truncate(9));
    check(
        experiment.model("x", fewer, vec![]),
        "9 exams, not 10",
        "the same test part",
    );
    let swapped = other(|exams| exams.swap(0, 1));
    check(
        experiment.model("x", swapped, vec![]),
        "exam 1.2.1 where 1.2.0 stands",
        "the same order",
    );
    let relabelled = other(|exams| exams[3].labels[0] = None);
    check(
        experiment.model("x", relabelled, vec![]),
        "labels in exam 1.2.3",
        "",
    );
    let slice = ChannelSlice::new(Array3::zeros((3, 4, 4))).expect("a slice");
    let at = |exam: &str, slice_idx| Example {
        exam: exam.into(),
        slice_idx,
        ..Default::default()
    };
    check(
        experiment.example("effnet", at("9", 0), &slice),
        "an exam that effnet scored, found 9",
        "",
    );
    check(
        experiment.example("effnet", at("1.2.3", 4), &slice),
        "below 4 of exam 1.2.3, found 4",
        "",
    );
}

#[test]
fn numbers_are_those_of_all_that_was_added() {
    let experiment = two_models();
    let not_yet = |experiment: &Experiment| {
        let error = experiment.table().expect_err("it is not evaluated");
        assert!(matches!(error, ReportError::NotEvaluated), "{error}");
    };
    not_yet(&experiment);
    let mut experiment = evaluated(experiment);
    assert!(experiment.table().is_ok());
    experiment
        .compare("effnet_tcn", "effnet")
        .expect("both are there");
    not_yet(&experiment);
    let mut experiment = evaluated(experiment);
    experiment
        .model("x", scores("x", 0.5), vec![])
        .expect("a third");
    not_yet(&experiment);
    let none = Experiment::new("none").evaluate(&EvaluateOptions::default(), &Work::silent());
    assert!(matches!(none, Err(ReportError::NoModels)));
}

#[test]
fn a_threshold_from_the_test_part_is_called_optimistic() {
    let mut experiment = Experiment::new("one");
    experiment
        .model("x", scores("x", 0.5), vec![])
        .expect("the first");
    let table = evaluated(experiment).table().expect("it is evaluated");
    assert!(table.contains("optimistic"), "{table}");
}

#[test]
fn a_strip_shows_the_exam_it_is_asked_for() {
    let scores = scores("effnet", 0.875).with_threshold(0.5);
    let strip = |exam| pe_report::strip(&scores, exam);
    let positive = strip("1.2.0").expect("an exam of it");
    assert_eq!(positive.image().dimensions(), (900, 280));
    assert!(positive.title().contains("1.2.0"));
    let negative = strip("1.2.1").expect("another");
    assert_ne!(positive.image(), negative.image());
    // The second of four slices is labelled PE: the band over the frame is dark there and nowhere else.
    let band = |col| positive.image().get_pixel(col, 50).0;
    assert_eq!(
        [band(100), band(360), band(600)],
        [[255; 3], [32, 36, 44], [255; 3]]
    );
    let alone = pe_report::strip(&of_exams("x", "central_pe", 0.5), "1.2.0");
    let error = alone.expect_err("no slices");
    assert!(matches!(error, ReportError::NoSlices { .. }), "{error}");
    let error = strip("9").expect_err("no exam of it");
    assert!(matches!(error, ReportError::UnknownExam { .. }), "{error}");
}
