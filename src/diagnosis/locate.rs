//! Finds the piece of a script's text at an error's position, to underline it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use pe_files::Files;

use super::Place;
use crate::text;
use crate::text::visible_in_place;

thread_local! {
    /// Texts of sources that are no files. Per thread, because each thread has its own session.
    static REMEMBERED: RefCell<BTreeMap<PathBuf, String>> = RefCell::default();
}

/// Stores the text of a source that is no file, such as typed or piped text. Errors in `name` then
/// show its lines.
pub(crate) fn remember(name: &Path, text: String) {
    REMEMBERED.with_borrow_mut(|remembered| remembered.insert(name.to_path_buf(), text));
}

fn text_of(file: &Path) -> Option<String> {
    let remembered = REMEMBERED.with_borrow(|remembered| remembered.get(file).cloned());
    remembered.or_else(|| text::script(file, &Files::free()).ok())
}

/// Returns the file's text and the byte range to underline; `None` if the file is gone or has changed.
pub(super) fn find(place: &Place) -> Option<(String, Range<usize>)> {
    let text = text_of(&place.file)?;
    let span = span(&text, place.position.line()?, place.position.position())?;
    // The byte range must stay valid, so characters are replaced by others of the same length. The
    // renderer makes one-byte control characters visible itself.
    Some((visible_in_place(&text), span))
}

/// Byte range of the token that begins at `column` of `line` (both from 1), or of the whole line
/// without a column.
fn span(text: &str, line: usize, column: Option<usize>) -> Option<Range<usize>> {
    let start_of_line: usize = text
        .split_inclusive('\n')
        .take(line - 1)
        .map(str::len)
        .sum();
    let line = text.split('\n').nth(line - 1)?.trim_end_matches('\r');
    let Some(column) = column else {
        let indent = line.len() - line.trim_start().len();
        return Some(start_of_line + indent..start_of_line + line.trim_end().len());
    };
    let offset = line
        .char_indices()
        .nth(column - 1)
        .map_or(line.len(), |(at, _)| at);
    let start = start_of_line + offset;
    Some(start..start + token(&line[offset..]))
}

/// Length in bytes of the token at the beginning of `text`. A path such as `a::b` is one token.
fn token(text: &str) -> usize {
    let Some(first) = text.chars().next() else {
        return 0;
    };
    let word = |text: &str| {
        text.find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .unwrap_or(text.len())
    };
    if first.is_alphabetic() || first == '_' {
        let mut end = word(text);
        while text[end..].starts_with("::") {
            end += 2 + word(&text[end + 2..]);
        }
        return end;
    }
    if first.is_ascii_digit() {
        let in_number = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
        return text.find(|c| !in_number(c)).unwrap_or(text.len());
    }
    if matches!(first, '"' | '`' | '\'') {
        let mut escaped = false;
        let end = text.char_indices().skip(1).find(|&(_, c)| {
            let closes = c == first && !escaped;
            escaped = c == '\\' && !escaped;
            closes
        });
        return end.map_or(text.len(), |(at, quote)| at + quote.len_utf8());
    }
    const OPERATORS: &str = "=!<>&|+-*/%^.:#?";
    if OPERATORS.contains(first) {
        return text
            .find(|c| !OPERATORS.contains(c))
            .unwrap_or(text.len())
            .min(2);
    }
    first.len_utf8()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_at_a_position_is_underlined() {
        let check = |text: &str, line, column, expected: &str| {
            let span = span(text, line, column).unwrap();
            assert_eq!(&text[span], expected, "{text:?} {line}:{column:?}");
        };
        check("let a = foo(1);", 1, Some(9), "foo");
        check("x\nlet a = ct::window(1);", 2, Some(9), "ct::window");
        check("a == 12.5e3;", 1, Some(3), "==");
        check("a == 12.5e3;", 1, Some(6), "12.5e3");
        check("print(\"a \\\" b\" + 1)", 1, Some(7), "\"a \\\" b\"");
        check("print(\"open", 1, Some(7), "\"open");
        check("let µ = déjà(1);", 1, Some(9), "déjà");
        check("  let a = 1;  \r\nb", 1, None, "let a = 1;");
        check("f(", 1, Some(3), "");
        check("a::", 1, Some(1), "a::");
        check(")", 1, Some(1), ")");
    }

    #[test]
    fn a_line_that_is_not_there_has_no_place() {
        assert_eq!(span("a\nb", 3, Some(1)), None);
        assert_eq!(span("", 1, Some(5)), Some(0..0));
    }
}
