//! Scans the path given as the only argument, prints what was found, loads every exam and prints
//! its range in HU and how long it took.

use std::error::Error;
use std::time::Instant;

use pe_binding::Work;
use pe_dicom::{ScanOptions, load, scan};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("expected a path")?;
    let work = Work::silent();
    let start = Instant::now();
    let scan = scan(path.as_ref(), &ScanOptions::default(), &work)?;
    println!("{scan}\nscanned in {:?}", start.elapsed());
    for finding in &scan.findings {
        println!("  {finding}");
    }
    for exam in &scan.exams {
        let start = Instant::now();
        let volume = load(exam, &work)?;
        let range = volume.hu_range();
        println!("{exam}: {range:?} HU, loaded in {:?}", start.elapsed());
    }
    Ok(())
}
