//! A program of its own that embeds Rhai and takes the plugins from pe-script.
//!
//! It registers them in its own engine, follows a script's progress with its own watch, and reads
//! an error as a program does. Run it with `cargo run --example embed`, and with
//! `--features sync` for an engine that may cross threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pe_binding::{Watch, Work};
use rhai::{Dynamic, Engine, EvalAltResult};

/// A watch that counts warnings and never stops the work.
#[derive(Default)]
struct Counter {
    warnings: AtomicUsize,
}

impl Watch for Counter {
    fn begin(&self, what: &str, total: u64, unit: &str) {
        println!("{what}: {total} {unit}");
    }
    fn advance(&self, _n: u64) {}
    fn end(&self) {}
    fn warn(&self, message: &str) {
        self.warnings.fetch_add(1, Ordering::Relaxed);
        println!("warning: {message}");
    }
    fn interrupted(&self) -> bool {
        false
    }
}

/// An engine with every plugin; the work of long functions is followed by `watch`.
fn engine(watch: Arc<dyn Watch>) -> Engine {
    let mut engine = Engine::new();
    pe_script::register(&mut engine);
    engine.set_default_tag(Dynamic::from(Work::new(watch)));
    engine
}

/// The kind of error that a script ends with, `none` when it ends well.
fn kind_of_error(engine: &Engine, script: &str) -> String {
    match engine.run(script).map_err(|error| *error) {
        Ok(()) => "none".to_owned(),
        Err(EvalAltResult::ErrorRuntime(thrown, _)) => thrown
            .as_map_ref()
            .map(|map| map["kind"].to_string())
            .unwrap_or_default(),
        Err(other) => other.to_string(),
    }
}

/// With `sync`, an engine is made on one thread and used on another.
#[cfg(feature = "sync")]
fn in_another_thread(engine: Engine) -> String {
    let thread = std::thread::spawn(move || kind_of_error(&engine, "ct::window(100, -1);"));
    thread.join().unwrap_or_default()
}

/// Without `sync`, an engine stays on its thread.
#[cfg(not(feature = "sync"))]
fn in_another_thread(engine: Engine) -> String {
    kind_of_error(&engine, "ct::window(100, -1);")
}

/// Runs two scripts and says what came of them.
pub fn main() {
    let watch = Arc::new(Counter::default());
    let engine = engine(watch.clone());
    let good = kind_of_error(&engine, "let lung = ct::window(-600, 1500);");
    assert_eq!(good, "none");
    let bad = in_another_thread(engine);
    assert!(
        bad.starts_with("ct."),
        "expected an error of ct, found {bad}"
    );
    let sync = if cfg!(feature = "sync") {
        "with"
    } else {
        "without"
    };
    println!("embedded {sync} sync: a window of negative width is the error `{bad}`");
}
