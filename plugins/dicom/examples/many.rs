//! What a scan of many small files costs.
//!
//! `many make FOLDER N` writes `N` files in series of 250, in the RSNA layout; `many scan FOLDER
//! [INDEX]` scans them, with an index in the folder `INDEX` if one is given, and prints files a second,
//! files that were opened, and bytes of memory a file at the peak, above what the program had before.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use pe_binding::Work;
use pe_dicom::{ScanOptions, scan};
use pe_files::{Faults, Files};

#[allow(clippy::unwrap_used)]
#[path = "../tests/written/mod.rs"]
mod written;

const FILES_OF_A_SERIES: usize = 250;
/// What scanners put before their numbers, so that UIDs have some 55 characters.
const PREFIX: &str = "1.2.826.0.1.3680043.8.498.1234567890123456";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["make", folder, n] => make(folder.as_ref(), n.parse()?),
        ["scan", folder] => measure(folder.as_ref(), None),
        ["scan", folder, index] => measure(folder.as_ref(), Some(index)),
        _ => Err("expected `make FOLDER N` or `scan FOLDER [INDEX]`".into()),
    }
}

fn make(root: &Path, n_files: usize) -> Result<(), Box<dyn Error>> {
    for n in 0..n_files {
        let (series, slice) = (n / FILES_OF_A_SERIES, n % FILES_OF_A_SERIES);
        let file = written::Ct {
            study: format!("{PREFIX}.{series}"),
            series: format!("{PREFIX}.{series}.5"),
            sop: format!(
                "{PREFIX}.{series}.{:012}",
                n * 7919 % n_files.next_power_of_two()
            ),
            position: Some([-180.5, -201.25, slice as f64 * 1.25 - 311.0]),
            number: Some(slice as i32 + 1),
            ..written::slice(0)
        };
        let folder = root.join(format!("{series:012x}/{:012x}", series * 31));
        file.write(&folder, &format!("{:012x}.dcm", n * 7919));
    }
    Ok(())
}

fn measure(root: &Path, index: Option<&str>) -> Result<(), Box<dyn Error>> {
    let faults = Arc::new(Faults::none());
    let work = Work::silent().with_files(Files::free().with_faults(Arc::clone(&faults)));
    let options = ScanOptions {
        index: index.map(Into::into),
        ..ScanOptions::default()
    };
    let before = memory("VmRSS")?;
    let start = Instant::now();
    let found = scan(root, &options, &work)?;
    let seconds = start.elapsed().as_secs_f64();
    let (peak, after) = (memory("VmHWM")?, memory("VmRSS")?);
    let each = |bytes: u64| bytes.saturating_sub(before) / found.n_files.max(1) as u64;
    println!(
        "{} exams in {} files, {} findings: {seconds:.2} s, {:.0} files/s, {} files opened; {} B a file at the peak, {} B at the end",
        found.exams.len(),
        found.n_files,
        found.findings.len(),
        found.n_files as f64 / seconds,
        faults.n_opened(),
        each(peak),
        each(after)
    );
    Ok(())
}

/// A line of `/proc/self/status`, in bytes.
fn memory(name: &str) -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
    Ok(kilobytes
        .ok_or("no such line in /proc/self/status")?
        .parse::<u64>()?
        * 1024)
}
