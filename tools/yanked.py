"""Fails when a crate of Cargo.lock was taken back ("yanked") by its authors.

cargo-deny looks only into what cargo has kept of the index, which may be months old, and only together
with the advisory database. This asks crates.io's index itself. Without a network it says so and passes.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

INDEX = "https://index.crates.io"
PACKAGE = re.compile(
    r'\[\[package\]\]\nname = "([^"]+)"\nversion = "([^"]+)"\nsource = "registry\+'
)


def place(name):
    """Where the index keeps a crate (the Cargo book, "Index Format")."""
    name = name.lower()
    if len(name) <= 2:
        return f"{len(name)}/{name}"
    if len(name) == 3:
        return f"3/{name[0]}/{name}"
    return f"{name[:2]}/{name[2:4]}/{name}"


def fetch(names, folder):
    """Writes what the index has of each crate; curl does it over one connection. Gives what failed."""
    requests = (
        f'url = "{INDEX}/{place(name)}"\noutput = "{folder / name}"' for name in names
    )
    curl = ["curl", "--no-progress-meter", "--fail", "--location", "--retry", "3"]
    curl += ["--max-time", "120", "--parallel", "--parallel-max", "8", "--config", "-"]
    try:
        run = subprocess.run(
            curl, input="\n".join(requests), text=True, capture_output=True, timeout=300
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if run.returncode == 0:
        return None
    return run.stderr.strip() or f"curl ended with {run.returncode}"


def is_yanked(name, version, folder):
    for line in (folder / name).read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        if entry["vers"] == version:
            return entry["yanked"]
    sys.exit(f"yanked: {name} {version} of Cargo.lock is not in {INDEX}")


def main():
    packages = sorted(set(PACKAGE.findall(Path("Cargo.lock").read_text(encoding="utf-8"))))
    if not packages:
        sys.exit("yanked: no crate of crates.io was found in Cargo.lock; has its form changed?")
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        failed = fetch({name for name, _ in packages}, folder)
        if failed:
            print(f"yanked: NOT checked, {INDEX} cannot be asked: {failed.splitlines()[-1]}")
            return
        found = [
            f"{name} {version}" for name, version in packages if is_yanked(name, version, folder)
        ]
    if found:
        sys.exit(
            f"yanked: taken back by their authors: {', '.join(found)}\n"
            "        take another version: cargo update -p NAME"
        )
    print(f"yanked: none of {len(packages)} crates")


main()
