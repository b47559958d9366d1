//! The place of a function in the reference: file, heading and anchor.

use crate::catalogue::{Function, Kind};

/// The file of the functions that belong to no plugin.
pub(super) const HOST: &str = "host.md";

/// The file of the functions that only script tests can call.
pub(super) const TESTS: &str = "tests.md";

/// The file of a plugin's functions.
pub(super) fn file(plugin: &str) -> String {
    match plugin {
        "" => HOST.to_owned(),
        plugin => format!("{plugin}.md"),
    }
}

/// The name of a function in the reference: `ct::window`, `Mask.volume_ml`.
pub(super) fn name(function: &Function) -> String {
    match function.on_type() {
        Some(type_name) => format!("{type_name}.{}", function.name),
        None => function.path(),
    }
}

/// The heading of a function: its own name; for a property, its type's.
fn heading(function: &Function) -> String {
    match (function.kind, function.on_type()) {
        (Kind::Getter | Kind::Setter, Some(type_name)) => type_name.to_owned(),
        _ => name(function),
    }
}

/// The anchor that GitHub and mdBook give to a heading.
pub(super) fn anchor(heading: &str) -> String {
    let kept = heading
        .chars()
        .filter(|c| c.is_alphanumeric() || "_- ".contains(*c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

/// A link to a function, from any file of the reference.
pub(super) fn link(function: &Function) -> String {
    let anchor = anchor(&heading(function));
    format!(
        "[`{}`]({}#{anchor})",
        name(function),
        file(&function.plugin)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anchors_are_those_of_github_and_mdbook() {
        let check = |heading: &str, expected: &str| assert_eq!(anchor(heading), expected);
        check("ct::window", "ctwindow");
        check("Scores.with_threshold", "scoreswith_threshold");
        check("How to read it", "how-to-read-it");
    }
}
