use std::collections::BTreeMap;

use rhai::{AST, ASTNode, Expr, FnCallExpr, Position, Stmt};
use serde_yaml::Mapping;

use super::{Param, literal};
use crate::language::value::shown;

/// A `param` call that cannot be read before the script runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Declaration {
    /// The error message.
    pub message: String,
    /// Advice what to write instead.
    pub hint: &'static str,
    /// Position in the script.
    pub position: Position,
}

const FORM: &str = "write `param(\"name\", default, \"what it means, with its unit\")`, all three as \
                    literals; and as a fourth an array of allowed values where there are only a few, or of a map \
                    the function whose options it has";

/// Finds the parameters that a script declares, in the order of its text, also in functions.
///
/// The `ast` must not be optimised: an optimiser drops branches that are never taken, with the
/// parameters declared there.
///
/// # Errors
/// A [`Declaration`] for a call whose name, default, doc or choices are no literals, for a default
/// that is no number, string, bool, array of these or map of all of these, or not among the choices,
/// and for a parameter declared twice with different defaults, docs or choices.
pub fn declared(ast: &AST) -> Result<Vec<Param>, Declaration> {
    let mut found = BTreeMap::new();
    let mut first_error = None;
    ast.walk(&mut |path| {
        let call = match path.last() {
            Some(ASTNode::Expr(Expr::FnCall(call, at))) => Some((call, *at)),
            Some(ASTNode::Stmt(Stmt::FnCall(call, at))) => Some((call, *at)),
            _ => None,
        };
        if let Some((call, at)) =
            call.filter(|(call, _)| call.name == "param" && !call.is_qualified())
        {
            match read(call, at) {
                Ok(param) => drop(found.insert((at.line(), at.position()), (param, at))),
                Err(error) => first_error = Some(error),
            }
        }
        first_error.is_none()
    });
    match first_error {
        Some(error) => Err(error),
        None => unique(found.into_values()),
    }
}

/// Removes repeated declarations. They must be equal.
fn unique(found: impl Iterator<Item = (Param, Position)>) -> Result<Vec<Param>, Declaration> {
    let mut params: Vec<Param> = Vec::new();
    for (param, position) in found {
        match params.iter().find(|known| known.name == param.name) {
            Some(known) if *known != param => {
                return Err(Declaration {
                    message: format!(
                        "parameter `{}` is declared twice, with default {} and with default {}, \
                         or with different texts",
                        param.name,
                        shown(&known.default),
                        shown(&param.default),
                    ),
                    hint: "declare it once and keep its value in a constant",
                    position,
                });
            }
            Some(_) => {}
            None => params.push(param),
        }
    }
    Ok(params)
}

