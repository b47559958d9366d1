//! The reference's page of a plugin: its functions, then its types with their properties and methods.

use std::collections::BTreeSet;

use super::files::MARK;
use super::place::{link, name};
use crate::catalogue::{Catalogue, Function, Kind};

/// The page of the functions that belong to no plugin.
pub(super) fn host(catalogue: &Catalogue) -> String {
    let about = "What a script can call of the host itself: its parameters, its output and \
                 results, and the run that it is part of. These functions have no prefix.";
    page(catalogue, "", "The host's functions", about)
}

/// The page of the functions that only script tests can call.
pub(super) fn tests(catalogue: &Catalogue) -> String {
    let about = "What a script test can call beside everything else: see \
                 [how script tests are written](../testing.md). These functions have no prefix.";
    page(catalogue, "", "Script tests", about).replace("```rhai,test", "```rhai")
}

/// The page of a plugin.
pub(super) fn plugin(catalogue: &Catalogue, plugin: &str, about: &str) -> String {
    let about = match about {
        "" => "A plugin of this program.",
        about => about,
    };
    page(catalogue, plugin, &format!("`{plugin}`"), about)
}

fn page(catalogue: &Catalogue, plugin: &str, title: &str, about: &str) -> String {
    let of = |function: &&Function| function.plugin == plugin && !function.standard;
    let functions: Vec<&Function> = catalogue.functions().iter().filter(of).collect();
    let free = functions
        .iter()
        .filter(|function| function.kind == Kind::Free);
    let mut text = format!("{MARK}\n\n# {title}\n\n{about}\n\n## Functions\n");
    text += &entries(free.copied());
    for type_name in types(catalogue, plugin) {
        text += &of_type(catalogue, &functions, type_name);
    }
    text
}

/// The types that belong on a plugin's page: those for which it has methods or properties, and those
/// without any that it is the first to return.
fn types<'a>(catalogue: &'a Catalogue, plugin: &str) -> BTreeSet<&'a str> {
    let ours = || catalogue.functions().iter().filter(|f| !f.standard);
    let with_members: BTreeSet<&str> = ours().filter_map(Function::on_type).collect();
    let bare = |function: &&Function| {
        let type_name = function.returns.as_str();
        type_name.starts_with(char::is_uppercase) && !with_members.contains(type_name)
    };
    // A type without members belongs to the first plugin that returns it.
    let home = |type_name: &str| ours().find(|f| f.returns == type_name).map(|f| &*f.plugin);
    let made = ours().filter(bare).map(|f| f.returns.as_str());
    let made = made.filter(|type_name| home(type_name) == Some(plugin));
    let own = ours().filter(|function| function.plugin == plugin);
    own.filter_map(Function::on_type).chain(made).collect()
}

/// The section of a type: the functions that return it, its properties, its methods.
fn of_type(catalogue: &Catalogue, functions: &[&Function], type_name: &str) -> String {
    let members = || {
        functions
            .iter()
            .copied()
            .filter(|f| f.on_type() == Some(type_name))
    };
    let properties: Vec<&Function> = members().filter(|f| f.kind == Kind::Getter).collect();
    let mut text = format!("\n## {type_name}\n");
    let givers: BTreeSet<String> = catalogue
        .functions()
        .iter()
        .filter(|f| !f.standard && f.returns == type_name)
        .map(link)
        .collect();
    if !givers.is_empty() {
        let givers: Vec<String> = givers.into_iter().collect();
        text += &format!("\nGiven by {}.\n", givers.join(", "));
    }
    if members().next().is_none() {
        text += "\nIt has no properties: it is passed on.\n";
    }
    if !properties.is_empty() {
        text += "\n| property | type | meaning |\n|---|---|---|\n";
        text.extend(properties.iter().map(|property| row(property)));
        text.extend(properties.iter().map(|property| examples_of(property)));
    }
    text + entries(members().filter(|f| f.kind == Kind::Method)).as_str()
}

/// A property as a row of its type's table.
fn row(property: &Function) -> String {
    let type_name = match property.returns.as_str() {
        "?" => "any",
        type_name => type_name,
    };
    let meaning = prose(&property.doc).replace('|', "\\|");
    format!("| `{}` | {type_name} | {meaning} |\n", property.name)
}

/// The examples of a property, below its type's table.
fn examples_of(property: &Function) -> String {
    let fenced = |text: String| format!("\n```rhai\n{text}\n```\n");
    property.examples().into_iter().map(fenced).collect()
}

/// Removes code blocks and joins the rest to one line.
fn prose(doc: &str) -> String {
    let pieces = doc.split("```").step_by(2);
    let words = pieces.flat_map(str::split_whitespace);
    words.collect::<Vec<_>>().join(" ")
}

/// The functions with their documentation; overloads have one heading.
fn entries<'a>(functions: impl Iterator<Item = &'a Function>) -> String {
    let mut text = String::new();
    let mut heading = String::new();
    for function in functions {
        let name = name(function);
        if name != heading {
            text += &format!("\n### {name}\n");
            heading = name;
        }
        text += &format!("\n{}\n", crate::catalogue::entry(function));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_holds_functions_types_properties_and_methods_in_their_order() {
        let mut engine = rhai::Engine::new();
        crate::session::register(&mut engine);
        let catalogue = Catalogue::of(&engine);
        let text = plugin(&catalogue, "lung", "Lungs.");
        let headings: Vec<&str> = text.lines().filter(|l| l.starts_with('#')).collect();
        let expected = [
            "# `lung`",
            "## Functions",
            "### lung::from_recipe",
            "### lung::mask",
            "### lung::masking",
            "## Masking",
            "### Masking.apply",
        ];
        assert_eq!(headings, expected);
        assert!(text.contains("Given by [`lung::from_recipe`](lung.md#lungfrom_recipe), "));
        assert!(
            text.contains("\n| `recipe` | string | The recipe in words, JSON: "),
            "{text}"
        );
        assert!(!text.contains("Mask.volume_ml"), "of another plugin");
    }

    #[test]
    fn prose_is_what_is_no_code() {
        let check = |doc: &str, expected: &str| assert_eq!(prose(doc), expected);
        check(
            "One `a`.\n\nTwo\nlines.\n\n```rhai\nlet a;\n```",
            "One `a`. Two lines.",
        );
        check("", "");
    }
}
