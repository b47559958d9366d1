//! Decodes every file under the path given as the only argument and counts images and errors; run
//! it under `/usr/bin/time -v` for the memory that the worst of them takes.

use std::error::Error;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let root = std::env::args().nth(1).ok_or("expected a path")?;
    let (mut n_images, mut n_errors) = (0, 0);
    for path in files(root.as_ref())? {
        match pe_dicom::decode_file(&path) {
            Ok(_) => n_images += 1,
            Err(_) => n_errors += 1,
        }
    }
    println!("{n_images} images, {n_errors} errors");
    Ok(())
}

fn files(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut all = Vec::new();
    for entry in std::fs::read_dir(path)? {
        all.extend(files(&entry?.path())?);
    }
    Ok(all)
}