/// Reads the arguments of one `param` call, without evaluating them.
fn read(call: &FnCallExpr, at: Position) -> Result<Param, Declaration> {
    let bad = |position: Position, message: String| Declaration {
        message,
        hint: FORM,
        position: if position.is_none() { at } else { position },
    };
    if !(3..=4).contains(&call.args.len()) {
        let found = call.args.len();
        return Err(bad(
            at,
            format!("expected 3 or 4 arguments to `param`, found {found}"),
        ));
    }
    let name = literal::text(&call.args[0])
        .filter(|name| rhai::is_valid_identifier(name))
        .ok_or_else(|| {
            let text = "a parameter's name must be a literal string that is an identifier";
            bad(call.args[0].position(), text.to_owned())
        })?;
    let default = literal::value(&call.args[1]).ok_or_else(|| {
        let text = format!("the default of parameter `{name}` is not a literal");
        bad(call.args[1].position(), text)
    })?;
    let options = call.args.get(3).and_then(literal::text);
    if options.is_none() || !default.as_mapping().is_some_and(Mapping::is_empty) {
        literal::check_default(&name, &default)
            .map_err(|text| bad(call.args[1].position(), text))?;
    }
    let doc = literal::text(&call.args[2]).ok_or_else(|| {
        let text = format!("the text that explains parameter `{name}` is not a literal string");
        bad(call.args[2].position(), text)
    })?;
    if options.is_some() && !default.is_mapping() {
        let text = format!("parameter `{name}` is no map, and has no options of a function");
        return Err(bad(call.args[3].position(), text));
    }
    let choices = match call.args.get(3).filter(|_| options.is_none()) {
        Some(expr) => {
            literal::choices(expr, &name, &default).map_err(|text| bad(expr.position(), text))?
        }
        None => Vec::new(),
    };
    Ok(Param {
        name,
        default,
        doc,
        choices,
        options,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::bare;

    fn declared_in(script: &str) -> Result<Vec<Param>, Declaration> {
        declared(&bare().compile(script).unwrap())
    }

    #[test]
    fn parameters_are_found_wherever_they_are() {
        let check = |script: &str, expected: &[(&str, &str)]| {
            let found = declared_in(script).unwrap();
            let found: Vec<(&str, String)> = found
                .iter()
                .map(|param| (param.name.as_str(), shown(&param.default)))
                .collect();
            let expected: Vec<(&str, String)> = expected
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned()))
                .collect();
            assert_eq!(found, expected, "{script}");
        };
        check("", &[]);
        check("let a = param(\"a\", 224, \"d\");", &[("a", "224")]);
        check("param(\"a\", -1.5, \"d\")", &[("a", "-1.5")]);
        // A map's entries stay in the order in which they are written.
        check(
            "param(\"a\", #{z: -1, b: [true, false], c: \"x\"}, \"d\")",
            &[("a", "#{z: -1, b: [true, false], c: \"x\"}")],
        );
        check(
            "fn f() { param(\"b\", \"x\", \"d\") } let a = param(\"a\", [1, 2], \"d\"); f();",
            &[("b", "\"x\""), ("a", "[1, 2]")],
        );
        check(
            "if false { print(param(\"a\", true, \"d\")); }",
            &[("a", "true")],
        );
        check("let f = || param(\"a\", 1, \"d\");", &[("a", "1")]);
        check(
            "param(\"a\", 1, \"d\"); param(\"a\", 1, \"d\");",
            &[("a", "1")],
        );
        // A method of the same name in a module is another function.
        check("other::param(\"a\", 1, \"d\");", &[]);
    }

    #[test]
    fn what_cannot_be_read_before_the_run_is_refused() {
        let check = |script: &str, message: &str, column: usize| {
            let error = declared_in(script).unwrap_err();
            assert!(error.message.contains(message), "{}", error.message);
            assert_eq!(error.position.position(), Some(column), "{script}");
        };
        check("param(\"a\")", "3 or 4 arguments to `param`, found 1", 1);
        check(
            "let n = \"a\"; param(n, 1, \"d\")",
            "name must be a literal",
            20,
        );
        check("param(\"a b\", 1, \"d\")", "identifier", 7);
        check(
            "param(\"a\", 1 + time(), \"d\")",
            "default of parameter `a` is not a literal",
            14,
        );
        check("param(\"a\", #{}, \"d\")", "a map without entries", 12);
        check(
            "param(\"a\", #{b: #{c: 1}}, \"d\")",
            "entry `a.b` must be a number, a bool, a string or an array of these, found a map: maps \
             are one level deep",
            12,
        );
        check("param(\"a\", #{b: [#{c: 1}]}, \"d\")", "holds a map", 12);
        check("param(\"a\", [#{c: 1}], \"d\")", "holds a map", 12);
        check("param(\"a\", #{b: ()}, \"d\")", "found nothing", 12);
        check("param(\"a\", #{\"b c\": 1}, \"d\")", "no identifier", 12);
        check("param(\"a\", #{b: time()}, \"d\")", "is not a literal", 12);
        check(
            "param(\"a\", #{b: 1}, \"d\", [1])",
            "a map, which takes no list",
            26,
        );
        check(
            "param(\"a\", [1, 4], \"d\", [1, 2])",
            "element 4 of the default of parameter `a` is not among the allowed elements [1, 2]",
            25,
        );
        check(
            "param(\"profile\", \"../a\", \"d\", [\"../a\"])",
            "names no file",
            31,
        );
        check("param(\"a\", (), \"d\")", "found nothing", 12);
        check("param(\"a\", 1, 2)", "explains parameter `a`", 15);
        check("param(\"a\", 1, \"d\", 1)", "allowed values", 20);
        check(
            "param(\"a\", 1, \"d\", [2, 3])",
            "default 1 of parameter `a` is not among [2, 3]",
            20,
        );
        check(
            "param(\"a\", 1, \"d\"); param(\"a\", 2, \"d\")",
            "declared twice",
            21,
        );
    }
}
