#!/bin/sh
# SPDX-License-Identifier: MIT
# example_neural_ode.sh <case> <neural_ode> <work directory>: runs the example in a directory of its own and judges what it does.
set -eu
program=$2
. "$(dirname "$0")/example_checks.sh"
enter "$3/$1"
work=$PWD

# value <text>: the number after "RMSE over all states: " in the text.
rmse() { printf '%s\n' "$1" | sed -n 's/^RMSE over all states: //p'; }

# bad <pattern> <content of the file, for printf>
bad() {
    # shellcheck disable=SC2059 # the content is a format on purpose
    printf "$2" >bad.csv
    refuse "^neural_ode: bad.csv: .*$1" bad.csv
}

# good <content of the file, for printf>: read without complaint.
good() {
    # shellcheck disable=SC2059
    printf "$1" >good.csv
    "$program" --quiet --iterations 150 --output good_fit good.csv >/dev/null || fail "a good file was refused: $1"
    rm -f good_fit.*
}

case $1 in
record) # the default run reaches the accuracy that is promised, whatever the seed
    for seed in 1 2; do
        output=$("$program" --seed $seed)
        below "$(rmse "$output")" 2.6 || fail "seed $seed: $output"
    done
    [ "$(head -n 1 neural_ode.csv)" = '"Year","Hare fit","Lynx fit","Hare","Lynx"' ] || fail "header: $(head -n 1 neural_ode.csv)"
    [ "$(awk -F, 'NR > 1 && $4 != ""' neural_ode.csv | wc -l)" -eq 21 ] || fail "the data are not all in the file"
    awk -F, 'NR > 1 { if ($2 !~ /^-?[0-9]/ || $3 !~ /^-?[0-9]/ || (NR > 2 && $1 + 0 <= last)) bad = 1; last = $1 + 0 }
             END { exit bad || NR < 300 }' neural_ode.csv || fail "the curves are not complete"
    # The error once more, from the file.
    error=$(awk -F, 'NR > 1 && $4 != "" { s += ($2 - $4)^2 + ($3 - $5)^2; n += 2 } END { printf "%.3g", sqrt(s / n) }' neural_ode.csv)
    [ "$error" = "$(rmse "$output")" ] || fail "RMSE of the file is $error, printed was $(rmse "$output")"
    ;;
variants) # other networks, solvers, optimisers, each a short run
    for arguments in '--hidden 8' '--hidden 12,12,12' '--activation softplus' '--rtol 1e-4' '--time-input' '--ridge 0' \
        '--optimizer adam' '--data=neural_data.csv'; do
        cp "$4/hudson-bay-lynx-hare.csv" neural_data.csv
        # shellcheck disable=SC2086 # several words
        output=$("$program" --quiet --iterations 300 $arguments) || fail "$arguments"
        below "$(rmse "$output")" 8 || fail "$arguments: $output"
    done
    ;;
solvers) # each method fits, and the report names it and what it did
    for solver in adams bdf tsit5 dop853 sdirk4 auto; do
        output=$("$program" --quiet --iterations 300 --solver $solver) || fail "$solver"
        below "$(rmse "$output")" 8 || fail "$solver: $output"
        printf '%s\n' "$output" | grep -q "^solver    $solver, rtol 1e-06" || fail "$solver is not reported: $output"
        jacobians=$(printf '%s\n' "$output" | sed -n 's/^forward .*VJPs, \([0-9]*\) Jacobians.*/\1/p')
        case $solver in
        adams | tsit5 | dop853) [ "$jacobians" = 0 ] || fail "$solver: Jacobians: $output" ;;
        bdf | sdirk4) below 0 "$jacobians" || fail "$solver: no Jacobians: $output" ;;
        auto) printf '%s\n' "$output" | grep -q '^solver .* [0-9]* of [0-9]* steps implicit, [0-9]* changes$' || fail "auto: $output" ;;
        esac
    done
    "$program" --quiet --iterations 60 --output default >default.txt
    grep -q '^solver    tsit5,' default.txt || fail "the default: $(cat default.txt)"
    ;;
spiral)
    output=$("$program" --spiral --iterations 150)
    below "$(rmse "$output")" 0.5 || fail "$output"
    [ "$(head -n 1 spiral.csv)" = '"t","y0 fit","y1 fit","y0","y1"' ] || fail "header: $(head -n 1 spiral.csv)"
    ;;
seed) # the same seed gives the same file, another one another
    for run in a b; do
        "$program" --quiet --iterations 60 --seed 7 --output $run >/dev/null
    done
    "$program" --quiet --iterations 60 --seed 8 --output c >/dev/null
    cmp a.csv b.csv || fail "the same seed gave two results"
    ! cmp -s a.csv c.csv || fail "another seed gave the same result"
    ;;
