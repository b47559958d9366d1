//! `table2.rhai` and `predict.rhai` as a user runs them, on a cohort that takes seconds.

// A test may panic, in its own functions too.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use pe_files::Files;
use pe_nn::safetensors_io;
use serde_json::Value;

/// Twelve exams of 64 pixels, images of 24, two short epochs: the whole way, and nothing learnt.
const SMALL: [&str; 21] = [
    "cohort.n_exams=12",
    "cohort.size=64",
    "cohort.max_slices=40",
    "cohort.pe_share=0.5",
    "sizes.effnet=24",
    "sizes.resnet3d=16",
    "mask=hull",
    "split.validation=0.3",
    // The weights of the quick profile need not be installed.
    "effnet.network=efficientnet_b0",
    "effnet.weights=",
    "effnet.epochs=1",
    "effnet.steps=4",
    "resnet3d.epochs=1",
    "resnet3d.steps=4",
    "slices_first.steps=2",
    "effnet.warmup_steps=0",
    "resnet3d.warmup_steps=0",
    "lstm.epochs=2",
    "tcn.epochs=2",
    "evaluation.replicates=50",
    "threads=2",
];

fn run(folder: &Path, script: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pe-script"))
        // The folder is no project that the script lies in.
        .args(["run", "--no-sandbox"])
        .arg(
            Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("scripts")
                .join(script),
        )
        .args(arguments)
        .arg("--json")
        .current_dir(folder)
        .output()
        .unwrap()
}

/// The record of a run that ends well.
fn record(folder: &Path, script: &str, arguments: &[&str]) -> Value {
    let output = run(folder, script, arguments);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{script}: {stderr}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {stderr}"))
}

fn table2(folder: &Path, more: &[&str]) -> Value {
    record(folder, "table2.rhai", &[&SMALL, more].concat())
}

fn models(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder.join("table2/models")).unwrap();
    let mut models: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    models.sort();
    models
}

/// The names of the native tasks of a run that trained something.
fn trained(record: &Value) -> BTreeSet<&str> {
    let tasks = record["timings"]["tasks"].as_object().unwrap();
    tasks
        .keys()
        .map(String::as_str)
        .filter(|name| name.starts_with("training"))
        .collect()
}

#[test]
fn six_models_are_trained_once_compared_and_used() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let first = table2(folder, &[]);
    let rows: Vec<&str> = first["results"]["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["id"].as_str().unwrap())
        .collect();
    let six = [
        "effnet",
        "effnet_lstm",
        "effnet_tcn",
        "resnet3d",
        "resnet3d_lstm",
        "resnet3d_tcn",
    ];
    assert_eq!(rows, [&six[..], &["position"]].concat());
    // ResNet 3D 18 learns single slices first.
    assert_eq!(trained(&first).len(), 7);
    for row in first["results"]["rows"].as_array().unwrap() {
        let number = |name: &str| row[name].as_f64().unwrap();
        assert!((0.0..=1.0).contains(&number("auroc")), "{row}");
        assert!(number("auroc_low") <= number("auroc_high"), "{row}");
    }
    let made = folder.join("table2");
    for name in [
        "table2.html",
        "table2.json",
        "table2.csv",
        "table2.md",
        "predictions.csv",
    ] {
        assert!(made.join(name).is_file(), "{name}");
    }
    // The reference is a part of the experiment, and kept with it.
    let kept = folder.join(first["run_dir"].as_str().unwrap());
    assert!(kept.join("script/table2.reference.yaml").is_file());
    let predictions = fs::read_to_string(made.join("predictions.csv")).unwrap();
    let head = predictions.lines().next().unwrap();
    assert_eq!(
        head,
        format!("exam,slice_idx,label,{},position", six.join(","))
    );

    // The second run trains nothing, and says the same.
    let second = table2(folder, &[]);
    assert_eq!(trained(&second), BTreeSet::new());
    assert_eq!(
        fs::read_to_string(made.join("predictions.csv")).unwrap(),
        predictions
    );

    // One row alone is found too; the same command elsewhere gives the same bytes.
    let alone = table2(folder, &["rows=effnet_tcn"]);
    assert_eq!(trained(&alone), BTreeSet::new());
    assert_eq!(alone["results"]["rows"].as_array().unwrap().len(), 2);
    let elsewhere = tempfile::tempdir().unwrap();
    table2(elsewhere.path(), &[]);
    let again = fs::read_to_string(elsewhere.path().join("table2/predictions.csv")).unwrap();
    assert!(again == predictions, "another folder, other predictions");

    predicts(folder);
    compares_masks_and_seeds(folder);
    draws_a_learning_curve(folder);
    changes_one_thing_at_a_time(folder);
}

/// EfficientNet under another mask is a row of its own, on the same crop; two runs make one table.
fn compares_masks_and_seeds(folder: &Path) {
    let more = ["rows=effnet", "also=none", "crop=hila", "out=masks"];
    let found = table2(folder, &more);
    let rows = found["results"]["rows"].as_array().unwrap();
    let ids: Vec<&str> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["effnet", "effnet_none", "position"]);
    let seeds = record(folder, "seeds.rhai", &["runs=masks,masks", "out=masks"]);
    let models = seeds["results"]["models"].as_array().unwrap();
    // A mean of two equal runs is what each of them is.
    let auroc = rows[0]["auroc"].as_f64().unwrap();
    let cell = models[1][1].as_str().unwrap();
    assert!(
        cell.starts_with(&format!("{auroc:.3} (")),
        "{auroc}: {cell}"
    );
    assert_eq!(models.len(), 4);
    let pair = &seeds["results"]["differences"][1];
    assert_eq!(pair[1], "EfficientNet-B0, mask none");
    assert!(folder.join("masks/seeds.html").is_file());
}

