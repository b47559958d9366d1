//! Comparison and text of nested arrays and maps.
//!
//! Rhai calls `==` and `to_debug` of the items through the engine. Each such call copies its
//! arguments. Because the host tracks calls for the places of errors (`trace`), it also copies those of
//! all calls above: at 200 levels that is gigabytes. Here nested arrays and maps are visited in place,
//! and only other values are compared and shown through the engine.

use pe_binding::script::{ScriptResult, runtime_error};
use rhai::{
    Array, Dynamic, Engine, EvalAltResult, ImmutableString, Map, NativeCallContext, Position,
};

use super::{check_text, own};

/// Maximum depth of nesting, the same as for calls. Each level needs stack, and a loop in a script can
/// nest data to any depth.
const LEVELS: usize = 64;

pub(super) fn register(engine: &mut Engine) {
    type Context<'a> = NativeCallContext<'a>;
    let pure = |name: &str| own(name).with_purity(true);
    pure("==").register_into_engine(engine, |context: Context, a: &mut Array, b: Array| {
        arrays_equal(&context, a, &b, LEVELS)
    });
    pure("!=").register_into_engine(engine, |context: Context, a: &mut Array, b: Array| {
        arrays_equal(&context, a, &b, LEVELS).map(|equal| !equal)
    });
    pure("==").register_into_engine(engine, |context: Context, a: &mut Map, b: Map| {
        maps_equal(&context, a, &b, LEVELS)
    });
    pure("!=").register_into_engine(engine, |context: Context, a: &mut Map, b: Map| {
        maps_equal(&context, a, &b, LEVELS).map(|equal| !equal)
    });
    for name in ["print", "to_string", "debug", "to_debug"] {
        pure(name).register_into_engine(engine, |context: Context, array: &mut Array| {
            shown(&context, |text| write_array(&context, text, array, LEVELS))
        });
        pure(name).register_into_engine(engine, |context: Context, map: &mut Map| {
            shown(&context, |text| write_map(&context, text, map, LEVELS))
        });
    }
}

/// Counts down one level of nesting; an error at the maximum depth.
fn below(levels: usize) -> ScriptResult<usize> {
    levels.checked_sub(1).ok_or_else(|| {
        let message = format!("arrays and maps are nested more than {LEVELS} levels deep");
        let hint = "keep such data in one array, with indices in the place of nesting";
        runtime_error("limit.depth", &message, Some(hint))
    })
}

/// Returns an error for a shared value that a call around this one is changing: it is locked, so it
/// cannot be read.
fn check_free(value: &Dynamic) -> ScriptResult<()> {
    if value.is_shared() && value.is_locked() {
        Err(EvalAltResult::ErrorDataRace("item".to_owned(), Position::NONE).into())
    } else {
        Ok(())
    }
}

fn arrays_equal(
    context: &NativeCallContext,
    a: &[Dynamic],
    b: &[Dynamic],
    levels: usize,
) -> ScriptResult<bool> {
    let levels = below(levels)?;
    if a.len() != b.len() {
        return Ok(false);
    }
    for (a, b) in a.iter().zip(b) {
        if !equal(context, a, b, levels)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn maps_equal(context: &NativeCallContext, a: &Map, b: &Map, levels: usize) -> ScriptResult<bool> {
    let levels = below(levels)?;
    if a.len() != b.len() {
        return Ok(false);
    }
    for (key, a) in a {
        let Some(b) = b.get(key) else {
            return Ok(false);
        };
        if !equal(context, a, b, levels)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn equal(
    context: &NativeCallContext,
    a: &Dynamic,
    b: &Dynamic,
    levels: usize,
) -> ScriptResult<bool> {
    check_free(a)?;
    check_free(b)?;
    if let (Ok(a), Ok(b)) = (a.as_int(), b.as_int()) {
        return Ok(a == b);
    }
    match (a.as_array_ref(), b.as_array_ref()) {
        (Ok(a), Ok(b)) => return arrays_equal(context, &a, &b, levels),
        (Err(_), Err(_)) => {}
        _ => return Ok(false),
    }
    match (a.as_map_ref(), b.as_map_ref()) {
        (Ok(a), Ok(b)) => return maps_equal(context, &a, &b, levels),
        (Err(_), Err(_)) => {}
        _ => return Ok(false),
    }
    let same_type = a.type_id() == b.type_id();
    let (mut a, mut b) = (a.clone(), b.clone());
    match context.call_native_fn_raw("==", true, &mut [&mut a, &mut b]) {
        Ok(equal) => Ok(equal.as_bool().unwrap_or(false)),
        Err(error) => match *error {
            // Two types without a common `==`: the values differ. One type without `==` is an error.
            EvalAltResult::ErrorFunctionNotFound(..) if !same_type => Ok(false),
            _ => Err(error),
        },
    }
}

fn shown(
    context: &NativeCallContext,
    write: impl FnOnce(&mut String) -> ScriptResult<()>,
) -> ScriptResult<ImmutableString> {
    let mut text = String::new();
    write(&mut text)?;
    check_text(context, text.len())?;
    Ok(text.into())
}

fn write_array(
    context: &NativeCallContext,
    text: &mut String,
    array: &[Dynamic],
    levels: usize,
) -> ScriptResult<()> {
    let levels = below(levels)?;
    text.push('[');
    for (i, value) in array.iter().enumerate() {
        if i > 0 {
            text.push_str(", ");
        }
        write_value(context, text, value, levels)?;
    }
    text.push(']');
    Ok(())
}

fn write_map(
    context: &NativeCallContext,
    text: &mut String,
    map: &Map,
    levels: usize,
) -> ScriptResult<()> {
    let levels = below(levels)?;
    text.push_str("#{");
    for (i, (key, value)) in map.iter().enumerate() {
        if i > 0 {
            text.push_str(", ");
        }
        text.push_str(&format!("{key:?}: "));
        write_value(context, text, value, levels)?;
    }
    text.push('}');
    Ok(())
}

fn write_value(
    context: &NativeCallContext,
    text: &mut String,
    value: &Dynamic,
    levels: usize,
) -> ScriptResult<()> {
    check_free(value)?;
    check_text(context, text.len())?;
    if let Ok(array) = value.as_array_ref() {
        return write_array(context, text, &array, levels);
    }
    if let Ok(map) = value.as_map_ref() {
        return write_map(context, text, &map, levels);
    }
    if let Ok(int) = value.as_int() {
        text.push_str(&int.to_string());
        return Ok(());
    }
    let engine = context.engine();
    match context.call_native_fn_raw("to_debug", true, &mut [&mut value.clone()]) {
        Ok(found) => match found.as_immutable_string_ref() {
            Ok(found) => text.push_str(&found),
            Err(_) => text.push_str(engine.map_type_name(found.type_name())),
        },
        Err(_) => text.push_str(engine.map_type_name(&format!("{value:?}"))),
    }
    Ok(())
}
