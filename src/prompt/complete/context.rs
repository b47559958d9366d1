//! Determines from the text before the cursor what completion must offer.

use crate::text::lex::{Kind, Lexed, Token};

/// Kind of thing to complete at the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Context {
    /// A command of the prompt: `.ti` at the start of the line.
    Command,
    /// A file's name, after `.load` or in a string.
    File,
    /// A function's name, after `?` or in `help("…")`.
    Documented,
    /// A variable, function, plugin or keyword; after `ct::`, a function of that plugin.
    Name { plugin: Option<String> },
    /// A method, property or map entry of the value of the expression `object`.
    Member { object: String },
    /// An entry of a function's option map. `given` are the entries already there.
    Option {
        function: String,
        given: Vec<String>,
    },
}

/// Returns the context at the end of `text`, and the byte at which the word to complete begins. `None`
/// if nothing can be completed, as in a comment.
pub(super) fn context(text: &str) -> Option<(usize, Context)> {
    let trimmed = text.trim_start();
    let indent = text.len() - trimmed.len();
    if let Some(name) = trimmed.strip_prefix('?') {
        return Some((text.len() - name.trim_start().len(), Context::Documented));
    }
    if trimmed.starts_with('.') {
        return command(text, indent);
    }
    let lexed = Lexed::of(text);
    match lexed.unclosed {
        Some(Kind::Text) => return in_text(text, &lexed),
        Some(_) => return None,
        None => {}
    }
    let last = lexed.ending_at(text.len());
    if last.is_some_and(|token| matches!(token.kind, Kind::Comment | Kind::Text | Kind::Number)) {
        return None;
    }
    let word = last.filter(|token| matches!(token.kind, Kind::Name | Kind::Keyword));
    let start = word.map_or(text.len(), |token| token.range.start);
    let before = tokens_before(&lexed, start);
    Some((start, of_name(text, &lexed, before)))
}

/// Context in a command: its name (`.ti`), or its argument (`.load a`, `.type x`).
fn command(text: &str, indent: usize) -> Option<(usize, Context)> {
    let Some((name, argument)) = text[indent..].split_once(char::is_whitespace) else {
        return Some((indent, Context::Command));
    };
    let from = text.len() - argument.trim_start().len();
    match name {
        ".load" | ".save" | ".run" => {
            let start = text[from..].rfind(' ').map_or(from, |at| from + at + 1);
            Some((start, Context::File))
        }
        ".doc" | ".help" => Some((from, Context::Documented)),
        ".time" | ".type" => context(&text[from..]).map(|(at, found)| (from + at, found)),
        _ => None,
    }
}

/// Context in an open string: a function's name in `help("`, otherwise a file's.
fn in_text(text: &str, lexed: &Lexed) -> Option<(usize, Context)> {
    let token = lexed.tokens.last()?;
    let opening = text[token.range.clone()].chars().next()?;
    if opening == '#' || opening == '\'' {
        return None;
    }
    let start = token.range.start + opening.len_utf8();
    let before = tokens_before(lexed, token.range.start);
    let called = match before {
        [.., name, open] if &text[open.range.clone()] == "(" => &text[name.range.clone()],
        _ => "",
    };
    let context = match called {
        "help" | "apropos" => Context::Documented,
        _ => Context::File,
    };
    Some((start, context))
}

/// The tokens that end before the byte `start`.
fn tokens_before(lexed: &Lexed, start: usize) -> &[Token] {
    let n = lexed
        .tokens
        .partition_point(|token| token.range.end <= start);
    &lexed.tokens[..n]
}

/// Context of a word by the tokens before it: `ct::`, `value.`, an option map, or none of these.
fn of_name(text: &str, lexed: &Lexed, before: &[Token]) -> Context {
    let piece = |token: &Token| &text[token.range.clone()];
    if let [.., plugin, a, b] = before
        && (piece(a), piece(b)) == (":", ":")
        && plugin.kind == Kind::Name
    {
        return Context::Name {
            plugin: Some(piece(plugin).to_owned()),
        };
    }
    if let [.., dot] = before
        && piece(dot) == "."
        && before.len() > 1
    {
        let object = expression_before(text, lexed, &before[..before.len() - 1]);
        return Context::Member { object };
    }
    option(text, lexed, before).unwrap_or(Context::Name { plugin: None })
}

/// The expression at the end of the tokens, a chain of names, points, calls and indices:
/// `scan.exams[0]`.
fn expression_before(text: &str, lexed: &Lexed, tokens: &[Token]) -> String {
    // Go backwards, value by value, as long as they are joined.
    let mut at = tokens.len();
    while let Some(first) = primary(text, lexed, &tokens[..at]) {
        at = first;
        match joined_by(text, &tokens[..at]) {
            0 => break,
            n => at -= n,
        }
    }
    match (tokens.get(at), tokens.last()) {
        (Some(first), Some(last)) => text[first.range.start..last.range.end].to_owned(),
        _ => String::new(),
    }
}

