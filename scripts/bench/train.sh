#!/usr/bin/env bash
# Compares the training of the six rows of Table 2 with the same training in PyTorch, in one run.
#
#     scripts/bench/train.sh
#
# Settings by environment:
#     ROWS="effnet resnet3d effnet_lstm effnet_tcn resnet3d_lstm resnet3d_tcn"
#     ROUNDS=3       times that each program trains each row, in turn
#     THREADS=N      threads of both, by default all cores
#     DEVICE=cpu     or cuda
#     PRECISIONS="f32"   or "f32 bf16", of the CNNs
#     EXAMS=24       exams of the synthetic cohort, of which 80 % train
#     SIZE2D=224 SIZE3D=112   sides of the images, pixels
#     BATCH2D=16 BATCH3D=2    samples a step
#     PYTHON=python3
# Both read the same stored slices and draw the same augmentation. A figure is slices a second over
# the last of two epochs of the CNNs, or over the median one of a hundred of the sequence models, the
# input's making included and the start left out. PyTorch runs in channels_last and in its default format, and with
# as many loader processes as suit it better of 0 and 1; the best of these is its figure.
set -euo pipefail

cd "$(dirname "$0")/../.."
here=scripts/bench
work=target/bench-train
venv=target/bench-train-venv
rows=${ROWS:-effnet resnet3d effnet_lstm effnet_tcn resnet3d_lstm resnet3d_tcn}
export rounds=${ROUNDS:-3} threads=${THREADS:-$(nproc)} device=${DEVICE:-cpu}
size2d=${SIZE2D:-224} size3d=${SIZE3D:-112} batch2d=${BATCH2D:-16} batch3d=${BATCH3D:-2}

cargo build --release --bin pe-script
if [ ! -e "$venv/ready" ]; then
    "${PYTHON:-python3}" -m venv "$venv"
    # torch is the one that the build uses; torchvision must not bring another.
    "$venv/bin/pip" install --quiet --no-deps --requirement "$here/train_requirements.txt"
    touch "$venv/ready"
fi
torch=$(cd .libtorch/torch && pwd -P)
export PYTHONPATH=${torch%/torch}

rm -rf "$work"
mkdir -p "$work"
pe() { target/release/pe-script run "$@" --out "$work/runs" --threads "$threads" --device "$device" --quiet; }
pe scripts/phantom.rhai "out=$work/cohort" "n_exams=${EXAMS:-24}" size=256 >/dev/null
declare -A store
for size in "$size2d" "$size3d"; do
    [ -n "${store[$size]:-}" ] && continue
    pe scripts/preprocess.rhai "input=$work/cohort" "out=$work/slices-$size" "size=$size" mask=none sheets=0 >/dev/null
    store[$size]=$(echo "$work/slices-$size"/slices/*)
done
recipe=$("$venv/bin/python" -c "import json; print(json.load(open('${store[$size2d]}/settings.json'))['mask'])")

# peak COMMAND…: runs it; its output, and the peak of its resident memory in MB as the last line.
peak() { "$venv/bin/python" "$here/peak.py" "$@"; }

# Round 0 is not counted: it warms the caches and makes the features for the sequence models.
for round in $(seq 0 "$rounds"); do
    for row in $rows; do
        if [[ $round == 0 && $row != *_* ]]; then continue; fi
        case $row in
        effnet*) size=$size2d batch=$batch2d ;;
        *) size=$size3d batch=$batch3d ;;
        esac
        epochs=2 precisions=${PRECISIONS:-f32} formats="channels_last default" workers="0 1"
        if [[ $row == *_* ]]; then
            epochs=100 batch=16 precisions=f32 formats=default workers=0
        fi
        for precision in $precisions; do
            name=$row.$precision.$round
            # What is finished would not be trained again.
            rm -rf "$work/ours/models/$row"-*
            peak target/release/pe-script run "$here/train.rhai" "slices=$work/slices-$size" "size=$size" \
                "mask=$recipe" "row=$row" "batch=$batch" "epochs=$epochs" "precision=$precision" \
                "out=$work/ours" --out "$work/runs" --threads "$threads" --device "$device" --quiet \
                >"$work/ours.$name.log"
            for format in $formats; do
                for n in $workers; do
                    peak "$venv/bin/python" "$here/train_peer.py" "${store[$size]}" --row "$row" --batch "$batch" \
                        --epochs "$epochs" --threads "$threads" --workers "$n" --device "$device" \
                        --format "$format" --precision "$precision" >"$work/peer-$format-$n.$name.log"
                done
            done
            if [ "$round" == 0 ]; then rm -f "$work"/*."$name.log"; fi
            echo "round $round: $row $precision done" >&2
        done
    done
done
"$venv/bin/python" "$here/train_table.py" "$work"
