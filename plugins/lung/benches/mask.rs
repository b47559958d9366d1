//! Time of a mask in each mode on one core, by 512 × 512 slice, and of the steps of mode `paper`.
//!
//!     cargo bench -p pe-lung --bench mask [-- FOLDER]
//!
//! FOLDER holds 16-bit HU slices of 512 × 512 whose pixels end the file, stored with the intercept
//! −1024 as the real test series is; without it the slices are synthetic. Steps on their own pack
//! and unpack their slice, so that they come to more than the whole.

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use ndarray::Array2;
use pe_binding::Work;
use pe_ct::{Spacing, Volume};
use pe_lung::{MaskMode, MaskOptions, Masking, steps};

const SIDE: usize = 512;
const ROUNDS: usize = 20;

fn main() {
    let folder = std::env::args().skip(1).find(|arg| !arg.starts_with("--"));
    let slices = match &folder {
        Some(folder) => stored_slices(Path::new(folder)),
        None => (0..16).map(synthetic_slice).collect(),
    };
    println!(
        "{} slices: mean of each slice's best of {ROUNDS} rounds",
        slices.len()
    );
    whole(&slices);
    each_step(&slices);
}

fn whole(slices: &[Array2<i16>]) {
    let of_mode = |mode| MaskOptions {
        mode,
        ..MaskOptions::default()
    };
    let first_only = MaskOptions {
        body_only: false,
        ..of_mode(MaskMode::Paper)
    };
    let cases = [
        ("lungs", of_mode(MaskMode::Lungs)),
        ("hull", of_mode(MaskMode::Hull)),
        ("paper", of_mode(MaskMode::Paper)),
        ("paper, body_only = false", first_only),
        ("none", of_mode(MaskMode::None)),
    ];
    let views: Vec<_> = slices.iter().map(Array2::view).collect();
    let hu = ndarray::stack(ndarray::Axis(0), &views).expect("slices of one shape");
    let spacing = Spacing {
        slice_mm: 5.0,
        row_mm: 0.8,
        col_mm: 0.8,
    };
    let volume = [Volume::unnamed("bench", spacing, hu)];
    let one_core = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let one_core = one_core.expect("a pool of one thread");
    for (name, options) in cases {
        let masking = Masking::new(options).expect("the options are in range");
        time(name, &volume, slices.len(), |volume| {
            let mask = one_core.install(|| masking.apply(volume, &Work::silent()));
            black_box(mask.expect("nobody interrupts"));
        });
    }
}

fn each_step(slices: &[Array2<i16>]) {
    let air: Vec<_> = slices
        .iter()
        .map(|hu| steps::below(hu.view(), -400.0))
        .collect();
    let lungs: Vec<_> = air
        .iter()
        .map(|air| steps::clear_border(air.view(), 8).expect("8 neighbours"))
        .collect();
    time("step: pack, unpack", &air, air.len(), |air| {
        black_box(steps::dilate(air.view(), 0));
    });
    time("step: body", &air, air.len(), |air| {
        black_box(steps::body(air.view()));
    });
    time("step: clear border", &air, air.len(), |air| {
        black_box(steps::clear_border(air.view(), 8).expect("8 neighbours"));
    });
    time("step: dilate 2", &lungs, lungs.len(), |lungs| {
        black_box(steps::dilate(lungs.view(), 2));
    });
    time("step: close 10", &lungs, lungs.len(), |lungs| {
        black_box(steps::close(lungs.view(), 10));
    });
    time("step: fill holes", &lungs, lungs.len(), |lungs| {
        black_box(steps::fill_holes(lungs.view()));
    });
    time("step: convex hull", &lungs, lungs.len(), |lungs| {
        black_box(steps::convex_hull(lungs.view()));
    });
}

/// Prints the mean over the slices of the least time of `work` on slices or volumes: other programs' time slices, which
/// are longer than a mask takes, fall out.
fn time<T>(name: &str, volumes: &[T], n_slices: usize, mut work: impl FnMut(&T)) {
    let mut best = vec![f64::INFINITY; volumes.len()];
    for _ in 0..ROUNDS {
        for (volume, best) in volumes.iter().zip(&mut best) {
            let start = Instant::now();
            work(volume);
            *best = best.min(start.elapsed().as_secs_f64() * 1e6);
        }
    }
    let mean = best.iter().sum::<f64>() / n_slices as f64;
    println!("{name:28} {mean:8.1} µs");
}

fn stored_slices(folder: &Path) -> Vec<Array2<i16>> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder can be read")
        .map(|entry| entry.expect("the entry can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "dcm"))
        .collect();
    files.sort();
    let read = |path| {
        let bytes = std::fs::read(path).expect("the file can be read");
        let pixels = bytes[bytes.len() - 2 * SIDE * SIDE..].as_chunks::<2>().0;
        let hu = pixels.iter().map(|pair| i16::from_le_bytes(*pair) - 1024);
        Array2::from_shape_vec((SIDE, SIDE), hu.collect()).expect("512 rows of 512")
    };
    files.into_iter().map(read).collect()
}

/// A body with two lungs full of vessels, as many runs as a real slice has.
fn synthetic_slice(nth: usize) -> Array2<i16> {
    let within = |row: f64, col: f64, at: (f64, f64), half: (f64, f64)| {
        ((row - at.0) / half.0).powi(2) + ((col - at.1) / half.1).powi(2) <= 1.0
    };
    let size = 0.6 + 0.025 * nth as f64;
    Array2::from_shape_fn((SIDE, SIDE), |(row, col)| {
        let (r, c) = (row as f64, col as f64);
        let lung = [150.0, 362.0]
            .iter()
            .any(|center| within(r, c, (250.0, *center), (140.0 * size, 80.0 * size)));
        let vessel = (row * 5 + col * 3) % 41 < 3 && (row + nth * 7) % 17 < 9;
        match (within(r, c, (250.0, 256.0), (180.0, 230.0)), lung) {
            (false, _) => -1000,
            (true, true) if !vessel => -850,
            (true, _) => 40,
        }
    })
}
