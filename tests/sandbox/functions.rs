//! Every function that takes a text, a map or any value is called with paths that lead out, or is
//! listed as one that takes no path. A new function is neither, and fails the test.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use pe_script::catalogue::{Catalogue, Function, Kind};
use pe_script::docs;

use crate::{pe_script, world};

/// What a function does with a path.
#[derive(Clone, Copy, PartialEq)]
enum Does {
    /// It reads there, or makes a folder there.
    Follow,
    /// It puts a file in the place of what is there: a link is replaced, and not followed.
    Replace,
}

/// Functions that take paths, each with a call of it for a `path`.
const PATHS: &[(&str, Does, &str)] = &[
    (
        "dicom::deidentify(folder: string, out: string)",
        Does::Follow,
        "dicom::deidentify(path, \"copies\")",
    ),
    (
        "dicom::deidentify(folder: string, out: string)",
        Does::Follow,
        "dicom::deidentify(\"cohort\", path)",
    ),
    (
        "dicom::deidentify(folder: string, out: string, map: map)",
        Does::Follow,
        "dicom::deidentify(\"cohort\", \"copies\", #{ key_file: path })",
    ),
    (
        "dicom::deidentify(folder: string, out: string, map: map)",
        Does::Follow,
        "dicom::deidentify(\"cohort\", \"copies\", #{ labels: path })",
    ),
    (
        "dicom::load(path: string)",
        Does::Follow,
        "dicom::load(path)",
    ),
    (
        "dicom::scan(path: string)",
        Does::Follow,
        "dicom::scan(path)",
    ),
    (
        "dicom::scan(path: string, map: map)",
        Does::Follow,
        "dicom::scan(path, #{})",
    ),
    (
        "dicom::scan(path: string, map: map)",
        Does::Follow,
        "dicom::scan(\"cohort\", #{ labels: path })",
    ),
    ("exists(path: string)", Does::Follow, "exists(path)"),
    (
        "phantom::truth(folder: string)",
        Does::Follow,
        "phantom::truth(path)",
    ),
    (
        "phantom::write(folder: string)",
        Does::Follow,
        "phantom::write(path)",
    ),
    (
        "phantom::write(folder: string, settings: map)",
        Does::Follow,
        "phantom::write(path, #{ n_exams: 1, size: 64 })",
    ),
    (
        "Experiment.save(folder: string)",
        Does::Follow,
        "experiment.save(path)",
    ),
    ("Page.save(path: string)", Does::Replace, "page.save(path)"),
    (
        "Picture.save(path: string)",
        Does::Replace,
        "picture.save(path)",
    ),
    (
        "report::saved(path: string)",
        Does::Follow,
        "report::saved(path)",
    ),
    (
        "report::save_predictions(scores: Scores, path: string)",
        Does::Replace,
        "report::save_predictions(scores, path)",
    ),
    (
        "store::slices(folder: string, settings: map)",
        Does::Follow,
        "store::slices(path, #{ size: 24, mask: masking.recipe })",
    ),
    (
        "train::load(folder: string)",
        Does::Follow,
        "train::load(path)",
    ),
    (
        "train::runs(folder: string, settings: map)",
        Does::Follow,
        "train::runs(path, #{ device: \"cpu\" }).cnn(\"a\", #{ epochs: 1 }, slices, split)",
    ),
    (
        "Runs.cnn(name: string, settings: map, slices: SliceStore, split: Split)",
        Does::Follow,
        "runs.cnn(\"a\", #{ epochs: 1, weights: path }, slices, split)",
    ),
    ("read_yaml(path: string)", Does::Follow, "read_yaml(path)"),
    ("run_script(path: string)", Does::Follow, "run_script(path)"),
    (
        "run_script(path: string, params: map)",
        Does::Follow,
        "run_script(path, #{})",
    ),
];

