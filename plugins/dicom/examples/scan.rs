//! Scans the path given as the only argument, prints what was found, loads every exam three times
//! and prints its range in HU and how long the quickest took.

use std::error::Error;
use std::time::Instant;

use pe_binding::Work;
use pe_dicom::{ScanOptions, scan};

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
        let mut quickest = None;
        let mut range = None;
        for _ in 0..3 {
            let start = Instant::now();
            let volume = exam.load(&work)?;
            let elapsed = start.elapsed();
            quickest = Some(quickest.map_or(elapsed, |least| elapsed.min(least)));
            range = volume.hu_range();
        }
        println!("{exam}: {range:?} HU, loaded in {quickest:?}");
    }
    Ok(())
}
