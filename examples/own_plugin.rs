//! A `pe-script` of your own with one more plugin: its prompt, its runs and its tests know
//! `example::statistics`. Run it with
//! `cargo run --example own_plugin -- run my.rhai`, or with any other command.

use pe_example::script::ExamplePackage;
use rhai::packages::Package;

/// Adds the plugin to every engine that is made from now on.
pub fn add_plugin() {
    pe_script::extend(|engine| {
        ExamplePackage::new().register_into_engine_as(engine, "example");
    });
}

/// The whole program.
pub fn main() {
    add_plugin();
    std::process::exit(pe_script::cli::main(std::env::args_os()));
}
