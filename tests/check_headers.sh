#!/bin/sh
# SPDX-License-Identifier: MIT
# check_headers.sh <include directory>...: every costate/*.h in them compiles alone, as C11 and as C++17, with each
# compiler there is.
set -eu
flags='-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -fsyntax-only'
for dir in "$@"; do
    flags="$flags -I$dir"
done

status=0
n=0
check() { # compiler language standard header
    command -v "$1" >/dev/null || return 0
    n=$((n + 1))
    if ! printf '#include <costate/%s>\nextern int not_empty;\n' "$4" | "$1" $flags "-std=$3" -x "$2" -; then
        echo "costate/$4 does not compile alone as $3 with $1"
        status=1
    fi
}

for dir in "$@"; do
    for path in "$dir"/costate/*.h; do
        header=${path##*/}
        check gcc c c11 "$header"
        check clang c c11 "$header"
        check g++ c++ c++17 "$header"
        check clang++ c++ c++17 "$header"
    done
done
if [ $n -eq 0 ]; then
    echo "nothing was compiled"
    status=1
fi
echo "$n compilations"
exit $status
