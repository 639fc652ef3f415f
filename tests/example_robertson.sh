#!/bin/sh
# SPDX-License-Identifier: MIT
# example_robertson.sh <case> <robertson_stiff> <work directory>: runs the example in a directory of its own and judges what it does.
set -eu
program=$2
. "$(dirname "$0")/example_checks.sh"
enter "$3/robertson_$1"

# percent <text>: the number of the last line.
percent() { printf '%s\n' "$1" | sed -n 's/^mean relative error over 11 decades: \(.*\) %$/\1/p'; }

# losses <text>: the four losses of the first start's line: slopes before and after, solution before and after.
losses() { printf '%s\n' "$1" | sed -n 's/^start 1 *slopes \([^ ]*\) -> \([^ ,]*\), solution \([^ ]*\) -> \([^ ]*\)$/\1 \2 \3 \4/p'; }

# file_percent: the error of solution.csv against the reaction, worked out once more; each species by its largest value.
file_percent() {
    awk -F, 'NR > 1 { for (k = 0; k < 3; k++) { e = $(5 + k) - $(2 + k); s[k] += e < 0 ? -e : e; if ($(2 + k) + 0 > m[k]) m[k] = $(2 + k) + 0 }; n++ }
             END { printf "%.2f", 100 * (s[0] / m[0] + s[1] / m[1] + s[2] / m[2]) / (3 * n) }' solution.csv
}

case $1 in
short) # every stage lowers its loss, for explicit, implicit and multistep methods
    for method in auto sdirk4 bdf; do
        output=$("$program" --seed 8 --starts 1 --iterations 60 --method $method 2>err.txt) || grep -q 'is above 2 %' err.txt || fail "$method: $(cat err.txt)"
        # shellcheck disable=SC2046 # four words
        set -- $(losses "$output")
        [ $# -eq 4 ] || fail "$method: $output"
        below "${2:-}" "$(awk -v a="${1:-0}" 'BEGIN { print a / 2 }')" || fail "$method: the slopes: $output"
        below "${4:-}" "${3:-}" || fail "$method: the solution: $output"
        below "$(percent "$output")" 25 || fail "$method: $output"
    done
    # The same seed gives the same file, another one another.
    for run in a b c; do
        "$program" --seed "$([ $run = c ] && echo 9 || echo 8)" --starts 1 --iterations 10 --csv $run.csv >out.txt 2>err.txt || grep -q 'is above 2 %' err.txt ||
            fail "$run: $(cat err.txt)"
    done
    cmp a.csv b.csv || fail "the same seed gave two results"
    ! cmp -s a.csv c.csv || fail "another seed gave the same result"
    # A network that has learnt nothing is told apart.
    code=0
    output=$("$program" --starts 1 --iterations 1 2>err.txt) || code=$?
    [ $code -eq 1 ] || fail "an untrained network has status $code"
    grep -q 'is above 2 %' err.txt || fail "an untrained network: $(cat err.txt)"
    below 2 "$(percent "$output")" || fail "an untrained network: $output"
    ;;
goal) # the accuracy that is promised, whatever the seed
    for seed in 1 2 3 4 5; do
        output=$("$program" --seed $seed --csv solution.csv --picture picture.svg) || fail "seed $seed: $output"
        below "$(percent "$output")" 2 || fail "seed $seed: $output"
        [ "$(file_percent)" = "$(percent "$output")" ] || fail "seed $seed: the file says $(file_percent) %: $output"
        printf '%s\n' "$output"
    done
    [ "$(wc -l <solution.csv)" -eq 222 ] || fail "$(wc -l <solution.csv) lines in the file"
    if command -v gnuplot >/dev/null; then
        grep -q '</svg>' picture.svg || fail "no picture"
    fi
    ;;
options)
    refuse "unknown option '--sed'" --sed 1
    refuse "unknown option 'file'" file
    refuse '--seed: a value is missing' --seed
    for value in '' -1 x 1x 18446744073709551616; do
        refuse "--seed '$value': .* expected" --seed "$value"
        refuse "--iterations '$value': .* expected" "--iterations=$value"
    done
    refuse "--starts '0': a number from 1 to 1000000 is expected" --starts 0
    for value in '' nan -1 2 x; do
        refuse "--target '$value': .* expected" --target "$value"
    done
    refuse "--method 'euler': .* adams bdf tsit5 dop853 sdirk4 auto$" --method euler
    refuse "--csv '': .* expected" --csv ''
    "$program" --help | grep -q -- '--iterations' || fail "--help"
    "$program" --version | grep -q '^robertson_stiff (costate [0-9]' || fail "--version"
    code=0
    "$program" --starts 1 --iterations 1 --csv nowhere/solution.csv >out.txt 2>err.txt || code=$?
    [ $code -eq 1 ] || fail "a file that cannot be written: status $code"
    grep -q '^robertson_stiff: --csv: .*nowhere/solution.csv' err.txt || fail "$(cat err.txt)"
    ;;
*)
    fail "unknown case $1"
    ;;
esac
exit $((failures > 0))
