//! Writes a synthetic cohort: `cargo run --release --example cohort -- FOLDER [N_EXAMS] [SIZE]
//! [SEED]`.

use std::process::ExitCode;

use pe_binding::Work;
use pe_phantom::{PhantomOptions, write};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let number = |at: usize| {
        arguments
            .get(at)
            .and_then(|text| text.parse::<usize>().ok())
    };
    let Some(folder) = arguments.get(1) else {
        eprintln!("usage: cohort FOLDER [N_EXAMS] [SIZE] [SEED]");
        return ExitCode::from(2);
    };
    let default = PhantomOptions::default();
    let options = PhantomOptions {
        n_exams: number(2).unwrap_or(default.n_exams),
        size: number(3).unwrap_or(default.size),
        seed: number(4).map_or(default.seed, |seed| seed as u64),
        ..default
    };
    match write(folder, &options, &Work::silent()) {
        Ok(report) => println!("{report}"),
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
