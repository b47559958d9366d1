//! Hints "did you mean …?" for functions, variables, modules and properties.

use std::collections::BTreeSet;

use pe_binding::nearest::nearest;
use rhai::{AST, ASTNode, Engine, Stmt};

use super::Diagnosis;
use super::limits::Sizes;
use crate::catalogue::{Catalogue, Function, Kind, plain_types};

/// The names that a script could have meant.
#[derive(Debug, Clone, Default)]
pub struct Vocabulary {
    catalogue: Catalogue,
    variables: BTreeSet<String>,
    pub(super) sizes: Sizes,
}

/// Maximum number of overloads in a report.
const MOST_OVERLOADS: usize = 6;

impl Vocabulary {
    /// The functions of an engine and the functions and variables of a script.
    pub fn new(engine: &Engine, ast: Option<&AST>) -> Self {
        let mut known = Self {
            catalogue: Catalogue::of(engine),
            variables: BTreeSet::new(),
            sizes: Sizes::of(engine),
        };
        if let Some(ast) = ast {
            known.add(ast);
        }
        known
    }

    /// Adds variables that live outside of the script.
    pub(crate) fn add_variables(&mut self, names: impl Iterator<Item = String>) {
        self.variables.extend(names);
    }

    fn add(&mut self, ast: &AST) {
        self.catalogue.add_script(ast);
        let functions = ast.iter_functions();
        let params = functions.flat_map(|function| function.params.to_vec());
        self.variables.extend(params.map(str::to_owned));
        ast.walk(&mut |path| {
            match path.last() {
                Some(ASTNode::Stmt(Stmt::Var(var, ..))) => {
                    self.variables.insert(var.0.name.to_string());
                }
                Some(ASTNode::Stmt(Stmt::For(of, _))) => {
                    self.variables.insert(of.0.name.to_string());
                }
                _ => {}
            }
            true
        });
    }

    /// The functions and methods of that name.
    fn overloads<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Function> {
        let called = |f: &&Function| matches!(f.kind, Kind::Free | Kind::Method);
        let functions = self.catalogue.functions().iter().filter(called);
        functions.filter(move |function| function.path() == name)
    }

