//! Who may import what: a script from its folder, each plugin from its own.

use std::path::Path;
use std::sync::Arc;

use pe_binding::script::ScriptResult;
use rhai::{Engine, Module, ModuleResolver, Position, Shared};

use super::imports::Confined;
use crate::record::Journal;

/// Resolves an import in the folder of the file that it stands in: the script's, or a plugin's.
pub(super) struct Rooms(Vec<Confined>);

impl Rooms {
    /// The script's folder is first; what is imported from it is kept in `journal`.
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

    /// Where one folder lies in another, a file is of the innermost that holds it; of a file in none,
    /// and of what is typed at a prompt, the script's folder is asked.
    fn of(&self, source: Option<&str>) -> &Confined {
        let source = Path::new(source.unwrap_or_default());
        let holding = self.0.iter().filter(|room| source.starts_with(room.root()));
        let innermost = holding.max_by_key(|room| room.root().components().count());
        innermost.unwrap_or(&self.0[0])
    }
}

impl ModuleResolver for Rooms {
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
            let rooms = Rooms::new(Path::new(root), None, plugins.iter().map(Path::new));
            assert_eq!(
                rooms.of(Some(source)).root(),
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
        let rooms = Rooms::new(Path::new("s"), None, [Path::new("p")].into_iter());
        assert_eq!(rooms.of(None).root(), Path::new("s"));
    }
}
