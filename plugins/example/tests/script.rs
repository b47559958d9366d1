//! What a script sees of `example`, beside the plugins that make the exam and the mask.
#![cfg(feature = "script")]

use std::any::Any;

use pe_ct::script::CtPackage;
use pe_example::script::ExamplePackage;
use pe_lung::script::LungPackage;
use pe_phantom::script::PhantomPackage;
use rhai::packages::Package;
use rhai::{Engine, EvalAltResult, Map};

/// Runs a script that has a small synthetic exam and the hull of its lungs.
fn eval<T: Any + Clone + Send + Sync>(script: &str) -> Result<T, Box<EvalAltResult>> {
    let mut engine = Engine::new();
    CtPackage::new().register_into_engine_as(&mut engine, "ct");
    LungPackage::new().register_into_engine_as(&mut engine, "lung");
    PhantomPackage::new().register_into_engine_as(&mut engine, "phantom");
    ExamplePackage::new().register_into_engine_as(&mut engine, "example");
    let exam = r#"
        let volume = phantom::exam(0, #{ n_exams: 1, size: 64, min_slices: 40, max_slices: 40, seed: 3 });
        let chest = lung::mask(volume, #{ mode: "hull" });
    "#;
    engine.eval(&format!("{exam}{script}"))
}

#[test]
fn a_script_reads_the_numbers() {
    let check = |script: &str| {
        let holds: bool = eval(script).unwrap_or_else(|error| panic!("{script}: {error}"));
        assert!(holds, "{script}");
    };
    // Every voxel, and so the volume's own range.
    check(
        "let all = example::statistics(volume, lung::mask(volume, #{ mode: \"none\" }));
         all.n_voxels == 40 * 64 * 64
             && [all.percentile(0).to_int(), all.percentile(100.0).to_int()] == volume.hu_range",
    );
    // Air is dark, and blood with contrast bright.
    check("example::statistics(volume, lung::mask(volume)).mean_hu < -400.0");
    check(
        "let bright = example::statistics(volume, chest, #{ lower_hu: 150, upper_hu: 600 });
         bright.mean_hu > 150.0 && bright.mean_hu < 600.0 && bright.sd_hu > 0.0
             && bright.n_voxels < example::statistics(volume, chest).n_voxels",
    );
    check("example::statistics(volume, chest).to_string().contains(\" HU\")");
}

#[test]
fn an_error_says_what_to_do() {
    let check = |script: &str, kind: &str, hint: &str| {
        let error = eval::<bool>(script).expect_err("an error");
        let EvalAltResult::ErrorRuntime(thrown, _) = *error else {
            panic!("{script}: expected an error that can be caught, found {error}");
        };
        let map = thrown.cast::<Map>();
        assert_eq!(map["kind"].to_string(), kind, "{script}");
        assert!(map["hint"].to_string().contains(hint), "{}", map["hint"]);
    };
    check(
        "example::statistics(volume, chest, #{ lowr_hu: 1 })",
        "options.unknown",
        "did you mean `lower_hu`?",
    );
    check(
        "example::statistics(volume, chest, #{ lower_hu: 30_000 })",
        "example.no_voxels",
        "widen",
    );
    check(
        "example::statistics(volume, chest).percentile(101)",
        "example.percentile",
        "percentile(50)",
    );
    check(
        "let other = phantom::exam(0, #{ n_exams: 1, size: 80, min_slices: 40, max_slices: 40 });
         example::statistics(other, chest)",
        "ct.shape",
        "same volume",
    );
}
