//! The host of pe-script. It runs Rhai scripts on CT with every plugin registered, keeps a folder
//! for each run, shows progress, explains errors and stops at Ctrl-C.
//!
//! Input: a script and its parameters. Output: the script's output and files, a run folder with
//! `run.yaml`, and an exit code. The host must not know what a plugin computes: it registers
//! packages and passes values on.
//!
//! A Rust program that embeds Rhai needs only [`register`]:
//!
//! ```
//! let mut engine = rhai::Engine::new();
//! pe_script::register(&mut engine);
//! assert!(engine.run("ct::window(100, 700);").is_ok());
//! assert!(engine.run("ct::window(100, -1);").is_err(), "a negative width is refused");
//! ```

pub mod catalogue;
pub mod cli;
pub mod console;
pub mod diagnosis;
pub mod docs;
pub mod doctor;
pub mod extension;
mod language;
pub mod params;
pub mod prompt;
pub mod record;
pub mod run;
pub mod sandbox;
pub mod session;
pub mod stop;
pub mod testing;
mod text;

pub use language::configure;
pub use session::{Session, extend, register};
