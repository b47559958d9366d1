//! Path and version of the libtorch in this process.

// These files are the program's own installation, which no script can name.
#![allow(clippy::disallowed_methods)]

use std::fs;
use std::path::{Path, PathBuf};

/// The version of `tch`, the binding, which works with exactly one version of libtorch.
pub const TCH_VERSION: &str = "0.24.0";
/// The version of libtorch that [`TCH_VERSION`] is made for.
pub const LIBTORCH_VERSION: &str = "2.11.0";

/// Returns the path of libtorch's CPU part, as this process loaded it.
///
/// It is read from the process's memory map: only that shows which of several installed libtorch
/// the loader took. `None` if there is no such map (not Linux) or libtorch is linked statically.
pub fn loaded_from() -> Option<PathBuf> {
    // Any call keeps the linker from dropping a libtorch that is not used yet.
    let _ = tch::get_num_threads();
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    maps.lines()
        .filter_map(|line| line.find('/').map(|at| Path::new(&line[at..])))
        .find(|path| {
            path.file_name()
                .is_some_and(|name| name == "libtorch_cpu.so")
        })
        .map(Path::to_path_buf)
}

/// Returns the version of the libtorch in this process, such as `2.11.0+cu130`.
///
/// libtorch has no function for it. The Python wheel has it in `version.py`, the zip archive in
/// `build-version`, both beside the folder `lib`.
pub fn version() -> Option<String> {
    let root = loaded_from()?.parent()?.parent()?.to_path_buf();
    let wheel = fs::read_to_string(root.join("version.py")).ok();
    let archive = || fs::read_to_string(root.join("build-version")).ok();
    match wheel {
        Some(text) => text
            .lines()
            .find_map(|line| line.strip_prefix("__version__ = "))
            .map(|version| version.trim_matches(['\'', '"', ' ']).to_owned()),
        None => archive().map(|text| text.trim().to_owned()),
    }
}

/// Sets how many threads libtorch uses inside one operation.
///
/// Otherwise libtorch takes every core, and rayon's threads take every core too. Call it once,
/// before any other work in libtorch.
pub fn set_threads(n: usize) {
    let n = i32::try_from(n.max(1)).unwrap_or(i32::MAX);
    tch::set_num_threads(n);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loaded_libtorch_is_the_one_that_the_binding_needs() {
        let path = loaded_from().expect("tests run on Linux with a shared libtorch");
        assert!(path.is_file(), "{}", path.display());
        let version = version().expect("the version lies beside the library");
        assert_eq!(version.split('+').next(), Some(LIBTORCH_VERSION));
    }

    #[test]
    fn the_versions_are_those_of_the_manifest() {
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml");
        let manifest = fs::read_to_string(manifest).unwrap();
        assert!(manifest.contains(&format!("tch = \"={TCH_VERSION}\"")));
    }
}
