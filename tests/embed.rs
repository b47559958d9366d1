//! The example program is run as a test, so that it stays true; `cargo test --features sync --test
//! embed` runs it on an engine that crosses threads.

#[allow(dead_code)]
#[path = "../examples/embed.rs"]
mod embed;

#[test]
fn the_example_runs() {
    embed::main();
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
