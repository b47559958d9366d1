//! Reads a share of the cases and says so, two lines each: `case N CPU`, then `image CPU PEAK`,
//! `error CPU PEAK` or `panic MESSAGE`, with the processor time and the peak of memory so far. The
//! child measures itself, because it does not wait for its parent.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

use pe_dicom::in_memory;

use crate::cases::Cases;
use crate::process::{cpu_s, peak_kb};

/// The first argument of a child.
pub const ROLE: &str = "--read-a-share";

/// Reads cases `first`, `first + step`, …
pub fn run(cases: &Cases, first: usize, step: usize) {
    // A codec's panic is caught and becomes an error; its message is no news.
    std::panic::set_hook(Box::new(|_| {}));
    let mut out = std::io::stdout().lock();
    for case in (first..cases.len()).step_by(step) {
        let bytes = cases.bytes(case);
        // One write, so that it is on its way before the case can end the process.
        let begin = format!("case {case} {}\n", cpu_s("self"));
        out.write_all(begin.as_bytes()).unwrap();
        out.flush().unwrap();
        let outcome = catch_unwind(AssertUnwindSafe(|| read(&bytes)));
        let line = match outcome {
            Ok(is_image) => {
                let kind = if is_image { "image" } else { "error" };
                format!("{kind} {} {}\n", cpu_s("self"), peak_kb("self"))
            }
            Err(panic) => {
                let text = panic.downcast_ref::<String>().map(String::as_str);
                let text = text.or(panic.downcast_ref::<&str>().copied());
                format!(
                    "panic {}\n",
                    text.unwrap_or("of no text").replace('\n', " ")
                )
            }
        };
        out.write_all(line.as_bytes()).unwrap();
    }
}

/// Every way in; whether there was an image.
fn read(bytes: &[u8]) -> bool {
    let scanned = in_memory::scan(bytes);
    let exam = in_memory::load(bytes);
    let image = in_memory::decode(bytes);
    assert!(
        scanned.is_ok() || exam.is_err(),
        "a file that a scan leaves out cannot be loaded"
    );
    if let Ok(hu) = &exam
        && let Some(copy) = in_memory::deidentify(bytes)
    {
        let copied = in_memory::load(&copy).map_err(|refused| format!("{refused:?}"));
        assert!(
            copied.is_ok_and(|copied| copied == *hu),
            "a copy is the same image"
        );
    }
    image.is_ok() || exam.is_ok()
}
