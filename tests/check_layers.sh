#!/bin/sh
# SPDX-License-Identifier: MIT
# check_layers.sh <source directory>: modules include only what they may: core <- data; core <- nn <- ude, model, codegen;
# core <- ode <- adjoint <- ensemble; core <- optimize, batch; nn, batch <- chain; all <- fit <- inference. SIMD, SLEEF, SUNDIALS, NLopt, zlib and cJSON
# stay where they belong, and out of the public headers.
set -eu
root=$1

awk_program='
function complain(text) { printf "%s:%d: %s\n", FILENAME, FNR, text; bad = 1 }

BEGIN {
    # Modules a module may include from; which module a public header belongs to.
    may["core"] = " core "; may["data"] = " core data "; may["nn"] = " core nn "; may["ude"] = " core nn ude "
    may["model"] = " core nn model "; may["codegen"] = " core nn codegen "; may["ode"] = " core ode "
    may["adjoint"] = " core ode adjoint "; may["ensemble"] = " core ode adjoint ensemble "
    may["optimize"] = " core optimize "; may["fit"] = " core ode adjoint ensemble optimize fit "
    may["inference"] = " core ode adjoint ensemble optimize fit inference "; may["batch"] = " core batch "; may["chain"] = " core nn batch chain "
    n = split("core: alloc export isa message random rhs status version data: csv idx moons nn: act layer net ude: ude " \
              "model: model safetensors codegen: codegen ode: solver adjoint: adjoint sensitivity ensemble: ensemble " \
              "optimize: journal multistart optimize fit: collocation fit loss spline train inference: inference " \
              "batch: batch_loss update chain: chain chain_eval chain_kind chain_train", word, " ")
    for (i = 1; i <= n; i++) {
        if (sub(/:$/, "", word[i])) module = word[i]
        else home[word[i]] = module
    }
    # Who may include foreign headers.
    simd = "^src/nn/kernels/"; ode = "^src/(ode|adjoint)/"; optimize = "^src/optimize/"
    sundials = "^(cvode|sundials|nvector|sunmatrix|sunlinsol|sunnonlinsol|ida|arkode|kinsol)"
}

FNR == 1 {
    n_file++
    path = substr(FILENAME, length(root) + 2)
    split(path, dir, "/")
    public = dir[1] == "include"
    name = path; sub(/.*\//, "", name); sub(/\.h(\.in)?$/, "", name)
    from = public ? home[name] : dir[2]
    umbrella = public && name == "costate"
    if (!umbrella && !(from in may)) complain("of no known module: add it to tests/check_layers.sh")
}

/^[ \t]*#[ \t]*include/ {
    target = $0
    sub(/^[^<"]*[<"]/, "", target); sub(/[>"].*/, "", target)
    if (target ~ /intrin\.h$|^arm_|^sleef/ && path !~ simd) complain(target " outside src/nn/kernels")
    if (target ~ sundials && path !~ ode) complain(target " outside src/ode and src/adjoint")
    if (target ~ /^nlopt/ && path !~ optimize) complain(target " outside src/optimize")
    if (target ~ /^zlib/ && path !~ /^src\/(optimize|data)\//) complain(target " outside src/optimize and src/data")
    if (target ~ /[cC]JSON/ && path !~ /^src\/(model|data)\//) complain(target " outside src/model and src/data")
    if (target ~ /^(stdio|assert)\.h$/ && public) complain(target " in a public header")
    if (target ~ /\.\./) complain(target ": a path that climbs")

    to = ""
    if (target ~ /^costate\//) {
        peer = substr(target, 9); sub(/\.h$/, "", peer)
        if (peer == "costate") complain("the library does not include its umbrella header")
        to = home[peer]
        if (to == "" && peer != "costate") complain(target ": public header of no known module")
    } else if (public && /"/) {
        complain(target ": a public header includes public headers only, as <costate/...>")
    } else if (split(target, part, "/") > 1 && part[1] in may) {
        to = part[1]
    }
    if (!umbrella && to != "" && from in may && index(may[from], " " to " ") == 0)
        complain(from " must not include " target " of " to)
}

END {
    if (n_file == 0) { print "no file to check"; bad = 1 }
    exit bad
}'

find "$root/include" "$root/src" -name '*.[ch]' -o -name '*.h.in' | sort | xargs awk -v root="$root" "$awk_program"
