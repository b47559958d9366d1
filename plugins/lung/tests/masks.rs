//! The masks of mode `paper` equal those of scikit-image, pixel for pixel: on committed fixtures, and on every
//! slice of a real series where the test data has it. `reference/make_masks.py` made both.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use ndarray::{Array2, ArrayView2, Axis};
use pe_binding::Work;
use pe_ct::{Spacing, Volume};
use pe_lung::{MaskMode, MaskOptions, Masking, steps};
use serde::Deserialize;

/// The array of a NumPy file of format version 1.0, C order, as its shape, type and bytes.
struct Npy {
    descr: String,
    shape: (usize, usize),
    bytes: Vec<u8>,
}

impl Npy {
    fn read(path: &Path) -> Self {
        let file = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(&file[..8], b"\x93NUMPY\x01\x00", "{}", path.display());
        let header_len = usize::from(u16::from_le_bytes([file[8], file[9]]));
        let (header, bytes) = file[10..].split_at(header_len);
        let header = std::str::from_utf8(header).expect("NumPy headers are ASCII");
        assert!(header.contains("'fortran_order': False"), "{header}");
        let field = |name: &str, from: char, to: char| {
            let (_, rest) = header.split_once(name).expect("the header has the field");
            let (_, rest) = rest.split_once(from).expect("the field has a value");
            rest.split_once(to).expect("the value ends").0.to_owned()
        };
        let shape = field("'shape'", '(', ')');
        let sides: Vec<usize> = shape
            .split(',')
            .map(|side| side.trim().parse().expect("a number"))
            .collect();
        Self {
            descr: field("'descr': ", '\'', '\''),
            shape: (sides[0], sides[1]),
            bytes: bytes.to_vec(),
        }
    }

    fn hu(&self) -> Array2<i16> {
        let hu: Vec<i16> = match self.descr.as_str() {
            "<i2" => i16s(&self.bytes).collect(),
            "|u1" => self
                .bytes
                .iter()
                .map(|&step| i16::from(step) * 8 - 1024)
                .collect(),
            other => panic!("expected i16 or u8, found {other}"),
        };
        Array2::from_shape_vec(self.shape, hu).expect("as many values as the shape")
    }
}

fn i16s(bytes: &[u8]) -> impl Iterator<Item = i16> {
    bytes
        .as_chunks::<2>()
        .0
        .iter()
        .map(|pair| i16::from_le_bytes(*pair))
}

/// The pixels in raster order, eight a byte, the first lowest.
fn packed(mask: ArrayView2<bool>) -> Vec<u8> {
    let pixels: Vec<bool> = mask.iter().copied().collect();
    let byte = |eight: &[bool]| {
        eight
            .iter()
            .rev()
            .fold(0, |byte, &inside| byte << 1 | u8::from(inside))
    };
    pixels.chunks(8).map(byte).collect()
}

fn reference() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference")
}

fn read_json<T: for<'a> Deserialize<'a>>(name: &str) -> T {
    let text = fs::read_to_string(reference().join(name)).expect("the file is committed");
    serde_json::from_str(&text).expect("the generator writes JSON")
}

/// The mask of one slice by the paper's steps, and its convex hull where the generator asks for it.
fn masked(options: &MaskOptions, hu: &Array2<i16>) -> Array2<bool> {
    let paper = MaskOptions {
        mode: MaskMode::Paper,
        ..options.clone()
    };
    let masking = Masking::new(paper).expect("the generator's settings are in range");
    let spacing = Spacing {
        slice_mm: 1.0,
        row_mm: 1.0,
        col_mm: 1.0,
    };
    let volume = Volume::unnamed("reference", spacing, hu.clone().insert_axis(Axis(0)));
    let mask = masking.apply(&volume, &Work::silent());
    let mask = mask.expect("nobody interrupts").slice(0).to_owned();
    match options.mode {
        MaskMode::Hull => steps::convex_hull(mask.view()),
        _ => mask,
    }
}

#[test]
fn fixtures_equal_scikit_image() {
    let images: BTreeMap<String, Vec<MaskOptions>> = read_json("cases.json");
    let mut n_masks = 0;
    for (image, cases) in images {
        let hu = Npy::read(&reference().join(format!("{image}.npy"))).hu();
        let expected = Npy::read(&reference().join(format!("{image}.masks.npy")));
        assert_eq!(expected.shape, (cases.len(), hu.len().div_ceil(8)));
        for (options, expected) in cases
            .into_iter()
            .zip(expected.bytes.chunks(expected.shape.1))
        {
            let found = packed(masked(&options, &hu).view());
            let differing: u32 = found
                .iter()
                .zip(expected)
                .map(|(found, expected)| (found ^ expected).count_ones())
                .sum();
            assert_eq!(differing, 0, "pixels of {image} differ with {options:?}");
            n_masks += 1;
        }
    }
    assert!(n_masks > 150, "found only {n_masks} masks");
}

/// What `series.json` says of a real series.
#[derive(Deserialize)]
struct Series {
    settings: Vec<MaskOptions>,
    files: BTreeMap<String, SliceFacts>,
}

#[derive(Deserialize)]
struct SliceFacts {
    hu_sum: i64,
    pixels: Vec<usize>,
    fnv1a: Vec<String>,
}

fn series_folder() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let data = std::env::var_os("PE_TEST_DATA").map(PathBuf::from);
    [Some(beside), data]
        .into_iter()
        .flatten()
        .map(|data| data.join("ct/lung-dx-a0001"))
        .find(|folder| folder.is_dir())
}

/// The HU of this series' files, whose 16-bit pixels end the file and have the intercept −1024.
fn hu_of(file: &Path) -> Array2<i16> {
    let bytes = fs::read(file).expect("the file can be read");
    let pixels = &bytes[bytes.len() - 2 * 512 * 512..];
    let hu = i16s(pixels)
        .map(|stored| (stored - 1024).max(-1024))
        .collect();
    Array2::from_shape_vec((512, 512), hu).expect("512 rows of 512")
}

fn fnv1a(bytes: &[u8]) -> String {
    let digest = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |digest, byte| {
            (digest ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
    format!("{digest:016x}")
}

#[test]
fn a_real_series_equals_scikit_image() {
    let Some(folder) = series_folder() else {
        eprintln!("skipped: no test data (PE_TEST_DATA is not set)");
        return;
    };
    let series: Series = read_json("series.json");
    assert_eq!(series.files.len(), 64);
    for (name, facts) in &series.files {
        let hu = hu_of(&folder.join(name));
        let hu_sum: i64 = hu.iter().map(|&hu| i64::from(hu)).sum();
        assert_eq!(hu_sum, facts.hu_sum, "{name} holds other HU");
        for (nth, options) in series.settings.iter().enumerate() {
            let mask = masked(options, &hu);
            let pixels = mask.iter().filter(|inside| **inside).count();
            assert_eq!(pixels, facts.pixels[nth], "{name} with {options:?}");
            let found = fnv1a(&packed(mask.view()));
            assert_eq!(found, facts.fnv1a[nth], "{name} with {options:?}");
        }
    }
}
