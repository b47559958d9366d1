//! Functions of Rhai's own that take memory before they look at a limit, or that go on after one was
//! met. Here they do neither; otherwise they are as Rhai documents them.
//!
//! Input: an engine, with its limits. Output: the same with these functions in the place of Rhai's.
//! This room must not know what a script is for.

mod nested;
mod order;
mod text;

use pe_binding::script::ScriptResult;
use rhai::{Engine, EvalAltResult, FuncRegistration, NativeCallContext, Position};

/// The comment of each, by which the reference tells them from the host's own: it documents them as
/// Rhai does.
pub(crate) const MARK: &str = "/// As Rhai's own.";

/// Registers them.
pub(crate) fn register(engine: &mut Engine) {
    text::register(engine);
    nested::register(engine);
    order::register(engine);
}

fn own(name: &str) -> FuncRegistration {
    FuncRegistration::new(name).with_comments([MARK])
}

/// The error for a text of more bytes than a string may have, before there is one.
fn check_text(context: &NativeCallContext, bytes: usize) -> ScriptResult<()> {
    let most = context.engine().max_string_size();
    // 0 is no limit.
    if most > 0 && bytes > most {
        Err(EvalAltResult::ErrorDataTooLarge("Length of string".to_owned(), Position::NONE).into())
    } else {
        Ok(())
    }
}