gnuplot) # without gnuplot there is a message instead of a picture
    mkdir empty
    output=$(PATH=$work/empty "$program" --quiet --iterations 60)
    case $output in *'no picture: gnuplot is not installed'*) ;; *) fail "$output" ;; esac
    [ -s neural_ode.csv ] || fail "no CSV file"
    [ ! -e neural_ode.png ] || fail "a picture without gnuplot"
    printf '#!/bin/sh\nexit 1\n' >empty/gnuplot
    chmod +x empty/gnuplot
    output=$(PATH=$work/empty:$PATH "$program" --quiet --iterations 60)
    case $output in *'no picture: gnuplot could not draw it'*) ;; *) fail "$output" ;; esac
    if command -v gnuplot >/dev/null; then
        # Names that mean something to gnuplot, to the shell and to CSV.
        printf 'time {s},"a, '\''b'\'' ""c""",x^{2}\n1,2,3\n2,3,5\n3,5,4\n4,6,2\n' >odd.csv
        output=$("$program" --quiet --iterations 60 --output "it's \$(odd)" odd.csv)
        [ -s "it's \$(odd).png" ] || [ -s "it's \$(odd).svg" ] || fail "no picture: $output"
        [ -s "it's \$(odd).csv" ] || fail "no CSV file: $output"
    fi
    [ -z "$(find . -name '*.tmp')" ] || fail "temporary files were left: $(find . -name '*.tmp')"
    ;;
input)
    echo precious >neural_ode.csv
    refuse 'missing.csv: cannot be opened: No such file' missing.csv
    mkdir directory
    refuse 'directory: cannot be read: Is a directory' directory
    bad 'is empty' ''
    bad 'row 1 is empty' '\n\n'
    bad 'only a header' 't,x\n'
    bad 'only a header' 't,x\n\n\n'
    bad 'row 2 is the only row' 't,x\n1,2\n'
    bad 'row 1: there is no state column' 't\n1\n2\n'
    bad 'row 1 holds numbers' '1,2\n2,3\n3,4\n'
    bad 'row 1, column 2: the column has no name' 't,,y\n1,2,3\n2,3,4\n'
    bad 'row 3, column 3 (y): missing; the header has 3 columns, this row 2' 't,x,y\n1,2,3\n2,3\n'
    bad 'row 2, column 4: one too many; the header has 3 columns, this row 4' 't,x,y\n1,2,3,4\n2,3,4\n'
    bad "row 3, column 2 (x): 'abc' is not a number" 't,x\n1,2\n2,abc\n'
    bad "row 2, column 1 (t): '1900-01' is not a number" 't,x\n1900-01,2\n1900-02,1\n'
    bad "row 2, column 2 (x): '1.5kg' is not a number" 't,x\n1,1.5kg\n2,3\n'
    bad "row 2, column 2 (x): '0x10' is not a number" 't,x\n1,0x10\n2,3\n'
    bad "row 2, column 2 (x): '1 2' is not a number" 't,x\n1,1 2\n2,3\n'
    bad "row 3, column 2 (x): '' is empty" 't,x\n1,2\n2,\n3,4\n'
    bad "row 3, column 2 (x): 'NaN' is not a finite number" 't,x\n1,2\n2,NaN\n'
    bad "row 3, column 1 (t): '-inf' is not a finite number" 't,x\n1,2\n-inf,1\n'
    bad "row 3, column 2 (x): '1e999' is not a finite number" 't,x\n1,2\n2,1e999\n'
    bad "row 3, column 2 (x): '1e200' is too large" 't,x\n1,2\n2,1e200\n'
    bad 'row 4, column 1 (t): the time 1.5 comes after 2' 't,x\n1,2\n2,3\n1.5,3\n'
    bad 'row 4, column 1 (t): the time 2 is that of the row above' 't,x\n1,2\n2,3\n2,3\n'
    bad 'row 3, column 1: the row is empty' 't,x\n1,2\n\n2,3\n'
    bad 'row 2, column 2: the quotes do not match' 't,x\n1,"2\n2,3\n'
    bad 'row 1, column 2: the quotes do not match' 't,"x"y\n1,2\n2,3\n'
    bad 'zero byte' 't,x\n1,2\n2,3\n\0004,5\n'
    awk 'BEGIN { print "t,x"; for (i = 0; i < 100001; i++) print i ",1" }' >long.csv
    refuse 'long.csv: row 100002: more than 100000 rows' long.csv
    awk 'BEGIN { printf "t"; for (i = 0; i < 33; i++) printf ",x" i; print "" }' >wide.csv
    refuse 'wide.csv: row 1 has 34 columns; at most 32' wide.csv
    if [ -r /dev/zero ]; then
        refuse '/dev/zero: is larger than 64 MiB' /dev/zero
    fi
    # What must not matter: CRLF, a byte-order mark, blank lines at the end, no line end at the end, quotes, blanks.
    good 't,x\r\n1,2\r\n2,3\r\n3,5\r\n'
    good '\357\273\277t,x\n1,2\n2,3\n3,5\n'
    good 't,x\n1,2\n2,3\n3,5\n\n  \n\r\n'
    good 't,x\n1,2\n2,3\n3,5'
    good '"time, ""t""","x"\n"1","2"\n2, 3 \n3,\t5e0\n'
    # Constant states, one of them with rounding in its mean; only constants; few rows; large numbers; tiny ones.
    good 't,x,c,d\n1,2,0.1,0\n2,3,0.1,0\n3,5,0.1,0\n'
    good 't,c\n1,0.1\n2,0.1\n3,0.1\n'
    good 't,x\n1,0\n2,0\n'
    good 't,x\n1e15,1e90\n2e15,3e90\n3e15,4e90\n'
    good 't,x\n1e-30,1e-90\n2e-30,3e-90\n3e-30,4e-90\n'
    good 't,x,c\n-1e3,2,7\n0,+3,7\n2.5E2,.5,7\n'
    ;;
