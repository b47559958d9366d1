#!/usr/bin/env bash
# Compares pe-script's preprocessing with two Python peers on one cohort, in one run.
#
#     scripts/bench/preprocess.sh [COHORT_FOLDER]
#
# Without a folder the synthetic cohort is made first. Settings by environment:
#     ROUNDS=3      times that each program runs, in turn, each round from another one on
#     CORES=N       threads of pe-script and processes of Python, by default all
#     SIZE=224      side of a stored slice, pixels
#     PYTHON=python3
# Prints a table of slices per second (median, and the slowest and fastest round), pe-script in each
# mode of its mask, the ratios to the peers, which make the paper's mask, and the floor: reading the
# bytes. Every program starts from files in the page cache
# and writes to a fresh folder; pe-script draws no contact sheets, as the peers draw none.
set -euo pipefail

cd "$(dirname "$0")/../.."
rounds=${ROUNDS:-3}
cores=${CORES:-$(nproc)}
size=${SIZE:-224}
here=scripts/bench
work=target/bench-preprocess
venv=target/bench-venv

cargo build --release --bin pe-script
if [ ! -e "$venv/ready" ]; then
    "${PYTHON:-python3}" -m venv "$venv"
    "$venv/bin/pip" install --quiet --requirement "$here/requirements.txt"
    touch "$venv/ready"
fi

rm -rf "$work"
mkdir -p "$work"
cohort=${1:-}
if [ -z "$cohort" ]; then
    cohort=$work/cohort
    target/release/pe-script run scripts/phantom.rhai "out=$cohort" --out "$work/runs/phantom"
fi

"$venv/bin/python" "$here/preprocess_peer.py" "$cohort" --check --limit 32 --size "$size"

# Milliseconds since some moment, from the clock that the shell has.
now_ms() { echo $((${EPOCHREALTIME/./} / 1000)); }

# timed NAME ROUND COMMAND…: runs the command and notes its wall-clock milliseconds.
timed() {
    local name=$1 round=$2 from
    shift 2
    rm -rf "$work/out"
    from=$(now_ms)
    "$@" >"$work/$name.$round.log"
    echo "$name $(($(now_ms) - from))" >>"$work/times"
    echo "round $round: $name done" >&2
}

read_bytes() { find "$cohort" -type f -print0 | xargs -0 -P "$cores" -n 64 cat >/dev/null; }

programs=(lungs hull paper none opencv skimage)
read_bytes # warms the page cache
for round in $(seq "$rounds"); do
    timed bytes "$round" read_bytes
    # Each round begins with another program, so that none profits from its place.
    for turn in "${!programs[@]}"; do
        program=${programs[$(((turn + round) % ${#programs[@]}))]}
        case $program in
        opencv | skimage)
            timed "$program" "$round" "$venv/bin/python" "$here/preprocess_peer.py" \
                "$cohort" "$work/out" --morphology "$program" --processes "$cores" --size "$size"
            ;;
        *)
            timed "pe-script-$program" "$round" target/release/pe-script run scripts/preprocess.rhai \
                "input=$cohort" "out=$work/out" "size=$size" "mask=$program" sheets=0 \
                --threads "$cores" --out "$work/runs/$round" --quiet --json
            ;;
        esac
    done
done

"$venv/bin/python" "$here/preprocess_table.py" "$work" "$cores"
