//! A program of its own that embeds Rhai and takes the plugins from pe-script.
//!
//! It registers them in its own engine, follows a script's progress with its own watch, runs a
//! script that makes a synthetic exam and masks its lungs, and reads an error as a program does.
//! Run it with `cargo run --example embed`, and with `--features sync` for an engine that may
//! cross threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pe_binding::{Watch, Work};
use rhai::{Dynamic, Engine, EvalAltResult, Map};

/// A watch that counts what is done and never stops the work.
#[derive(Default)]
pub struct Counter {
    done: AtomicU64,
}

impl Watch for Counter {
    fn begin(&self, what: &str, total: u64, unit: &str) {
        println!("{what}: {total} {unit}");
    }
    fn advance(&self, n: u64) {
        self.done.fetch_add(n, Ordering::Relaxed);
    }
    fn end(&self) {}
    fn warn(&self, message: &str) {
        println!("warning: {message}");
    }
    fn interrupted(&self) -> bool {
        false
    }
}

/// An engine with every plugin; the work of long functions is followed by `watch`.
pub fn engine(watch: Arc<dyn Watch>) -> Engine {
    let mut engine = Engine::new();
    pe_script::register(&mut engine);
    engine.set_default_tag(Dynamic::from(Work::new(watch)));
    engine
}

/// An engine with one plugin and the vocabulary that it speaks.
pub fn engine_with_the_lungs_alone() -> Engine {
    use rhai::packages::Package;
    let mut engine = Engine::new();
    pe_ct::script::CtPackage::new().register_into_engine_as(&mut engine, "ct");
    pe_lung::script::LungPackage::new().register_into_engine_as(&mut engine, "lung");
    engine
}

/// A small synthetic exam, from voxels to a mask's volume.
const SCRIPT: &str = "
    let volume = phantom::exam(0, #{ n_exams: 1, size: 64, min_slices: 40, max_slices: 40 });
    let lungs  = lung::masking(#{ mode: \"paper\" }).apply(volume);
    #{ n_slices: volume.n_slices, mask_ml: lungs.volume_ml }
";

/// The kind of error that a script ends with, `none` when it ends well.
pub fn kind_of_error(engine: &Engine, script: &str) -> String {
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
fn run(engine: Engine) -> Result<Map, String> {
    let thread = std::thread::spawn(move || engine.eval(SCRIPT).map_err(|error| error.to_string()));
    thread
        .join()
        .map_err(|_| "the thread ended early".to_owned())?
}

/// Without `sync`, an engine stays on its thread.
#[cfg(not(feature = "sync"))]
fn run(engine: Engine) -> Result<Map, String> {
    engine.eval(SCRIPT).map_err(|error| error.to_string())
}

/// What came of it: slices, ml inside the mask, and units of work that the watch counted.
///
/// # Errors
/// The script's error in words.
pub fn slices_ml_and_work() -> Result<(i64, f64, u64), String> {
    let watch = Arc::new(Counter::default());
    let map = run(engine(watch.clone()))?;
    let n_slices = map["n_slices"].as_int().map_err(str::to_owned)?;
    let mask_ml = map["mask_ml"].as_float().map_err(str::to_owned)?;
    Ok((n_slices, mask_ml, watch.done.load(Ordering::Relaxed)))
}

/// Runs the script and says what came of it.
pub fn main() {
    match slices_ml_and_work() {
        Ok((n_slices, mask_ml, done)) => {
            println!("{n_slices} slices, {mask_ml:.0} ml inside, {done} units of work")
        }
        Err(error) => eprintln!("{error}"),
    }
    let error = kind_of_error(
        &engine_with_the_lungs_alone(),
        "lung::masking(#{ mode: \"hul\" });",
    );
    println!("a misspelt mode is the error `{error}`");
}
