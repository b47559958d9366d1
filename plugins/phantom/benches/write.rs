//! Exams a second of a cohort that is written, by the size of its slices, on all cores.
//!
//!     cargo bench -p pe-phantom --bench write

use std::time::Instant;

use pe_binding::Work;
use pe_phantom::{Difficulty, PhantomOptions, write};

const ROUNDS: usize = 3;

fn main() {
    println!(
        "{} threads, best of {ROUNDS} rounds",
        std::thread::available_parallelism().map_or(1, usize::from)
    );
    for difficulty in [Difficulty::Hard, Difficulty::Easy] {
        for (size, n_exams) in [(128, 48), (256, 24), (512, 8)] {
            let options = PhantomOptions {
                n_exams,
                size,
                max_slices: 56,
                pe_share: 0.5,
                difficulty,
                ..PhantomOptions::default()
            };
            let (best_s, n_slices) = (0..ROUNDS)
                .map(|_| timed(&options))
                .min_by(|a, b| a.0.total_cmp(&b.0))
                .expect("there are rounds");
            println!(
                "{}, {size} pixels: {:.1} exams/s, {:.0} slices/s",
                difficulty.name(),
                n_exams as f64 / best_s,
                n_slices as f64 / best_s
            );
        }
    }
}

/// The time that a cohort takes, s, and its number of slices.
fn timed(options: &PhantomOptions) -> (f64, usize) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let start = Instant::now();
    let report = write(folder.path(), options, &Work::silent()).expect("the folder can be written");
    (start.elapsed().as_secs_f64(), report.n_slices)
}
