#!/bin/sh
# SPDX-License-Identifier: MIT
# codegen_run.sh <codegen_cases> <folder> <tool>: networks exported as source text compute what the library computes when
# the tool compiles or interprets the text.
#
#   gcc, g++, clang  C99 with every warning an error, once as C++11: values, Jacobians, Hessians
#   gfortran         NM-TRAN's text in a Fortran program: it is valid Fortran within NM-TRAN's line and name lengths. Shows
#                    nothing of NM-TRAN's own restrictions and derivatives
#   rxode2           the text evaluated by R, whose syntax it is. Shows nothing of rxode2's parser
#   mlxtran          the text evaluated by R after its comments, conditions and normcdf() have been replaced. Shows that the
#                    assignments are complete, in order and right, nothing of Mlxtran's parser
#   stan             the functions compiled by rstan
set -eu
cases=$1
folder=$2/$3
tool=$3
here=$(pwd)

need() {
    if ! command -v "$1" >/dev/null; then
        echo "$1 is not there: skipped"
        exit 77
    fi
}

write() { # language
    language=$1
    rm -rf "$folder"
    mkdir -p "$folder"
    "$cases" write "$1" "$folder"
    cd "$folder"
}

c_program() { # standard compiler options...
    standard=$1
    shift
    write c99
    for text in case_*.txt; do
        # Position-dependent, so that constant tables of addresses are read-only in the object, too.
        "$@" "-std=$standard" -O1 -fno-pic -Wall -Wextra -Wpedantic -Wconversion -Werror -c -o "${text%.txt}.o" "$text"
    done
    "$@" "-std=$standard" -O0 -fno-pic -c -o main.o main.c
    "$1" -no-pie -o main main.o case_*.o -lm
    nm case_*.o | awk '$2 ~ /^[bBdDCc]$/ { print "mutable data: " $0; bad = 1 } END { exit bad }'
    ./main >numbers.txt
}

nmtran_program() {
    write nmtran
    awk 'length($0) > 160 { print FILENAME ": " length($0) " columns"; bad = 1 } END { exit bad }' case_*.txt
    grep -v '^;' case_*.txt -h | grep -o '[A-Za-z][A-Za-z_0-9]*' |
        awk 'length($0) > 20 { print $0 ": a long name"; bad = 1 } END { exit bad }'
    for text in case_*.txt; do
        sed 's/;.*//' "$text" >"${text%.txt}.f90"
    done
    gfortran -O0 -ffree-form -ffree-line-length-160 -Wall -Wno-unused -Wno-maybe-uninitialized -o main main.f90
    ./main >numbers.txt
}

r_program() { # language sed-program
    write "$1"
    for text in case_*.txt; do
        sed "$2" "$text" >"${text%.txt}.R"
    done
    Rscript --vanilla main.R >numbers.txt
}

case $tool in
gcc) need gcc && c_program c99 gcc -x c ;;
g++) need g++ && c_program c++11 g++ -x c++ ;;
clang) need clang && c_program c99 clang -x c ;;
gfortran) need gfortran && nmtran_program ;;
rxode2) need Rscript && r_program rxode2 '' ;;
mlxtran)
    need Rscript
    r_program mlxtran 's/^;.*//; s/^\( *\)if \(.*\)$/\1if (\2) {/; s/^\( *\)else$/\1} else {/; s/^\( *\)end$/\1}/'
    ;;
stan)
    need Rscript
    if ! Rscript --vanilla -e 'if (!requireNamespace("rstan", quietly = TRUE)) quit(status = 1)' >/dev/null 2>&1; then
        echo 'the R package rstan is not there: skipped'
        exit 77
    fi
    write stan
    { echo 'functions {' && cat case_*.txt && echo '}'; } >all.stan
    # Optimising Stan's headers takes minutes and shows nothing more; and they fill a log with warnings.
    printf 'CXXFLAGS = -O0 -w\nCXX14FLAGS = -O0 -w\n' >Makevars
    export R_MAKEVARS_USER="$folder/Makevars"
    Rscript --vanilla main.R >numbers.txt 2>stan.log || { tail -n 20 stan.log && exit 1; }
    ;;
*)
    echo "unknown tool $tool" >&2
    exit 2
    ;;
esac
cd "$here"
"$cases" check "$language" "$folder/numbers.txt"
