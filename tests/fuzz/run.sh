#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh <seconds> [csv] [idx] [model] [moons]: builds the fuzzers (clang) and lets each of them search for so many seconds, from the kept
# inputs and those of earlier runs in build/fuzz. Fails at the first input that crashes, hangs or leaks, which is left there.
set -eu
seconds=$1
shift
cd "$(dirname "$0")/../.."
here=$PWD/tests/fuzz
cmake --preset fuzz >/dev/null
[ $# -gt 0 ] || set -- csv idx model moons
for target in "$@"; do
    cmake --build build/fuzz --target "fuzz_$target"
    found=$PWD/build/fuzz/found/$target
    mkdir -p "$found"
    echo "== $target: $seconds s"
    "build/fuzz/tests/fuzz/fuzz_$target" -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=2048 \
        -dict="$here/$target.dict" -artifact_prefix="$PWD/build/fuzz/$target-" -print_final_stats=1 -verbosity=1 \
        "$found" "$here/corpus/$target" >"build/fuzz/$target.log" 2>&1 || {
        tail -n 60 "build/fuzz/$target.log"
        exit 1
    }
    grep -E 'DONE|Done|stat::(number_of_executed_units|peak_rss_mb)' "build/fuzz/$target.log"
done
