//! The language that scripts are written in: Rhai with the host's rules, and its values as plain data.

mod bounded;
mod trace;
pub(crate) mod value;

use rhai::{Engine, OptimizationLevel};

pub(crate) use bounded::MARK as RHAIS_OWN;
pub(crate) use trace::LastCall;

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