    /// The report of a call that no function matches. `given` is Rhai's `name (type, type)`.
    pub(super) fn missing_function(&self, given: &str) -> Diagnosis {
        let given = plain_types(given);
        let (name, arguments) = match given.split_once(" (") {
            Some((name, arguments)) => (name, arguments.strip_suffix(')').unwrap_or(arguments)),
            None => (given.as_str(), ""),
        };
        // An operator such as `+`.
        if !name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
            let text = format!("`{name}` cannot take ({arguments})");
            return Diagnosis::new("script.function", text, None);
        }
        let near = self.catalogue.nearest(name);
        let (mut report, shown) = match self.overloads(name).next() {
            Some(_) => {
                let text = format!("`{name}` cannot take the arguments ({arguments})");
                (Diagnosis::new("script.function", text, None), Some(name))
            }
            None => {
                let text = format!("there is no function `{name}`");
                // A closure in a variable is no function of this name, so we show no overloads.
                let near = near.as_deref().filter(|_| !self.variables.contains(name));
                let hint = match (self.variables.contains(name), near) {
                    (true, _) => Some(format!(
                        "a closure in a variable is called by `{name}.call(…)`"
                    )),
                    (false, near) => near.map(|near| format!("did you mean `{near}`?")),
                };
                (Diagnosis::new("script.function", text, hint), near)
            }
        };
        let overloads = shown.into_iter().flat_map(|name| self.overloads(name));
        report.notes = overloads
            .take(MOST_OVERLOADS)
            .map(|function| format!("there is `{}`", function.signature()))
            .collect();
        report
    }

    pub(super) fn missing_variable(&self, name: &str) -> Diagnosis {
        let others = self
            .variables
            .iter()
            .map(String::as_str)
            .filter(|&known| known != name);
        let near = nearest(name, others);
        let hint = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                format!("declare it first: `let {name} = …`; functions see only their arguments")
            }
        };
        Diagnosis::new(
            "script.variable",
            format!("there is no variable `{name}`"),
            Some(hint),
        )
    }

    pub(super) fn missing_module(&self, name: &str) -> Diagnosis {
        let modules: Vec<&str> = self
            .catalogue
            .plugins()
            .keys()
            .map(String::as_str)
            .collect();
        let hint = match nearest(name, modules.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!(
                "the plugins are {}; a script of your own needs `import \"{name}\" as {name};`, a \
                 plugin of your own `--plugin DIR`",
                modules.join(", ")
            ),
        };
        Diagnosis::new(
            "script.module",
            format!("there is no module `{name}`"),
            Some(hint),
        )
    }

    /// The report of an unknown property. `text` is Rhai's "Unknown property 'x' - a getter is not
    /// registered for type 'T'".
    pub(super) fn missing_property(&self, text: &str) -> Diagnosis {
        let parts: Vec<&str> = text.split('\'').collect();
        let [start, property, _, on_type, ..] = parts[..] else {
            return Diagnosis::new("script.property", text, None);
        };
        if !start.contains("property") {
            return Diagnosis::new("script.property", text, None);
        }
        let properties = self.catalogue.functions().iter();
        let of_type = |f: &&Function| f.kind == Kind::Getter && f.on_type() == Some(on_type);
        let has: Vec<&str> = properties
            .filter(of_type)
            .map(|f| f.name.as_str())
            .collect();
        let hint = match nearest(property, has.iter().copied()) {
            Some(near) => Some(format!("did you mean `{near}`?")),
            None if has.is_empty() => None,
            None => Some(format!("it has {}", has.join(", "))),
        };
        let text = format!(
            "a value of type {} has no property `{property}`",
            plain_types(on_type)
        );
        Diagnosis::new("script.property", text, hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_property_that_is_near_is_offered() {
        let mut engine = Engine::new();
        crate::session::register(&mut engine);
        let known = Vocabulary::new(&engine, None);
        let check = |property: &str, hint: &str| {
            let text = format!(
                "Unknown property '{property}' - a getter is not registered for type 'Mask'"
            );
            let report = known.missing_property(&text);
            assert_eq!(report.hint.as_deref(), Some(hint));
        };
        check("volume_mll", "did you mean `volume_ml`?");
        check(
            "x",
            "it has empty_slices, n_slices, quality, recipe, volume_ml",
        );
    }

    #[test]
    fn names_that_could_be_meant_are_offered() {
        let mut engine = Engine::new();
        engine.register_fn("smooth", |x: rhai::INT| x);
        let ast = engine
            .compile(
                "fn widen(mask, radius) { mask } let size = 1; for row in 0..2 { print(row); }",
            )
            .unwrap();
        let known = Vocabulary::new(&engine, Some(&ast));
        let check = |report: Diagnosis, message: &str, hint: Option<&str>| {
            assert_eq!(
                (report.message.as_str(), report.hint.as_deref()),
                (message, hint)
            );
        };
        let mean = |name| format!("did you mean `{name}`?");
        check(
            known.missing_function("smoth (i64)"),
            "there is no function `smoth`",
            Some(&mean("smooth")),
        );
        check(
            known.missing_function("widne (i64)"),
            "there is no function `widne`",
            Some(&mean("widen")),
        );
        check(
            known.missing_function("size (i64)"),
            "there is no function `size`",
            Some("a closure in a variable is called by `size.call(…)`"),
        );
        check(
            known.missing_function("+ (i64, ())"),
            "`+` cannot take (int, ())",
            None,
        );
        check(
            known.missing_variable("szie"),
            "there is no variable `szie`",
            Some(&mean("size")),
        );
        check(
            known.missing_variable("rows"),
            "there is no variable `rows`",
            Some(&mean("row")),
        );
        let overloads = known.missing_function("smooth (f64)");
        assert_eq!(
            overloads.message,
            "`smooth` cannot take the arguments (float)"
        );
        assert_eq!(overloads.notes, ["there is `smooth(_: int) -> int`"]);
    }
}
