//! Compiles the shim over what `tch` does not reach, autocast, the fused Adam and stopping a backward
//! pass, against the headers of the libtorch that `torch-sys` links.

use std::env;
use std::path::PathBuf;

fn main() {
    println!("cargo:rerun-if-changed=csrc");
    println!("cargo:rerun-if-env-changed=LIBTORCH");
    println!("cargo:rerun-if-env-changed=LIBTORCH_INCLUDE");
    println!("cargo:rerun-if-env-changed=LIBTORCH_CXX11_ABI");
    let Some(root) = env::var_os("LIBTORCH_INCLUDE").or_else(|| env::var_os("LIBTORCH")) else {
        println!("cargo:warning=LIBTORCH is not set: run `make setup`, or set it to a libtorch");
        std::process::exit(1);
    };
    let include = PathBuf::from(root).join("include");
    let abi = env::var("LIBTORCH_CXX11_ABI").unwrap_or_else(|_| "1".to_owned());
    cc::Build::new()
        .cpp(true)
        .std("c++17")
        .pic(true)
        .warnings(false)
        // It only passes calls on.
        .opt_level(0)
        .include(&include)
        .include(include.join("torch/csrc/api/include"))
        .define("_GLIBCXX_USE_CXX11_ABI", abi.as_str())
        .files(["csrc/autocast.cpp", "csrc/adam.cpp", "csrc/stop.cpp"])
        .compile("pe_nn_shim");
}
