#!/bin/sh
# SPDX-License-Identifier: MIT
# eval_compilers.sh <eval directory>: the stand-alone evaluator compiles without a warning as C99 and as C++11 with each
# compiler there is, the header alone too, and refers to nothing but the mathematical library.
set -eu
dir=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
flags='-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wdouble-promotion -Werror'
status=0
n=0

check_symbols() { # object, what it was made by, pattern of further names
    wanted=$(nm -u "$1" | awk '{ print $NF }' | grep -E -v -x "(sin|cos|sincos|tanh|exp|expm1|log1p|erfc|fabs|fma)$3" || true)
    if [ -n "$wanted" ]; then
        echo "$2: refers to" $wanted
        status=1
    fi
    if ! nm "$1" | grep -q ' T costate_eval_hessian$'; then
        echo "$2: does not define costate_eval_hessian with C linkage"
        status=1
    fi
    if nm "$1" | grep -E ' [BbDdCS] '; then
        echo "$2: has data that can change"
        status=1
    fi
}

check() { # compiler language standard
    command -v "$1" >/dev/null || return 0
    n=$((n + 1))
    printf '#include <costate_eval.h>\nextern int not_empty;\n' >"$scratch/header.c"
    if ! "$1" -x "$2" "-std=$3" $flags -fsyntax-only "-I$dir" "$scratch/header.c" ||
        ! "$1" -x "$2" "-std=$3" $flags -O0 -c "$dir/costate_eval.c" -o "$scratch/plain.o" ||
        ! "$1" -x "$2" "-std=$3" $flags -O3 -c "$dir/costate_eval.c" -o "$scratch/optimised.o"; then
        echo "costate_eval does not compile as $3 with $1"
        status=1
        return 0
    fi
    check_symbols "$scratch/plain.o" "$1 $3" ''
    # An optimiser may make memset and memcpy of loops; every C compiler brings these along.
    check_symbols "$scratch/optimised.o" "$1 $3 -O3" '|memset|memcpy|memmove'
}

check gcc c c99
check gcc c c11
check clang c c99
check g++ c++ c++11
check g++ c++ c++17
check clang++ c++ c++11
if [ $n -eq 0 ]; then
    echo "nothing was compiled"
    status=1
fi
echo "$n compilers and standards"
exit $status
