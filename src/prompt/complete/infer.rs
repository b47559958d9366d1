//! Infers the type of an expression for completion. It is not evaluated: its calls may take an hour.

use std::any::TypeId;

use rhai::{Array, Dynamic, FLOAT, INT, ImmutableString, Map};

use super::super::workspace::Workspace;
use crate::catalogue::{self, Function};
use crate::text::lex::{Kind, Lexed};

/// The inferred type of an expression, and its value if that is known.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) type_id: TypeId,
    /// Names of the entries, if the value is a known map.
    pub(super) entries: Vec<String>,
    value: Option<Dynamic>,
}

impl Found {
    fn of_value(value: Dynamic) -> Self {
        let value = value.flatten();
        let entries = value.as_map_ref().map_or_else(
            |_| Vec::new(),
            |map| map.keys().map(|key| key.to_string()).collect(),
        );
        Self {
            type_id: value.type_id(),
            entries,
            value: Some(value),
        }
    }

    fn of_type(type_id: TypeId) -> Self {
        Self {
            type_id,
            entries: Vec::new(),
            value: None,
        }
    }
}

/// Infers the type of a chain of names, calls and indices from variables and signatures. `None` if they
/// do not determine it.
pub(super) fn infer(workspace: &Workspace, expression: &str) -> Option<Found> {
    let lexed = Lexed::of(expression);
    let piece = |at: usize| {
        let token = lexed.tokens.get(at);
        token.map_or("", |token| &expression[token.range.clone()])
    };
    // Index of the token after the bracket that closes `open`.
    let after = |open: usize| {
        let pair = lexed.pairs.iter().find(|(begin, _)| *begin == open);
        pair.map_or(lexed.tokens.len(), |(_, close)| close + 1)
    };
    let (mut found, mut at) = root(workspace, &lexed, expression)?;
    while at < lexed.tokens.len() {
        match piece(at) {
            "[" => {
                found = element(&found)?;
                at = after(at);
            }
            "." | "?" => {
                let name = at + if piece(at) == "?" { 2 } else { 1 };
                let called = piece(name + 1) == "(";
                found = member(workspace, &found, piece(name), called)?;
                at = if called { after(name + 1) } else { name + 1 };
            }
            _ => return None,
        }
    }
    Some(found)
}

/// The first value of a chain, and the index of the token after it.
fn root(workspace: &Workspace, lexed: &Lexed, text: &str) -> Option<(Found, usize)> {
    let token = lexed.tokens.first()?;
    let piece = |at: usize| {
        let token = lexed.tokens.get(at);
        token.map_or("", |token| &text[token.range.clone()])
    };
    let first = piece(0);
    match token.kind {
        Kind::Text => Some((Found::of_type(TypeId::of::<ImmutableString>()), 1)),
        Kind::Number if first.contains('.') => Some((Found::of_type(TypeId::of::<FLOAT>()), 1)),
        Kind::Number => Some((Found::of_type(TypeId::of::<INT>()), 1)),
        Kind::Name => {
            let path_end = if piece(1) == ":" { 3 } else { 0 };
            if piece(path_end + 1) == "(" {
                let path: String = (0..=path_end).map(piece).collect();
                let catalogue = workspace.catalogue();
                let found = returned(workspace, catalogue.named(&path).first()?)?;
                let pair = lexed.pairs.iter().find(|(open, _)| *open == path_end + 1)?;
                return Some((found, pair.1 + 1));
            }
            let value = workspace.variable(first)?;
            Some((Found::of_value(value), 1))
        }
        Kind::Open => {
            let end = lexed.pairs.iter().find(|(open, _)| *open == 0)?.1;
            match first {
                "[" => Some((Found::of_type(TypeId::of::<Array>()), end + 1)),
                "#{" => Some((Found::of_type(TypeId::of::<Map>()), end + 1)),
                "(" => {
                    let inner = lexed.tokens[0].range.end..lexed.tokens[end].range.start;
                    Some((infer(workspace, text[inner].trim())?, end + 1))
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// The type of an array's elements: that of the first one.
fn element(of: &Found) -> Option<Found> {
    let value = of.value.as_ref()?;
    let array = value.as_array_ref().ok()?;
    array.first().cloned().map(Found::of_value)
}

/// The type of a map entry, property or method of a value.
fn member(workspace: &Workspace, of: &Found, name: &str, called: bool) -> Option<Found> {
    if let Some(map) = of.value.as_ref().and_then(|value| value.as_map_ref().ok())
        && let Some(entry) = map.get(name)
        && !called
    {
        return Some(Found::of_value(entry.clone()));
    }
    let fits = |f: &&Function| f.name == name && (f.kind == catalogue::Kind::Method) == called;
    let catalogue = workspace.catalogue();
    let function = catalogue.members(of.type_id).find(fits)?;
    returned(workspace, function)
}

/// The type that a function returns, by its name in the signature.
fn returned(workspace: &Workspace, function: &Function) -> Option<Found> {
    let type_id = match function.returns.as_str() {
        "string" => TypeId::of::<ImmutableString>(),
        "int" => TypeId::of::<INT>(),
        "float" => TypeId::of::<FLOAT>(),
        "array" => TypeId::of::<Array>(),
        "map" => TypeId::of::<Map>(),
        name => workspace.catalogue().type_named(name)?,
    };
    Some(Found::of_type(type_id))
}
