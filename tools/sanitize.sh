#!/usr/bin/env bash
# Runs tests under AddressSanitizer and LeakSanitizer: memory that is touched where nothing is or after
# it was freed, and memory that is lost. `tools/sanitize.sh PLUGIN...`; without names those whose own
# code or whose dependencies' leave the compiler's rules: the maps of `store`, the codecs of `dicom`
# (openjp2 is C that was translated), the shim of `nn`. libtorch itself is compiled without: of its
# memory only what is allocated and freed is watched.
set -euo pipefail
cd "$(dirname "$0")/.."

[ $# -gt 0 ] || set -- store dicom nn
host=$(rustc -vV | sed -n 's/^host: //p')

packages=()
features=()
for plugin in "$@"; do
    packages+=(-p "pe-$plugin")
    # The functions of scripts are Rust without `unsafe`, and Rhai takes a third of the time to build.
    [ "$plugin" != dicom ] || features+=(pe-dicom/jpeg2000)
done

# The runtime comes with stable Rust, but the option that links it is not stable. With --target, build
# scripts and procedural macros are built without.
export RUSTC_BOOTSTRAP=1
export RUSTFLAGS=-Zsanitizer=address
export LD_LIBRARY_PATH=${LIBTORCH:-$PWD/.libtorch/torch}/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/sanitize

cargo test --locked "${packages[@]}" --no-default-features --features "${features[*]}" \
    --target "$host" --lib --tests
