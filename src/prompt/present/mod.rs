//! Text of a value that is typed alone at the prompt: a short summary, never a dump.

mod table;

use pe_report::Picture;
use rhai::{Array, Dynamic, Engine, FLOAT, FnPtr, Map, Scope};

use super::workspace::Workspace;
use crate::catalogue::{Function, Kind};
use crate::text::visible;

/// Maximum number of array items that are shown; the rest is counted.
const ITEMS: usize = 12;
/// Maximum number of map entries that are shown.
const ENTRIES: usize = 40;
/// Maximum width of a string in a map or an array.
const TEXT: usize = 60;
/// Properties that read files. They are not shown.
const COSTLY: [(&str, &str); 2] = [("SliceStore", "exams"), ("Model", "backbone")];

/// The text of a value for a terminal that is `width` columns wide; `None` for `()`. Control characters
/// are made visible.
pub(crate) fn present(workspace: &Workspace, value: &Dynamic, width: usize) -> Option<String> {
    as_it_is(workspace, value, width).map(|text| visible(&text).into_owned())
}

fn as_it_is(workspace: &Workspace, value: &Dynamic, width: usize) -> Option<String> {
    let value = value.clone().flatten();
    if value.is_unit() {
        return None;
    }
    if let Ok(text) = value.as_immutable_string_ref() {
        return Some(if text.contains('\n') {
            text.to_string()
        } else {
            format!("{:?}", text.as_str())
        });
    }
    if let Ok(map) = value.as_map_ref() {
        return Some(entries(workspace.engine(), &map, width));
    }
    if let Ok(array) = value.as_array_ref() {
        return Some(self::array(workspace.engine(), &array, width));
    }
    if is_plain(&value) {
        return Some(short(workspace.engine(), &value));
    }
    Some(with_properties(workspace, &value, width))
}

/// Returns whether a value has a one-line text and no properties to list.
fn is_plain(value: &Dynamic) -> bool {
    value.is_bool()
        || value.is_int()
        || value.is_float()
        || value.is_char()
        || value.is::<Picture>()
        || value.is_fnptr()
}

/// A value of a plugin: its own text, then its properties.
fn with_properties(workspace: &Workspace, value: &Dynamic, width: usize) -> String {
    let engine = workspace.engine();
    let catalogue = workspace.catalogue();
    let words = in_words(engine, value);
    let shown = |f: &&Function| {
        let costly = (f.on_type().unwrap_or_default(), f.name.as_str());
        f.kind == Kind::Getter && !COSTLY.contains(&costly)
    };
    let mut lines = Vec::new();
    let getters: Vec<&Function> = catalogue.members(value.type_id()).filter(shown).collect();
    let column = getters.iter().map(|f| f.name.len()).max().unwrap_or(0);
    for getter in getters {
        let value = property(engine, value, &getter.name);
        // Skip a property that only repeats the value's own text, as the `recipe` of a recipe.
        let said = |value: &Dynamic| {
            value
                .as_immutable_string_ref()
                .is_ok_and(|text| *text == words)
        };
        if value.as_ref().is_ok_and(said) {
            continue;
        }
        let text = value.map_or_else(|_| "–".to_owned(), |value| short(engine, &value));
        lines.push(clipped(
            &format!("  {:column$}  {text}", getter.name),
            width,
        ));
    }
    lines.insert(0, words);
    lines.join("\n")
}

/// Reads a property, through the engine.
fn property(
    engine: &Engine,
    of: &Dynamic,
    name: &str,
) -> Result<Dynamic, Box<rhai::EvalAltResult>> {
    let mut scope = Scope::new();
    scope.push_dynamic("it", of.clone());
    engine.eval_with_scope(&mut scope, &format!("it.{name}"))
}

/// The value's own text, as `print` shows it.
fn in_words(engine: &Engine, value: &Dynamic) -> String {
    let mut scope = Scope::new();
    scope.push_dynamic("it", value.clone());
    engine
        .eval_with_scope::<String>(&mut scope, "it.to_string()")
        .unwrap_or_else(|_| format!("a {}", value.type_name()))
}

