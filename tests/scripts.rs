//! The scripts of the repository, run by the program as a user runs them, on a small synthetic
//! cohort and on the real series.

// A test may panic, in its own functions too.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

fn command(folder: &Path, script: &str, arguments: &[&str]) -> Command {
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("scripts")
        .join(script);
    let mut command = Command::new(env!("CARGO_BIN_EXE_pe-script"));
    command
        // The folder is no project that the script lies in.
        .args(["run", "--no-sandbox"])
        .arg(script)
        .args(arguments)
        .current_dir(folder);
    command
}

/// Runs a script and gives its record; fails with what it said when it does not end well.
fn run(folder: &Path, script: &str, arguments: &[&str]) -> Value {
    let output = command(folder, script, arguments)
        .arg("--json")
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{script}: {stderr}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {stderr}"))
}

/// A cohort of two exams of 64 × 64 pixels.
fn cohort(folder: &Path) {
    let record = run(
        folder,
        "phantom.rhai",
        &[
            "out=cohort",
            "n_exams=2",
            "size=64",
            "max_slices=42",
            "--seed",
            "3",
        ],
    );
    assert!(record["results"]["n_slices"].as_u64().unwrap() >= 80);
}

/// Every file below `folder` with its bytes, by name; the lock is the process's own.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.clone(), fs::read(&path).unwrap()));
        }
    }
    found.sort();
    found
}

#[test]
fn preprocessing_makes_the_slices_once() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    cohort(folder);
    let preprocess = |arguments: &[&str]| {
        let given = ["input=cohort", "out=out", "size=32", "sheets=1"];
        run(folder, "preprocess.rhai", &[&given, arguments].concat())["results"].clone()
    };
    let first = preprocess(&[]);
    assert_eq!(
        (&first["n_exams"], &first["made"]),
        (&Value::from(2), &Value::from(2))
    );
    let stored = files(&folder.join("out/slices"));
    assert_eq!(preprocess(&[])["made"], 0, "the second run makes nothing");
    assert_eq!(
        files(&folder.join("out/slices")),
        stored,
        "and changes nothing"
    );
    assert_eq!(
        preprocess(&["mask=hull"])["made"],
        2,
        "another mask is another set of slices"
    );

    // Files that are none of an exam are listed, and stop nothing.
    for n in 0..150 {
        fs::write(folder.join(format!("cohort/notes-{n}.txt")), "no DICOM").unwrap();
    }
    assert_eq!(preprocess(&[])["n_exams"], 2);
    let page = fs::read_to_string(folder.join("out/summary.html")).unwrap();
    assert!(page.contains("notes-149.txt"));

    // A damaged file is found and made again, as it was.
    let (damaged, whole) = stored
        .iter()
        .find(|(path, _)| path.ends_with("slices.bin"))
        .unwrap();
    let mut bytes = whole.clone();
    bytes[1000] ^= 1;
    fs::write(damaged, bytes).unwrap();
    assert_eq!(preprocess(&[])["made"], 1);
    assert_eq!(&fs::read(damaged).unwrap(), whole);

    let page = fs::read_to_string(folder.join("out/summary.html")).unwrap();
    assert!(page.contains("2 stored") && page.contains("data:image/png;base64,"));
    let picture = image::open(folder.join("out/summary.png")).unwrap();
    assert!(picture.width() == 1200 && picture.height() > 1000);
}

