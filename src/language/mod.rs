//! The scripts' language: Rhai with the host's rules, and its values as plain data.

mod bounded;
mod trace;
pub(crate) mod value;

use rhai::{Engine, OptimizationLevel};

pub(crate) use bounded::MARK as RHAIS_OWN;
pub(crate) use trace::LastCall;

/// Maximum depth of calls, to stop a runaway recursion. Rhai's own limits differ between debug and
/// release builds; scripts must behave the same in both.
const CALL_LEVELS: usize = 64;
/// Maximum nesting of expressions, in a script's body and in its functions.
const EXPR_DEPTH: (usize, usize) = (128, 64);
/// Maximum length of a string, longer than any text.
const STRING_BYTES: usize = 64 << 20;
/// Maximum number of array elements. Ten million are a volume, which should not be an array.
const ARRAY_ITEMS: usize = 10_000_000;
/// Maximum number of entries of a map.
const MAP_ENTRIES: usize = 1_000_000;

/// Sets an engine to the host's rules for all scripts: strict variables, errors for map entries that do
/// not exist, and the same limits in every build.
pub fn configure(engine: &mut Engine) {
    engine
        .set_max_call_levels(CALL_LEVELS)
        .set_max_expr_depths(EXPR_DEPTH.0, EXPR_DEPTH.1)
        .set_max_string_size(STRING_BYTES)
        .set_max_array_size(ARRAY_ITEMS)
        .set_max_map_size(MAP_ENTRIES)
        .set_strict_variables(true)
        .set_fail_on_invalid_map_property(true)
        // `Full` would call native functions at compile time.
        .set_optimization_level(OptimizationLevel::Simple);
    bounded::register(engine);
}

/// An engine only for parsing: no functions, no optimiser, variables unchecked. Its syntax tree holds
/// all of the script, also branches that are never taken.
pub(crate) fn bare() -> Engine {
    let mut engine = Engine::new_raw();
    engine
        .set_max_expr_depths(EXPR_DEPTH.0, EXPR_DEPTH.1)
        .set_optimization_level(OptimizationLevel::None);
    engine
}
