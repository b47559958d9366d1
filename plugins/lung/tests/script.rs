//! What a script sees of `lung`.
#![cfg(feature = "script")]

use std::any::Any;

use ndarray::{Array3, s};
use pe_ct::{Mask, Spacing, Volume};
use pe_lung::script::LungPackage;
use rhai::packages::Package;
use rhai::{Engine, EvalAltResult, Map, Scope};

fn volume() -> Volume {
    let mut hu = Array3::from_elem((2, 100, 100), 40_i16);
    hu.slice_mut(s![0, 30..60, 30..60]).fill(-800);
    hu.slice_mut(s![0, .., ..5]).fill(-1000);
    let spacing = Spacing {
        slice_mm: 1.0,
        row_mm: 1.0,
        col_mm: 1.0,
    };
    Volume::unnamed("test", spacing, hu)
}

/// Two slices of a body in air, with one lung of 50 × 50 pixels.
fn lungs() -> Volume {
    let mut hu = Array3::from_elem((2, 100, 100), -1000_i16);
    hu.slice_mut(s![.., 5..95, 5..95]).fill(40);
    hu.slice_mut(s![.., 20..70, 20..70]).fill(-800);
    Volume::unnamed("lungs", volume().spacing(), hu)
}

fn eval<T: Any + Clone + Send + Sync>(script: &str) -> Result<T, Box<EvalAltResult>> {
    let mut engine = Engine::new();
    LungPackage::new().register_into_engine_as(&mut engine, "lung");
    let mut scope = Scope::new();
    scope.push("volume", volume());
    scope.push("lungs", lungs());
    engine.eval_with_scope(&mut scope, script)
}

#[test]
fn masks_follow_the_settings() {
    let check = |script: &str, expected: [usize; 2]| {
        let mask: Mask = eval(script).unwrap_or_else(|error| panic!("{script}: {error}"));
        assert_eq!(mask.voxels_per_slice(), expected, "{script}");
    };
    // A piece of air below a seed's area is no lung.
    check("lung::mask(volume)", [0, 0]);
    check("lung::mask(lungs)", [2500, 2500]);
    check("lung::masking().apply(lungs)", [2500, 2500]);
    check("lung::mask(lungs, #{mode: \"hull\"})", [2500, 2500]);
    check("lung::mask(lungs, #{threshold_hu: -900})", [0, 0]);
    check("lung::mask(volume, #{mode: \"none\"})", [10_000, 10_000]);
    // 100 rows: the dilation's disk scales to nothing, and closing leaves a square as it is.
    check("lung::mask(volume, #{mode: \"paper\"})", [900, 0]);
    check(
        "lung::masking(#{mode: \"paper\", dilate_radius: 1, scale_sizes: false}).apply(volume)",
        [900 + 4 * 30, 0],
    );
    check(
        "lung::mask(volume, #{mode: \"paper\", threshold_hu: -900})",
        [0, 0],
    );
    check(
        "lung::mask(volume, #{mode: \"paper\", min_area: 901, scale_sizes: false})",
        [0, 0],
    );
}

#[test]
fn a_recipe_names_its_settings() {
    let check = |script: &str, expected: &str| {
        let recipe: String = eval(script).unwrap_or_else(|error| panic!("{script}: {error}"));
        assert!(recipe.contains(expected), "{recipe}");
    };
    check("lung::masking().recipe", "\"mode\":\"lungs\"");
    check("`${lung::masking(#{mode: \"hull\"})}`", "\"mode\":\"hull\"");
    check(
        "lung::masking(#{mode: \"paper\", close_radius: 12}).recipe",
        "\"close_radius\":12",
    );
}

#[test]
fn bad_settings_are_named() {
    let check = |script: &str, message: &str, hint: &str| {
        let error = eval::<Mask>(script).expect_err("the setting is bad");
        let EvalAltResult::ErrorRuntime(value, _) = *error else {
            panic!("expected a runtime error, found {error}");
        };
        let map = value.cast::<Map>();
        let (found, found_hint) = (map["message"].to_string(), map["hint"].to_string());
        assert!(found.contains(message), "{found}");
        assert!(found_hint.contains(hint), "{found_hint}");
    };
    check(
        "lung::mask(volume, #{close_radus: 3})",
        "lung::mask() has no option `close_radus`",
        "did you mean `close_radius`?",
    );
    check(
        "lung::mask(volume, #{mode: \"convex\"})",
        "option `mode`: unknown variant `convex`, expected one of `lungs`, `paper`, `hull`, `none`",
        "",
    );
    check(
        "lung::masking(#{close_radius: 100}).apply(volume)",
        "expected close_radius from 0 to 64 pixels, found 100",
        "512 rows",
    );
    check(
        "lung::masking(#{close_radius: 12}).apply(volume)",
        "close_radius is an option of mode paper, found mode lungs",
        "set mode to paper",
    );
    check(
        "lung::masking(#{min_area: -1}).apply(volume)",
        "lung::masking(): option `min_area`",
        "",
    );
}