#[test]
fn an_exam_that_cannot_be_read_is_named_and_the_others_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    cohort(folder);
    // An intercept of 99,999 HU, which no volume can hold, in every file of one exam.
    let study = fs::read_dir(folder.join("cohort/train"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    for (path, mut bytes) in files(&study) {
        let tag = bytes
            .windows(4)
            .position(|tag| tag == [0x28, 0x00, 0x52, 0x10])
            .unwrap();
        // The value follows the tag, its VR where there is one, and its length.
        let digits = (tag + 8..)
            .find(|&at| bytes[at] == b'-' || bytes[at].is_ascii_digit())
            .unwrap();
        let length = bytes[tag + 4..tag + 8]
            .iter()
            .copied()
            .find(|n| (1..=16).contains(n))
            .unwrap();
        bytes[digits..digits + usize::from(length)].fill(b'9');
        fs::write(path, bytes).unwrap();
    }
    let record = run(
        folder,
        "preprocess.rhai",
        &["input=cohort", "out=out", "size=32"],
    );
    let results = &record["results"];
    assert_eq!(
        (&results["n_exams"], &results["made"]),
        (&Value::from(1), &Value::from(1)),
        "{results}"
    );
    let failed = results["failed"].as_array().unwrap();
    assert_eq!(failed.len(), 1, "{results}");
    let page = fs::read_to_string(folder.join("out/summary.html")).unwrap();
    assert!(page.contains("Exams that could not be read"));
    assert!(page.contains(failed[0][0].as_str().unwrap()));
}

#[test]
fn a_killed_run_goes_on_and_ends_as_an_undisturbed_one() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    cohort(folder);
    let slices = |out: &str| files(&folder.join(out).join("slices"));
    let arguments = |out: &'static str| ["input=cohort", out, "sheets=0", "size=256"];
    run(folder, "preprocess.rhai", &arguments("out=whole"));
    let whole = slices("whole");
    for killed_after_ms in [100, 500, 700] {
        let mut child = command(folder, "preprocess.rhai", &arguments("out=killed"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        sleep(Duration::from_millis(killed_after_ms));
        // SIGKILL; the run may have ended before, which is a smaller test.
        let _ = child.kill();
        child.wait().unwrap();
    }
    run(folder, "preprocess.rhai", &arguments("out=killed"));
    let killed = slices("killed");
    let contents = |files: &[(PathBuf, Vec<u8>)]| {
        files
            .iter()
            .map(|(_, bytes)| bytes.clone())
            .collect::<Vec<_>>()
    };
    assert!(
        contents(&killed) == contents(&whole),
        "the killed runs left something else"
    );
}

#[test]
fn inspecting_shows_one_exam() {
    let folder = tempfile::tempdir().unwrap();
    cohort(folder.path());
    let inspect = |input: &Path| {
        let input = format!("input={}", input.display());
        command(folder.path(), "inspect.rhai", &[&input, "out=pictures"])
            .output()
            .unwrap()
    };
    // A folder of several exams is refused, with their names.
    let refused = inspect(Path::new("cohort"));
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&refused.stderr).contains("expected exactly one exam, found 2")
    );

    let studies = folder.path().join("cohort/train");
    let study = fs::read_dir(studies)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let output = inspect(&study);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for fact in ["rows: 64", "mask_ml: ", "volume: volume ", "HU"] {
        assert!(text.contains(fact), "no `{fact}` in {text}");
    }
    let page = fs::read_to_string(folder.path().join("pictures/summary.html")).unwrap();
    assert!(
        page.contains("<dt>volume</dt><dd>volume 4"),
        "a value is not in its own words"
    );
    for name in ["contact-sheet.png", "summary.html", "summary.png"] {
        assert!(
            folder.path().join("pictures").join(name).is_file(),
            "{name}"
        );
    }
}

#[test]
fn the_real_series_is_preprocessed() {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let data = std::env::var_os("PE_TEST_DATA").map_or(beside, PathBuf::from);
    let series = data.join("ct/lung-dx-a0001");
    if !series.is_dir() {
        eprintln!("skipped: there is no {}", series.display());
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let input = format!("input={}", series.display());
    let started = Instant::now();
    let record = run(
        folder.path(),
        "preprocess.rhai",
        &[&input, "out=out", "sheets=1"],
    );
    assert_eq!(
        record["results"]["n_slices"],
        64,
        "after {:?}",
        started.elapsed()
    );
    assert_eq!(record["results"]["failed"], Value::Array(Vec::new()));
    // Nobody's name, id or date is on the page or in the log; the UID is what finds the files.
    let page = fs::read_to_string(folder.path().join("out/summary.html")).unwrap();
    assert!(page.contains("1.3.6.1.4.1.14519") && !page.contains("Lung_Dx"));
}