/// A short text of a value, for a part of a line.
pub(super) fn short(engine: &Engine, value: &Dynamic) -> String {
    let value = value.clone().flatten();
    if let Ok(text) = value.as_immutable_string_ref() {
        return format!("{:?}", clipped(text.as_str(), TEXT));
    }
    if let Ok(float) = value.as_float() {
        return number(float);
    }
    if let Ok(array) = value.as_array_ref() {
        return short_array(engine, &array);
    }
    if let Ok(map) = value.as_map_ref() {
        return short_map(engine, &map);
    }
    if value.is_unit() {
        return "()".to_owned();
    }
    if let Some(pointer) = value.clone().try_cast::<FnPtr>() {
        return match pointer.fn_name() {
            name if name.starts_with("anon$") => "a closure".to_owned(),
            name => format!("the function {name}"),
        };
    }
    in_words(engine, &value)
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// A float with six significant digits. Short ones are exact; whole ones keep their point.
pub(super) fn number(float: FLOAT) -> String {
    let exact = format!("{float:?}");
    if exact.len() <= 8 || !float.is_finite() {
        return exact;
    }
    let magnitude = float.abs().log10().floor();
    if (-4.0..7.0).contains(&magnitude) {
        format!("{float:.*}", (5.0 - magnitude).clamp(1.0, 9.0) as usize)
    } else {
        format!("{float:.5e}")
    }
}

fn short_array(engine: &Engine, array: &Array) -> String {
    let nested = |value: &Dynamic| value.is_array() || value.is_map();
    if array.len() > 4 || array.iter().any(nested) {
        return match array.len() {
            0 => "[]".to_owned(),
            1 => "[1 item]".to_owned(),
            n => format!("[{n} items]"),
        };
    }
    let items: Vec<String> = array.iter().map(|item| short(engine, item)).collect();
    format!("[{}]", items.join(", "))
}

fn short_map(engine: &Engine, map: &Map) -> String {
    if map.len() > 4 {
        return format!("#{{{} entries}}", map.len());
    }
    let entry = |(key, value): (&_, &Dynamic)| format!("{key}: {}", short(engine, value));
    let entries: Vec<String> = map.iter().map(entry).collect();
    format!("#{{{}}}", entries.join(", "))
}

/// A map, with one entry a line.
fn entries(engine: &Engine, map: &Map, width: usize) -> String {
    if map.is_empty() {
        return "#{}".to_owned();
    }
    let column = map.keys().map(|key| key.len()).max().unwrap_or(0);
    let mut lines: Vec<String> = map
        .iter()
        .take(ENTRIES)
        .map(|(key, value)| clipped(&format!("  {key:column$}  {}", short(engine, value)), width))
        .collect();
    lines.insert(
        0,
        format!("map of {}", counted(map.len(), "entry", "entries")),
    );
    if map.len() > ENTRIES {
        lines.push(format!("  … {} more", map.len() - ENTRIES));
    }
    lines.join("\n")
}

/// An array: a table of maps, a list of values, or one line of numbers.
fn array(engine: &Engine, array: &Array, width: usize) -> String {
    if array.is_empty() {
        return "[]".to_owned();
    }
    if array.iter().all(Dynamic::is_map) {
        return table::table(engine, array, width);
    }
    let items: Vec<String> = array
        .iter()
        .take(ITEMS)
        .map(|item| short(engine, item))
        .collect();
    let more = array.len() - items.len();
    let rest = match more {
        0 => String::new(),
        n => format!(", … {n} more"),
    };
    let line = format!("[{}{rest}]", items.join(", "));
    if line.chars().count() <= width && array.iter().all(is_plain_or_text) {
        return line;
    }
    let mut lines = vec![format!(
        "array of {}",
        counted(array.len(), "item", "items")
    )];
    let numbered = items.iter().enumerate();
    lines.extend(numbered.map(|(i, item)| clipped(&format!("  [{i}] {item}"), width)));
    if more > 0 {
        lines.push(format!("  … {more} more"));
    }
    lines.join("\n")
}

fn is_plain_or_text(value: &Dynamic) -> bool {
    is_plain(value) || value.is_string() || value.is_unit()
}

fn counted(n: usize, one: &str, many: &str) -> String {
    match n {
        1 => format!("1 {one}"),
        n => format!("{n} {many}"),
    }
}

/// Cuts a text to `width` columns, with `…` at the end if it was longer.
pub(super) fn clipped(text: &str, width: usize) -> String {
    use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};
    if text.width() <= width {
        return text.to_owned();
    }
    let mut left = width.saturating_sub(1);
    let fits = text.chars().take_while(|c| {
        let wide = c.width().unwrap_or(0);
        let fits = wide <= left;
        left = left.saturating_sub(wide);
        fits
    });
    fits.chain(['…']).collect()
}

#[cfg(test)]
mod tests;
