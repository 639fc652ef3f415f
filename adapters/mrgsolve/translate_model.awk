# SPDX-License-Identifier: MIT
# Translate the blocks $PARAM, $CMT, $INCLUDE, $GLOBAL, $ODE and $TABLE of an mrgsolve model into the C++ that harness.cpp
# compiles: references named as mrgsolve names them, around the code of the blocks as it stands. Anything else is an error.
function fail(text) { printf "%s:%d: %s\n", FILENAME, FNR, text > "/dev/stderr"; failed = 1; exit 1 }

function words(text, into) { gsub(/[ \t,;]+/, " ", text); sub(/^ /, "", text); sub(/ $/, "", text); return split(text, into, " ") }

function take(text,    part, n, i) {
    if (text ~ /^[ \t]*$/) return
    if (block == "PARAM") {
        gsub(/[ \t]*=[ \t]*/, "=", text)
        n = words(text, part)
        for (i = 1; i <= n; i++) {
            if (part[i] !~ /^[A-Za-z][A-Za-z0-9_]*=[-+.0-9eE]+$/) fail("$PARAM: " part[i])
            params = params "static const double " part[i] ";\n"
        }
    } else if (block == "CMT") {
        n = words(text, part)
        for (i = 1; i <= n; i++) cmt[n_cmt++] = part[i]
    } else if (block == "INCLUDE") {
        n = words(text, part)
        for (i = 1; i <= n; i++) includes = includes "#include \"" part[i] "\"\n"
    } else if (block == "GLOBAL" || block == "ODE" || block == "TABLE") {
        code[block] = code[block] text "\n"
        if (block == "TABLE" && text ~ /^[ \t]*capture[ \t]/) {
            words(text, part)
            captures[n_capture++] = part[2]
        }
    } else if (block != "PROB") {
        fail("block $" block " is not translated")
    }
}

{ sub(/\/\/.*/, ""); sub(/##.*/, "") }

/^[ \t]*\$[A-Za-z]/ {
    block = $1
    sub(/^\$/, "", block)
    rest = $0
    sub(/^[ \t]*\$[A-Za-z]+/, "", rest)
    take(rest)
    next
}

block != "" { take($0) }

END {
    if (failed) exit 1
    if (n_cmt == 0 || code["ODE"] == "") { print "no $CMT or no $ODE" > "/dev/stderr"; exit 1 }
    printf "/* SPDX-License-Identifier: MIT */\n/* Made by translate_model.awk. */\n%s", includes
    printf "typedef double capture;\n%s%s", params, code["GLOBAL"]
    printf "enum { model_n_cmt = %d, model_n_capture = %d };\n", n_cmt, n_capture
    for (i = 0; i < n_cmt; i++) states = states sprintf("    const double &%s = _A_[%d]; (void)%s;\n", cmt[i], i, cmt[i])
    for (i = 0; i < n_cmt; i++) slopes = slopes sprintf("    double &dxdt_%s = _DADT_[%d];\n", cmt[i], i)
    for (i = 0; i < n_capture; i++) stores = stores sprintf("    _capture_[%d] = %s;\n", i, captures[i])
    printf "static void model_ode(double SOLVERTIME, const double *_A_, double *_DADT_) {\n    (void)SOLVERTIME;\n"
    printf "%s%s%s}\n", states, slopes, code["ODE"]
    printf "static void model_table(const double *_A_, double *_capture_) {\n%s%s%s}\n", states, code["TABLE"], stores
}
