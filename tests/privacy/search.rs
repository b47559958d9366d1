//! A search for texts in bytes, in every form that a program may write them in.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use regex::bytes::{Regex, RegexBuilder};

/// Texts to be searched for.
pub struct Search {
    texts: Vec<(String, Regex)>,
    any: Regex,
}

impl Search {
    pub fn of(texts: &[String]) -> Self {
        let all: Vec<Vec<u8>> = texts.iter().flat_map(|text| forms(text)).collect();
        let each = texts
            .iter()
            .map(|text| (text.clone(), pattern(&forms(text))));
        Self {
            texts: each.collect(),
            any: pattern(&all),
        }
    }

    /// Where something is found, by name, with the text.
    pub fn findings(&self, all: &[(String, Vec<u8>)]) -> Vec<String> {
        let mut found = Vec::new();
        for (name, bytes) in all {
            let inline = inline_parts(bytes);
            let parts = [name.as_bytes(), bytes.as_slice()];
            for part in parts.into_iter().chain(inline.iter().map(Vec::as_slice)) {
                if let Some(place) = self.any.find(part) {
                    let text = String::from_utf8_lossy(place.as_bytes());
                    found.push(format!("{name}: {text:?} at byte {}", place.start()));
                }
                if let Some(chunk) = compressed_text(part) {
                    found.push(format!("{name}: a PNG with compressed text, {chunk}"));
                }
            }
        }
        found
    }

    /// The texts that are in none of these.
    pub fn not_in(&self, all: &[(String, Vec<u8>)]) -> Vec<String> {
        let is_missing = |pattern: &Regex| !all.iter().any(|(_, bytes)| pattern.is_match(bytes));
        let missing = self.texts.iter().filter(|(_, pattern)| is_missing(pattern));
        missing.map(|(text, _)| text.clone()).collect()
    }
}

pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// A text as UTF-8, Latin-1 and UTF-16, and as JSON, HTML, a URL and Rust's debug output escape it.
fn forms(text: &str) -> BTreeSet<Vec<u8>> {
    let mut forms = BTreeSet::new();
    for text in [text.to_owned(), text.to_uppercase(), text.to_lowercase()] {
        let latin1: Option<Vec<u8>> = text
            .chars()
            .map(|c| u8::try_from(u32::from(c)).ok())
            .collect();
        forms.extend(latin1);
        forms.insert(text.encode_utf16().flat_map(u16::to_le_bytes).collect());
        forms.insert(text.encode_utf16().flat_map(u16::to_be_bytes).collect());
        let json = serde_json::to_string(&text).unwrap();
        let json = json[1..json.len() - 1].to_owned();
        let debug = format!("{text:?}");
        let ascii_json: String = json.chars().map(ascii).collect();
        let percent = text.bytes().map(percent).collect();
        let html = text
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;");
        let quoted = html.replace('"', "&quot;");
        let numbered = html.replace('"', "&#34;");
        let debug = debug[1..debug.len() - 1].to_owned();
        for form in [
            text, json, ascii_json, percent, html, quoted, numbered, debug,
        ] {
            forms.insert(form.into_bytes());
        }
    }
    forms
}

fn ascii(c: char) -> String {
    if c.is_ascii() {
        return c.to_string();
    }
    let mut units = [0; 2];
    let units = c.encode_utf16(&mut units).iter();
    units.map(|unit| format!("\\u{unit:04x}")).collect()
}

fn percent(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}

/// Any of the forms, whatever the case of ASCII letters.
fn pattern<'a>(forms: impl IntoIterator<Item = &'a Vec<u8>>) -> Regex {
    let literal =
        |form: &Vec<u8>| -> String { form.iter().map(|b| format!("\\x{b:02X}")).collect() };
    let literals: Vec<String> = forms.into_iter().map(literal).collect();
    let mut builder = RegexBuilder::new(&literals.join("|"));
    builder
        .unicode(false)
        .case_insensitive(true)
        .size_limit(1 << 28);
    builder.build().unwrap()
}

/// What stands as base64 in a page, decoded.
fn inline_parts(bytes: &[u8]) -> Vec<Vec<u8>> {
    let marker = Regex::new("base64,([A-Za-z0-9+/]+=*)").unwrap();
    let decode = |part: regex::bytes::Captures| STANDARD.decode(&part[1]).ok();
    marker.captures_iter(bytes).filter_map(decode).collect()
}

/// The first chunk of a PNG whose text this search could not read; `None` where there is none.
fn compressed_text(bytes: &[u8]) -> Option<&'static str> {
    let is_png = bytes.starts_with(b"\x89PNG");
    let has = |chunk: &str| bytes.windows(4).any(|part| part == chunk.as_bytes());
    ["zTXt", "iTXt"]
        .into_iter()
        .find(|chunk| is_png && has(chunk))
}
