//! Identifiers of files and tables that look like paths never become one.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{pe_script, world};

/// From a scan to a report; `hostile` stands where the files were given their identifiers.
const SCRIPT: &str = r#"
let scan = dicom::scan("cohort");
print(scan.exams.len());
let masking = lung::masking();
let slices = store::slices("work", #{ size: 24, mask: masking.recipe });
for each in scan.exams { let hu = each.load(); slices.put(hu, masking.apply(hu)); }
for each in slices.exams { each.verify(); slices.slice(each.info.series_uid, 0); }
let split = train::split(slices, #{ test: 0.34, validation: 0.5, seed: 1 });
let runs = train::runs("work", #{ device: "cpu" });
let model = runs.cnn("a", #{ epochs: 1 }, slices, split);
let scores = model.predict(runs.features(model, slices), split.test);
report::save_predictions(scores, "out/predictions.csv");
let experiment = report::experiment("../../title");
experiment.model("../../x", scores, model.history);
experiment.data("../../x");
let first = split.test.series_uids[0];
for each in split.test.series_uids { report::strip(scores, each).save("out/strip.png"); }
for wrong in scores.errors(3) {
    experiment.example("../../x", wrong, slices.slice(wrong.exam, wrong.slice_idx));
}
experiment.evaluate(#{ replicates: 100 });
experiment.save("out/page");
for name in ["../../x", "/tmp/x", "a/b", ".", "..", "", "a\x00b"] {
    try { runs.cnn(name, #{ epochs: 1 }, slices, split); throw "a model has the name " + name; }
    catch (error) { if type_of(error) != "map" || error.kind != "options.invalid" { throw error; } }
}
"#;

/// The script that makes the cohort.
const MAKE: &str =
    "phantom::write(\"cohort\", #{ n_exams: 6, size: 64, max_slices: 40, pe_share: 0.5 });";

#[test]
fn hostile_identifiers_stay_identifiers() {
    let root = tempfile::tempdir().unwrap();
    let here = root.path().join("a/b/c");
    fs::create_dir_all(&here).unwrap();
    fs::create_dir(here.join("out")).unwrap();
    fs::write(here.join("make.rhai"), MAKE).unwrap();
    let (code, stdout, stderr) = pe_script(&here, &["run", "make.rhai", "-q"]);
    assert_eq!(code, 0, "{stdout}{stderr}");
    // Digits and dots alone, which a UID may hold, and folders are called by.
    let long = "9.".repeat(32);
    let hostile = ["..", ".", "...", "1..", "..2", &long];
    let n_changed = give_identifiers(&here.join("cohort"), &hostile);
    assert_eq!(n_changed, 6);
    let outside = || {
        let all = world(root.path()).into_iter();
        let outside = all.filter(|(path, _)| !path.starts_with(&here));
        outside.collect::<Vec<_>>()
    };
    let own = |all: Vec<PathBuf>| -> Vec<PathBuf> {
        let mut own: Vec<PathBuf> = all
            .into_iter()
            .filter(|path| path.parent() == Some(&here))
            .collect();
        own.sort();
        own
    };
    let before = outside();
    let temporary = Path::new("/tmp/x").exists();
    fs::write(here.join("a.rhai"), SCRIPT).unwrap();
    let (code, stdout, stderr) = pe_script(&here, &["run", "a.rhai", "-q"]);
    assert_eq!(code, 0, "{stdout}{stderr}");
    assert_eq!(stdout.trim(), "6", "{stderr}");
    assert_eq!(before, outside());
    assert_eq!(Path::new("/tmp/x").exists(), temporary);
    let names = ["a.rhai", "cohort", "make.rhai", "out", "runs", "work"];
    let found = own(world(&here).into_keys().collect());
    let found: Vec<&str> = found
        .iter()
        .filter_map(|path| path.file_name()?.to_str())
        .collect();
    assert_eq!(found, names);
    // And all of it again in the sandbox, which refuses none of it.
    fs::remove_dir_all(here.join("work")).unwrap();
    let confined = [
        "run",
        "a.rhai",
        "-q",
        "--allow-read",
        "cohort",
        "--allow-write",
        "work",
        "--allow-write",
        "out",
    ];
    let (code, stdout, stderr) = pe_script(&here, &confined);
    assert_eq!(code, 0, "{stdout}{stderr}");
}

#[test]
fn what_is_no_uid_is_left_out_and_not_repeated() {
    let root = tempfile::tempdir().unwrap();
    let here = root.path();
    fs::write(here.join("make.rhai"), MAKE).unwrap();
    let (code, stdout, stderr) = pe_script(here, &["run", "make.rhai", "-q"]);
    assert_eq!(code, 0, "{stdout}{stderr}");
    let long = "9.".repeat(2000);
    let hostile = ["../../x", "/tmp/x", "a/b", "ZARQUON\x1b[31m", "=1+1", &long];
    assert_eq!(give_identifiers(&here.join("cohort"), &hostile), 6);
    let script = r#"
        let scan = dicom::scan("cohort");
        print(scan.exams.len());
        for finding in scan.findings { print(finding.reason); }
    "#;
    fs::write(here.join("a.rhai"), script).unwrap();
    let (code, stdout, stderr) = pe_script(here, &["run", "a.rhai"]);
    assert_eq!(code, 0, "{stdout}{stderr}");
    let mut lines = stdout.lines();
    assert_eq!(lines.next(), Some("0"), "{stdout}");
    // The cohort has a file of its own besides the images, and its table the same identifiers.
    let others = ["not a DICOM file", "broken_row: "];
    let images: Vec<&str> = lines
        .filter(|line| !others.iter().any(|other| line.starts_with(other)))
        .collect();
    assert!(images.len() >= 6, "{stdout}");
    let expected = "StudyInstanceUID is no id: expected 1 to 64 letters, digits, dots, hyphens and underscores";
    assert!(images.iter().all(|line| *line == expected), "{stdout}");
    let record = world(&here.join("runs")).into_values().flatten();
    for text in [stdout.as_bytes().to_vec(), stderr.into_bytes()]
        .into_iter()
        .chain(record)
    {
        let text = String::from_utf8_lossy(&text);
        assert!(!text.contains("ZARQUON"), "{text}");
    }
}

/// Gives each exam of a cohort one of the identifiers as its study's and its series', in the files and
/// in the label table; how many exams were changed.
fn give_identifiers(cohort: &Path, hostile: &[&str]) -> usize {
    let table = cohort.join("train.csv");
    let mut labels = fs::read_to_string(&table).unwrap();
    let files = world(cohort).into_iter();
    let images: Vec<(PathBuf, Vec<u8>)> = files
        .filter_map(|(path, bytes)| Some((path, bytes?)))
        .filter(|(path, _)| path.extension().is_some_and(|end| end == "dcm"))
        .collect();
    let mut known: Vec<String> = Vec::new();
    for (path, bytes) in images {
        let (study, series) = (value(&bytes, STUDY), value(&bytes, SERIES));
        if !known.contains(&series) {
            known.push(series.clone());
        }
        let which = known.iter().position(|uid| *uid == series).unwrap();
        let new = hostile[which % hostile.len()];
        let bytes = with_value(&with_value(&bytes, STUDY, new), SERIES, new);
        fs::write(path, bytes).unwrap();
        let quoted = format!("\"{}\"", new.replace('"', "\"\""));
        labels = labels.replace(&study, &quoted).replace(&series, &quoted);
    }
    fs::write(table, labels).unwrap();
    known.len()
}

/// The tag of an element; phantoms are written in little endian, with and without VRs (PS3.5 7.1).
type Element = [u8; 4];
const STUDY: Element = [0x20, 0x00, 0x0D, 0x00];
const SERIES: Element = [0x20, 0x00, 0x0E, 0x00];

/// Where the value of an element that has a phantom's UID begins, how many bytes before it say its
/// length, and where it ends.
fn place(bytes: &[u8], element: Element) -> (usize, usize, usize) {
    let is_it =
        |at: &usize| bytes[*at..].starts_with(&element) && bytes[at + 8..].starts_with(b"2.25.");
    let at = (0..bytes.len() - 8).find(is_it).unwrap() + 8;
    let width = if &bytes[at - 4..at - 2] == b"UI" {
        2
    } else {
        4
    };
    // A UID has at most 64 bytes.
    (at, width, at + usize::from(bytes[at - width]))
}

fn value(bytes: &[u8], element: Element) -> String {
    let (begin, _, end) = place(bytes, element);
    let text = String::from_utf8(bytes[begin..end].to_vec()).unwrap();
    text.trim_end_matches('\0').to_owned()
}

fn with_value(bytes: &[u8], element: Element, new: &str) -> Vec<u8> {
    let (begin, width, end) = place(bytes, element);
    let mut value = new.as_bytes().to_vec();
    if value.len() % 2 == 1 {
        value.push(0);
    }
    let length = &value.len().to_le_bytes()[..width];
    [&bytes[..begin - width], length, &value, &bytes[end..]].concat()
}
