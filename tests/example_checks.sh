#!/bin/sh
# SPDX-License-Identifier: MIT
# What the tests of the examples share; to be sourced. Expects $program.
failures=0

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

# enter <folder>: an empty folder to work in.
enter() {
    rm -rf "$1"
    mkdir -p "$1"
    cd "$1"
}

# below <a> <b>: a < b, for numbers; an empty or strange a or b is not below, or above, anything.
below() {
    awk -v a="$1" -v b="$2" 'function number(x) { return x ~ /^-?[0-9]*\.?[0-9]+(e[-+]?[0-9]+)?$/ }
        BEGIN { exit !(number(a) && number(b) && a + 0 < b + 0) }'
}

# at_most <what> <value> <bound>: fails unless value <= bound.
at_most() { below "$2" "$3" || [ "$2" = "$3" ] || fail "$1: $2 is above $3"; }

# close <what> <value> <reference> <tolerance>: fails unless |value - reference| <= tolerance.
close() {
    awk -v a="$2" -v b="$3" -v e="$4" 'BEGIN { d = a - b; exit !(a ~ /^-?[0-9.]+(e[-+]?[0-9]+)?$/ && d <= e && -d <= e) }' ||
        fail "$1: $2 instead of $3"
}

# refuse <pattern> <arguments>...: status 2, one line on standard error with the pattern, no results, no file that was not
# there before.
refuse() {
    pattern=$1
    shift
    scratch=$(mktemp -d)
    before=$(find . -type f | sort | xargs cksum)
    code=0
    "$program" "$@" >"$scratch/out" 2>"$scratch/err" || code=$?
    [ $code -eq 2 ] || fail "$*: status $code"
    [ "$(wc -l <"$scratch/err")" -eq 1 ] || fail "$*: not one line: $(cat "$scratch/err")"
    grep -q -- "$pattern" "$scratch/err" || fail "$*: '$pattern' is not in: $(cat "$scratch/err")"
    [ ! -s "$scratch/out" ] || fail "$*: output: $(cat "$scratch/out")"
    [ "$before" = "$(find . -type f | sort | xargs cksum)" ] || fail "$*: files were touched"
    rm -rf "$scratch"
}
