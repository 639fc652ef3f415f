#!/bin/sh
# SPDX-License-Identifier: MIT
# adapter_desolve.sh <adapters/desolve> <work directory>: builds the compiled model and costate's own solution, and lets
# deSolve compare. COSTATE_CFLAGS and COSTATE_LIBS say how to compile and link. 77: R or deSolve is missing.
set -eu
source=$1
work=$2
if ! Rscript -e 'library(deSolve)' >/dev/null 2>&1; then
    echo "SKIPPED: R with the package deSolve was not found (r-base-core, r-cran-desolve)"
    exit 77
fi

rm -rf "$work"
mkdir -p "$work"
cp "$source"/* "$work"
cd "$work"
export PKG_CPPFLAGS="$COSTATE_CFLAGS" PKG_LIBS="$COSTATE_LIBS"
R CMD SHLIB -o elimination.so desolve_model.c elimination_ude.c >shlib.log 2>&1 || { cat shlib.log && exit 1; }
# shellcheck disable=SC2086 # lists of flags
${CC:-cc} -std=c11 -Wall -Wextra -Werror $COSTATE_CFLAGS own_solution.c elimination_ude.c -o own_solution $COSTATE_LIBS -lm
./own_solution >own_solution.csv
Rscript compare_desolve.R ./elimination.so own_solution.csv
