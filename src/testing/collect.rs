//! Finds the tests in files and folders.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use pe_files::Files;

use super::annotations::{Annotations, Found, Misread};
use crate::language::bare;
use crate::text;

/// One test function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// The file that holds it.
    pub file: PathBuf,
    /// Its name without the parentheses; `None` stands for a file that does not compile.
    pub function: Option<String>,
    /// Its first line, counted from 1.
    pub line: Option<usize>,
    /// Its annotations, or one in the file that cannot be read.
    pub annotations: Result<Annotations, Misread>,
}

impl Default for Case {
    /// A placeholder without a file.
    fn default() -> Self {
        Self {
            file: PathBuf::new(),
            function: None,
            line: None,
            annotations: Ok(Annotations::default()),
        }
    }
}

impl Case {
    /// The file without its extension and the function: `tests/suite/ct/window::test_width`.
    pub fn name(&self) -> String {
        let file = self.file.with_extension("");
        let function = self.function.as_deref().unwrap_or("(syntax)");
        format!("{}::{function}", file.display())
    }

    /// The test's tags; none if its annotations cannot be read.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        let annotations = self.annotations.iter();
        annotations.flat_map(|annotations| annotations.tags.iter().map(String::as_str))
    }
}

/// Finds the tests of a `.rhai` file, or of every such file below a folder, sorted by file and name.
///
/// # Errors
/// When a folder or file cannot be read.
pub fn collect(root: &Path) -> io::Result<Vec<Case>> {
    let mut cases = Vec::new();
    if root.is_dir() {
        for entry in fs::read_dir(root)? {
            let entry = entry?;
            // Links to folders are skipped: they could form a cycle.
            let link = entry.file_type()?.is_symlink();
            let path = entry.path();
            if path.is_dir() && !link || is_script(&path) && path.is_file() {
                cases.extend(collect(&path)?);
            }
        }
    } else {
        let text = text::script(root, &Files::free()).map_err(|error| {
            io::Error::new(error.kind(), format!("{}: {error}", root.display()))
        })?;
        cases = cases_of(root, &text);
    }
    cases.sort_by(|a, b| (&a.file, &a.function).cmp(&(&b.file, &b.function)));
    Ok(cases)
}

/// Returns whether a path has the extension `.rhai`.
pub(super) fn is_script(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "rhai")
}

fn cases_of(file: &Path, text: &str) -> Vec<Case> {
    let case = |function, line, annotations| Case {
        file: file.to_path_buf(),
        function,
        line,
        annotations,
    };
    let Ok(ast) = bare().compile(text) else {
        // A script that does not compile counts as one test, which fails and so is reported.
        return vec![case(None, None, Ok(Annotations::default()))];
    };
    let found = Found::new(text);
    ast.iter_functions()
        .filter(|function| function.name.starts_with("test_") && function.params.is_empty())
        .map(|function| {
            let name = function.name;
            case(Some(name.to_owned()), found.line_of(name), found.of(name))
        })
        .collect()
}
