#!/bin/sh
# SPDX-License-Identifier: MIT
# example_lotka_volterra_ude.sh <case> <lotka_volterra_ude> <data folder> <work directory>: the example in a directory of its own.
# shellcheck disable=SC2086,SC2046,SC2013 # several words on purpose
set -eu
program=$2
data=$3/hudson-bay-lynx-hare.csv
. "$(dirname "$0")/example_checks.sh"
enter "$4/lotka_volterra_ude_$1"

# Errors of both terms in per cent and the range of the populations, from the last line.
read_last_line() {
    sed -n '$s/^learned interaction within \([0-9.]*\) % and \([0-9.]*\) % of the true one, populations to t = 12 from \([-0-9.]*\) to \([0-9.]*\)$/\1 \2 \3 \4/p' "$1"
}

# Errors of both terms once more, from the table.
errors_of_table() {
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next }
        $1 <= 3 { d = $c["prey_interaction"] - $c["prey_true_interaction"]; e1 += d * d; t1 += $c["prey_true_interaction"]^2
                  d = $c["predator_interaction"] - $c["predator_true_interaction"]; e2 += d * d
                  t2 += $c["predator_true_interaction"]^2; n++ }
        END { if (n == 151) printf "%.1f %.1f", 100 * sqrt(e1 / t1), 100 * sqrt(e2 / t2) }' "$1"
}

case $1 in
default) # the goal; table, picture and model agree with what is printed
    "$program" --csv all.csv --picture all.svg --model all.safetensors >run.txt || fail "status $?"
    set -- $(read_last_line run.txt)
    [ $# -eq 4 ] || fail "the last line: $(tail -n 1 run.txt)"
    at_most 'error of the first term' "${1:-}" 10
    at_most 'error of the second term' "${2:-}" 10
    at_most 'least population' -0.23 "${3:-}"
    at_most 'largest population' "${4:-}" 13.9
    [ "$(errors_of_table all.csv)" = "${1:-} ${2:-}" ] || fail "errors of the table: $(errors_of_table all.csv)"
    [ "$(wc -l <all.csv)" -eq 602 ] || fail "lines of the table: $(wc -l <all.csv)"
    [ "$(awk -F, 'NR > 1 && $2 != "NA"' all.csv | wc -l)" -eq 31 ] || fail "the data are not all in the table"
    if command -v gnuplot >/dev/null; then
        grep -q '</svg>' all.svg || fail "the picture is not complete"
    fi
    grep -aq '"interaction.layer3.bias"' all.safetensors || fail "the model file lacks a tensor"
    "$program" --threads 1 --csv one.csv >one.txt || fail "one thread: status $?"
    cmp all.csv one.csv || fail "the result depends on the number of threads"
    ;;
python) # the model file in the Python package of that name
    python=${COSTATE_PYTHON:-python3}
    "$python" -c 'import numpy, safetensors' 2>/dev/null || exit 77
    "$program" --starts 1 --iterations 50 --model model.safetensors >run.txt 2>/dev/null || true
    "$python" - <<'END' || fail "the model file cannot be used"
import json
from safetensors import safe_open
with safe_open("model.safetensors", "np") as f:
    rates = f.get_tensor("rates")
    assert rates.tolist() == [1.3, 1.8], rates
    assert f.get_tensor("interaction.layer0.weight").shape == (5, 2)
    assert f.get_tensor("interaction.layer3.weight").shape == (2, 5)
    assert json.loads(f.metadata()["costate.states"]) == ["prey", "predator"]
    assert "predator' = " in f.metadata()["equations"]
END
    ;;
journal) # killed at any moment and started again: the same bits as without
    options='--starts 3 --iterations 500 --seed 4'
    "$program" $options --csv plain.csv --model plain.safetensors >plain.txt 2>/dev/null || true
    kills=0
    seed=$(date +%s)
    echo "moments drawn from seed $seed"
    for delay in $(awk -v seed="$seed" 'BEGIN { srand(seed); for (i = 0; i < 8; i++) printf "%.3f ", 0.02 + 0.2 * rand() }'); do
        "$program" $options --journal run --csv killed.csv --model killed.safetensors >killed.txt 2>/dev/null &
        pid=$!
        sleep "$delay"
        kill -9 $pid 2>/dev/null || true
        code=0
        wait $pid 2>/dev/null || code=$?
        [ $code -ne 137 ] || kills=$((kills + 1))
    done
    [ $kills -ge 2 ] || fail "only $kills runs were killed"
    size=$(cat run.0 run.1 run.2 | wc -c)
    [ "$size" -gt 1000 ] || fail "the journals are empty"
    "$program" $options --journal run --csv killed.csv --model killed.safetensors >killed.txt 2>/dev/null || true
    cmp plain.csv killed.csv || fail "the tables differ"
    cmp plain.safetensors killed.safetensors || fail "the models differ"
    [ "$(tail -n 1 plain.txt)" = "$(tail -n 1 killed.txt)" ] || fail "$(tail -n 1 plain.txt) became $(tail -n 1 killed.txt)"
    size=$(cat run.0 run.1 run.2 | wc -c)
    "$program" $options --journal run --threads 1 --csv again.csv >again.txt 2>/dev/null || true
    cmp plain.csv again.csv || fail "a replay differs"
    [ "$(cat run.0 run.1 run.2 | wc -c)" -eq "$size" ] || fail "a replay evaluated something"
    refuse 'run.0: .*another fit' $options --ridge 0.04 --journal run
    printf 'no journal' >other.0
    refuse 'other.0' $options --journal other
    refuse 'nowhere/run.0' $options --journal nowhere/run
    ;;
