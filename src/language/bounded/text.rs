//! `replace` and `pad`, which can make a string much longer than their arguments.

use pe_binding::script::{ScriptResult, runtime_error};
use rhai::{Engine, INT, ImmutableString, NativeCallContext};

use super::{check_text, own};

pub(super) fn register(engine: &mut Engine) {
    own("replace").register_into_engine(
        engine,
        |context: NativeCallContext, text: &mut ImmutableString, find: &str, by: &str| {
            replace(&context, text, find, by)
        },
    );
    own("replace").register_into_engine(
        engine,
        |context: NativeCallContext, text: &mut ImmutableString, find: &str, by: char| {
            replace(&context, text, find, by.encode_utf8(&mut [0; 4]))
        },
    );
    own("replace").register_into_engine(
        engine,
        |context: NativeCallContext, text: &mut ImmutableString, find: char, by: &str| {
            replace(&context, text, find.encode_utf8(&mut [0; 4]), by)
        },
    );
    own("replace").register_into_engine(
        engine,
        |context: NativeCallContext, text: &mut ImmutableString, find: char, by: char| {
            let (mut a, mut b) = ([0; 4], [0; 4]);
            let (find, by) = (find.encode_utf8(&mut a), by.encode_utf8(&mut b));
            replace(&context, text, find, by)
        },
    );
    own("pad").register_into_engine(
        engine,
        |context: NativeCallContext, text: &mut ImmutableString, len: INT, with: &str| {
            pad(&context, text, len, with)
        },
    );
}

/// Replaces all matches. Checks the length of the result first: 60,000 letters that are replaced by
/// 300,000 each would be 18 GB.
fn replace(
    context: &NativeCallContext,
    text: &mut ImmutableString,
    find: &str,
    by: &str,
) -> ScriptResult<()> {
    // As in Rhai, an empty string has no match, not even for an empty pattern.
    if text.is_empty() {
        return Ok(());
    }
    let n = text.matches(find).count();
    let kept = text.len() - n * find.len();
    check_text(context, kept.saturating_add(n.saturating_mul(by.len())))?;
    *text = text.replace(find, by).into();
    Ok(())
}

/// Pads to `len` characters. An empty `with` is an error: Rhai's own function would never end.
fn pad(
    context: &NativeCallContext,
    text: &mut ImmutableString,
    len: INT,
    with: &str,
) -> ScriptResult<()> {
    let len = usize::try_from(len).unwrap_or_default();
    let missing = len.saturating_sub(text.chars().count());
    if missing == 0 {
        return Ok(());
    }
    if with.is_empty() {
        let message = "cannot pad a string with an empty one";
        let hint = "give a character, as in `text.pad(10, '.')`";
        return Err(runtime_error("argument.invalid", message, Some(hint)));
    }
    // First check with one byte for each missing character: otherwise `more` itself could be too long.
    check_text(context, text.len().saturating_add(missing))?;
    let more: String = with.chars().cycle().take(missing).collect();
    check_text(context, text.len().saturating_add(more.len()))?;
    *text += more;
    Ok(())
}
