/* SPDX-License-Identifier: MIT */
/* OpenBLAS reads its environment while it is loaded; a second copy, in a name space of its own, reads another. */
#define _GNU_SOURCE
#include "compare/openblas_calls.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char variable[] = "OPENBLAS_CORETYPE";

/* A function of the copy, through memory since C has no cast from an object pointer to it. */
static bool find(void *library, const char *name, void *function) {
    void *symbol = dlsym(library, name);
    memcpy(function, &symbol, sizeof symbol);
    return symbol;
}

/* Its copy without the variable, which is put back; NULL if there is none. */
static void *load_copy(const char *value) {
    Dl_info info;
    char kept[64];
    void *linked = dlsym(RTLD_DEFAULT, "cblas_sgemm");
    if (!linked || !dladdr(linked, &info) || snprintf(kept, sizeof kept, "%s", value) >= (int)sizeof kept) {
        return NULL;
    }
    unsetenv(variable);
    void *copy = dlmopen(LM_ID_NEWLM, info.dli_fname, RTLD_NOW | RTLD_LOCAL);
    setenv(variable, kept, 1);
    return copy;
}

static bool find_all(void *copy, openblas_calls *calls) {
    char *(*name_of_core)(void);
    void (*set_num_threads)(int n);
    if (!find(copy, "cblas_sgemv", &calls->sgemv) || !find(copy, "cblas_sgemm", &calls->sgemm) ||
        !find(copy, "cblas_ssbmv", &calls->ssbmv) || !find(copy, "openblas_get_corename", &name_of_core) ||
        !find(copy, "openblas_set_num_threads", &set_num_threads)) {
        return false;
    }
    set_num_threads(1);
    calls->core = name_of_core();
    return true;
}

openblas_calls openblas_calls_of_own_choice(void) {
    const char *value = getenv(variable);
    void *copy = value ? load_copy(value) : NULL;
    openblas_calls calls;
    if (copy && find_all(copy, &calls)) {
        return calls;
    }
    openblas_set_num_threads(1);
    return (openblas_calls){
        .core = openblas_get_corename(), .sgemv = cblas_sgemv, .sgemm = cblas_sgemm, .ssbmv = cblas_ssbmv};
}
