#!/usr/bin/env bash
# Looks at the dependencies by the rules of deny.toml: licences, crates in two versions, C libraries,
# sources, versions that their authors took back, and known faults. Installs cargo-deny into .tools
# once; nothing of the system is touched.
#
# Known faults are in the RustSec database, a git repository on GitHub; no package registry has it.
# Where it cannot be fetched this says so, takes the copy that was fetched before, and passes without
# one: a change is not wrong because GitHub does not answer.
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.20.2
deny=.tools/bin/cargo-deny

# A debug build does, as of mdBook: it takes a minute to make and looks in two seconds.
if [ "$("$deny" --version 2>/dev/null)" != "cargo-deny $version" ]; then
    echo "deny: installing cargo-deny $version in .tools (once)"
    CARGO_TARGET_DIR=.tools/target cargo install cargo-deny --version "$version" --locked --quiet --debug \
        --root .tools
    rm -rf .tools/target
fi

# Warnings are errors: an exception that nothing needs any more goes.
"$deny" --workspace --locked check --deny warnings bans licenses sources
python3 tools/yanked.py

advisories() {
    "$deny" --workspace --locked --offline check advisories
}

copy=$(find "${CARGO_HOME:-$HOME/.cargo}/advisory-dbs" -maxdepth 2 -name crates 2>/dev/null | head -n 1 || true)
if GIT_TERMINAL_PROMPT=0 timeout 120 "$deny" --workspace --locked fetch db >.tools/fetch.log 2>&1; then
    advisories
elif [ -n "$copy" ]; then
    echo "deny: the RustSec database cannot be fetched (.tools/fetch.log); its copy of before is taken," \
        "of $(git -C "$copy" log -1 --format=%cs)"
    advisories
else
    echo "deny: advisories NOT checked: the RustSec database cannot be fetched (.tools/fetch.log)"
fi
