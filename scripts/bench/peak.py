"""Runs a command and prints, after its output, the peak of resident memory of it and its children.

    python peak.py COMMAND…

Adds up the processes of the tree every 0.3 s, because a loader's processes count too; more often
would slow down what is measured.
"""

import pathlib
import subprocess
import sys
import threading
import time


def tree(root):
    """The process and all below it."""
    children = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, queue = [], [root]
    while queue:
        one = queue.pop()
        found.append(one)
        queue.extend(children.get(one, []))
    return found


def resident_mb(pid):
    """Memory of one process: what it shares with others counts in part (PSS)."""
    try:
        for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0


def main():
    child = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, text=True)
    peak = 0.0

    def watch():
        nonlocal peak
        while child.poll() is None:
            peak = max(peak, sum(resident_mb(pid) for pid in tree(child.pid)))
            time.sleep(0.3)

    watcher = threading.Thread(target=watch)
    watcher.start()
    output = child.stdout.read()
    watcher.join()
    print(output.strip())
    print(f"{peak:.0f}")
    sys.exit(child.returncode)


if __name__ == "__main__":
    main()
