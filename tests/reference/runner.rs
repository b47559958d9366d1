//! The thread that the examples run on: scripts' values stay on the thread that made them.

use std::sync::mpsc::{self, Sender};
use std::sync::{LazyLock, Mutex};
use std::thread;

use libtest_mimic::Failed;
use pe_script::docs::Runner;

type Job = Box<dyn FnOnce(&Result<Runner, String>) + Send>;

static JOBS: LazyLock<Mutex<Sender<Job>>> = LazyLock::new(|| {
    let (sender, jobs) = mpsc::channel::<Job>();
    thread::spawn(move || {
        let runner = Runner::new();
        for job in jobs {
            job(&runner);
        }
    });
    Mutex::new(sender)
});

/// Does something with the runner on its thread, behind the setup script.
pub fn with<T: Send + 'static>(
    act: impl FnOnce(&Runner) -> Result<T, String> + Send + 'static,
) -> Result<T, Failed> {
    let (sender, result) = mpsc::channel();
    let job: Job = Box::new(move |runner| {
        let done = match runner {
            Ok(runner) => act(runner),
            Err(error) => Err(format!("the setup script fails:\n{error}")),
        };
        // Whoever asked waits for it.
        let _ = sender.send(done);
    });
    let died = "a native function panicked on the examples' thread";
    let sent = JOBS.lock().unwrap().send(job);
    sent.map_err(|_| Failed::from(died))?;
    let done = result.recv().map_err(|_| Failed::from(died))?;
    done.map_err(Failed::from)
}
