//! Import rules: a script imports from its own folder, each plugin from its own.

use std::path::Path;
use std::sync::Arc;

use pe_binding::script::ScriptResult;
use rhai::{Engine, Module, ModuleResolver, Position, Shared};

use super::imports::Confined;
use crate::record::Journal;

/// Module resolver that chooses the folder by the importing file: the script's or a plugin's.
pub(super) struct Folders(Vec<Confined>);

impl Folders {
    /// `root` is the script's folder. The run's `journal` gets a copy of each import from it.
    pub fn new<'a>(
        root: &Path,
        journal: Option<Arc<Journal>>,
        plugins: impl Iterator<Item = &'a Path>,
    ) -> Self {
        let script = Confined::new(root, journal);
        Self(
            [script]
                .into_iter()
                .chain(plugins.map(Confined::of_plugin))
                .collect(),
        )
    }

    /// Returns the resolver for the file `source`.
    ///
    /// Where one folder lies in another, the innermost that holds the file wins. A file in none of
    /// them, and text typed at the prompt, use the script's folder.
    fn of(&self, source: Option<&str>) -> &Confined {
        let source = Path::new(source.unwrap_or_default());
        let holding = self
            .0
            .iter()
            .filter(|folder| source.starts_with(folder.root()));
        let innermost = holding.max_by_key(|folder| folder.root().components().count());
        innermost.unwrap_or(&self.0[0])
    }
}

impl ModuleResolver for Folders {
    fn resolve(
        &self,
        engine: &Engine,
        source: Option<&str>,
        path: &str,
        at: Position,
    ) -> ScriptResult<Shared<Module>> {
        self.of(source).resolve(engine, source, path, at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_of_the_innermost_folder() {
        let check = |root: &str, plugins: &[&str], source: &str, expected: &str| {
            let folders = Folders::new(Path::new(root), None, plugins.iter().map(Path::new));
            assert_eq!(
                folders.of(Some(source)).root(),
                Path::new(expected),
                "{source}"
            );
        };
        check("", &[], "a.rhai", "");
        check("", &["p"], "a.rhai", "");
        check("", &["p"], "p/main.rhai", "p");
        check("s", &["p", "p/q"], "p/q/lib/main.rhai", "p/q");
        check("p/tests", &["p"], "p/tests/a.rhai", "p/tests");
        check("p/tests", &["p"], "p/main.rhai", "p");
        check("s", &["/p"], "", "s");
        let folders = Folders::new(Path::new("s"), None, [Path::new("p")].into_iter());
        assert_eq!(folders.of(None).root(), Path::new("s"));
    }
}