/// Functions that take no path: names, texts that are shown, settings without paths, plain values.
const OTHERS: &[&str] = &[
    "Experiment.baseline(id: string, scores: Scores)",
    "Experiment.compare(base: string, id: string)",
    "Experiment.data(words: string)",
    "Experiment.evaluate(settings: map)",
    "Experiment.example(id: string, mistake: map, slice: ChannelSlice)",
    "Experiment.fact(name: string, value)",
    "Experiment.model(id: string, scores: Scores, history: array)",
    "Experiment.note(text: string)",
    "Experiment.rename(id: string, name: string)",
    "FeatureSet.select(series_uids: array)",
    "Page.fact(name: string, value)",
    "Page.heading(text: string)",
    "Page.picture(picture: Picture, caption: string)",
    "Page.table(rows: array)",
    "Page.text(text: string)",
    // Its `name` becomes a folder's, and is refused unless it is letters, digits, `_` and `-`.
    "Runs.sequence(name: string, settings: map, features: FeatureSet, split: Split)",
    "Scores.by(groups: Groups, settings: map)",
    "Scores.with_target(target: string)",
    "Scores.with_threshold(threshold)",
    "Scores.with_threshold(threshold, settings: map)",
    "SliceStore.slice(series_uid: string, slice_idx: int)",
    "apropos(text: string)",
    "assert(holds: bool, message: string)",
    "assert_close(found, expected)",
    "assert_close(found, expected, options: map)",
    "assert_eq(found, expected)",
    // The name becomes a file's, and is refused unless it is letters, digits, `_` and `-`.
    "assert_snapshot(name: string, value)",
    "assert_snapshot(name: string, value, options: map)",
    "assert_throws(call: Fn, pattern: string)",
    "ct::window(level, width)",
    "help(name: string)",
    "log(text: string)",
    "lung::from_recipe(recipe: string)",
    "lung::mask(volume: Volume, settings: map)",
    "lung::masking(settings: map)",
    "metrics::auroc(labels: array, probabilities: array)",
    "metrics::average_precision(labels: array, probabilities: array)",
    "metrics::compare(a: Scores, b: Scores, settings: map)",
    "metrics::evaluate(scores: Scores, settings: map)",
    "metrics::groups(name: string, rows: array)",
    "metrics::scores(model: string, exams: array)",
    "metrics::youden(scores: Scores, settings: map)",
    "param(name: string, default, doc: string)",
    "param(name: string, default, doc: string, choices: array)",
    "param(name: string, default: map, doc: string, options: string)",
    "phantom::exam(exam_idx: int, settings: map)",
    "progress(items: array, label: string)",
    "progress(range: range, label: string)",
    "report::contact_sheet(volume: Volume, mask: Mask, settings: map)",
    "report::experiment(title: string)",
    // Its `file` is a name, and is refused unless it is letters, digits, `_` and `-`.
    "report::experiment(title: string, settings: map)",
    "report::histogram(volume: Volume, mask: Mask, settings: map)",
    "report::line_plot(title: string, series: array, settings: map)",
    "report::page(title: string)",
    "report::strip(scores: Scores, exam: string)",
    "result(name: string, value)",
    // What it writes goes into `run_dir()`.
    "show(value)",
    "train::split(slices: SliceStore, settings: map)",
    "warn(text: string)",
];

/// How the signature begins, without what is returned.
fn key(function: &Function) -> String {
    let signature = function.signature();
    let end = signature.find(" -> ").unwrap_or(signature.len());
    signature[..end].to_owned()
}

/// Whether an argument, the value that a method is called on left out, can hold a path.
fn takes_text(function: &Function) -> bool {
    let own = usize::from(function.kind != Kind::Free);
    let mut arguments = function.params.iter().skip(own);
    arguments.any(|param| ["string", "map", "array", "?"].contains(&param.type_name.as_str()))
}

fn native(catalogue: &Catalogue) -> Vec<String> {
    let own = catalogue.functions().iter().filter(|f| !f.standard);
    own.filter(|f| takes_text(f)).map(key).collect()
}

