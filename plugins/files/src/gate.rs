use std::error::Error;
use std::io;
use std::path::{Component, Path, PathBuf};

use thiserror::Error;

/// The kind of access to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Read its bytes, its metadata or the names in a folder.
    Read,
    /// Create, change, rename or remove it.
    Write,
}

/// The folders that may be read and written, including everything below them.
///
/// A folder that may be written may also be read. Paths are compared by where they really lie: relative
/// ones start at the current folder, and `..` and symbolic links are followed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gate {
    read: Vec<PathBuf>,
    write: Vec<PathBuf>,
}

/// Error for a path that the [`Gate`] refuses. It travels inside an [`io::Error`], see [`refusal`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "the sandbox does not let the script {} {path}: it may {}",
    match access { Access::Read => "read", Access::Write => "write" },
    allowed(access, folders)
)]
pub struct Refused {
    /// The path, as it was given.
    pub path: PathBuf,
    /// The access that was refused.
    pub access: Access,
    /// The folders in which that access is allowed.
    pub folders: Vec<PathBuf>,
}

fn allowed(access: &Access, folders: &[PathBuf]) -> String {
    let verb = match access {
        Access::Read => "read",
        Access::Write => "write",
    };
    let names: Vec<String> = folders
        .iter()
        .map(|one| one.display().to_string())
        .collect();
    match names.as_slice() {
        [] => format!("{verb} nothing"),
        names => format!("{verb} below {}", names.join(", ")),
    }
}

impl Refused {
    /// Advice to the user, with the option that would allow the access.
    pub fn hint(&self) -> String {
        let flag = match self.access {
            Access::Read => "--allow-read",
            Access::Write => "--allow-write",
        };
        let folder = self.path.parent().filter(|one| *one != Path::new(""));
        let folder = folder.unwrap_or(&self.path).display();
        format!("if you trust the script with it, add `{flag} {folder}`")
    }
}

/// Finds the gate's refusal in an error or in one of its causes.
pub fn refusal<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Refused> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(refused) = error.downcast_ref::<Refused>() {
            return Some(refused);
        }
        let inside = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        cause = inside.map_or_else(|| error.source(), |inside| Some(inside as _));
    }
    None
}

impl Gate {
    /// Allows reading below `folder`, which need not exist yet.
    ///
    /// # Errors
    /// If the current folder is gone, or the path is empty or leads through a broken symbolic link.
    pub fn allow_read(&mut self, folder: &Path) -> io::Result<()> {
        self.read.push(place(folder)?);
        Ok(())
    }

    /// Allows reading and writing below `folder`, which need not exist yet.
    ///
    /// # Errors
    /// As [`Gate::allow_read`].
    pub fn allow_write(&mut self, folder: &Path) -> io::Result<()> {
        self.write.push(place(folder)?);
        Ok(())
    }

    /// Checks that `path`, with symbolic links followed, lies in a folder that allows `access`.
    ///
    /// # Errors
    /// [`Refused`], also for a path that cannot be resolved.
    pub fn check(&self, path: &Path, access: Access) -> Result<(), Refused> {
        self.check_place(path, place(path), access)
    }

    /// As [`Gate::check`], for a change of the name itself (rename, remove): a link is not followed.
    ///
    /// # Errors
    /// As [`Gate::check`].
    pub fn check_name(&self, path: &Path) -> Result<(), Refused> {
        let place = match (path.parent(), path.file_name()) {
            (Some(parent), Some(name)) => {
                let parent = if parent == Path::new("") {
                    Path::new(".")
                } else {
                    parent
                };
                place(parent).map(|parent| parent.join(name))
            }
            _ => place(path),
        };
        self.check_place(path, place, Access::Write)
    }

    fn check_place(
        &self,
        path: &Path,
        place: io::Result<PathBuf>,
        access: Access,
    ) -> Result<(), Refused> {
        let folders = || {
            let readable = self.read.iter().filter(|_| access == Access::Read);
            readable.chain(&self.write)
        };
        match place {
            Ok(place) if folders().any(|folder| place.starts_with(folder)) => Ok(()),
            _ => Err(Refused {
                path: path.to_owned(),
                access,
                folders: folders().cloned().collect(),
            }),
        }
    }
}

impl From<Refused> for io::Error {
    fn from(refused: Refused) -> Self {
        Self::new(io::ErrorKind::PermissionDenied, refused)
    }
}

