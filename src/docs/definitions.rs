//! Writes definition files, `NAME.d.rhai`, from which editors complete and explain.
//!
//! Rhai can write such files itself, but with Rust's type names, and with methods inside the plugin's
//! module, where no editor looks for them. So only those of Rhai's own functions are taken from Rhai;
//! the others are written from the catalogue.

use std::collections::BTreeMap;

use rhai::Engine;

use crate::catalogue::{Catalogue, Function, Kind};

/// File of the functions that can be called without a prefix: the host's, and all methods and
/// properties.
const EVERYWHERE: &str = "__pe-script__.d.rhai";

/// The text of each definition file, by file name.
pub fn definitions(catalogue: &Catalogue) -> BTreeMap<String, String> {
    let mut files: BTreeMap<String, String> = Engine::new().definitions().iter_files().collect();
    let ours = || catalogue.functions().iter().filter(|f| !f.standard);
    let in_module =
        |function: &&Function| function.kind == Kind::Free && !function.plugin.is_empty();
    let everywhere = ours().filter(|function| !in_module(function));
    files.insert(EVERYWHERE.to_owned(), file("static", everywhere));
    for plugin in catalogue.plugins().keys() {
        let functions = ours().filter(in_module).filter(|f| f.plugin == *plugin);
        files.insert(format!("{plugin}.d.rhai"), file(plugin, functions));
    }
    files
}

/// The text of one definition file.
fn file<'a>(module: &str, functions: impl Iterator<Item = &'a Function>) -> String {
    let definitions = functions.map(definition).collect::<Vec<_>>().join("\n");
    format!("module {module};\n\n{definitions}")
}

/// The declaration of a function, with its documentation as comments.
fn definition(function: &Function) -> String {
    let comment = |line: &str| format!("{}\n", format!("/// {line}").trim_end());
    let doc: String = function.doc.lines().map(comment).collect();
    let keyword = match function.kind {
        Kind::Getter => "fn get",
        Kind::Setter => "fn set",
        Kind::Free | Kind::Method => "fn",
    };
    let params = function.params.iter();
    let params = params.map(|param| format!("{}: {}", param.name, type_name(&param.type_name)));
    let params = params.collect::<Vec<_>>().join(", ");
    let returns = type_name(&function.returns);
    format!("{doc}{keyword} {}({params}) -> {returns};\n", function.name)
}

/// The name of a type in definition files; `?` for one that they cannot express.
fn type_name(plain: &str) -> &str {
    match plain {
        "" => "()",
        "string" => "String",
        "array" => "Array",
        "map" => "Map",
        "blob" => "Blob",
        "Fn" => "FnPtr",
        "timestamp" => "Instant",
        plain if plain.chars().all(|c| c.is_alphanumeric() || c == '_') => plain,
        _ => "?",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_are_in_the_words_of_scripts() {
        let files = definitions(&crate::docs::catalogue());
        let check = |name: &str, start: &str, expected: &str| {
            let text = &files[name];
            assert!(
                text.starts_with(&format!("module {start};\n")),
                "{name}: {text}"
            );
            assert!(text.contains(expected), "{name}: {text}");
        };
        check(
            "ct.d.rhai",
            "ct",
            "```\nfn window(level: ?, width: ?) -> HuWindow;\n",
        );
        check(
            "store.d.rhai",
            "store",
            "fn slices(folder: String, settings: Map) -> SliceStore;\n",
        );
        let everywhere = "__pe-script__.d.rhai";
        check(
            everywhere,
            "static",
            "\nfn get volume_ml(mask: Mask) -> float;\n",
        );
        check(
            everywhere,
            "static",
            "\nfn verify(stored: StoredExam) -> ();\n",
        );
        check(everywhere, "static", "\nfn seed() -> int;\n");
        check(
            "__builtin__.d.rhai",
            "static",
            "fn type_of(data: ?) -> String;",
        );
    }

    #[test]
    fn a_definition_file_holds_comments_and_declarations_only() {
        let declared =
            r"^(module \w+;|fn (get |set )?\w+\((\w+: (\w+|\?)(, |\)))*\)? -> (\w+|\?|\(\));)$";
        let declared = regex::Regex::new(declared).unwrap();
        let standard = |name: &str| name.starts_with("__") && name != EVERYWHERE;
        let files = definitions(&crate::docs::catalogue());
        for (name, text) in files.iter().filter(|(name, _)| !standard(name)) {
            for line in text.lines() {
                let fine = line.is_empty() || line.starts_with("///") || declared.is_match(line);
                assert!(fine, "{name}: {line}");
            }
        }
    }

    #[test]
    fn a_type_that_definition_files_cannot_say_is_any() {
        let check = |plain: &str, expected: &str| assert_eq!(type_name(plain), expected);
        check("string", "String");
        check("SliceStore", "SliceStore");
        check("range", "range");
        check("Iterator<int>", "?");
        check("?", "?");
    }
}
