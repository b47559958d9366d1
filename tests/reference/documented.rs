//! Every function has a first sentence, and every function and method an example.

use libtest_mimic::Trial;
use pe_script::catalogue::{Catalogue, Function, Kind};

use crate::none_of;

pub fn trials(group: &str, catalogue: &Catalogue) -> Vec<Trial> {
    let (with_sentences, with_examples) = (catalogue.clone(), catalogue.clone());
    vec![
        Trial::test(format!("{group}::begins_with_a_sentence"), move || {
            none_of(of(&with_sentences, no_sentence))
        }),
        Trial::test(format!("{group}::has_an_example"), move || {
            none_of(of(&with_examples, no_example))
        }),
    ]
}

fn of(catalogue: &Catalogue, problem: fn(&Catalogue, &Function) -> Option<String>) -> Vec<String> {
    let ours = catalogue.functions().iter().filter(|f| !f.standard);
    ours.filter_map(|function| problem(catalogue, function))
        .collect()
}

fn no_sentence(_: &Catalogue, function: &Function) -> Option<String> {
    let paragraph = function.doc.split("\n\n").next().unwrap_or_default();
    let whole = paragraph.starts_with(|c: char| c.is_uppercase() || c == '`')
        && paragraph.ends_with(['.', ':']);
    (!whole).then(|| format!("{}: no sentence: `{paragraph}`", function.signature()))
}

/// An overload may leave the example to another one, to which it refers.
fn no_example(catalogue: &Catalogue, function: &Function) -> Option<String> {
    let called = matches!(function.kind, Kind::Free | Kind::Method);
    // What only a test can run is marked so, and not run.
    let marked = function.doc.contains("```rhai,test");
    if !called || marked || !function.examples().is_empty() {
        return None;
    }
    let same = |other: &&Function| other.path() == function.path() && other.on == function.on;
    let mut overloads = catalogue.functions().iter().filter(same);
    let shared = function.doc.starts_with("As `") && overloads.any(|f| !f.examples().is_empty());
    (!shared).then(|| format!("{}: no example", function.signature()))
}
