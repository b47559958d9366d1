//! The example program is run as a test, so that it stays true; `cargo test --features sync --test
//! embed` runs it on an engine that crosses threads.

#[allow(dead_code)]
#[path = "../examples/embed.rs"]
mod embed;

#[test]
fn the_example_masks_a_synthetic_exam() {
    let (n_slices, mask_ml, done) = embed::slices_ml_and_work().expect("the script runs");
    assert_eq!(n_slices, 40);
    assert!(
        (1000.0..10_000.0).contains(&mask_ml),
        "{mask_ml} ml are no two lungs"
    );
    assert!(done >= 40, "the watch saw {done} units of work");
}

#[test]
fn one_plugin_can_be_registered_alone() {
    let engine = embed::engine_with_the_lungs_alone();
    assert_eq!(
        embed::kind_of_error(&engine, "ct::window(100, -1);"),
        "ct.window"
    );
    assert_eq!(
        embed::kind_of_error(&engine, "lung::masking(#{ mode: \"hul\" });"),
        "options.invalid"
    );
    assert!(embed::kind_of_error(&engine, "phantom::exam(0, #{});").contains("phantom"));
}

/// The compiler's word that an engine with every plugin may cross threads.
#[cfg(feature = "sync")]
#[test]
fn an_engine_with_every_plugin_is_send_and_sync() {
    fn crosses<T: Send + Sync>(_: &T) {}
    let mut engine = rhai::Engine::new();
    pe_script::register(&mut engine);
    crosses(&engine);
}
