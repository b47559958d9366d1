//! A program that adds a plugin of its own to pe-script.

// A test may panic, in its own functions too.
#![allow(clippy::unwrap_used)]

#[allow(dead_code)]
#[path = "../examples/own_plugin.rs"]
mod own_plugin;

use std::ffi::OsString;
use std::fs;

const SCRIPT: &str = r#"
    let volume = phantom::exam(0, #{ n_exams: 1, size: 64, min_slices: 40, max_slices: 40 });
    let chest = lung::mask(volume, #{ mode: "hull" });
    let bright = example::statistics(volume, chest, #{ lower_hu: 150, upper_hu: 600 });
    if bright.mean_hu < 150.0 || bright.n_voxels == 0 { throw "no blood"; }
    result("mean_hu", bright.mean_hu);
"#;

#[test]
fn the_program_knows_the_plugin_once_it_is_added() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("phase.rhai");
    fs::write(&script, SCRIPT).unwrap();
    let runs = folder.path().join("runs");
    let run = || {
        let words = ["pe-script", "run", "--quiet", "--out"].map(OsString::from);
        let paths = [runs.clone().into(), script.clone().into()];
        pe_script::cli::main(words.into_iter().chain(paths))
    };
    assert_eq!(run(), 1, "without it, there is no such function");
    own_plugin::add_plugin();
    assert_eq!(run(), 0);
}
