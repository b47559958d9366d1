//! Every odd file gives pydicom's image or an error with a reason. The expectations are pydicom's,
//! written by `reference/make_odd.py`.
#![allow(clippy::unwrap_used)] // A test that cannot go on may panic.

mod data;

use std::collections::BTreeMap;
use std::path::Path;

use pe_dicom::{DicomError, FileFault, StoredImage, decode_file};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Expected {
    Error {
        #[serde(rename = "error")]
        _kind: String,
    },
    Exact {
        shape: [usize; 4],
        sha256: String,
    },
    Lossy {
        shape: [usize; 4],
        blocks: Vec<Vec<Option<f64>>>,
        min: i64,
        max: i64,
    },
}

/// Blocks a side of the lossy expectations.
const GRID: usize = 8;

#[test]
fn every_odd_file_is_pydicoms_image_or_an_error_with_a_reason() {
    let Some(root) = data::folder("odd") else {
        return;
    };
    let table = include_str!("reference/odd.json");
    let table: BTreeMap<String, Expected> = serde_json::from_str(table).unwrap();
    let mut wrong = Vec::new();
    for (name, expected) in &table {
        let found = decode_file(&root.join(name));
        if let Err(reason) = check(name, expected, found) {
            wrong.push(format!("{name}: {reason}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn check(
    name: &str,
    expected: &Expected,
    found: Result<StoredImage, DicomError>,
) -> Result<(), String> {
    let image = match (expected, found) {
        (_, Err(DicomError::File { path, fault })) => {
            assert!(path.ends_with(name), "the error names the file");
            return refusal_is_allowed(name, expected, &fault);
        }
        (_, Err(error)) => return Err(format!("expected a fault of the file, found {error}")),
        (_, Ok(image)) => image,
    };
    let shape = [image.n_frames, image.rows, image.cols, image.samples];
    match expected {
        Expected::Error { .. } => image_beyond_pydicom(name, shape),
        Expected::Exact {
            shape: wanted,
            sha256,
        } => {
            if shape != *wanted {
                return Err(format!("expected shape {wanted:?}, found {shape:?}"));
            }
            if data::sha256(&image.values) == *sha256 {
                Ok(())
            } else {
                Err("the stored values differ from pydicom's".into())
            }
        }
        Expected::Lossy {
            shape: wanted,
            blocks,
            min,
            max,
        } => {
            if shape != *wanted {
                return Err(format!("expected shape {wanted:?}, found {shape:?}"));
            }
            close(&image, blocks, (max - min) as f64)
        }
    }
}

/// Block means of two decoders of one lossy stream differ by the rounding of the inverse DCT: at
/// most half a grey level, and a twentieth by which the expectations are rounded. In colour they
/// differ also by how subsampled chroma is brought to full size, which moves it by half a pixel:
/// 1 % of the image's range.
fn close(image: &StoredImage, blocks: &[Vec<Option<f64>>], range: f64) -> Result<(), String> {
    let bound = if image.samples == 1 {
        0.55
    } else {
        0.01 * range
    };
    for (frame_idx, expected) in blocks.iter().enumerate() {
        let means = block_means(image, frame_idx);
        for (block, (expected, found)) in expected.iter().zip(&means).enumerate() {
            let difference = (expected.unwrap_or(0.0) - found.unwrap_or(0.0)).abs();
            if difference > bound {
                return Err(format!(
                    "frame {frame_idx}, block {block}: expected a mean of {expected:?}, found {found:?}"
                ));
            }
        }
    }
    Ok(())
}

fn block_means(image: &StoredImage, frame_idx: usize) -> Vec<Option<f64>> {
    let mut means = Vec::new();
    for sample in 0..image.samples {
        for row in 0..GRID {
            for col in 0..GRID {
                let rows = part(image.rows, row);
                let cols = part(image.cols, col);
                let count = rows.len() * cols.len();
                let sum: i64 = rows
                    .flat_map(|row| cols.clone().map(move |col| (row, col)))
                    .map(|(row, col)| {
                        let pixel = (frame_idx * image.rows + row) * image.cols + col;
                        image.values[pixel * image.samples + sample]
                    })
                    .sum();
                means.push((count > 0).then(|| sum as f64 / count as f64));
            }
        }
    }
    means
}

/// As numpy's `array_split`: the first parts are one longer.
fn part(length: usize, idx: usize) -> std::ops::Range<usize> {
    let (size, longer) = (length / GRID, length % GRID);
    let start = idx * size + idx.min(longer);
    start..start + size + usize::from(idx < longer)
}

/// Files of which pydicom has an image and we do not: only those whose coding this build leaves
/// out, or whose samples are no integers.
fn refusal_is_allowed(name: &str, expected: &Expected, fault: &FileFault) -> Result<(), String> {
    assert!(!fault.to_string().is_empty());
    let allowed = match (expected, fault) {
        (Expected::Error { .. }, _) => true,
        (_, FileFault::Unsupported { feature, .. }) => {
            *feature == Some("jpeg2000") && !cfg!(feature = "jpeg2000")
        }
        _ => false,
    };
    if allowed {
        Ok(())
    } else {
        Err(format!("pydicom has an image, we say: {fault} ({name})"))
    }
}

/// Files of which we have an image and pydicom does not.
fn image_beyond_pydicom(name: &str, shape: [usize; 4]) -> Result<(), String> {
    Err(format!(
        "pydicom has no image of it, we have {shape:?} ({name})"
    ))
}

#[test]
fn an_unknown_path_is_an_error() {
    let error = decode_file(Path::new("no/such/file.dcm")).unwrap_err();
    assert!(error.to_string().contains("no/such/file.dcm"));
}
