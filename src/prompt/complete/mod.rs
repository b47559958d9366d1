//! Completion with Tab.

mod context;
mod infer;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::workspace::Workspace;
use crate::catalogue::{Function, Kind};
use crate::text::lex;
use context::Context;

/// A completion to choose from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// Text in the list.
    pub(crate) shown: String,
    /// Text that is inserted into the line.
    pub(crate) replacement: String,
}

impl Candidate {
    fn plain(text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            shown: text.clone(),
            replacement: text,
        }
    }
}

/// The completions for the end of `line`, and the byte from which on they replace it.
pub(crate) fn complete(workspace: &Workspace, line: &str) -> (usize, Vec<Candidate>) {
    let Some((start, context)) = context::context(line) else {
        return (line.len(), Vec::new());
    };
    let prefix = &line[start..];
    let all = match context {
        Context::Command => super::commands::names().map(Candidate::plain).collect(),
        Context::File => return files(prefix, start),
        Context::Documented => documented(workspace),
        Context::Name { plugin: Some(name) } => of_plugin(workspace, &name),
        Context::Name { plugin: None } => names(workspace),
        Context::Member { object } => members(workspace, &object),
        Context::Option { function, given } => options(workspace, &function, &given),
    };
    let fits = |candidate: &Candidate| candidate.replacement.starts_with(prefix);
    (start, all.into_iter().filter(fits).collect())
}

/// One candidate for each name, with the number of further overloads. `path` puts the plugin before the
/// name.
fn functions<'a>(all: impl Iterator<Item = &'a Function>, path: bool) -> Vec<Candidate> {
    let mut by_name: BTreeMap<String, Vec<&Function>> = BTreeMap::new();
    for function in all {
        let name = if path {
            function.path()
        } else {
            function.name.clone()
        };
        by_name.entry(name).or_default().push(function);
    }
    let candidates = by_name.into_iter().map(|(name, overloads)| {
        let first = overloads[0];
        let more = match overloads.len() {
            1 => String::new(),
            n => format!("  (+{})", n - 1),
        };
        let opening = match first.kind {
            Kind::Getter | Kind::Setter => "",
            _ => "(",
        };
        Candidate {
            shown: format!("{}{more}", first.signature()),
            replacement: format!("{name}{opening}"),
        }
    });
    candidates.collect()
}

fn of_plugin(workspace: &Workspace, plugin: &str) -> Vec<Candidate> {
    let catalogue = workspace.catalogue();
    let free = |f: &&Function| f.kind == Kind::Free && f.plugin == plugin;
    functions(catalogue.functions().iter().filter(free), false)
}

fn names(workspace: &Workspace) -> Vec<Candidate> {
    let catalogue = workspace.catalogue();
    let free = |f: &&Function| f.kind == Kind::Free && f.plugin.is_empty();
    let mut all: Vec<Candidate> = workspace.variables().map(Candidate::plain).collect();
    all.extend(functions(catalogue.functions().iter().filter(free), false));
    let plugins = catalogue.plugins().keys();
    all.extend(plugins.map(|name| Candidate::plain(format!("{name}::"))));
    all.extend(lex::keywords().map(Candidate::plain));
    all
}

fn documented(workspace: &Workspace) -> Vec<Candidate> {
    let catalogue = workspace.catalogue();
    let mut all = functions(catalogue.functions().iter(), true);
    for candidate in &mut all {
        let name = candidate.replacement.trim_end_matches('(');
        candidate.replacement = name.to_owned();
    }
    all
}

fn members(workspace: &Workspace, object: &str) -> Vec<Candidate> {
    let Some(found) = infer::infer(workspace, object) else {
        return Vec::new();
    };
    let catalogue = workspace.catalogue();
    let read = |f: &&Function| f.kind != Kind::Setter;
    let mut all: Vec<Candidate> = found.entries.into_iter().map(Candidate::plain).collect();
    all.extend(functions(
        catalogue.members(found.type_id).filter(read),
        false,
    ));
    all
}

fn options(workspace: &Workspace, function: &str, given: &[String]) -> Vec<Candidate> {
    let catalogue = workspace.catalogue();
    let overloads = catalogue.named(function).into_iter();
    let mut all: Vec<Candidate> = overloads
        .flat_map(|function| catalogue.options_of(function))
        .filter(|option| !given.contains(&option.name))
        .map(|option| Candidate {
            shown: match option.default.as_str() {
                "" => option.name.clone(),
                default => format!("{}: {default}", option.name),
            },
            replacement: format!("{}: ", option.name),
        })
        .collect();
    all.dedup();
    all
}

/// The files and folders whose paths begin with `prefix`. Folders end with a slash; hidden files are
/// offered only after a point.
fn files(prefix: &str, start: usize) -> (usize, Vec<Candidate>) {
    let (folder, name) = match prefix.rfind('/') {
        Some(at) => (&prefix[..=at], &prefix[at + 1..]),
        None => ("", prefix),
    };
    let entries = std::fs::read_dir(unfolded(folder)).into_iter().flatten();
    let mut found: Vec<Candidate> = entries
        .flatten()
        .filter_map(|entry| {
            let file = entry.file_name().into_string().ok()?;
            let hidden = file.starts_with('.') && !name.starts_with('.');
            let slash = if entry.path().is_dir() { "/" } else { "" };
            (file.starts_with(name) && !hidden).then(|| Candidate::plain(format!("{file}{slash}")))
        })
        .collect();
    found.sort_by(|a, b| a.replacement.cmp(&b.replacement));
    (start + folder.len(), found)
}

/// The folder to list: `.` for none.
fn unfolded(folder: &str) -> PathBuf {
    match folder {
        "" => PathBuf::from("."),
        folder => Path::new(folder).to_path_buf(),
    }
}
