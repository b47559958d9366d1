//! Reads the texts that the host needs itself: scripts, settings and values.
//!
//! They may come from elsewhere. A pipe in place of a file could block for ever and a device has no
//! end, and no limit is checked meanwhile. So these are rejected, and files have a maximum length.

pub(crate) mod lex;
mod visible;

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use pe_files::Files;
use serde_yaml::Value;

pub(crate) use visible::{in_one_piece, visible, visible_in_place, visible_line};

/// Maximum length of a script. Nobody writes a longer one.
const SCRIPT_MIB: u64 = 4;
/// Maximum length of a file with settings or values of parameters.
const DATA_MIB: u64 = 1;
/// Maximum number of brackets in YAML that are not closed on their line. The parser's time grows with
/// their number times the length of the text: 1 MiB of brackets takes most of a minute, this many take
/// a second or two.
const OPEN_BRACKETS: usize = 500;

/// Reads a script, or another text of that length.
///
/// # Errors
/// When `files` refuses the path, for a folder, pipe, socket or device, when the file is too long, and
/// as the operating system says. The message does not contain the path.
pub(crate) fn script(path: &Path, files: &Files) -> io::Result<String> {
    read(path, files, SCRIPT_MIB)
}

/// Reads a file with settings or values.
///
/// # Errors
/// As [`script`].
pub(crate) fn data(path: &Path, files: &Files) -> io::Result<String> {
    read(path, files, DATA_MIB)
}

/// Returns whether a text is short enough to be read again with [`script`].
pub(crate) fn fits(text: &str) -> bool {
    text.len() as u64 <= SCRIPT_MIB << 20
}

fn read(path: &Path, files: &Files, most_mib: u64) -> io::Result<String> {
    let file = files.open(path)?;
    let unexpected = |found: &str| {
        let text = format!("expected a file of at most {most_mib} MiB, found {found}");
        io::Error::new(io::ErrorKind::InvalidInput, text)
    };
    if file.metadata()?.is_dir() {
        return Err(unexpected("a folder"));
    }
    // Read one byte more than allowed to detect a file that is too long. Its length in the metadata
    // does not help: it may grow, and is 0 for some files.
    let most = most_mib << 20;
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(unexpected("more"));
    }
    let no_text = |_| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            "stream did not contain valid UTF-8",
        )
    };
    String::from_utf8(bytes).map_err(no_text)
}

/// Resolves the links in the path of a file in the folder `root`, and checks that it stays inside.
///
/// Links out of the folder and links to nothing have the same error message, so that a script cannot
/// find out what exists outside. `whose` names the folder's owner in the message.
///
/// # Errors
/// For such a link, and for a file that does not exist.
pub(crate) fn within(root: &Path, relative: &Path, whose: &str) -> io::Result<PathBuf> {
    let root = if root.as_os_str().is_empty() {
        Path::new(".")
    } else {
        root
    };
    let path = root.join(relative);
    let found = path.canonicalize();
    let inside = |real: &PathBuf| root.canonicalize().is_ok_and(|root| real.starts_with(root));
    let is_link = |path: &Path| {
        path.symlink_metadata()
            .is_ok_and(|found| found.is_symlink())
    };
    // The parts of the path below `root`; `root` itself may be a link.
    let mut parts = path.ancestors().take(relative.components().count());
    match found {
        Ok(real) if inside(&real) => Ok(real),
        Err(error) if !parts.any(is_link) => Err(error),
        _ => {
            let text = format!("a link that leads out of the {whose}'s folder, or to nothing");
            Err(io::Error::new(io::ErrorKind::PermissionDenied, text))
        }
    }
}

/// Parses YAML that may come from elsewhere.
///
/// # Errors
/// The parser's message, or that too many brackets are open.
pub(crate) fn yaml(text: &str) -> Result<Value, String> {
    if open_brackets(text) > OPEN_BRACKETS {
        return Err(format!(
            "more than {OPEN_BRACKETS} brackets are not closed on their line; write its lists with `-`"
        ));
    }
    serde_yaml::from_str(text).map_err(|error| error.to_string())
}

