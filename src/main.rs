//! `pe-script`, the command.

fn main() {
    std::process::exit(pe_script::cli::main(std::env::args_os()));
}
