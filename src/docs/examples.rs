//! Runs the examples in the functions' documentation as a reader would: after the reference's setup
//! script, whose variables they use.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rhai::{Engine, Scope};

use super::SETUP;
use super::place::name;
use crate::catalogue::Catalogue;
use crate::console::Console;
use crate::diagnosis::remember;
use crate::run::{self, Fault};
use crate::session::Session;

/// An example of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// The function's name, with a number from its second example on: `lung::mask`, `lung::mask 2`.
    pub name: String,
    /// Its script.
    pub text: String,
}

/// All examples of a catalogue's functions, without those of Rhai's own, in the catalogue's order.
pub fn examples(catalogue: &Catalogue) -> Vec<Example> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let ours = catalogue.functions().iter().filter(|f| !f.standard);
    let named = ours.flat_map(|f| f.examples().into_iter().map(move |text| (name(f), text)));
    let example = |(name, text): (String, String)| {
        let count = counts.entry(name.clone()).or_default();
        *count += 1;
        let name = match *count {
            1 => name,
            n => format!("{name} {n}"),
        };
        Example { name, text }
    };
    named.map(example).collect()
}

/// Runs examples in the current folder, in which the setup script has run once.
pub struct Runner {
    scope: Scope<'static>,
}

impl Runner {
    /// Runs the setup script in the current folder, which should be an empty one.
    ///
    /// # Errors
    /// The rendered error of the script.
    pub fn new() -> Result<Self, String> {
        let mut scope = Scope::new();
        evaluate("setup", SETUP, &mut scope)?;
        Ok(Self { scope })
    }

    /// Runs a script with the setup's variables, in a new engine, and returns the lines that it prints.
    /// `exit` ends the script and is no error.
    ///
    /// # Errors
    /// The rendered error of the script.
    pub fn printed(&self, name: &str, text: &str) -> Result<Vec<String>, String> {
        evaluate(name, text, &mut self.scope.clone())
    }

    /// Runs an example and compares its output with the comments behind its `print(…);`.
    ///
    /// # Errors
    /// The rendered error of the script, or a message with the first comment that was not printed.
    pub fn check(&self, example: &Example) -> Result<(), String> {
        let printed = self.printed(&example.name, &example.text)?;
        let mut lines = printed.iter();
        let missing = expected(&example.text)
            .into_iter()
            .find(|expected| !lines.any(|line| line == expected));
        match missing {
            None => Ok(()),
            Some(expected) => Err(format!(
                "{}: expected `{expected}` to be printed, as its comment says, found {printed:?}\n{}",
                example.name, example.text
            )),
        }
    }
}

/// The expected output: the comments behind `print(…);`, in order.
fn expected(text: &str) -> Vec<&str> {
    let commented = text.lines().filter_map(|line| line.rsplit_once("// "));
    let prints = commented.filter(|(code, _)| code.contains("print("));
    prints.map(|(_, comment)| comment.trim()).collect()
}

/// Runs a script with the variables in `scope`, and returns the lines that it prints.
fn evaluate(name: &str, text: &str, scope: &mut Scope<'static>) -> Result<Vec<String>, String> {
    let mut session = Session::new(Console::silent(), ".");
    session.defaults = true;
    let session = Arc::new(session);
    let printed = Arc::new(Mutex::new(Vec::new()));
    let lines = printed.clone();
    let prepare = |engine: &mut Engine| {
        crate::testing::register(engine, &session);
        engine.on_print(move |text| {
            let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
            lines.extend(text.lines().map(str::to_owned));
        });
    };
    // With the text stored, an error shows its line.
    let source = PathBuf::from(format!("{name}.rhai"));
    remember(&source, text.to_owned());
    let ended = run::attempt(&session, (&source, text), prepare, |engine| {
        let ast = engine.compile_with_scope(scope, text)?;
        engine.eval_ast_with_scope(scope, &ast)
    });
    match ended {
        Err(Fault::Failed(report)) => return Err(report.render(false)),
        Err(Fault::Stopped) => return Err(format!("{name} was terminated")),
        Ok(()) => {}
    }
    Ok(printed
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_behind_prints_are_what_is_expected() {
        let check = |text: &str, expected: &[&str]| assert_eq!(super::expected(text), expected);
        check("print(1); // 1\nlet a = 2; // two\nprint(a);", &["1"]);
        check("try { f(); } catch (e) { print(e.kind); } // a.b", &["a.b"]);
        check("let x = 1;", &[]);
    }

    #[test]
    fn an_example_that_throws_or_prints_something_else_fails() {
        let mut scope = Scope::new();
        scope.push("known", 1_i64);
        let runner = Runner { scope };
        let check = |text: &str, expected: Result<(), &str>| {
            let example = Example {
                name: "ct::window".to_owned(),
                text: text.to_owned(),
            };
            match (runner.check(&example), expected) {
                (Ok(()), Ok(())) => {}
                (Err(found), Err(part)) if found.contains(part) => {}
                (found, _) => panic!("{text}: found {found:?}"),
            }
        };
        check("print(known); // 1", Ok(()));
        check("let own = known + 1; print(own); // 2", Ok(()));
        check("print(2); // 1", Err("expected `1`"));
        check("print(1); // 1\nprint(2); // 1", Err("expected `1`"));
        check("exit(3);", Ok(()));
        check(
            "let size = param(\"size\", 224, \"side\"); print(size); // 224",
            Ok(()),
        );
    }
}
