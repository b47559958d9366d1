//! What a script sees of the plugin.
#![cfg(feature = "script")]

use pe_phantom::script::PhantomPackage;
use rhai::packages::Package;
use rhai::{Engine, Map};

fn engine() -> Engine {
    let mut engine = Engine::new();
    pe_ct::script::CtPackage::new().register_into_engine_as(&mut engine, "ct");
    PhantomPackage::new().register_into_engine_as(&mut engine, "phantom");
    engine
}

#[test]
fn a_script_writes_a_cohort_and_reads_its_figures() {
    let folder = tempfile::tempdir().unwrap();
    let script = format!(
        r#"
        let settings = #{{n_exams: 2, size: 32, max_slices: 40, pe_share: 0.5, seed: 3}};
        let made = phantom::write("{0}", settings);
        let again = phantom::write("{0}", settings);
        #{{ n_exams: made.n_exams, n_slices: made.n_slices, n_pe_exams: made.n_pe_exams,
           some_pe: made.n_pe_slices > 0, bytes: made.n_bytes > 80 * 32 * 32 * 2,
           skipped: [made.skipped, again.skipped].to_string(), text: made.to_string(), folder: made.folder }}
        "#,
        folder.path().display()
    );
    let found: Map = engine().eval(&script).unwrap();
    let check =
        |name: &str, expected: &str| assert_eq!(found[name].to_string(), expected, "{name}");
    check("n_exams", "2");
    check("n_slices", "80");
    check("n_pe_exams", "1");
    check("some_pe", "true");
    check("bytes", "true");
    check("skipped", "[false, true]");
    check("folder", &folder.path().display().to_string());
    assert!(
        found["text"]
            .to_string()
            .contains("2 exams (1 with PE), 80 slices")
    );
}

#[test]
fn a_script_makes_an_exam_and_meets_clear_errors() {
    let n: rhai::INT = engine()
        .eval("phantom::exam(1, #{size: 32, max_slices: 40}).n_slices")
        .unwrap();
    assert_eq!(n, 40);
    let check = |script: &str, kind: &str, message: &str| {
        let caught = format!(
            "try {{ {script} }} catch (error) {{ return `${{error.kind}}|${{error.message}}|${{error.hint}}` }}"
        );
        let found: String = engine().eval(&caught).unwrap();
        assert!(
            found.starts_with(kind) && found.contains(message),
            "{found}"
        );
    };
    check(
        "phantom::exam(12, #{})",
        "phantom.index",
        "below 12, found 12",
    );
    check("phantom::exam(-1, #{})", "phantom.index", "found -1");
    check(
        "phantom::exam(0, #{siez: 3})",
        "options.unknown",
        "did you mean `size`?",
    );
    check(
        "phantom::exam(0, #{size: 3})",
        "phantom.option",
        "`size`: expected 32 to 1024, found 3",
    );
    check(
        "phantom::exam(0, #{clot_mm: [40, 20]})",
        "phantom.option",
        "`clot_mm`: expected [low, high], ascending, of 8 to 120, found [40, 20]",
    );
    check(
        "phantom::exam(0, #{difficulty: \"medium\"})",
        "options.invalid",
        "easy",
    );
    check(
        "phantom::truth(\"nowhere\")",
        "phantom.no_cohort",
        "no complete",
    );
    check(
        "phantom::write(\"x\", #{min_slices: 10})",
        "phantom.option",
        "`min_slices`: expected 40 to 320",
    );
}

#[test]
fn a_script_reads_the_truth_by_exam_and_slice() {
    let folder = tempfile::tempdir().unwrap();
    let script = format!(
        r#"
        let made = phantom::write("{}", #{{n_exams: 2, size: 32, max_slices: 40, pe_share: 0.5, difficulty: "easy"}});
        let truth = phantom::truth(made.folder);
        let slices = [];
        for exam in truth.keys() {{ slices += truth[exam]; }}
        let pe = slices.filter(|slice| slice.pe);
        #{{
            exams: truth.len(), slices: slices.len(), same: pe.len() == made.n_pe_slices,
            area: pe.all(|slice| slice.clot_mm2 > 5.0),
            artery: pe.all(|slice| slice.artery in ["main", "lobar", "segmental", "subsegmental"]),
            none: slices.filter(|slice| slice.clot_mm2 == 0.0).all(|slice| slice.artery == ()),
            kinds: slices.some(|slice| "node" in slice.lookalikes),
            upward: truth.values().all(|exam| exam[0].position_mm < exam[39].position_mm),
            difficulty: made.difficulty, control: made.control, text: made.to_string(),
        }}
        "#,
        folder.path().display()
    );
    let found: Map = engine().eval(&script).unwrap();
    let check =
        |name: &str, expected: &str| assert_eq!(found[name].to_string(), expected, "{name}");
    check("exams", "2");
    check("slices", "80");
    for name in ["same", "area", "artery", "none", "kinds", "upward"] {
        check(name, "true");
    }
    check("difficulty", "easy");
    check("control", "false");
    assert!(
        found["text"]
            .to_string()
            .starts_with("easy, meant to be learnt")
    );
}