/// Resolves a path to where it really lies. The part that does not exist yet is appended unchanged to
/// the deepest existing folder.
fn place(path: &Path) -> io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    let mut there = path.as_path();
    let mut missing = Vec::new();
    loop {
        if let Ok(real) = there.canonicalize() {
            return Ok(missing
                .iter()
                .rev()
                .fold(real, |real, name| real.join(name)));
        }
        let link = there
            .symlink_metadata()
            .is_ok_and(|found| found.is_symlink());
        match (there.components().next_back(), there.parent()) {
            // Two cases are refused. A broken link: a write there would create its target, wherever
            // that is. And `..` below a missing folder, which may lead anywhere once that exists.
            (Some(Component::Normal(name)), Some(parent)) if !link => {
                missing.push(name.to_owned());
                there = parent;
            }
            _ => return Err(io::ErrorKind::NotFound.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    #[cfg(unix)]
    fn a_path_is_judged_by_where_it_lies() {
        use std::os::unix::fs::symlink;
        let scratch = tempfile::tempdir().unwrap();
        let root = scratch.path();
        for folder in ["data/series", "out", "secret"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        fs::write(root.join("secret/key"), "").unwrap();
        symlink(root.join("secret"), root.join("data/folder-out")).unwrap();
        symlink(root.join("secret/key"), root.join("data/file-out")).unwrap();
        symlink(root.join("secret/new"), root.join("out/dangling")).unwrap();
        symlink("series", root.join("data/inside")).unwrap();
        symlink(root.join("out/loop"), root.join("out/loop")).unwrap();
        let mut gate = Gate::default();
        gate.allow_read(&root.join("data")).unwrap();
        gate.allow_write(&root.join("out")).unwrap();
        gate.allow_write(&root.join("later/out")).unwrap();

        let check = |path: &str, may_read: bool, may_write: bool| {
            let path = root.join(path);
            assert_eq!(
                gate.check(&path, Access::Read).is_ok(),
                may_read,
                "{path:?}"
            );
            let found = gate.check(&path, Access::Write).is_ok();
            assert_eq!(found, may_write, "{path:?}");
        };
        check("data", true, false);
        check("data/series/1.dcm", true, false);
        check("data/inside/1.dcm", true, false);
        check("data/missing/deep", true, false);
        check("data/../data/x", true, false);
        check("data/../secret/key", false, false);
        check("data/missing/../../secret/key", false, false);
        check("data/folder-out/key", false, false);
        check("data/folder-out/new", false, false);
        check("data/file-out", false, false);
        check("data-too", false, false);
        check("out", true, true);
        check("out/a/b", true, true);
        check("out/dangling", false, false);
        check("out/loop", false, false);
        check("later/out/x", true, true);
        check("later/x", false, false);
        check("secret/key", false, false);
        check("/etc/passwd", false, false);
        // A link may be renamed or removed where it stands, wherever it points.
        assert!(gate.check_name(&root.join("out/dangling")).is_ok());
        assert!(gate.check_name(&root.join("data/file-out")).is_err());
        assert!(gate.check_name(&root.join("out/..")).is_err());
    }

    #[test]
    fn a_refusal_says_what_is_allowed_and_what_to_do() {
        let mut gate = Gate::default();
        let error = gate.check(Path::new("/etc/passwd"), Access::Read);
        let error: io::Error = error.unwrap_err().into();
        assert!(
            error
                .to_string()
                .contains("read /etc/passwd: it may read nothing")
        );
        gate.allow_read(Path::new("/srv")).unwrap();
        gate.allow_write(Path::new("/var/out")).unwrap();
        let refused = gate.check(Path::new("/etc/x"), Access::Write).unwrap_err();
        assert!(refused.to_string().ends_with("it may write below /var/out"));
        assert!(refused.hint().contains("`--allow-write /etc`"));
        let refused = gate.check(Path::new("/etc/x"), Access::Read).unwrap_err();
        assert!(refused.to_string().ends_with("read below /srv, /var/out"));
    }

    #[test]
    fn a_refusal_is_found_in_the_causes() {
        #[derive(Debug, Error)]
        #[error("cannot read")]
        struct Outer(#[source] io::Error);
        let refused = Gate::default().check(Path::new("x"), Access::Read);
        let refused = refused.unwrap_err();
        let error = Outer(refused.clone().into());
        assert_eq!(refusal(&error), Some(&refused));
        assert_eq!(refusal(&Outer(io::ErrorKind::NotFound.into())), None);
    }
}
