"""How long a person waits at the prompt: for it to come, for Tab's list, for Ctrl-C to take hold.

    python3 scripts/bench/repl.py [PROGRAM] [ROUNDS]

Needs nothing but Python's standard library. Prints the least, the median and the greatest of each
over the rounds, milliseconds, and the share of the first that the program takes to do nothing at
all (`pe-script eval '()'`), which is mostly the start of libtorch.
"""

import os
import pty
import select
import signal
import statistics
import subprocess
import sys
import tempfile
import time

FRESH = b"pe> \r\x1b[4C"


class Session:
    """A pe-script in a pseudo-terminal, in a folder of its own."""

    def __init__(self, program, folder):
        self.began = time.perf_counter()
        self.pid, self.file = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.environ.update(XDG_STATE_HOME=folder, TERM="xterm", NO_COLOR="1")
            os.execv(program, [program])
        self.seen = b""

    def wait(self, text, limit_s=60.0):
        """Reads up to `text`; gives the moment at which it came."""
        end = time.perf_counter() + limit_s
        while text not in self.seen:
            left = end - time.perf_counter()
            if left <= 0 or not select.select([self.file], [], [], left)[0]:
                raise SystemExit(f"{text!r} did not come; the end of what came: {self.seen[-300:]!r}")
            self.seen += os.read(self.file, 65536)
        moment = time.perf_counter()
        self.seen = self.seen.split(text, 1)[1]
        return moment

    def keys(self, text):
        os.write(self.file, text.encode())
        return time.perf_counter()

    def line(self, text):
        self.keys(text + "\r")
        self.wait(FRESH)

    def end(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.file)


PREPARED = [
    'phantom::write("cohort", #{n_exams: 6, size: 64, max_slices: 40, pe_share: 0.5});',
    'let slices = store::slices("store", #{size: 64});',
    'for exam in dicom::scan("cohort").exams { slices.put(exam.load()); }',
    "let split = train::split(slices, #{test: 0.3, validation: 0.3});",
    'let runs = train::runs("out", #{device: "cpu"});',
]


def one_round(program, folder):
    session = Session(program, folder)
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
