#!/usr/bin/env bash
# Builds the book, docs/, into target/book. Installs mdBook into .tools once; nothing of the system is
# touched.
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.5.4
mdbook=.tools/bin/mdbook

# A debug build does: it takes two thirds of the time to make and builds the book in no time either.
# Its build folder is its own, so that mdBook's dependencies do not mix with the workspace's.
if [ "$("$mdbook" --version 2>/dev/null)" != "mdbook v$version" ]; then
    echo "mdbook: installing mdBook $version in .tools (once)"
    CARGO_TARGET_DIR=.tools/target cargo install mdbook --version "$version" --locked --quiet --debug \
        --no-default-features --features search --root .tools
    rm -rf .tools/target
fi

"$mdbook" build docs "$@"
echo "mdbook: the book is in target/book/index.html"
