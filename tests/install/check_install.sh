#!/bin/sh
# SPDX-License-Identifier: MIT
# check_install.sh <source directory> <build directory> <scratch directory> <C compiler> <C++ compiler> <kind>...
# Installs the build into a scratch prefix, moves it, and builds and runs a consumer with every kind of library (shared,
# static) through find_package() and through pkg-config.
set -eu
source_dir=$1
build=$2
scratch=$3
export CC="$4"
export CXX="$5"
shift 5

rm -rf "$scratch"
mkdir -p "$scratch"
cmake --install "$build" --prefix "$scratch/first" >"$scratch/install.log"
mv "$scratch/first" "$scratch/prefix"
prefix=$scratch/prefix
if find "$prefix" -name '*.h' -o -name '*.cmake' -o -name '*.pc' | xargs grep -l -e "$source_dir/" -e "$scratch/first"; then
    echo "installed files name directories of this machine"
    exit 1
fi

PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name costate.pc)")
export PKG_CONFIG_PATH
libdir=$(pkg-config --variable=libdir costate)
consumer=$source_dir/tests/install/consumer
warnings='-Wall -Wextra -Wpedantic -Werror'
cd "$scratch"
for kind in "$@"; do
    echo "== find_package, $kind"
    cmake -S "$source_dir/tests/install" -B "consumer-$kind" -DCMAKE_PREFIX_PATH="$prefix" -DKIND="$kind" >"$kind.log"
    cmake --build "consumer-$kind" >>"$kind.log" || { cat "$kind.log" && exit 1; }
    (cd "consumer-$kind" && ctest --output-on-failure)

    echo "== pkg-config, $kind"
    if [ "$kind" = static ]; then
        # The archive by its name: -lcostate would take the shared library next to it.
        libs=$(pkg-config --static --libs costate | sed "s|-lcostate|$libdir/libcostate.a|")
    else
        libs="$(pkg-config --libs costate) -Wl,-rpath,$libdir"
    fi
    # shellcheck disable=SC2046,SC2086 # flags are words
    $CC -std=c11 $warnings -o "pc-c-$kind" "$consumer.c" $(pkg-config --cflags costate) $libs -lm
    # shellcheck disable=SC2046,SC2086
    $CXX -std=c++17 $warnings -o "pc-cxx-$kind" "$consumer.cpp" $(pkg-config --cflags costate) $libs -lm
    for program in "pc-c-$kind" "pc-cxx-$kind"; do
        "./$program"
        if [ "$kind" = static ] && readelf -d "$program" | grep libcostate; then
            echo "$program was to be linked statically"
            exit 1
        fi
    done
done
