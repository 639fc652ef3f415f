#!/bin/sh
# SPDX-License-Identifier: MIT
# example_theophylline.sh <theophylline> <data folder> <work directory>: the example against R's optimum, on other data and on broken data.
set -eu
program=$1
data=$2/theophylline.csv
. "$(dirname "$0")/example_checks.sh"
enter "$3/theophylline"

# number <text before it> <file>: the number that follows.
number() { sed -n "s/.*$1 *\(-\{0,1\}[0-9.]*\).*/\1/p" "$2" | head -n 1; }

"$program" --csv rate.csv >run.txt || fail "status $?"
close lKe "$(number 'log ke =' run.txt)" -2.52423948 1e-4
close lKa "$(number 'log ka =' run.txt)" 0.39922782 1e-4
close lCl "$(number 'log Cl =' run.txt)" -3.24826299 1e-4
close 'pooled sum of squares' "$(number 'residual sum of squares' run.txt)" 274.4491345681 1e-3
close 'sum of the subjects' "$(number 'sum over the subjects' run.txt)" 47.066 1e-2
learned=$(sed -n 's/^residual sum of squares: .* \([0-9.]*\) learned$/\1/p' run.txt)
awk -v a="$learned" 'BEGIN { exit !(a + 0 > 200 && a + 0 < 274.4) }' || fail "learned: '$learned'"
[ "$(head -n 1 rate.csv)" = concentration,learned_rate,standard_error,linear_rate ] || fail "header: $(head -n 1 rate.csv)"
[ "$(wc -l <rate.csv)" -eq 102 ] || fail "lines of rate.csv: $(wc -l <rate.csv)"
awk -F, 'NR > 1 && !($2 >= 0 && $3 >= 0) { exit 1 }' rate.csv || fail "a rate or its error is negative"

# The first of twelve subjects is left out, and the columns are turned around.
awk -F, '$1 != "1" { print $5 "," $4 "," $3 "," $1 }' "$data" >eleven.csv
"$program" --data eleven.csv >eleven.txt || fail "eleven subjects: status $?"
[ "$(grep -c '^  [0-9]\{1,2\}  ' eleven.txt)" -eq 11 ] || fail "subjects: $(cat eleven.txt)"

refuse 'no column' --data "$2/hudson-bay-lynx-hare.csv"
refuse 'absent.csv' --data absent.csv
head -n 1 "$data" >empty.csv
refuse 'no rows' --data empty.csv
sed '5s/,10.5/,ten/' "$data" >text.csv
refuse 'text.csv.*5' --data text.csv
sed '5s/4.02/4.03/' "$data" >dose.csv
refuse 'line 5.*dose' --data dose.csv
sed '5s/1.12/0.12/' "$data" >time.csv
refuse 'line 5.*times' --data time.csv
refuse "'0'" --hidden 0
refuse "'x'" --ridge x
refuse 'unknown\|--nonsense' --nonsense
"$program" --help | grep -q 'Usage: theophylline' || fail "--help"

[ $failures -eq 0 ]
