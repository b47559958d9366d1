use std::collections::BTreeSet;

use rhai::Engine;

use super::*;

fn catalogue() -> Catalogue {
    let mut engine = Engine::new();
    crate::session::register(&mut engine);
    Catalogue::of(&engine)
}

#[test]
fn functions_are_found_by_every_name_they_have() {
    let catalogue = catalogue();
    let check = |name: &str, expected: &[&str]| {
        let found = catalogue.named(name);
        let found: Vec<String> = found.into_iter().map(Function::signature).collect();
        assert_eq!(found, expected, "{name}");
    };
    check("ct::window", &["ct::window(level, width) -> HuWindow"]);
    check("window", &["ct::window(level, width) -> HuWindow"]);
    check("window()", &["ct::window(level, width) -> HuWindow"]);
    check("Mask.volume_ml", &["Mask.volume_ml -> float"]);
    check("apply", &["Masking.apply(volume: Volume) -> Mask"]);
    check(
        "SliceStore.put",
        &[
            "SliceStore.put(volume: Volume) -> StoredExam",
            "SliceStore.put(volume: Volume, mask: Mask) -> StoredExam",
        ],
    );
    check("no_such", &[]);
    assert_eq!(
        catalogue.nearest("ct::windw").as_deref(),
        Some("ct::window")
    );
    assert_eq!(
        catalogue.nearest("lung::window").as_deref(),
        Some("ct::window")
    );
}

#[test]
fn no_rust_name_of_a_type_is_left() {
    let catalogue = catalogue();
    let ours = catalogue.functions().iter().filter(|f| !f.standard);
    let types: BTreeSet<&str> = ours
        .flat_map(|f| {
            f.params
                .iter()
                .map(|p| p.type_name.as_str())
                .chain([f.returns.as_str()])
        })
        .collect();
    for name in types {
        let strange =
            name.contains("Handle") || name.contains(['<', '&', ':']) || name.contains("Result");
        assert!(!strange, "`{name}` means nothing to a script");
    }
}

#[test]
fn members_belong_to_the_type_of_a_value() {
    let catalogue = catalogue();
    let window: rhai::Dynamic = {
        let mut engine = Engine::new();
        crate::session::register(&mut engine);
        engine.eval("ct::window(1, 2)").unwrap()
    };
    let names: BTreeSet<&str> = catalogue
        .members(window.type_id())
        .map(|f| f.name.as_str())
        .collect();
    assert!(
        names.contains("lower_hu") && names.contains("upper_hu"),
        "{names:?}"
    );
    assert!(!names.contains("volume_ml"), "{names:?}");
    assert_eq!(catalogue.type_named("HuWindow"), Some(window.type_id()));
}

#[test]
fn options_of_another_function_are_its_options() {
    let catalogue = catalogue();
    let check = |name: &str, expected: &[&str]| {
        let found = catalogue.named(name);
        let options = found.into_iter().flat_map(|f| catalogue.options_of(f));
        let names: BTreeSet<String> = options.map(|option| option.name).collect();
        let expected: BTreeSet<String> = expected.iter().map(ToString::to_string).collect();
        assert_eq!(names, expected, "{name}");
    };
    let settings = [
        "level",
        "slab",
        "replicates",
        "confidence",
        "seed",
        "bins",
        "height_tolerance",
    ];
    check("metrics::evaluate", &settings);
    check("metrics::compare", &settings);
    check("train::runs", &["device", "seed"]);
    check("ct::window", &[]);
}

#[test]
fn what_is_searched_is_in_names_first() {
    let catalogue = catalogue();
    let found = catalogue.apropos("AUROC");
    assert_eq!(found[0].path(), "metrics::auroc");
    assert!(catalogue.apropos("zzz-nothing").is_empty());
}

#[test]
fn a_script_s_own_functions_are_added_with_their_comments() {
    let engine = Engine::new();
    let ast = engine.compile("/// Doubles `x`.\nfn double(x) { x * 2 } let f = |x| x;");
    let mut catalogue = Catalogue::of(&engine);
    catalogue.add_script(&ast.unwrap());
    let found = catalogue.named("double");
    assert_eq!((found.len(), found[0].summary()), (1, "Doubles `x`"));
    let help = help(&catalogue, "doubel").unwrap_err();
    assert_eq!(
        help,
        "there is no function `doubel`: did you mean `double`?"
    );
}