/// Index of the token at which the last value begins: a name, a literal, or a bracket with the function
/// or array before it.
fn primary(text: &str, lexed: &Lexed, tokens: &[Token]) -> Option<usize> {
    let last = tokens.len().checked_sub(1)?;
    match tokens[last].kind {
        Kind::Name | Kind::Number | Kind::Text => Some(last),
        Kind::Close => {
            let &(open, _) = lexed.pairs.iter().find(|(_, close)| *close == last)?;
            let called = matches!(&text[tokens[open].range.clone()], "(" | "[")
                && open > 0
                && matches!(tokens[open - 1].kind, Kind::Name | Kind::Close);
            if called {
                primary(text, lexed, &tokens[..open])
            } else {
                Some(open)
            }
        }
        _ => None,
    }
}

/// Number of tokens at the end that join the next value to one before it: `.`, `?.` or `::`; 0 for none.
fn joined_by(text: &str, tokens: &[Token]) -> usize {
    let piece = |back: usize| {
        let token = tokens.len().checked_sub(back).and_then(|at| tokens.get(at));
        token.map_or("", |token| &text[token.range.clone()])
    };
    match (piece(2), piece(1)) {
        ("?", ".") | (":", ":") => 2,
        (_, ".") => 1,
        _ => 0,
    }
}

/// Context for the name of an entry in a map that is an argument of a call: `f(#{ na`.
fn option(text: &str, lexed: &Lexed, before: &[Token]) -> Option<Context> {
    let piece = |token: &Token| &text[token.range.clone()];
    let [.., call, map] = lexed.open[..] else {
        return None;
    };
    let starts_entry = matches!(piece(before.last()?), "#{" | ",");
    if piece(&lexed.tokens[map]) != "#{" || piece(&lexed.tokens[call]) != "(" || !starts_entry {
        return None;
    }
    let path: String = lexed.tokens[..call]
        .iter()
        .rev()
        .take_while(|token| token.kind == Kind::Name || piece(token) == ":")
        .map(piece)
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .collect();
    let entries = lexed.tokens[map..].windows(2);
    let given = entries
        .filter(|pair| pair[0].kind == Kind::Name && piece(&pair[1]) == ":")
        .map(|pair| piece(&pair[0]).to_owned());
    Some(Context::Option {
        function: path,
        given: given.collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_stands_in_something() {
        let check = |text: &str, start: usize, expected: Context| {
            assert_eq!(context(text), Some((start, expected)), "{text:?}");
        };
        let name = |plugin: Option<&str>| Context::Name {
            plugin: plugin.map(str::to_owned),
        };
        let member = |object: &str| Context::Member {
            object: object.to_owned(),
        };
        let option = |function: &str, given: &[&str]| Context::Option {
            function: function.to_owned(),
            given: given.iter().map(|name| name.to_string()).collect(),
        };
        check("", 0, name(None));
        check("vol", 0, name(None));
        check("let a = vo", 8, name(None));
        check("ct::wi", 4, name(Some("ct")));
        check("f(ct::", 6, name(Some("ct")));
        check("a.b", 2, member("a"));
        check("let x = scan.exams[0].lo", 22, member("scan.exams[0]"));
        check("1 + dicom::load(\"a\").", 21, member("dicom::load(\"a\")"));
        check("(a + b).c", 8, member("(a + b)"));
        check("f(a.", 4, member("a"));
        check("m.x.y.", 6, member("m.x.y"));
        check("\"abc\".le", 6, member("\"abc\""));
        check("[1, 2].", 7, member("[1, 2]"));
        check("#{a: 1}.", 8, member("#{a: 1}"));
        check("f(#{a: 1}).", 11, member("f(#{a: 1})"));
        check("if a {b}.", 9, member("{b}"));
        check("print(\"co", 7, Context::File);
        check("let a = `x/", 9, Context::File);
        check("help(\"ct::", 6, Context::Documented);
        check("? ct", 2, Context::Documented);
        check(".ti", 0, Context::Command);
        check(".time vo", 6, name(None));
        check(".type a.", 8, member("a"));
        check(".load scr", 6, Context::File);
        check(".doc me", 5, Context::Documented);
        check("lung::mask(v, #{", 16, option("lung::mask", &[]));
        check(
            "r.cnn(\"x\", #{epochs: 3, lr: f(1), ba",
            34,
            option("cnn", &["epochs", "lr"]),
        );
        check("lung::mask(v, #{mode: pa", 22, name(None));
        check("#{a", 2, name(None));
        assert_eq!(context("// a"), None);
        assert_eq!(context("12"), None);
        assert_eq!(context(".quit a"), None);
    }
}
