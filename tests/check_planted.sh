#!/bin/sh
# SPDX-License-Identifier: MIT
# check_planted.sh <directory of the checks> <C compiler> <scratch directory>: every check fails on a planted violation
# and passes without it.
set -eu
checks=$1
cc=$2
scratch=$3
rm -rf "$scratch"
mkdir -p "$scratch"
status=0
n=0

expect() { # pass|fail what command...
    wanted=$1
    what=$2
    shift 2
    n=$((n + 1))
    got=pass
    "$@" >"$scratch/log" 2>&1 || got=fail
    if [ $got != "$wanted" ]; then
        echo "$what: expected to $wanted:"
        cat "$scratch/log"
        status=1
    fi
}

library() { # body of C
    printf 'const char *costate_version(void) { return ""; }\n%s\n' "$1" >"$scratch/lib.c"
    "$cc" -shared -fPIC -fvisibility=default -o "$scratch/lib.so" "$scratch/lib.c"
}
library ''
expect pass 'symbols, clean' "$checks/check_symbols.sh" "$scratch/lib.so"
library '#include <stdlib.h>
void costate_x(int i); void costate_x(int i) { if (i) abort(); }'
expect fail 'symbols, abort' "$checks/check_symbols.sh" "$scratch/lib.so"
library '#include <stdio.h>
void costate_x(int i); void costate_x(int i) { printf("%d", i); }'
expect fail 'symbols, printf' "$checks/check_symbols.sh" "$scratch/lib.so"
library '#include <stdio.h>
void costate_x(int i); void costate_x(int i) { fprintf(stderr, "%d", i); }'
expect fail 'symbols, stderr' "$checks/check_symbols.sh" "$scratch/lib.so"
library '#include <assert.h>
void costate_x(int i); void costate_x(int i) { assert(i); }'
expect fail 'symbols, assert' "$checks/check_symbols.sh" "$scratch/lib.so"
library 'void csi_x(void); void csi_x(void) {}'
expect fail 'symbols, an internal exported' "$checks/check_symbols.sh" "$scratch/lib.so"

tree() { # path line
    rm -rf "$scratch/tree"
    mkdir -p "$scratch/tree/include/costate" "$scratch/tree/src/core"
    printf '#include <stddef.h>\n' >"$scratch/tree/include/costate/status.h"
    mkdir -p "$scratch/tree/$(dirname "$1")"
    printf '%s\n' "$2" >"$scratch/tree/$1"
}
layers() { # pass|fail path line
    tree "$2" "$3"
    expect "$1" "layers, $2: $3" "$checks/check_layers.sh" "$scratch/tree"
}
layers pass src/fit/a.c '#include "adjoint/b.h"'
layers pass src/nn/kernels/a.c '#include <immintrin.h>'
layers pass src/ode/a.c '#include <cvodes/cvodes.h>'
layers pass src/ode/a.c '#include <costate/rhs.h>'
layers pass src/inference/a.c '#include "fit/b.h"'
layers pass src/optimize/a.c '#include <nlopt.h>'
layers pass src/data/a.c '#include <zlib.h>'
layers pass src/data/a.c '#include <cjson/cJSON.h>'
layers fail src/core/a.c '#include "nn/b.h"'
layers fail src/optimize/a.c '#include "fit/b.h"'
layers fail src/fit/a.c '#include "inference/b.h"'
layers fail src/ude/a.c '#include <costate/solver.h>'
layers fail src/fit/a.c '#include <nlopt.h>'
layers fail src/fit/a.c '#include <zlib.h>'
layers fail src/nn/a.c '#include <cJSON.h>'
layers fail src/core/a.c '#include <cjson/cJSON.h>'
layers fail src/core/a.c '#include <zlib.h>'
layers fail src/data/a.c '#include <nlopt.h>'
layers fail src/data/a.c '#include "model/json.h"'
layers fail include/costate/idx.h '#include <zlib.h>'
layers fail include/costate/moons.h '#include <cjson/cJSON.h>'
layers fail src/nn/a.c '#include "ode/b.h"'
layers fail src/nn/a.c '#  include <costate/solver.h>'
layers fail src/ode/a.c '#include "nn/b.h"'
layers fail src/ode/a.c '#include <costate/net.h>'
layers fail src/ode/a.c '#include "adjoint/b.h"'
layers fail src/adjoint/a.c '#include "fit/b.h"'
layers fail src/fit/a.c '#include "nn/b.h"'
layers fail src/fit/a.c '#include <costate/costate.h>'
layers fail src/fit/a.c '#include "../nn/b.h"'
layers fail src/core/a.c '#include <immintrin.h>'
layers fail src/nn/a.c '#include <sleef.h>'
layers fail src/nn/a.c '#include <cvodes/cvodes.h>'
layers fail src/ode/a.c '#include <nlopt.h>'
layers fail src/other/a.c '#include <stddef.h>'
layers fail include/costate/solver.h '#include <sundials/sundials_types.h>'
layers fail include/costate/solver.h '#include <costate/net.h>'
layers fail include/costate/net.h '#include <immintrin.h>'
layers fail include/costate/net.h '#include <sleef.h>'
layers fail include/costate/net.h '#include "nn/net_plan.h"'
layers fail include/costate/unheard.h '#include <stddef.h>'

header() { # pass|fail content
    tree include/costate/status.h "$2"
    expect "$1" "headers, $2" "$checks/check_headers.sh" "$scratch/tree/include"
}
header pass 'int costate_x(void);'
header fail 'size_t costate_x(void);'
if command -v g++ >/dev/null || command -v clang++ >/dev/null; then
    header fail '#include <stddef.h>
static inline int *costate_x(void *x) { return x; }'
    header fail '#include <stddef.h>
size_t costate_x(double *restrict x);'
fi

tree a.c '/* SPDX-License-Identifier: MIT */'
rm -r "$scratch/tree/include"
expect pass 'spdx, clean' env GIT_DIR=/nowhere "$checks/check_spdx.sh" "$scratch/tree"
printf '#!/bin/sh\n# SPDX-License-Identifier: MIT\n' >"$scratch/tree/b.sh"
expect pass 'spdx, script' env GIT_DIR=/nowhere "$checks/check_spdx.sh" "$scratch/tree"
printf '#!/bin/sh\n\n# SPDX-License-Identifier: MIT\n' >"$scratch/tree/b.sh"
expect fail 'spdx, third line' env GIT_DIR=/nowhere "$checks/check_spdx.sh" "$scratch/tree"
printf '/* Purpose. */\n/* SPDX-License-Identifier: MIT */\n' >"$scratch/tree/b.sh"
expect fail 'spdx, second line' env GIT_DIR=/nowhere "$checks/check_spdx.sh" "$scratch/tree"

tree examples/minimal.c 'int main(void) { return 0; }'
mkdir "$scratch/tree/doc"
echo 'See [there](there.md).' >"$scratch/tree/doc/here.md"
touch "$scratch/tree/doc/there.md"
printf '```sh\nmake\n```\n```c\nint main(void) { return 0; }\n```\n' >"$scratch/tree/README.md"
expect pass 'readme, clean' "$checks/check_readme.sh" "$scratch/tree"
rm "$scratch/tree/doc/there.md"
expect fail 'readme, dead link' "$checks/check_readme.sh" "$scratch/tree"
touch "$scratch/tree/doc/there.md"
echo 'int x;' >>"$scratch/tree/examples/minimal.c"
expect fail 'readme, another program' "$checks/check_readme.sh" "$scratch/tree"

echo "$n cases"
exit $status
