//! Makes control characters visible in text for a terminal and for the log.
//!
//! The text may come from elsewhere, and a terminal obeys control characters: they can change its
//! title, overwrite earlier lines, or make it answer as if the user had typed.

use std::borrow::Cow;

/// Makes control characters visible: `␛` for escape. Line ends and tabs stay.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    shown(text, |c, next| {
        matches!((c, next), ('\n' | '\t', _) | ('\r', Some('\n')))
    })
}

/// As [`visible`], for a name that must stay on one line: line ends and tabs are made visible too.
pub(crate) fn visible_line(text: &str) -> Cow<'_, str> {
    shown(text, |_, _| false)
}

/// As [`visible`], with the lines after the first indented, so that a text cannot fake a log entry.
pub(crate) fn in_one_piece(text: &str) -> String {
    visible(text).trim_end_matches('\n').replace('\n', "\n    ")
}

/// As [`visible`], without a change of byte positions: a character is replaced by one of the same
/// length, and control characters of one byte stay.
pub(crate) fn visible_in_place(text: &str) -> String {
    let sign = |c: char| match (sign(c), c.len_utf8()) {
        (None, _) | (_, 1) => c,
        (_, 2) => '¤',
        _ => char::REPLACEMENT_CHARACTER,
    };
    text.chars().map(sign).collect()
}

/// Replaces control characters, except those for which `stays` returns true. It gets the character and
/// the next one.
fn shown(text: &str, stays: impl Fn(char, Option<char>) -> bool) -> Cow<'_, str> {
    if !text.chars().any(|c| sign(c).is_some()) {
        return Cow::Borrowed(text);
    }
    let mut chars = text.chars().peekable();
    let mut shown = String::with_capacity(text.len());
    while let Some(c) = chars.next() {
        let stays = stays(c, chars.peek().copied());
        shown.push(sign(c).filter(|_| !stays).unwrap_or(c));
    }
    Cow::Owned(shown)
}

/// The visible sign for a character that must not reach the terminal; `None` for others.
fn sign(c: char) -> Option<char> {
    match c {
        // Unicode has a symbol for each.
        '\0'..='\x1f' => char::from_u32(0x2400 + u32::from(c)),
        '\x7f' => Some('␡'),
        // The C1 control characters, because many terminals treat U+009B as `ESC [`; line and paragraph
        // separators; and the characters that change the direction of text, which can make it read
        // differently from what it is.
        '\u{80}'..='\u{9f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{61c}' => Some(char::REPLACEMENT_CHARACTER),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown() {
        let check = |text: &str, expected: &str, in_a_line: &str| {
            assert_eq!(visible(text), expected);
            assert_eq!(visible_line(text), in_a_line);
        };
        check("", "", "");
        check("Größe 5 µm → ok", "Größe 5 µm → ok", "Größe 5 µm → ok");
        check("a\tb\nc\r\n", "a\tb\nc\r\n", "a␉b␊c␍␊");
        check("a\rb", "a␍b", "a␍b");
        check("\x1b]0;PWNED\x07", "␛]0;PWNED␇", "␛]0;PWNED␇");
        check("\0\x08\x7f", "␀␈␡", "␀␈␡");
        check("\u{9b}2J", "\u{fffd}2J", "\u{fffd}2J");
        check(
            "\u{202e}a\u{2066}",
            "\u{fffd}a\u{fffd}",
            "\u{fffd}a\u{fffd}",
        );
    }

    #[test]
    fn a_text_may_keep_its_places() {
        let text = "\x1b\u{9b}ä\u{61c}\u{2028}\u{200f}€";
        assert_eq!(visible_in_place(text), "\x1b¤ä¤\u{fffd}\u{fffd}€");
        assert_eq!(visible_in_place(text).len(), text.len());
    }

    #[test]
    fn no_line_can_be_forged() {
        assert_eq!(in_one_piece("a\n2026 warn  b\n"), "a\n    2026 warn  b");
        assert_eq!(in_one_piece("a\rb"), "a␍b");
        assert_eq!(in_one_piece("a\n\n"), "a");
    }
}
