//! Replacements for some of Rhai's own functions, which allocate memory before they check a limit, or
//! go on after one was met. These do neither; otherwise they do what Rhai documents.
//!
//! Input: an engine, with its limits. Output: the same engine with these functions in place of Rhai's.
//! This module must not know what a script is for.

mod nested;
mod order;
mod text;

use pe_binding::script::ScriptResult;
use rhai::{Engine, EvalAltResult, FuncRegistration, NativeCallContext, Position};

/// Doc comment of each replacement. By it the reference recognises them and leaves them out: Rhai's
/// documentation holds for them.
pub(crate) const MARK: &str = "/// As Rhai's own.";

/// Registers the replacements.
pub(crate) fn register(engine: &mut Engine) {
    text::register(engine);
    nested::register(engine);
    order::register(engine);
}

fn own(name: &str) -> FuncRegistration {
    FuncRegistration::new(name).with_comments([MARK])
}

/// Returns an error if a text of `bytes` bytes would be longer than the engine allows. Called before the
/// text is allocated.
fn check_text(context: &NativeCallContext, bytes: usize) -> ScriptResult<()> {
    let most = context.engine().max_string_size();
    // 0 means no limit.
    if most > 0 && bytes > most {
        Err(EvalAltResult::ErrorDataTooLarge("Length of string".to_owned(), Position::NONE).into())
    } else {
        Ok(())
    }
}
