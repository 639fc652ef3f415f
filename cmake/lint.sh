#!/bin/sh
# SPDX-License-Identifier: MIT
# lint.sh format         format all C and C++ sources in place
# lint.sh check <build>  fail when a source is not formatted or clang-tidy finds anything under <build>/compile_commands.json
set -eu
cd "$(dirname "$0")/.."
# Not version.h.in: its @...@ are no C.
sources=$(find include src eval examples adapters tests bench -name '*.[ch]' -o -name '*.cpp' | sort)

case ${1:-} in
format)
    # shellcheck disable=SC2086 # a list of names
    clang-format -i $sources
    ;;
check)
    # shellcheck disable=SC2086
    clang-format --dry-run --Werror $sources
    # Every C and C++ file of the compilation database, each under all the flags it is compiled with.
    files=$(sed -n 's/^ *"file": "\(.*\.\(c\|cpp\)\)",*$/\1/p' "$2/compile_commands.json" | sort -u)
    if [ -z "$files" ]; then
        echo "$2/compile_commands.json names no file" >&2
        exit 1
    fi
    printf '%s\n' "$files" | xargs -n 1 -P "$(nproc)" clang-tidy -p "$2" --quiet
    ;;
*)
    echo "usage: $0 format | check <build directory>" >&2
    exit 2
    ;;
esac
