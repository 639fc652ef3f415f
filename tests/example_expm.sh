#!/bin/sh
# SPDX-License-Identifier: MIT
# example_expm.sh <case> <expm>: runs the example and judges what it prints.
set -eu
program=$2
. "$(dirname "$0")/example_checks.sh"

# part <name> <text>: the number after the name in the last line.
part() { printf '%s\n' "$2" | sed -n "s/^mean squared error:.* $1 \([^ ,]*\).*/\1/p"; }

case $1 in
short) # the loss falls from report to report, in both precisions, to nearly the same value
    for precision in f32 f64; do
        output=$("$program" --steps 250 --pairs 2000 --precision $precision) || fail "$precision: $output"
        printf '%s\n' "$output" | awk '/^step/ { if (n++ && $4 + 0 >= last) bad = 1; last = $4 + 0; if (last != last) bad = 1 } END { exit bad || n != 5 }' ||
            fail "$precision: the loss does not fall: $output"
        below "$(part train "$output")" 4 || fail "$precision: $output"
        below "$(part test "$output")" 4 || fail "$precision: $output"
        eval "loss_$precision=\$(part train \"\$output\")"
    done
    # shellcheck disable=SC2154 # set by eval
    awk -v a="$loss_f32" -v b="$loss_f64" 'BEGIN { d = a - b; exit !(d * d < 1e-4 * b * b) }' || fail "f32 $loss_f32, f64 $loss_f64"
    # A network that has learnt nothing is told apart.
    code=0
    "$program" --steps 1 --pairs 1000 >/dev/null 2>&1 || code=$?
    [ $code -eq 1 ] || fail "an untrained network has status $code"
    for arguments in '--precision f16' '--steps 0' '--pairs x' '--step 3' '--steps'; do
        code=0
        # shellcheck disable=SC2086 # several words
        "$program" $arguments >/dev/null 2>&1 || code=$?
        [ $code -eq 2 ] || fail "$arguments: status $code"
    done
    ;;
full) # the default run, whatever the seed; the program itself knows how good it should be
    for seed in 1 2; do
        output=$("$program" --seed $seed) || fail "seed $seed: $output"
        below "$(part test "$output")" 0.8 || fail "seed $seed: $output"
    done
    ;;
*)
    fail "unknown case $1"
    ;;
esac
exit $((failures > 0))
