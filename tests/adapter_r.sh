#!/bin/sh
# SPDX-License-Identifier: MIT
# adapter_r.sh <adapters/r> <work directory>: builds, installs and checks the R package; its tests are the theophylline
# fit, networks, solutions and conditions. COSTATE_CFLAGS and COSTATE_LIBS say how to compile and link. 77: R is missing.
set -eu
source=$1
work=$2
if ! command -v R >/dev/null; then
    echo "SKIPPED: R was not found (r-base-core)"
    exit 77
fi

rm -rf "$work"
mkdir -p "$work"
cd "$work"
# R CMD check reads the index of a package repository: an empty one here instead of one in the network.
mkdir -p repository/src/contrib
: >repository/src/contrib/PACKAGES
echo "options(repos = c(CRAN = 'file://$PWD/repository'))" >profile.R
export R_PROFILE="$PWD/profile.R"
R CMD build "$source" >build.log 2>&1 || { cat build.log && exit 1; }
status=0
R CMD check --no-manual costate_*.tar.gz >check.log 2>&1 || status=$?
if [ $status -ne 0 ] || grep -q -E '(ERROR|WARNING)$' check.log || ! grep -q '^Status: ' check.log; then
    cat check.log
    cat costate.Rcheck/00install.out costate.Rcheck/tests/*.fail 2>/dev/null || true
    exit 1
fi
grep '^Status: ' check.log
grep '^[A-Za-z0-9-]*  *RSS ' costate.Rcheck/tests/check_theophylline.Rout
