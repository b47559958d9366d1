//! Builds the catalogue from the metadata of an engine and a script.

use std::collections::{BTreeMap, BTreeSet};

use rhai::{AST, Engine, FnNamespace, FuncMetadata, NativeCallContext, ScriptFnMetadata};

use super::about::about;
use super::types::plain_type;
use super::{Catalogue, Function, Kind, Param, doc};
use crate::language;

/// Functions that are left out: every type has them, and nobody calls them by name.
const UNLISTED: [&str; 2] = ["to_string", "to_debug"];

impl Catalogue {
    /// The functions of an engine: the plugins', the host's and Rhai's own.
    pub fn of(engine: &Engine) -> Self {
        // The last argument includes Rhai's standard functions. The first call leaves them out, so the
        // difference of the two tells which functions are Rhai's own.
        let own = engine.collect_fn_metadata(None, |info| read(&info, false), false);
        let known: BTreeSet<u64> = own.iter().map(|(hash, _)| *hash).collect();
        let standard = engine.collect_fn_metadata(None, |info| read(&info, true), true);
        let standard = standard
            .into_iter()
            .filter(|(hash, _)| !known.contains(hash));
        let mut functions: Vec<Function> =
            own.into_iter().chain(standard).map(|(_, f)| f).collect();
        functions.sort_by(|a, b| {
            let by_types = || a.signature().cmp(&b.signature());
            key(a).cmp(&key(b)).then_with(by_types)
        });
        let plugins = functions
            .iter()
            .filter(|function| !function.plugin.is_empty())
            .map(|function| (function.plugin.clone(), about(&function.plugin).to_owned()))
            .collect::<BTreeMap<_, _>>();
        Self { functions, plugins }
    }

    /// Adds the functions of a script, with their `///` comments.
    pub fn add_script(&mut self, ast: &AST) {
        for function in ast.iter_functions() {
            self.add_scripted(scripted(&function));
        }
    }

    /// Adds the functions of the script that calls a native function.
    pub(crate) fn add_caller(&mut self, context: &NativeCallContext<'_>) {
        let own = |info: rhai::FuncInfo<'_>| info.script.map(|function| scripted(&function));
        let engine = context.engine();
        for function in engine.collect_fn_metadata(Some(context), own, false) {
            self.add_scripted(function);
        }
    }

    /// Adds a script's function. It replaces an earlier one of the same name and number of arguments.
    /// Closures are skipped: they have no name to call.
    fn add_scripted(&mut self, added: Function) {
        if added.name.starts_with("anon$") {
            return;
        }
        let same = |f: &Function| {
            (&f.plugin, &f.name, f.params.len()) == (&added.plugin, &added.name, added.params.len())
        };
        // A function of a plugin written in Rhai is in the catalogue already, with its namespace, which
        // this metadata lacks.
        if !self
            .functions
            .iter()
            .any(|known| same(known) && known.doc == added.doc)
        {
            self.functions.retain(|known| !same(known));
            self.functions.push(added);
        }
    }
}

/// The catalogue entry of a script's function.
fn scripted(function: &ScriptFnMetadata<'_>) -> Function {
    let params = function.params.iter().map(|&name| Param {
        name: name.to_owned(),
        type_name: "?".to_owned(),
    });
    Function {
        plugin: String::new(),
        name: function.name.to_owned(),
        kind: Kind::Free,
        params: params.collect(),
        returns: "?".to_owned(),
        doc: doc::text(function.comments.iter().copied()),
        standard: false,
        on: None,
    }
}

/// Sort key: by plugin, kind, type and name, with Rhai's own functions last.
fn key(function: &Function) -> (bool, &str, Kind, Option<&str>, &str, usize) {
    (
        function.standard,
        &function.plugin,
        function.kind,
        function.on_type(),
        &function.name,
        function.params.len(),
    )
}

/// Converts the metadata of a function. Returns it with its hash, which identifies it; `None` for one
/// that is not listed. With `standard` set, functions of plugins are left out.
fn read(info: &rhai::FuncInfo<'_>, standard: bool) -> Option<(u64, Function)> {
    let metadata = info.metadata;
    // Replacements for Rhai's own functions are left out: Rhai's documentation holds for them.
    if metadata
        .comments
        .iter()
        .any(|line| *line == language::RHAIS_OWN)
    {
        return None;
    }
    if standard && !info.namespace.is_empty() {
        return None;
    }
    let (kind, name) = named(metadata, &info.namespace, standard)?;
    let params: Vec<Param> = metadata
        .params_info
        .iter()
        .map(|text| param(text))
        .collect();
    // Parameters that the metadata does not name get a `_`.
    let untold = (params.len()..metadata.num_params).map(|_| param("_"));
    let params: Vec<Param> = params
        .into_iter()
        .take(metadata.num_params)
        .chain(untold)
        .collect();
    let on = match kind {
        Kind::Free => None,
        _ => metadata.param_types.first().copied(),
    };
    let function = Function {
        plugin: info.namespace.to_string(),
        name: name.to_owned(),
        kind,
        params,
        returns: plain_type(&metadata.return_type),
        doc: doc::text(metadata.comments.iter().map(|line| line.as_str())),
        standard,
        on,
    };
    Some((metadata.hash, function))
}

/// The kind of a function, and its name without Rhai's prefixes; `None` for operators.
fn named<'a>(
    metadata: &'a FuncMetadata,
    namespace: &str,
    standard: bool,
) -> Option<(Kind, &'a str)> {
    let name = metadata.name.as_str();
    if let Some(property) = name.strip_prefix("get$") {
        return Some((Kind::Getter, property));
    }
    if let Some(property) = name.strip_prefix("set$") {
        return Some((Kind::Setter, property));
    }
    let word = name.starts_with(|c: char| c.is_alphabetic() || c == '_') && !name.contains('$');
    if !word || (UNLISTED.contains(&name)) {
        return None;
    }
    // A plugin registers methods as global functions. Rhai's own functions with an argument are all
    // listed as methods.
    let global = metadata.namespace == FnNamespace::Global && !namespace.is_empty();
    let method = (global || standard) && metadata.num_params > 0;
    Some((if method { Kind::Method } else { Kind::Free }, name))
}

/// Parses the metadata of a parameter: `name: type`.
fn param(text: &str) -> Param {
    let (name, type_name) = text.split_once(':').unwrap_or((text, "?"));
    let name = match name.trim() {
        "" | "?" => "_",
        name => name,
    };
    Param {
        name: name.trim_start_matches("mut ").to_owned(),
        type_name: plain_type(type_name),
    }
}
