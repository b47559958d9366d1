//! `--json`: one object on stdout, whatever the script prints; the same as `run.yaml` says.

// A test may panic, in its own functions too.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn run(folder: &Path, script: &str, arguments: &[&str]) -> (i32, Value, String) {
    fs::write(folder.join("a.rhai"), script).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_pe-script"))
        .args(["run", "a.rhai", "--json"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let object = serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}"));
    let stderr = String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), object, stderr)
}

#[test]
fn a_run_that_ends_well() {
    let folder = tempfile::tempdir().unwrap();
    let script = "let n = param(\"n\", 1.5, \"a number\"); print(\"seen\"); result(\"twice\", 2 * n); \
                  result(\"nan\", 0.0 / 0.0); for i in progress(0..3, \"counting\") {}";
    let (code, object, stderr) = run(
        folder.path(),
        script,
        &["n=2", "--seed", "7", "--threads", "1"],
    );
    assert_eq!((code, object["status"].as_str()), (0, Some("done")));
    assert_eq!(object["params"]["n"], 2.0);
    assert_eq!(object["given"]["n"], "command line");
    assert_eq!(object["results"]["twice"], 4.0);
    // JSON has no NaN; run.yaml has.
    assert_eq!(object["results"]["nan"], Value::Null);
    assert_eq!(
        (&object["seed"], &object["threads"]),
        (&Value::from(7), &Value::from(1))
    );
    assert_eq!(object["timings"]["tasks"]["counting"]["done"], 3);
    assert!(stderr.contains("seen"), "{stderr}");

    let run_dir = folder.path().join(object["run_dir"].as_str().unwrap());
    let yaml = fs::read_to_string(run_dir.join("run.yaml")).unwrap();
    let record: serde_yaml::Value = serde_yaml::from_str(&yaml).unwrap();
    assert_eq!(record["status"], "done");
    assert_eq!(record["versions"]["tch"], "0.24.0");
    assert!(
        record["results"]["nan"].as_f64().is_some_and(f64::is_nan),
        "{yaml}"
    );
    assert_eq!(
        fs::read_to_string(run_dir.join("script/a.rhai")).unwrap(),
        script
    );
    let log = fs::read_to_string(run_dir.join("log.txt")).unwrap();
    assert!(log.contains("print seen"), "{log}");
}

#[test]
fn maps_and_profiles_are_recorded_entry_by_entry() {
    let folder = tempfile::tempdir().unwrap();
    let profile = "n: 2\nnet: {epochs: 3}\n";
    fs::write(folder.path().join("a.paper.yaml"), profile).unwrap();
    let script = "param(\"profile\", \"quick\", \"which values\", [\"quick\", \"paper\"]); \
                  param(\"n\", 1, \"count\"); param(\"m\", 1, \"count\"); \
                  let net = param(\"net\", #{size: 8, epochs: 1}, \"network\"); \
                  result(\"net\", net);";
    let (code, object, stderr) = run(
        folder.path(),
        script,
        &["profile=paper", "net.size=4", "seed=7", "device=cpu"],
    );
    assert_eq!(code, 0, "{stderr}");
    let net = serde_json::json!({"size": 4, "epochs": 3});
    assert_eq!(
        object["params"],
        serde_json::json!({"profile": "paper", "n": 2, "m": 1, "net": net})
    );
    assert_eq!(object["results"]["net"], net);
    assert_eq!(
        object["given"],
        serde_json::json!({
            "profile": "command line",
            "n": "profile paper",
            "net.epochs": "profile paper",
            "net.size": "command line",
        })
    );
    assert_eq!(object["seed"], 7);
    assert_eq!(object["device"]["requested"], "cpu");
    let kept = folder
        .path()
        .join(object["run_dir"].as_str().unwrap())
        .join("script");
    assert_eq!(
        fs::read_to_string(kept.join("a.paper.yaml")).unwrap(),
        profile
    );
    assert_eq!(fs::read_to_string(kept.join("a.rhai")).unwrap(), script);
}

#[test]
fn a_run_that_fails() {
    let folder = tempfile::tempdir().unwrap();
    let (code, object, stderr) = run(folder.path(), "let a = 1;\nct::window(1, -1);", &["-q"]);
    assert_eq!((code, object["status"].as_str()), (1, Some("failed")));
    let error = &object["error"];
    assert_eq!(error["file"], "a.rhai");
    assert_eq!(error["line"], 2);
    assert!(
        error["kind"].as_str().unwrap().starts_with("ct."),
        "{error}"
    );
    assert!(stderr.contains("error: "), "{stderr}");
}

#[test]
fn a_usage_error_makes_no_run_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (code, object, _) = run(folder.path(), "print(1);", &["n=1"]);
    assert_eq!((code, object["exit_code"].as_i64()), (2, Some(2)));
    assert!(!folder.path().join("runs").exists());
}

#[test]
fn the_same_script_and_settings_have_the_same_hash() {
    let folder = tempfile::tempdir().unwrap();
    let script = "let n = param(\"n\", 1, \"a number\");";
    let hash = |arguments: &[&str]| {
        let (_, object, _) = run(folder.path(), script, arguments);
        let run_dir = object["run_dir"].as_str().unwrap().to_owned();
        run_dir.split('-').nth(1).unwrap().to_owned()
    };
    assert_eq!(hash(&[]), hash(&["n=1"]));
    assert_ne!(hash(&[]), hash(&["n=2"]));
    assert_ne!(hash(&[]), hash(&["--seed", "1"]));
    assert_eq!(hash(&["seed=1"]), hash(&["--seed", "1"]));
}
