"""How long a person waits at the prompt: for it to come, for Tab's list, for Ctrl-C to take hold.

    python3 scripts/bench/repl.py [PROGRAM] [ROUNDS]

Needs nothing but Python's standard library. Prints the least, the median and the greatest of each
over the rounds, milliseconds, and the share of the first that the program takes to do nothing at
all (`pe-script eval '()'`), which is mostly the start of libtorch.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time

from prompt import FRESH, Prompt

PREPARED = [
    'phantom::write("cohort", #{n_exams: 6, size: 64, max_slices: 40, pe_share: 0.5});',
    'let slices = store::slices("store", #{size: 64});',
    'for exam in dicom::scan("cohort").exams { slices.put(exam.load()); }',
    "let split = train::split(slices, #{test: 0.3, validation: 0.3});",
    'let runs = train::runs("out", #{device: "cpu"});',
]


def one_round(program, folder):
    session = Prompt(program, folder)
    times = {"prompt": session.wait(FRESH) - session.began}
    began = session.keys("metrics::\t\t")
    times["first Tab"] = session.wait(b"youden") - began
    session.keys("\x03")
    session.wait(FRESH)
    began = session.keys("store::\t\t")
    times["next Tab"] = session.wait(b"slices") - began
    session.keys("\x03")
    session.wait(FRESH)
    for line in PREPARED:
        session.line(line)
    session.keys('runs.cnn("long", #{epochs: 10000, batch: 48}, slices, split)\r')
    session.wait(b"(epoch ")
    began = session.keys("\x03")
    times["Ctrl-C in training"] = session.wait(FRESH) - began
    session.end()
    began = time.perf_counter()
    subprocess.run([program, "eval", "()"], check=True, cwd=folder, env={**os.environ, "XDG_STATE_HOME": folder})
    times["a process that does nothing"] = time.perf_counter() - began
    return times


def main():
    program = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "target/release/pe-script")
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    measured = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            measured.append(one_round(program, folder))
    print(f"{'ms':28} {'least':>8} {'median':>8} {'greatest':>8}")
    for name in measured[0]:
        values = [1000 * times[name] for times in measured]
        row = (min(values), statistics.median(values), max(values))
        print(f"{name:28} " + " ".join(f"{value:8.1f}" for value in row))


main()
