//! Writes a synthetic cohort: `cargo run --release --example cohort -- FOLDER [SETTINGS]`, with
//! settings as JSON, `{"n_exams": 4, "size": 256, "difficulty": "easy"}`.

use std::process::ExitCode;

use pe_binding::Work;
use pe_phantom::{PhantomOptions, write};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let Some(folder) = arguments.get(1) else {
        eprintln!("usage: cohort FOLDER [SETTINGS]");
        return ExitCode::from(2);
    };
    let settings = arguments.get(2).map_or("{}", String::as_str);
    let options: PhantomOptions = match serde_json::from_str(settings) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
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
