#!/usr/bin/env bash
# Puts libtorch where the build looks for it: .libtorch/torch. Does nothing when it is there.
#
# With LIBTORCH set, that installation is used: .libtorch/torch becomes a link to it, because the
# programs that are built find their libraries there (see .cargo/config.toml).
set -euo pipefail
cd "$(dirname "$0")/.."

version=2.11.0
folder=.libtorch

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

if [ -n "${LIBTORCH:-}" ]; then
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
    exit 0
fi

if is_whole "$folder/torch"; then
    echo "setup: libtorch $version is in $folder/torch"
    exit 0
fi

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
