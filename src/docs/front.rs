//! The reference's front page: how to read it, the setup script of its examples, the plugins, and an
//! index of all names.

use std::collections::BTreeMap;

use super::SETUP;
use super::files::MARK;
use super::place::{HOST, TESTS, file, link, name};
use crate::catalogue::{Catalogue, Function};

const HOW_TO_READ: &str = r#"# Script functions

Every function that a script can call, and every property and method of the values that they give.
It is written from the functions' own documentation: at the prompt, `help("ct::window")` shows the
same, and `apropos("threshold")` searches it.

- `ct::window(level, width) -> HuWindow` is called as it stands: `let pe = ct::window(100, 700);`.
- `Masking.apply(volume: Volume) -> Mask` is called on a value of that type:
  `lung::masking().apply(volume)`.
- An argument without a type is a number, whole or decimal, or what the text says. `-> ?` and, of a
  property, "any" tell that the type depends on what is found. `()` is Rhai's nothing.
- Options are a map, `#{ mode: "hull" }`; those that are not given have their defaults. An option
  that does not exist is an error that names the nearest.
- What a function throws, a script can catch: `try { … } catch (error) { print(error.kind); }`. The
  error is a map `#{kind, message, hint, causes}`; the text names the kinds. Ctrl-C is not caught.

Rhai's own functions (of strings, arrays, maps, numbers) are in
[its book](https://rhai.rs/book/language/); pe-script adds nothing to the language.

## Editors

`pe-script docs definitions` writes definition files (`.d.rhai`) into `.rhai/definitions`, in the form
that Rhai's own tools write and that its language server reads. Run it in the folder that the
editor is opened on; after an update of pe-script, run it again.

## The examples

All of them are run as tests. A comment behind `print` is what is printed. They follow this script,
in a folder of its own, and use its variables:
"#;

/// The front page.
pub(super) fn page(catalogue: &Catalogue) -> String {
    let mut text = format!(
        "{MARK}\n\n{HOW_TO_READ}\n```rhai\n{}\n```\n",
        SETUP.trim_end()
    );
    text += "\n## Plugins\n\n| plugin | what it is for |\n|---|---|\n";
    text += &format!("| [the host]({HOST}) | Parameters, output, results, the run itself. |\n");
    for (plugin, about) in catalogue.plugins() {
        let first = about
            .split_inclusive(". ")
            .next()
            .unwrap_or_default()
            .trim_end();
        text += &format!("| [`{plugin}`]({}) | {first} |\n", file(plugin));
    }
    text += &format!("| [script tests]({TESTS}) | Assertions, snapshots, scratch folders. |\n");
    text + "\n## Every name\n\n" + index(catalogue).as_str()
}

/// The index of functions, methods and properties, sorted by name without prefix. Overloads have one
/// entry.
fn index(catalogue: &Catalogue) -> String {
    let ours = catalogue.functions().iter().filter(|f| !f.standard);
    let mut names: BTreeMap<(String, String), &Function> = BTreeMap::new();
    for function in ours {
        let key = (function.name.to_lowercase(), name(function));
        let entry = names.entry(key).or_insert(function);
        // Prefer the overload with the full documentation; others begin with "As …".
        if entry.doc.starts_with("As ") {
            *entry = function;
        }
    }
    let line = |function: &&Function| {
        let summary = function.summary().replace('\n', " ");
        format!("- {}: {summary}\n", link(function))
    };
    names.values().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_is_in_the_order_of_bare_names_with_overloads_once() {
        let mut engine = rhai::Engine::new();
        crate::session::register(&mut engine);
        let index = index(&Catalogue::of(&engine));
        let at = |text: &str| index.find(text).unwrap_or_else(|| panic!("no {text}"));
        assert!(
            at("[`Masking.apply`](lung.md#maskingapply)") < at("[`ct::window`](ct.md#ctwindow)")
        );
        assert!(at("[`Mask.volume_ml`](ct.md#mask)") < at("[`ct::window`]"));
        assert_eq!(index.matches("[`SliceStore.put`]").count(), 1);
    }
}
