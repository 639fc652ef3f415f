#!/bin/sh
# SPDX-License-Identifier: MIT
# check_readme.sh <source directory>: the program in the README is examples/minimal.c, and the files it links to exist.
set -eu
cd "$1"

# The first block of C in the README.
if ! awk '/^```c$/ { inside = 1; next } /^```$/ && inside { exit } inside' README.md | diff - examples/minimal.c; then
    echo "README.md does not show examples/minimal.c"
    exit 1
fi

status=0
for target in $(grep -Ho '](\([^)#]*\)' README.md doc/*.md | sed 's/\([^:]*\):](/\1:/'); do
    from=${target%%:*}
    to=${target#*:}
    case $to in '' | http*) continue ;; esac
    if [ ! -e "$(dirname "$from")/$to" ]; then
        echo "$from links to $to, which does not exist"
        status=1
    fi
done
exit $status
