#!/bin/sh
# SPDX-License-Identifier: MIT
# check_symbols.sh <libcostate.so>: the shared library exports costate_* only, and refers to nothing that would print,
# exit, abort or draw numbers behind its host's back (the list of R's package checks, and a few more).
set -eu
library=$1
forbidden='abort|exit|_exit|_Exit|quick_exit|__assert|__assert_fail|__assert_perror_fail|__assert_rtn'
forbidden="$forbidden|printf|vprintf|__printf_chk|__vprintf_chk|puts|putchar|putchar_unlocked|perror|stdout|stderr|stdin"
forbidden="$forbidden|sprintf|vsprintf|__sprintf_chk|__vsprintf_chk|rand|rand_r|srand|random|srandom|initstate|setstate"
forbidden="$forbidden|drand48|lrand48|mrand48|srand48|erand48|nrand48|jrand48"
forbidden="$forbidden|setenv|putenv|setlocale|signal|sigaction|raise|kill"
status=0

wanted=$(nm -D --undefined-only "$library" | awk '{ sub(/@.*/, "", $NF); print $NF }')
found=$(printf '%s\n' "$wanted" | grep -E -x "$forbidden" || true)
if [ -n "$found" ]; then
    echo "$library refers to forbidden symbols:" $found
    status=1
fi

exported=$(nm -D --defined-only "$library" | awk '{ sub(/@.*/, "", $NF); print $NF }')
found=$(printf '%s\n' "$exported" | grep -v '^costate_' || true)
if [ -n "$found" ]; then
    echo "$library exports symbols of its own:" $found
    status=1
fi
if ! printf '%s\n' "$exported" | grep -q '^costate_version$'; then
    echo "$library does not export costate_version"
    status=1
fi
exit $status