/// Upper bound of the depth of nested brackets: the number of those that are not closed on their line,
/// summed over all lines.
///
/// A closing bracket in quotes, in a comment or in a tag closes nothing, and must not lower the bound.
/// So on a line with a sign of these, only the pairs `[]` and `{}` count as closed. A bracket on
/// another line never closes one, because that whole line may lie in quotes.
fn open_brackets(text: &str) -> usize {
    let open = |line: &str| {
        let certain = !line.contains(['"', '\'', '#', '!', '%', '&', '*', '|', '>', '\\']);
        let (mut n, mut last) = (0_usize, ' ');
        for c in line.chars() {
            match c {
                '[' | '{' => n += 1,
                ']' | '}' if certain || matches!((last, c), ('[', ']') | ('{', '}')) => {
                    n = n.saturating_sub(1);
                }
                _ => {}
            }
            last = c;
        }
        n
    };
    // All line ends of YAML versions. Splitting at too many of them closes fewer brackets, so it is safe.
    let ends = ['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'];
    text.split(ends).map(open).sum()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn only_files_are_read_and_not_more_than_they_may_have() {
        let folder = tempfile::tempdir().unwrap();
        let check = |name: &str, bytes: &[u8], expected: Result<usize, &str>| {
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            let found = data(&path, &Files::free()).map(|text| text.len());
            match (found, expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{name}"),
                (Err(error), Err(words)) => {
                    assert!(error.to_string().contains(words), "{name}: {error}");
                }
                (found, _) => panic!("{name}: {found:?}"),
            }
        };
        check("empty", b"", Ok(0));
        check("full", &vec![b'a'; 1 << 20], Ok(1 << 20));
        let more = "expected a file of at most 1 MiB, found more";
        check("more", &vec![b'a'; (1 << 20) + 1], Err(more));
        check("bytes", &[0xff], Err("valid UTF-8"));
        let error = script(folder.path(), &Files::free()).unwrap_err();
        assert!(error.to_string().ends_with("4 MiB, found a folder"));
        let error = data(Path::new("/dev/zero"), &Files::free()).unwrap_err();
        assert!(error.to_string().ends_with("or a device"), "{error}");
    }

    #[test]
    fn brackets_are_not_hidden_from_the_count() {
        let check =
            |text: &str, expected: usize| assert_eq!(open_brackets(text), expected, "{text}");
        check("a: [1, {b: 2}]\nc: []", 0);
        check("a: [\n1,\n]", 1);
        check("a: [\"[]\", '']", 1);
        check("[ # ]\n[ # ]", 2);
        check("[ \"\n]\n\", [", 2);
        check("[!<]> [!<]> [", 3);
        check("a: ]]] [", 1);
        check("[\u{85}]", 1);
    }

    #[test]
    fn yaml_that_would_take_long_is_refused() {
        assert_eq!(yaml("a: [1]").unwrap()["a"][0], Value::from(1));
        assert!(yaml("a: [").is_err());
        for text in ["[".repeat(1 << 20), "[ # ]\n".repeat(200_000)] {
            let error = yaml(&text).unwrap_err();
            assert!(error.contains("more than 500 brackets"), "{error}");
        }
        // The parser has a limit of its own.
        let error = yaml(&"[".repeat(400)).unwrap_err();
        assert!(!error.contains("brackets are not closed on"), "{error}");
        assert!(yaml(&"- ".repeat(1 << 19)).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_tells_nothing_of_what_is_outside() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("in");
        fs::create_dir_all(root.join("sub")).unwrap();
        fs::create_dir(folder.path().join("out")).unwrap();
        fs::write(folder.path().join("out/there"), "").unwrap();
        fs::write(root.join("sub/own"), "").unwrap();
        symlink("../out/there", root.join("a")).unwrap();
        symlink("../out/nothing", root.join("b")).unwrap();
        symlink("../out", root.join("c")).unwrap();
        symlink("sub", root.join("d")).unwrap();
        let told = |path: &str| {
            let found = within(&root, Path::new(path), "script");
            found.map(drop).map_err(|error| error.to_string())
        };
        let out = told("a").unwrap_err();
        assert!(out.contains("leads out of the script's folder"), "{out}");
        for path in ["b", "c", "c/there", "c/nothing", "d/nothing"] {
            assert_eq!(told(path), Err(out.clone()), "{path}");
        }
        assert_eq!(told("d/own"), Ok(()));
        assert!(told("sub/nothing").unwrap_err().contains("No such file"));
    }
}