options)
    refuse "unknown option '--hiden'" --hiden 16
    refuse "unknown option '-x'" -x
    refuse "unknown option '--quiet=1'" --quiet=1
    refuse '--hidden: a value is missing' --hidden
    for value in '' 0 16, ,16 16,,16 a 16a -3 1025 1,1,1,1,1,1,1,1,1 99999999999999999999; do
        refuse "--hidden '$value': .* expected" --hidden "$value"
    done
    refuse "--activation 'TANH'" --activation TANH
    for value in '' euler TSIT5 tsit; do
        refuse "--solver '$value': .* expected: adams bdf tsit5 dop853 sdirk4 auto$" --solver "$value"
    done
    for value in '' 0 -1 1 nan x 1e-3x; do
        refuse "--rtol '$value': .* expected" --rtol "$value"
    done
    for value in 0 -1 x 1.5 99999999999999999999; do
        refuse "--iterations '$value': .* expected" "--iterations=$value"
    done
    refuse "--optimizer 'sgd': lbfgs or adam" --optimizer sgd
    refuse "--ridge '-1': .* expected" --ridge -1
    for value in -1 x 18446744073709551616; do
        refuse "--seed '$value': .* expected" --seed "$value"
    done
    refuse "'b.csv': there is more than one data file" a.csv b.csv
    refuse '--spiral: has its own data' --spiral a.csv
    refuse '--time-input: cannot be combined' --spiral --time-input
    "$program" --help | grep -q -- '--optimizer' || fail "--help"
    "$program" --version | grep -q 'costate [0-9]' || fail "--version"
    ;;
output)
    cp "$4/hudson-bay-lynx-hare.csv" record.csv
    refuse '--output: nowhere/fit.csv cannot be written: No such file' --output nowhere/fit record.csv
    refuse '--output: record.csv is the input' --output record record.csv
    refuse "--output '': the beginning of a file name" --output ''
    refuse "--output 'dir/': the beginning of a file name" --output dir/
    mkdir taken.csv
    refuse '--output: taken.csv is a directory' --output taken record.csv
    if [ "$(id -u)" -ne 0 ]; then
        mkdir locked
        chmod a-w locked
        refuse '--output: locked/fit.csv cannot be written: Permission' --output locked/fit record.csv
        chmod u+w locked
    fi
    # A fit that is no better than a constant leaves what is there alone.
    echo precious >fit.csv
    code=0
    "$program" --quiet --iterations 1 --output fit record.csv >/dev/null 2>"$work.err" || code=$?
    [ $code -eq 1 ] || fail "a bad fit has status $code"
    grep -q 'no better than' "$work.err" || fail "a bad fit says: $(cat "$work.err")"
    [ "$(cat fit.csv)" = precious ] || fail "a bad fit wrote its file"
    rm "$work.err"
    "$program" --quiet --iterations 60 --output fit record.csv >/dev/null
    [ "$(cat fit.csv)" != precious ] || fail "a good fit did not write its file"
    ;;
*)
    fail "unknown case $1"
    ;;
esac
exit $((failures > 0))