fn draws_a_learning_curve(folder: &Path) {
    let found = record(
        folder,
        "learning_curve.rhai",
        &[
            "out=masks",
            "n_train=2,4",
            "cohort.n_exams=12",
            "cohort.size=64",
            "cohort.max_slices=40",
            "cohort.difficulty=easy",
            "size=24",
            "split.validation=0.3",
            "net.network=efficientnet_b0",
            "net.weights=",
            "net.epochs=1",
            "net.steps=2",
            "net.batch=4",
            "net.warmup_steps=0",
            "replicates=20",
            "threads=2",
        ],
    );
    assert_eq!(
        found["results"]["curve"]["slice"]["x"],
        serde_json::json!([2, 4])
    );
    assert!(folder.join("masks/learning_curve.png").is_file());
}

fn changes_one_thing_at_a_time(folder: &Path) {
    let recipe = "
cohort: { n_exams: 12, size: 64, min_slices: 40, max_slices: 40, pe_share: 0.5, difficulty: easy }
mask: hull
crop: hila
sizes: { effnet: 24, resnet3d: 16 }
split: { validation: 0.3 }
effnet: { network: efficientnet_b0, batch: 4, epochs: 1, steps: 2 }
slices_first: { steps: 1 }
resnet3d: { slab: 2, batch: 2, epochs: 1, steps: 1 }
";
    fs::write(folder.join("small.yaml"), recipe).unwrap();
    let found = record(
        folder,
        "ablation.rhai",
        &[
            "out=masks",
            "recipe=small.yaml",
            "rows=half_the_steps,slabs_at_once",
            "replicates=20",
            "threads=2",
        ],
    );
    // A row each beside its recipe's, and ResNet 3D 18 once without its slices before.
    let differences = found["results"]["differences"].as_array().unwrap();
    let names: Vec<&str> = differences
        .iter()
        .map(|row| row[0].as_str().unwrap())
        .collect();
    assert_eq!(names, ["half the steps", "no single slices before slabs"]);
    let cnns = [
        "training effnet",
        "training resnet3d",
        "training resnet3d_slices",
    ];
    assert_eq!(trained(&found), BTreeSet::from(cnns));
    assert!(folder.join("masks/ablation.html").is_file());
}

/// Each model that was trained gives the exams of the cohort probabilities and pictures.
fn predicts(folder: &Path) {
    let input = fs::read_dir(folder.join("table2"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| {
            path.file_name()
                .unwrap()
                .to_string_lossy()
                .starts_with("cohort-")
        })
        .unwrap();
    for name in ["effnet-", "resnet3d_lstm-"] {
        let model = models(folder)
            .into_iter()
            .find(|path| {
                path.file_name()
                    .unwrap()
                    .to_string_lossy()
                    .starts_with(name)
            })
            .unwrap();
        let out = format!("out={name}");
        let model = format!("model={}", model.display());
        let input = format!("input={}", input.display());
        let found = record(
            folder,
            "predict.rhai",
            &[&model, &input, &out, "pictures=2"],
        );
        // The record tells whose weights these are: of a sequence model also its CNN's.
        let used = found["weights"].as_array().unwrap();
        assert_eq!(
            used.len(),
            if name == "effnet-" { 1 } else { 2 },
            "{used:?}"
        );
        for file in used {
            let path = Path::new(file["file"].as_str().unwrap());
            let sha256 = safetensors_io::sha256(path, &Files::free()).unwrap();
            assert_eq!(file["sha256"], sha256.as_str());
        }
        let exams = found["results"]["exams"].as_array().unwrap();
        assert_eq!(exams.len(), 12);
        let probability = |exam: &Value| exam["probability"].as_f64().unwrap();
        assert!(
            exams
                .windows(2)
                .all(|pair| probability(&pair[0]) >= probability(&pair[1]))
        );
        assert!(folder.join(name).join("strips/2.png").is_file());
        let table = fs::read_to_string(folder.join(name).join("predictions.csv")).unwrap();
        assert_eq!(table.lines().count(), 12 * 40 + 1);
    }
}

/// Shuffled labels hold nothing to learn: the AUC on held-out exams is 0.5 within its interval.
#[test]
fn shuffled_labels_teach_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let control = [
        "rows=effnet",
        "cohort.n_exams=36",
        "split.test=0.5",
        "effnet.shuffle_labels=true",
        "effnet.epochs=2",
        "evaluation.replicates=500",
    ];
    let small: Vec<&str> = SMALL
        .into_iter()
        .filter(|given| {
            let key = |text: &str| text.split('=').next().unwrap_or_default().to_owned();
            !control.iter().any(|other| key(other) == key(given))
        })
        .collect();
    let found = record(
        folder.path(),
        "table2.rhai",
        &[&small[..], &control].concat(),
    );
    let row = &found["results"]["rows"][0];
    let number = |name: &str| row[name].as_f64().unwrap();
    // A network that has learnt nothing still scores by something, such as a slice's height, and may be
    // worse than chance by it; the interval is over exams, not over trainings. It must not be better.
    assert!(
        number("auroc_low") <= 0.5 && number("auroc") < 0.75,
        "AUC {} [{}, {}]",
        number("auroc"),
        number("auroc_low"),
        number("auroc_high")
    );
}

#[test]
fn a_model_that_is_not_there_is_an_error_that_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), "predict.rhai", &["model=nothing", "input=."]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("the folder of a trained model"), "{stderr}");
}
