#!/bin/sh
# SPDX-License-Identifier: MIT
# adapter_stan.sh <adapters/stan> <work directory> <theophylline.csv>: compiles the Stan model with the external
# likelihood and compares its gradient with costate's. COSTATE_CFLAGS and COSTATE_LIBS say how to compile and link.
# 77: R or rstan is missing.
set -eu
source=$1
work=$2
data=$3
if ! Rscript -e 'library(rstan)' >/dev/null 2>&1; then
    echo "SKIPPED: R with the package rstan was not found (r-base-core, r-cran-rstan)"
    exit 77
fi

rm -rf "$work"
mkdir -p "$work"
# rstan keeps what it compiled beside the model, if told so by a user's profile.
cp "$source"/* "$work"
cd "$work"
# shellcheck disable=SC2086 # lists of flags
${CXX:-c++} -std=c++14 -Wall -Wextra -Wconversion -Werror $COSTATE_CFLAGS own_gradient.cpp -o own_gradient $COSTATE_LIBS
./own_gradient "$data" >own_gradient.csv
Rscript compare_stan.R . "$data" own_gradient.csv