options)
    refuse "unknown option '--sed'" --sed 1
    refuse '--seed: a value is missing' --seed
    for value in '' -1 x 1.5 18446744073709551616; do
        refuse "--seed '$value': .* expected" --seed "$value"
    done
    for option in --starts --iterations; do
        for value in '' 0 -1 x 1.5 99999999999999999999; do
            refuse "$option '$value': .* expected" $option "$value"
        done
    done
    refuse "--threads '1025': .* expected" --threads 1025
    for option in --growth --death --ridge --limit; do
        for value in '' -1 nan x 1e30; do
            refuse "$option '$value': .* expected" $option "$value"
        done
    done
    refuse "unknown option\|no value" --record=1
    refuse 'absent.csv' --data absent.csv
    printf 't,x\n1,2\n' >narrow.csv
    refuse 'narrow.csv: columns for time, prey and predators' --data narrow.csv
    head -n 5 "$data" >short.csv
    refuse 'short.csv: .*8 rows' --data short.csv
    sed '5s/,35.2/,many/' "$data" >text.csv
    refuse 'text.csv: .*many' --data text.csv
    sed '5s/,35.2/,0/' "$data" >extinct.csv
    refuse 'extinct.csv: the populations have to be positive' --data extinct.csv
    sed '5s/1903/1902/' "$data" >twice.csv
    refuse 'twice.csv: the times have to increase' --data twice.csv
    "$program" --help | grep -q -- '--estimate-rates' || fail "--help"
    "$program" --version | grep -q 'costate [0-9]' || fail "--version"
    # A result that is not good enough, and files that cannot be written, are told.
    code=0
    "$program" --starts 1 --iterations 1 >out.txt 2>err.txt || code=$?
    [ $code -eq 1 ] || fail "one iteration: status $code"
    grep -q '^lotka_volterra_ude: ' err.txt || fail "one iteration: $(cat err.txt)"
    for option in --csv --model; do
        code=0
        "$program" --starts 1 --iterations 1 $option nowhere/file >out.txt 2>err.txt || code=$?
        [ $code -eq 2 ] || fail "$option nowhere/file: status $code"
        grep -q 'nowhere/file' err.txt || fail "$option nowhere/file: $(cat err.txt)"
    done
    ;;
record) # hares and lynx: a good fit, rates that make sense, and the same from a file of one's own
    "$program" --record --csv record.csv >record.txt || fail "status $?: $(cat record.txt)"
    growth=$(sed -n 's/^rates *growth \([0-9.]*\), death [0-9.]*, estimated$/\1/p' record.txt)
    death=$(sed -n 's/^rates *growth [0-9.]*, death \([0-9.]*\), estimated$/\1/p' record.txt)
    at_most 'growth' "$growth" 1
    at_most 'growth' 0.25 "$growth"
    at_most 'death' "$death" 1.6
    at_most 'death' 0.4 "$death"
    awk -F, '{ print $1 "," $2 "," $3 ",ignored" }' "$data" >own.csv
    "$program" --data own.csv --csv own_result.csv >own.txt || fail "own: status $?"
    cmp record.csv own_result.csv || fail "the record as a file gives another result"
    ;;
seeds) # at least nine of ten, and the variants
    good=0
    for seed in 1 2 3 4 5 6 7 8 9 10; do
        if "$program" --seed $seed >run.txt 2>err.txt; then
            good=$((good + 1))
        fi
        echo "seed $seed: $(tail -n 1 run.txt) $(cat err.txt)"
    done
    [ $good -ge 9 ] || fail "only $good of 10 seeds succeeded"
    "$program" --estimate-rates >rates.txt || fail "--estimate-rates: status $?: $(cat rates.txt)"
    at_most 'slopes' "$(sed -n '$s/^learned slopes within \([0-9.]*\) % .*/\1/p' rates.txt)" 10
    # Without the assumption about the time after the data the interaction is as good, but the populations run away.
    code=0
    "$program" --limit 0 >free.txt 2>err.txt || code=$?
    [ $code -eq 1 ] || fail "--limit 0: status $code"
    grep -q 'the extrapolation leaves the range' err.txt || fail "--limit 0: $(cat err.txt)"
    set -- $(read_last_line free.txt)
    at_most 'error of the first term without the assumption' "${1:-}" 10
    at_most 'error of the second term without the assumption' "${2:-}" 10
    ;;
*)
    fail "unknown case $1"
    ;;
esac
exit $((failures > 0))
