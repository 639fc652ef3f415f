#!/bin/sh
# SPDX-License-Identifier: MIT
# adapter_mrgsolve.sh <source directory> <harness> <scratch directory>: the model of adapters/mrgsolve by the real mrgsolve.
# Exit status 77 when R or the package is missing.
set -eu
source_dir=$1
harness=$2
scratch=$3
if ! command -v Rscript >/dev/null; then
    echo "Rscript was not found"
    exit 77
fi
rm -rf "$scratch"
mkdir -p "$scratch"
cp "$source_dir"/adapters/mrgsolve/elimination.cpp "$source_dir"/adapters/mrgsolve/elimination_net.h \
    "$source_dir"/eval/costate_eval.h "$source_dir"/eval/costate_eval.c "$scratch"
"$harness" --reference >"$scratch/reference.txt"
exec Rscript "$source_dir/adapters/mrgsolve/run.R" "$scratch" "$scratch/reference.txt"
