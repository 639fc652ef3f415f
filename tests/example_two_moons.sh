#!/bin/sh
# SPDX-License-Identifier: MIT
# example_two_moons.sh <case> <two_moons> <work directory>: runs the example and judges what it prints and writes.
set -eu
program=$2
. "$(dirname "$0")/example_checks.sh"
enter "$3/two_moons_$1"

# share <name> <text>: the percentage before the name in the last line.
share() { printf '%s\n' "$2" | sed -n "s/^accuracy:.* \([0-9.]*\) % $1.*/\1/p"; }

# learns <bound> <arguments>...: a validation accuracy above the bound, and lines of progress whose loss falls.
learns() {
    bound=$1
    shift
    output=$("$program" "$@") || fail "$*: status $?: $output"
    for part in training validation; do
        below "$bound" "$(share $part "$output")" || fail "$*: $part: $(printf '%s\n' "$output" | tail -n 2)"
    done
    printf '%s\n' "$output" | awk '$1 == "epoch" { if (!n++) first = $4; last = $4; if (last != last + 0) bad = 1 }
        END { exit bad || n < 3 || !(last + 0 < 0.8 * first) }' || fail "$*: the loss does not fall: $output"
}

# as_json: lines of x y label as a two-moons file.
as_json() {
    awk '{ x = x (NR > 1 ? "," : "") "[" $1 "," $2 "]"; y = y (NR > 1 ? "," : "") $3 }
        END { print "{\"n\":" NR ",\"X\":[" x "],\"y\":[" y "]}" }'
}

# arcs: 400 points without noise, class after class.
arcs() {
    awk 'BEGIN { for (c = 0; c < 2; c++) for (i = 0; i < 200; i++) { t = 3.14159265 * (i + 0.5) / 200
        print c ? 1 - cos(t) : cos(t), c ? 0.5 - sin(t) : sin(t), 2 * c - 1 } }'
}

case $1 in
synthetic) # what is possible falls with the noise; the program itself knows how near it should come
    for seed in 1 2 3; do
        learns 99 --noise 0.1 --seed $seed
        learns 94 --noise 0.2 --seed $seed
        learns 94 --noise 0.2 --seed $seed --activation tanh
    done
    learns 75 --noise 0.5 --seed 4
    at_most 'what is possible' "$(share possible "$output")" 86
    learns 99 --noise 0 --seed 5
    close 'what is possible' "$(share possible "$output")" 100 0
    [ "$("$program" --seed 6 | tail -n 2)" = "$("$program" --seed=6 | tail -n 2)" ] || fail "the same seed, other output"
    [ "$("$program" --seed 6 | tail -n 2)" != "$("$program" --seed 7 | tail -n 2)" ] || fail "other seeds, the same output"
    # A network that has learnt nothing, and a demand that nobody can meet, are told apart.
    for arguments in '--epochs 1 --rate 1e-9' '--noise 0.5 --accuracy 0.99'; do
        code=0
        # shellcheck disable=SC2086 # several words
        "$program" $arguments >out.txt 2>err.txt || code=$?
        [ $code -eq 1 ] || fail "$arguments: status $code"
        grep -q 'accuracy in validation is below' err.txt || fail "$arguments: $(cat err.txt)"
    done
    ;;
files) # points from a file; the grid; the picture
    arcs | as_json >arcs.json
    learns 98 --data arcs.json --csv map.csv
    ! printf '%s\n' "$output" | grep -q possible || fail "the noise of a file is not known: $output"
    [ "$(head -n 1 map.csv)" = x,y,probability ] || fail "header: $(head -n 1 map.csv)"
    [ "$(wc -l <map.csv)" -eq 19482 ] || fail "lines of map.csv: $(wc -l <map.csv)"
    [ "$(cut -d, -f1,2 map.csv | sort -u | wc -l)" -eq 19482 ] || fail "places of map.csv are there twice"
    # Label 1 is probable on its own moon, and only there.
    awk -F, 'NR > 1 { if (!($3 >= 0 && $3 <= 1)) bad = 1
        r = sqrt($1 * $1 + $2 * $2); if ($2 > 0 && r > 0.97 && r < 1.03) { n++; if ($3 > 0.5) wrong++ }
        r = sqrt(($1 - 1) ^ 2 + ($2 - 0.5) ^ 2); if ($2 < 0.5 && r > 0.97 && r < 1.03) { n++; if ($3 < 0.5) wrong++ } }
        END { exit bad || n < 100 || wrong > 0 }' map.csv || fail "the map is wrong"
    # Labels without any relation to the points cannot be learnt.
    arcs | awk '{ print $1, $2, int(NR / 3) % 2 ? 1 : -1 }' | as_json >random.json
    code=0
    "$program" --data random.json >out.txt 2>err.txt || code=$?
    [ $code -eq 1 ] || fail "random labels: status $code: $(cat out.txt)"
    mkdir bin
    PATH=$PWD/bin "$program" --picture absent.png >out.txt || fail "without gnuplot: status $?"
    grep -q 'no picture' out.txt || fail "without gnuplot: $(cat out.txt)"
    [ ! -e absent.png ] || fail "a picture without gnuplot"
    if command -v gnuplot >/dev/null; then
        "$program" --picture moons.png >/dev/null || fail "png: status $?"
        [ "$(head -c 4 moons.png | tail -c 3)" = PNG ] || fail "moons.png is no PNG"
        "$program" --data arcs.json --picture moons.svg >/dev/null || fail "svg: status $?"
        grep -q '<svg' moons.svg || fail "moons.svg is no SVG"
        grep -q 'mean logistic loss' moons.svg || fail "moons.svg has no label of the losses"
    fi
    ;;
refused) # one line that names what is wrong; nothing is written
    arcs | as_json >arcs.json
    refuse 'absent.json' --data absent.json --csv map.csv
    head -c 3000 arcs.json >cut.json
    refuse 'cut.json' --data cut.json --csv map.csv
    sed 's/"n":400/"n":401/' arcs.json >count.json
    refuse 'count.json' --data count.json
    arcs | awk '{ print $1, $2, NR == 7 ? 2 : $3 }' | as_json >label.json
    refuse 'label.json' --data label.json
    arcs | head -n 12 | as_json >few.json
    refuse 'few.json.*12 points' --data few.json
    arcs | head -n 100 | as_json >single.json
    refuse 'single.json.*the label -1' --data single.json
    arcs | awk '{ print NR == 9 ? 1e60 : $1, $2, $3 }' | as_json >large.json
    refuse 'large.json.*point 8' --data large.json
    refuse "--points '99'" --points 99
    refuse "--noise '-0.1'" --noise -0.1
    refuse "--noise 'nan'" --noise nan
    refuse "--activation 'gelu'" --activation gelu
    refuse "--epochs '0'" --epochs 0
    refuse "--batch 'x'" --batch x
    refuse "--rate '0'" --rate 0
    refuse "--accuracy '1.1'" --accuracy 1.1
    refuse '--seed' --seed
    refuse "unknown option '--nonsense'" --nonsense
    code=0
    "$program" --csv nowhere/map.csv >out.txt 2>err.txt || code=$?
    [ $code -eq 2 ] || fail "a folder that is not there: status $code"
    grep -q 'nowhere/map.csv' err.txt || fail "a folder that is not there: $(cat err.txt)"
    "$program" --help | grep -q 'Usage: two_moons' || fail "--help"
    ;;
*)
    fail "unknown case $1"
    ;;
esac
exit $((failures > 0))
