use ndarray::Array3;
use pe_binding::Work;
use pe_ct::{Spacing, Volume};
use pe_lung::{MaskMode, MaskOptions, Masking};
use std::io::Write;
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let n: Vec<usize> = args[2].split(',').map(|v| v.parse().unwrap()).collect();
    let mm: Vec<f64> = args[3].split(',').map(|v| v.parse().unwrap()).collect();
    let bytes = std::fs::read(&args[1]).unwrap();
    let hu: Vec<i16> = bytes
        .as_chunks::<2>()
        .0
        .iter()
        .map(|b| i16::from_le_bytes(*b))
        .collect();
    let volume = Volume::unnamed(
        "x",
        Spacing {
            slice_mm: mm[0],
            row_mm: mm[1],
            col_mm: mm[2],
        },
        Array3::from_shape_vec((n[0], n[1], n[2]), hu).unwrap(),
    );
    let mode = match args.get(5).map(String::as_str) {
        Some("paper") => MaskMode::Paper,
        Some("hull") => MaskMode::Hull,
        _ => MaskMode::Lungs,
    };
    let options = MaskOptions {
        mode,
        ..MaskOptions::default()
    };
    let masking = Masking::new(options).unwrap();
    if let Ok(n) = std::env::var("REP") {
        for _ in 0..n.parse::<usize>().unwrap() {
            masking.apply(&volume, &Work::silent()).unwrap();
        }
    }
    let t = std::time::Instant::now();
    let mask = masking.apply(&volume, &Work::silent()).unwrap();
    eprintln!(
        "{:.1} ms/slice",
        t.elapsed().as_secs_f64() * 1e3 / n[0] as f64
    );
    println!(
        "{}",
        serde_json::to_string(mask.quality().unwrap()).unwrap()
    );
    let out: Vec<u8> = mask.voxels().iter().map(|v| u8::from(*v)).collect();
    std::fs::File::create(&args[4])
        .unwrap()
        .write_all(&out)
        .unwrap();
}