#[test]
fn every_function_that_takes_a_text_is_known() {
    let mut all = native(&docs::catalogue());
    all.extend(native(&docs::of_tests()));
    let known = |key: &&String| {
        let path = PATHS.iter().any(|(path, ..)| path == key);
        path || OTHERS.contains(&key.as_str())
    };
    let new: Vec<&String> = all.iter().filter(|key| !known(key)).collect();
    assert!(
        new.is_empty(),
        "does one of their arguments hold a path? Then all its files must go through the sandbox, \
         and PATHS in this file gets a call of it; otherwise OTHERS lists it: {new:#?}"
    );
    let there = |key: &str| all.iter().any(|known| known == key);
    let listed = PATHS.iter().map(|(key, ..)| key).chain(OTHERS);
    let gone: Vec<&&str> = listed.filter(|key| !there(key)).collect();
    assert!(
        gone.is_empty(),
        "these are listed and no more there: {gone:#?}"
    );
}

/// What the calls need.
const SETUP: &str = r#"
phantom::write("cohort", #{ n_exams: 6, size: 64, max_slices: 40, pe_share: 0.5 });
let scan = dicom::scan("cohort");
let masking = lung::masking();
let slices = store::slices("work", #{ size: 24, mask: masking.recipe });
for each in scan.exams { let hu = each.load(); slices.put(hu, masking.apply(hu)); }
let split = train::split(slices, #{ test: 0.34, validation: 0.5, seed: 1 });
let runs = train::runs("work", #{ device: "cpu" });
let scores = train::position_baseline(slices, split);
let picture = report::slice(slices.slice(scan.exams[0].info.series_uid, 0));
let page = report::page("One exam");
page.text("words");
let experiment = report::experiment("A model");
experiment.model("position", scores.with_threshold(0.5), []);
experiment.evaluate(#{ replicates: 100 });
fn kind_of(error) { if type_of(error) == "map" && "kind" in error { error.kind } else { `${error}` } }
"#;

/// What the name of a file that a call writes must end with.
fn ending(call: &str) -> &'static str {
    match call {
        "page.save(path)" => ".html",
        "picture.save(path)" => ".png",
        _ => "",
    }
}

/// Paths that lead out of `inside`, from there; `links` is a folder of links for this call alone.
fn leading_out(outside: &Path, links: &str, end: &str) -> [(&'static str, String); 6] {
    let absolute = outside.join("folder").display().to_string();
    [
        ("up", format!("../outside/folder{end}")),
        ("up and new", format!("../escape{end}")),
        ("absolute", format!("{absolute}{end}")),
        (
            "through a link",
            format!("{links}/folder{end}/file.csv{end}"),
        ),
        ("a link to a folder", format!("{links}/folder{end}")),
        ("a link to a file", format!("{links}/file.csv{end}")),
    ]
}

fn make_links(inside: &Path, outside: &Path, links: &str, end: &str) {
    let links = inside.join(links);
    fs::create_dir_all(&links).unwrap();
    let to = |from: &str| links.join(format!("{from}{end}"));
    symlink(outside.join("folder"), to("folder")).unwrap();
    symlink(outside.join("folder/file.csv"), to("file.csv")).unwrap();
}

/// A folder with `inside`, where scripts may do all, and `outside`.
fn two_folders() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("inside")).unwrap();
    fs::create_dir_all(root.path().join("outside/folder")).unwrap();
    fs::write(root.path().join("outside/folder/file.csv"), "secret\n").unwrap();
    fs::write(
        root.path().join("outside/script.rhai"),
        "print(\"secret\");",
    )
    .unwrap();
    root
}

/// Whether a call must be refused with a path, and cannot just replace the link that it names.
fn must_refuse(does: Does, what: &str) -> bool {
    does == Does::Follow || what != "a link to a file" && what != "a link to a folder"
}

#[test]
fn no_function_follows_a_path_that_leads_out() {
    let root = two_folders();
    let (inside, outside) = (root.path().join("inside"), root.path().join("outside"));
    let mut script = SETUP.to_owned();
    let mut expected = Vec::new();
    for (i, (name, does, call)) in PATHS.iter().enumerate() {
        if call.starts_with("run_script") {
            continue;
        }
        let (links, end) = (format!("links/{i}"), ending(call));
        make_links(&inside, &outside, &links, end);
        for (what, path) in leading_out(&outside, &links, end) {
            let label = format!("{name}, {call}, {what}");
            let quoted = label.replace('"', "'");
            let _ = writeln!(
                script,
                "{{ let path = {path:?}; let found = \"nothing\"; \
                 try {{ {call}; }} catch (error) {{ found = kind_of(error); }} \
                 print({quoted:?} + \"|\" + found); }}"
            );
            if must_refuse(*does, what) {
                expected.push(quoted);
            }
        }
    }
    fs::write(inside.join("a.rhai"), script).unwrap();
    let before = world(&outside);
    let (code, stdout, stderr) = pe_script(&inside, &["run", "a.rhai", "-q", "--allow-write", "."]);
    assert_eq!(code, 0, "{stdout}{stderr}");
    let wrong: Vec<String> = expected
        .iter()
        .filter(|label| !stdout.contains(&format!("{label}|sandbox.refused\n")))
        .map(|label| {
            let line = stdout.lines().find(|line| line.starts_with(label.as_str()));
            line.unwrap_or(label).to_owned()
        })
        .collect();
    assert!(wrong.is_empty(), "not refused: {wrong:#?}");
    assert_eq!(before, world(&outside));
    assert!(!root.path().join("escape").exists());
}

#[test]
fn a_test_runs_no_script_outside() {
    let root = two_folders();
    let (inside, outside) = (root.path().join("inside"), root.path().join("outside"));
    make_links(&inside, &outside, "links", "");
    symlink(
        outside.join("script.rhai"),
        inside.join("links/script.rhai"),
    )
    .unwrap();
    symlink(&outside, inside.join("links/all")).unwrap();
    fs::write(inside.join("own.rhai"), "print(\"own\");").unwrap();
    let absolute = outside.join("script.rhai").display().to_string();
    let mut script =
        "fn test_own() { assert_eq(run_script(\"own.rhai\").printed, \"own\\n\"); }\n".to_owned();
    let paths = [
        "../outside/script.rhai",
        &absolute,
        "links/script.rhai",
        "links/all/script.rhai",
    ];
    for (i, path) in paths.iter().enumerate() {
        let _ = writeln!(
            script,
            "fn test_{i}() {{ assert_throws(|| run_script({path:?}), \"sandbox does not let\"); \
             assert_throws(|| run_script({path:?}, #{{}}), \"sandbox does not let\"); }}"
        );
    }
    fs::write(inside.join("a.rhai"), script).unwrap();
    let (code, stdout, stderr) = pe_script(&inside, &["test", "a.rhai", "--sandbox"]);
    assert_eq!(code, 0, "{stdout}{stderr}");
}

#[test]
fn a_snapshot_is_not_written_through_a_link() {
    let root = two_folders();
    let (inside, outside) = (root.path().join("inside"), root.path().join("outside"));
    symlink(&outside, inside.join("snapshots")).unwrap();
    fs::write(
        inside.join("a.rhai"),
        "fn test_a() { assert_snapshot(\"x\", 1); }",
    )
    .unwrap();
    let before = world(&outside);
    let (code, stdout, _) = pe_script(&inside, &["test", "a.rhai", "--sandbox", "--update"]);
    assert_eq!(code, 3, "{stdout}");
    assert!(stdout.contains("the sandbox does not let"), "{stdout}");
    assert_eq!(before, world(&outside));
    fs::remove_file(inside.join("snapshots")).unwrap();
    let (code, stdout, _) = pe_script(&inside, &["test", "a.rhai", "--sandbox", "--update"]);
    assert_eq!(code, 0, "{stdout}");
}
