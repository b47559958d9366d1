//! The program `pe-script`.

mod memory;

fn main() {
    memory::keep_freed_memory();
    std::process::exit(pe_script::cli::main(std::env::args_os()));
}
