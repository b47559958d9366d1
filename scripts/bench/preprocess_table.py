"""Prints the table of preprocess.sh from what it left in its work folder.

    python preprocess_table.py WORK CORES

Two figures a program, each compared like with like: the whole process as the shell saw it, start to
exit, and the program's own clock, which leaves out its start (libtorch's loading here, Python's
imports there). The first weighs more on a small cohort, the second is what a large one tends to.
"""

import json
import statistics
import sys
from pathlib import Path

NEEDED = {"skimage": 20, "opencv": 3}


def main():
    work, cores = Path(sys.argv[1]), sys.argv[2]
    wall_s = {}
    for line in (work / "times").read_text().splitlines():
        name, milliseconds = line.split()
        wall_s.setdefault(name, []).append(int(milliseconds) / 1000)
    own = {}
    for peer in NEEDED:
        logs = sorted(work.glob(f"{peer}.*.log"))
        own[peer] = [json.loads(log.read_text().splitlines()[-1]) for log in logs]
    n_slices = own["opencv"][0]["slices"]
    ours = [json.loads(log.read_text())["timings"] for log in sorted(work.glob("pe-script.*.log"))]
    own_rate = {peer: statistics.median(run["slices_per_s"] for run in runs) for peer, runs in own.items()}
    own_rate["pe-script"] = n_slices / statistics.median(run["total_s"] for run in ours)

    print(f"{n_slices} slices, {cores} cores, {len(wall_s['pe-script'])} rounds in turn; slices/s, medians")
    print(f"{'program':10} {'whole':>9} {'(min':>8} {'max)':>8} {'ratio':>7} {'own':>9} {'ratio':>7}")
    whole_rate = {name: n_slices / statistics.median(seconds) for name, seconds in wall_s.items()}
    for name in ["bytes", "pe-script", "opencv", "skimage"]:
        rates = sorted(n_slices / max(seconds, 0.001) for seconds in wall_s[name])
        row = f"{name:10} {whole_rate[name]:9.1f} {rates[0]:8.1f} {rates[-1]:8.1f}"
        if name in NEEDED:
            whole = whole_rate["pe-script"] / whole_rate[name]
            after_start = own_rate["pe-script"] / own_rate[name]
            met = "met" if min(whole, after_start) >= NEEDED[name] else "NOT met"
            row += f" {whole:6.1f}x {own_rate[name]:9.1f} {after_start:6.1f}x  (at least {NEEDED[name]}x: {met})"
        elif name in own_rate:
            row += f" {'':7} {own_rate[name]:9.1f}"
        print(row)
    print_own_stages(work, n_slices)
    for peer, runs in own.items():
        stages = {stage: [run["stage_seconds"][stage] for run in runs] for stage in runs[0]["stage_seconds"]}
        per_slice = {stage: 1000 * statistics.median(spent) / n_slices for stage, spent in stages.items()}
        print(f"{peer}, ms of one core a slice:", *(f"{stage} {ms:.2f}" for stage, ms in per_slice.items()))


# The stages of pe-script by the names of its tasks; "preprocessing" is the loop around the last four.
STAGES = ["reading headers", "loading slices", "masking", "making channels", "writing slices"]


def print_own_stages(work, n_slices):
    """Prints where pe-script's own time goes: all cores work on one stage at a time."""
    runs = [json.loads(log.read_text())["timings"] for log in sorted(work.glob("pe-script.*.log"))]
    median_ms = lambda seconds: 1000 * statistics.median(seconds) / n_slices
    stages = {stage: median_ms(run["tasks"][stage]["elapsed_s"] for run in runs) for stage in STAGES}
    total = median_ms(run["total_s"] for run in runs)
    stages["the rest"] = total - sum(stages.values())
    parts = ", ".join(f"{stage} {ms:.3f}" for stage, ms in stages.items())
    print(f"pe-script, ms of wall clock a slice, {total:.3f} after its start: {parts}")


if __name__ == "__main__":
    main()
