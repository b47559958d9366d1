//! The pictures of the documentation that show a lung which the field of view cuts, by mode `paper`
//! and by mode `lungs`:
//!
//!     cargo run --release -p pe-report --example cut_lung -- docs/pictures

use std::path::Path;

use pe_binding::Work;
use pe_ct::Volume;
use pe_files::Files;
use pe_lung::{MaskMode, MaskOptions, Masking};
use pe_phantom::PhantomOptions;
use pe_report::{ContactSheetOptions, contact_sheet};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| ".".into());
    let work = Work::silent();
    let options = PhantomOptions {
        n_exams: 1,
        size: 256,
        ..PhantomOptions::default()
    };
    let (volume, _) = pe_phantom::generate(&options, 0, &work)?;
    let mut hu = volume.hu().to_owned().into_owned();
    // A reconstruction circle that is off to the patient's right, as a scanner's may be.
    for ((_, row, col), hu) in hu.indexed_iter_mut() {
        if (row as f64 - 128.0).hypot(col as f64 - 112.0) > 92.0 {
            *hu = -1024;
        }
    }
    let cut = Volume::unnamed("cut", volume.spacing(), hu);
    for mode in [MaskMode::Paper, MaskMode::Lungs] {
        let options = MaskOptions {
            mode,
            ..MaskOptions::default()
        };
        let mask = Masking::new(options)?.apply(&cut, &work)?;
        if let Some(quality) = mask.quality() {
            println!("{}: {quality}", mode.name());
        }
        let layout = ContactSheetOptions {
            slices: vec![16, 32],
            columns: 1,
            tile: 200,
            ..ContactSheetOptions::default()
        };
        let sheet = contact_sheet(&cut, &mask, &layout, &work)?;
        let path = Path::new(&folder).join(format!("cut-lung-{}.png", mode.name()));
        sheet.save(&path, &Files::free())?;
    }
    Ok(())
}
