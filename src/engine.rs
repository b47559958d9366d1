use std::sync::{Mutex, PoisonError};

use rhai::packages::Package;
use rhai::{Engine, OptimizationLevel};

use crate::bounded;

/// What a program adds to every engine of the host.
static EXTENSIONS: Mutex<Vec<fn(&mut Engine)>> = Mutex::new(Vec::new());

/// Adds a plugin of your own to every engine that the host makes from now on: a program that calls
/// this and then [`crate::cli::main`] is a `pe-script` with that plugin, in its REPL, runs and tests.
///
/// ```
/// fn plugin(engine: &mut rhai::Engine) {
///     engine.register_fn("double", |x: rhai::INT| 2 * x);
/// }
/// pe_script::extend(plugin);
/// let mut engine = rhai::Engine::new();
/// pe_script::register(&mut engine);
/// assert_eq!(engine.eval::<rhai::INT>("double(4)").unwrap(), 8);
/// ```
pub fn extend(register: fn(&mut Engine)) {
    let mut extensions = EXTENSIONS.lock().unwrap_or_else(PoisonError::into_inner);
    extensions.push(register);
}

/// Registers every plugin under its name: `ct::…` and so on.
///
/// ```
/// let mut engine = rhai::Engine::new();
/// pe_script::register(&mut engine);
/// assert!(engine.run("ct::window(100, 700);").is_ok());
/// ```
pub fn register(engine: &mut Engine) {
    pe_ct::script::CtPackage::new().register_into_engine_as(engine, "ct");
    pe_dicom::script::DicomPackage::new().register_into_engine_as(engine, "dicom");
    pe_lung::script::LungPackage::new().register_into_engine_as(engine, "lung");
    pe_metrics::script::MetricsPackage::new().register_into_engine_as(engine, "metrics");
    pe_phantom::script::PhantomPackage::new().register_into_engine_as(engine, "phantom");
    pe_report::script::ReportPackage::new().register_into_engine_as(engine, "report");
    pe_store::script::StorePackage::new().register_into_engine_as(engine, "store");
    pe_train::script::TrainPackage::new().register_into_engine_as(engine, "train");
    // Not under the lock: an extension may make an engine of its own.
    let extensions = EXTENSIONS
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    for extension in extensions {
        extension(engine);
    }
}

/// Calls deeper than this are a runaway recursion. Rhai's own limits differ between debug and
/// release builds; a script must not.
const CALL_LEVELS: usize = 64;
/// Nesting of expressions, in a script's body and in its functions.
const EXPR_DEPTH: (usize, usize) = (128, 64);
/// A string of 64 MiB is no text any more.
const STRING_BYTES: usize = 64 << 20;
/// Ten million elements are a volume, which is no array's work.
const ARRAY_ITEMS: usize = 10_000_000;
/// Entries of one map.
const MAP_ENTRIES: usize = 1_000_000;

/// Sets the language as every script of the host sees it: strict variables, errors for map
/// entries that do not exist, and the same limits in every build.
pub fn configure(engine: &mut Engine) {
    engine
        .set_max_call_levels(CALL_LEVELS)
        .set_max_expr_depths(EXPR_DEPTH.0, EXPR_DEPTH.1)
        .set_max_string_size(STRING_BYTES)
        .set_max_array_size(ARRAY_ITEMS)
        .set_max_map_size(MAP_ENTRIES)
        .set_strict_variables(true)
        .set_fail_on_invalid_map_property(true)
        // `Full` would call native functions while it compiles.
        .set_optimization_level(OptimizationLevel::Simple);
    bounded::register(engine);
}

/// An engine that only reads: no functions, no optimiser, variables unchecked. What it compiles
/// holds everything that the script's text holds.
pub(crate) fn bare() -> Engine {
    let mut engine = Engine::new_raw();
    engine
        .set_max_expr_depths(EXPR_DEPTH.0, EXPR_DEPTH.1)
        .set_optimization_level(OptimizationLevel::None);
    engine
}
