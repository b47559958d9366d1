//! Shows an array of maps as a table.

use rhai::{Array, Dynamic, Engine};
use unicode_width::UnicodeWidthStr;

use super::{clipped, number, short};

/// Number of rows that are shown from the start and from the end of a long table.
const ROWS: (usize, usize) = (12, 6);
/// Maximum width of a cell.
const CELL: usize = 32;

/// A table with a column for each entry, as many as fit into `width`. It says how many rows and columns
/// are left out.
pub(super) fn table(engine: &Engine, rows: &Array, width: usize) -> String {
    let columns = columns(rows);
    let shown: Vec<usize> = if rows.len() > ROWS.0 + ROWS.1 {
        (0..ROWS.0).chain(rows.len() - ROWS.1..rows.len()).collect()
    } else {
        (0..rows.len()).collect()
    };
    let mut used = 0;
    let mut fitting: Vec<Vec<String>> = Vec::new();
    for name in &columns {
        let cells = shown.iter().map(|&row| cell(engine, &rows[row], name));
        let cells: Vec<String> = std::iter::once(name.clone()).chain(cells).collect();
        let wide = cells.iter().map(|text| text.width()).max().unwrap_or(0);
        if used + wide + 2 > width && !fitting.is_empty() {
            break;
        }
        used += wide + 2;
        fitting.push(cells.iter().map(|text| right(text, wide)).collect());
    }
    let line = |row: usize| -> String {
        let cells: Vec<&str> = fitting.iter().map(|column| column[row].as_str()).collect();
        format!("  {}", cells.join("  ")).trim_end().to_owned()
    };
    let mut lines: Vec<String> = (0..=shown.len()).map(line).collect();
    if shown.len() < rows.len() {
        let left_out = rows.len() - shown.len();
        lines.insert(ROWS.0 + 1, format!("  … {left_out} more rows"));
    }
    let hidden: Vec<&str> = columns[fitting.len()..]
        .iter()
        .map(String::as_str)
        .collect();
    if !hidden.is_empty() {
        lines.push(clipped(
            &format!("  … {} more columns: {}", hidden.len(), hidden.join(", ")),
            width,
        ));
    }
    lines.join("\n")
}

/// The names of all entries. A map has lost the order in which they were written, so names such as `id`
/// and `epoch` come first and the others follow in the map's order.
fn columns(rows: &Array) -> Vec<String> {
    const FIRST: [&str; 5] = ["id", "name", "exam", "epoch", "path"];
    let mut names: Vec<String> = Vec::new();
    for row in rows {
        let Ok(map) = row.as_map_ref() else { continue };
        let new = map
            .keys()
            .filter(|key| !names.iter().any(|name| name == key.as_str()));
        let new: Vec<String> = new.map(|key| key.to_string()).collect();
        names.extend(new);
    }
    names.sort_by_key(|name| {
        FIRST
            .iter()
            .position(|first| first == name)
            .unwrap_or(FIRST.len())
    });
    names
}

fn cell(engine: &Engine, row: &Dynamic, name: &str) -> String {
    let value = row.as_map_ref().ok().and_then(|map| map.get(name).cloned());
    let text = match value {
        None => String::new(),
        Some(value) => match (value.as_float(), value.as_immutable_string_ref()) {
            (Ok(float), _) => number(float),
            (_, Ok(text)) => text.to_string(),
            _ => short(engine, &value),
        },
    };
    clipped(&text, CELL)
}

/// Aligns a text to the right.
fn right(text: &str, width: usize) -> String {
    format!("{}{text}", " ".repeat(width.saturating_sub(text.width())))
}
