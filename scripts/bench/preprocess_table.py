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

NEEDED = {"opencv": 3, "skimage": 20}
MASKED = ["lungs", "hull", "paper"]
MODES = [*MASKED, "none"]


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
    ours = {mode: [json.loads(log.read_text())["timings"] for log in sorted(work.glob(f"pe-script-{mode}.*.log"))] for mode in MODES}
    own_rate = {peer: statistics.median(run["slices_per_s"] for run in runs) for peer, runs in own.items()}
    for mode, runs in ours.items():
        own_rate[f"pe-script-{mode}"] = n_slices / statistics.median(run["total_s"] for run in runs)
    whole_rate = {name: n_slices / statistics.median(seconds) for name, seconds in wall_s.items()}

    print(f"{n_slices} slices, {cores} cores, {len(wall_s['opencv'])} rounds in turn; slices/s, medians")
    print(f"{'program':16} {'whole':>9} {'(min':>8} {'max)':>8} {'own':>9}")
    for name in ["bytes", *(f"pe-script-{mode}" for mode in MODES), *NEEDED]:
        rates = sorted(n_slices / max(seconds, 0.001) for seconds in wall_s[name])
        own_text = f"{own_rate[name]:9.1f}" if name in own_rate else ""
        print(f"{name:16} {whole_rate[name]:9.1f} {rates[0]:8.1f} {rates[-1]:8.1f} {own_text}")
    for mode in MASKED:
        ratios = []
        for peer, needed in NEEDED.items():
            whole = whole_rate[f"pe-script-{mode}"] / whole_rate[peer]
            after_start = own_rate[f"pe-script-{mode}"] / own_rate[peer]
            met = "met" if min(whole, after_start) >= needed else "NOT met"
            ratios.append(f"{peer} {whole:.1f}x, own {after_start:.1f}x (at least {needed}x: {met})")
        print(f"mask={mode:6}", "; ".join(ratios))
    for mode, runs in ours.items():
        print_own_stages(mode, runs, n_slices)
    for peer, runs in own.items():
        stages = {stage: [run["stage_seconds"][stage] for run in runs] for stage in runs[0]["stage_seconds"]}
        per_slice = {stage: 1000 * statistics.median(spent) / n_slices for stage, spent in stages.items()}
        print(f"{peer}, ms of one core a slice:", *(f"{stage} {ms:.2f}" for stage, ms in per_slice.items()))


# The stages of pe-script by the names of its tasks; "preprocessing" is the loop around the last five.
STAGES = ["reading headers", "loading slices", "finding the lungs", "masking", "making channels", "writing slices"]


def print_own_stages(mode, runs, n_slices):
    """Prints where pe-script's own time goes: all cores work on one stage at a time."""
    median_ms = lambda seconds: 1000 * statistics.median(seconds) / n_slices
    elapsed_s = lambda run, stage: run["tasks"].get(stage, {"elapsed_s": 0.0})["elapsed_s"]
    stages = {stage: median_ms(elapsed_s(run, stage) for run in runs) for stage in STAGES}
    total = median_ms(run["total_s"] for run in runs)
    stages["the rest"] = total - sum(stages.values())
    parts = ", ".join(f"{stage} {ms:.3f}" for stage, ms in stages.items())
    print(f"pe-script, mask={mode}, ms of wall clock a slice, {total:.3f} after its start: {parts}")


if __name__ == "__main__":
    main()
