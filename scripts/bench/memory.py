"""Whether a long session keeps its memory: one process that trains, evaluates and forgets, over and over.

    python3 scripts/bench/memory.py [PROGRAM] [MINUTES]

Needs Linux (/proc) and nothing but Python's standard library. Each round opens the slices of a tiny
synthetic cohort, trains a CNN (EfficientNet-B0 and R3D-18 in turn) and a BiLSTM with a seed of its
own (a finished run with the same options would be opened, not trained), predicts, evaluates, writes
a report, and gives `.reset`; what it wrote is removed. After each round comes a line with what the
process holds; at the end the change over the second half of the rounds, MB an hour by least squares.
"""

import os
import re
import shutil
import sys
import tempfile
import time

from prompt import FRESH, Prompt

FAILED = re.compile(rb"error[^\r\n]*")
NETWORKS = {
    "efficientnet_b0": '#{network: "efficientnet_b0", epochs: 2, batch: 8}',
    "r3d_18": '#{network: "r3d_18", slab: 8, head: "slices", epochs: 1, batch: 2}',
}


class Session(Prompt):
    """A prompt whose lines must not fail."""

    def line(self, text, limit_s=600.0):
        super().line(text, limit_s)
        if FAILED.search(self.before):
            raise SystemExit(f"{text}\n{self.before.decode(errors='replace')}")

    def held(self):
        """What the process holds: MB resident now and at most, MB of address space, and counts."""
        with open(f"/proc/{self.pid}/status", encoding="utf-8") as file:
            status = dict(line.split(":", 1) for line in file)
        with open(f"/proc/{self.pid}/maps", "rb") as file:
            maps = sum(1 for _ in file)
        kib = lambda name: int(status[name].split()[0]) * 1024 / 1e6
        files = len(os.listdir(f"/proc/{self.pid}/fd"))
        return [kib("VmRSS"), kib("VmHWM"), kib("VmSize"), int(status["Threads"]), files, maps]


PREPARED = [
    'phantom::write("cohort", #{n_exams: 6, size: 64, max_slices: 40, pe_share: 0.5});',
    'let slices = store::slices("store", #{size: 64});',
    'for exam in dicom::scan("cohort").exams { slices.put(exam.load()); }',
    ".reset",
    ".threads 1",
]


def one_round(session, number):
    networks = list(NETWORKS.values())
    for line in [
        'let slices = store::slices("store", #{size: 64});',
        "let split = train::split(slices, #{test: 0.3, validation: 0.3});",
        f'let runs = train::runs("round", #{{device: "cpu", seed: {number}}});',
        f'let cnn = runs.cnn("cnn", {networks[number % 2]}, slices, split);',
        "let features = runs.features(cnn, slices);",
        'let lstm = runs.sequence("lstm", #{model: "bilstm", epochs: 5}, features, split);',
        "let again = train::load(lstm.folder);",
        "let scores = again.predict(features, split.test);",
        f'let table = report::experiment("round {number}");',
        'table.model("cnn", cnn.predict(features, split.test), cnn.history);',
        'table.model("lstm", scores, lstm.history);',
        "table.evaluate(#{replicates: 200});",
        'table.save("round");',
        "fn twice(x) { x + x }",
        "let many = []; for i in 0..2000 { many.push(`text ${twice(i)}`); }",
        ".reset",
    ]:
        session.line(line)


def slope(times, values):
    """Change per unit of time by least squares."""
    middle = sum(times) / len(times)
    spread = sum((time - middle) ** 2 for time in times)
    return sum((time - middle) * value for time, value in zip(times, values)) / spread if spread else 0.0


COLUMNS = ["RSS MB", "peak MB", "virtual MB", "threads", "files", "maps"]


def report(rows):
    later = rows[len(rows) // 2 :]
    hours = [row[0] / 3600 for row in later]
    print(f"\n{len(rows)} rounds, the second half from {later[0][0]:.0f} s to {later[-1][0]:.0f} s")
    print(f"{'':12} {'first':>10} {'half':>10} {'least':>10} {'greatest':>10} {'last':>10} {'an hour':>10}")
    for column, name in enumerate(COLUMNS, start=1):
        values = [row[column] for row in later]
        shown = (rows[0][column], later[0][column], min(values), max(values), values[-1], slope(hours, values))
        print(f"{name:12} " + " ".join(f"{value:10.1f}" for value in shown))


def main():
    program = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "target/release/pe-script")
    minutes = float(sys.argv[2]) if len(sys.argv) > 2 else 60.0
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        session = Session(program, folder)
        session.wait(FRESH)
        try:
            for line in PREPARED:
                session.line(line)
            began = time.monotonic()
            print(f"{'round':>6} {'s':>8} " + " ".join(f"{name:>10}" for name in COLUMNS))
            while time.monotonic() - began < 60 * minutes:
                one_round(session, len(rows))
                shutil.rmtree(os.path.join(folder, "round"))
                rows.append([time.monotonic() - began, *session.held()])
                shown = " ".join(f"{value:10.1f}" for value in rows[-1][1:])
                print(f"{len(rows):6} {rows[-1][0]:8.1f} {shown}", flush=True)
        finally:
            session.end()
    report(rows)


main()
