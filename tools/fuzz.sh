#!/usr/bin/env bash
# Fuzzes the readers of files: `tools/fuzz.sh smoke` for a minute in all, `tools/fuzz.sh long SECONDS` for
# SECONDS a target, two at a time. Installs cargo-fuzz in .tools once; builds in fuzz/target.
#
# The corpus is made here, from ../shared/data/odd where it is, and from seeds of a few bytes. What a
# target fails on is kept in fuzz/artifacts/TARGET; `fuzz/target/.../TARGET FILE` runs it again.
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.13.2
targets=(element load labels manifest checkpoint)
odd=${PE_TEST_DATA:-../shared/data}/odd
mode=${1:-smoke}
seconds=${2:-1800}

if [ "$(.tools/bin/cargo-fuzz --version 2>/dev/null)" != "cargo-fuzz $version" ]; then
    echo "fuzz: installing cargo-fuzz $version in .tools (once)"
    CARGO_TARGET_DIR=.tools/target cargo install cargo-fuzz --version "$version" --locked --quiet \
        --debug --root .tools
    rm -rf .tools/target
fi

# AddressSanitizer is an unstable flag of a compiler that ships its runtime: the stable one takes it
# under this name. The dependencies decode images with unsafe code, which is what it is for.
export RUSTC_BOOTSTRAP=1
export CARGO_TARGET_DIR=${FUZZ_TARGET_DIR:-$PWD/fuzz/target}
.tools/bin/cargo-fuzz build --codegen-units 16
bin=$CARGO_TARGET_DIR/x86_64-unknown-linux-gnu/release

# cargo-fuzz's own flags of the linker are in the place of .cargo/config.toml's.
export LD_LIBRARY_PATH=${LIBTORCH:-$PWD/.libtorch/torch}/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}

# Seeds: files of up to 200 kB for the two targets that read DICOM, some good files for the others.
seed() {
    local target file name
    for target in "${targets[@]}"; do
        mkdir -p "fuzz/corpus/$target" "fuzz/artifacts/$target"
    done
    if [ -d "$odd" ]; then
        while IFS= read -r file; do
            name=$(printf %s "$file" | tr / _)
            cp -n "$odd/$file" "fuzz/corpus/element/$name"
            cp -n "$odd/$file" "fuzz/corpus/load/$name"
        done < <(cd "$odd" && find . -type f -size -200k | cut -c3-)
    else
        echo "fuzz: no test data at $odd; the corpus has synthetic seeds alone"
    fi
    for target in "${targets[@]}"; do
        cp -n "fuzz/seeds/$target"/* "fuzz/corpus/$target/"
    done
}

# One target for a while. Memory is the promise of 512 MB and what AddressSanitizer keeps back;
# -timeout is time on the clock, so it is far above the two seconds that the mutation test measures.
fuzz() {
    "$bin/$1" -max_total_time="$2" -rss_limit_mb=1024 -timeout="${FUZZ_TIMEOUT:-60}" -max_len=131072 \
        -print_final_stats=1 -artifact_prefix="fuzz/artifacts/$1/" "fuzz/corpus/$1" 2>&1
}

seed
case "$mode" in
smoke)
    for target in "${targets[@]}"; do
        echo "fuzz: $target, $((60 / ${#targets[@]})) s"
        if ! fuzz "$target" $((60 / ${#targets[@]})) >"fuzz/artifacts/$target.log"; then
            tail -n 60 "fuzz/artifacts/$target.log"
            exit 1
        fi
        grep -E "number_of_executed_units|peak_rss" "fuzz/artifacts/$target.log"
    done
    ;;
long)
    export FUZZ_TIMEOUT=300
    export -f fuzz
    export bin
    printf '%s\n' "${targets[@]}" | xargs -P 2 -I{} \
        nice -n 19 bash -c "fuzz {} $seconds >fuzz/artifacts/{}.log || { echo 'fuzz: {} failed, see fuzz/artifacts/{}.log'; exit 1; }"
    tail -n 7 fuzz/artifacts/*.log
    ;;
*)
    echo "usage: tools/fuzz.sh smoke | tools/fuzz.sh long SECONDS" >&2
    exit 2
    ;;
esac
