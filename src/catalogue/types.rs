//! Converts Rust's type names to those of scripts.

/// Rust types that plugins give to scripts, with their names in scripts.
const HANDLES: [(&str, &str); 14] = [
    ("StoreHandle", "SliceStore"),
    ("ExamHandle", "ExamInfo"),
    ("DeidentifiedHandle", "Deidentified"),
    ("ScanHandle", "Scan"),
    ("ReportHandle", "CohortReport"),
    ("SplitHandle", "Split"),
    ("EvaluationHandle", "Evaluation"),
    ("ComparisonHandle", "Comparison"),
    ("GroupsHandle", "Groups"),
    ("PageHandle", "Page"),
    ("ExperimentHandle", "Experiment"),
    ("SharedGlobal", "Module"),
    ("ExclusiveRange", "range"),
    ("InclusiveRange", "range"),
];

/// Standard types: Rust's name and the name in scripts.
const PLAIN: [(&str, &str); 19] = [
    ("i64", "int"),
    ("f64", "float"),
    ("INT", "int"),
    ("FLOAT", "float"),
    ("Dynamic", "?"),
    ("Array", "array"),
    ("Map", "map"),
    ("Blob", "blob"),
    ("FnPtr", "Fn"),
    ("String", "string"),
    ("str", "string"),
    ("ImmutableString", "string"),
    ("SmartString", "string"),
    ("Instant", "timestamp"),
    ("RangeInclusive<int>", "range"),
    ("Range<int>", "range"),
    ("RangeInclusive<i64>", "range"),
    ("Range<i64>", "range"),
    ("u8", "int"),
];

/// Wrappers around the return type of a fallible function.
const RESULTS: [&str; 4] = ["ScriptResult<", "RhaiResultOf<", "Result<", "Option<"];

/// Converts all type names in a text: `i64` becomes `int`, `ScriptResult<Mask>` becomes `Mask`.
pub(crate) fn plain_types(text: &str) -> String {
    let mut text = text
        .replace("&str | ImmutableString | String", "string")
        .replace("core::result::", "")
        .replace("alloc::boxed::", "")
        .replace("rhai::", "")
        .replace("&mut ", "")
        .replace('&', "");
    for (rust, script) in HANDLES.iter().chain(&PLAIN) {
        text = replace_word(&text, rust, script);
    }
    for wrapper in RESULTS {
        let Some((before, after)) = text.split_once(wrapper) else {
            continue;
        };
        let inner = after.strip_suffix('>').unwrap_or(after);
        let inner = inner.split(", Box<").next().unwrap_or(inner);
        text = format!("{before}{inner}");
    }
    text
}

/// Converts the type of an argument or a result; empty for `()`.
pub(super) fn plain_type(text: &str) -> String {
    let plain = plain_types(text.trim());
    match plain.trim() {
        "()" => String::new(),
        "RhaiResult" => "?".to_owned(),
        plain => plain.to_owned(),
    }
}

/// Replaces `word` where it is a whole word.
fn replace_word(text: &str, word: &str, by: &str) -> String {
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    let pieces: Vec<&str> = text.split(word).collect();
    let mut replaced = pieces[0].to_owned();
    for piece in &pieces[1..] {
        let whole = !replaced.ends_with(in_word) && !piece.starts_with(in_word);
        replaced.push_str(if whole { by } else { word });
        replaced.push_str(piece);
    }
    replaced
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_the_script_s_names() {
        let check = |text: &str, expected: &str| assert_eq!(plain_types(text), expected);
        check(
            "f (i64, &str | ImmutableString | String)",
            "f (int, string)",
        );
        check(
            "ct::f(a: f64, b: &mut Mask) -> ScriptResult<Volume>",
            "ct::f(a: float, b: Mask) -> Volume",
        );
        check("uint64(i64x: INT) -> i64", "uint64(i64x: int) -> int");
        check("f(s: &mut StoreHandle)", "f(s: SliceStore)");
        check("", "");
    }

    #[test]
    fn a_type_alone_has_no_wrapper() {
        let check = |text: &str, expected: &str| assert_eq!(plain_type(text), expected);
        check("ScriptResult<()>", "");
        check("core::result::Result<(), alloc::boxed::Box<types::E>>", "");
        check("Result<Map, Box<EvalAltResult>>", "map");
        check(" &mut Array ", "array");
        check("RhaiResult", "?");
        check("std::ops::Range<i64>", "std::ops::range");
    }
}
