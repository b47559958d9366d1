"""Prints the table of train.sh from what it left in its work folder.

    python train_table.py WORK
"""

import collections
import json
import pathlib
import statistics
import sys


def read(path):
    """Slices a second and the peak of memory in MB."""
    lines = path.read_text().splitlines()
    speed = json.loads(lines[-2])
    return (speed["slices_per_s"] if isinstance(speed, dict) else float(speed)), float(lines[-1])


def main():
    found = collections.defaultdict(lambda: collections.defaultdict(list))
    for path in sorted(pathlib.Path(sys.argv[1]).glob("*.log")):
        program, row, precision, _ = path.name.split(".", 3)
        found[row, precision][program].append(read(path))
    head = f"{'row':22} {'ours':>9} {'(min':>8} {'max)':>8} {'MB':>6} {'PyTorch':>9} {'(min':>8} {'max)':>8} {'MB':>6}"
    print("slices a second, medians of the rounds; PyTorch's best setting")
    print(f"{head} {'ratio':>6}  setting")
    order = ["effnet", "resnet3d", "effnet_lstm", "effnet_tcn", "resnet3d_lstm", "resnet3d_tcn"]
    for (row, precision), programs in sorted(found.items(), key=lambda one: order.index(one[0][0])):
        speed = {name: statistics.median(run[0] for run in runs) for name, runs in programs.items()}
        ours = programs["ours"]
        name = max((name for name in programs if name != "ours"), key=speed.get)
        peer = programs[name]
        cells = [f"{row + ' ' + precision:22}"]
        for runs in (ours, peer):
            speeds = [run[0] for run in runs]
            cells.append(f"{statistics.median(speeds):9.1f} {min(speeds):8.1f} {max(speeds):8.1f}")
            cells.append(f"{max(run[1] for run in runs):6.0f}")
        print(*cells, f"{speed['ours'] / speed[name]:6.2f}  {name.removeprefix('peer-')}")


if __name__ == "__main__":
    main()
