/* SPDX-License-Identifier: MIT */
/* Networks whose exported text other compilers and interpreters run, and the points they run it at. */
#ifndef CODEGEN_CASES_H
#define CODEGEN_CASES_H

#include "net_fixture.h"
#include <costate/codegen.h>

/* Points per case: random ones, zero, large ones of either sign and of both, middling ones, where exp(-|z|) is small beside one. */
#define CODEGEN_POINTS 8

typedef struct codegen_case {
    net_fixture fixture; /* parameters with all digits a double has */
    char name[16];       /* case_<k> */
    bool has_names;      /* every second one */
    char (*inputs)[24], (*outputs)[24];
    const char **input_names, **output_names;
    double *x; /* CODEGEN_POINTS × n_in */
} codegen_case;

size_t codegen_case_count(void);
void codegen_case_make(codegen_case *made, size_t k, costate_language language);
void codegen_case_release(codegen_case *made);

/* Input or output i as the text of this case and language has it; `text` has room for 40 bytes. */
void codegen_case_variable(const codegen_case *of, bool output, size_t i, char *text);

/* The text; released with free(). */
char *codegen_case_text(const codegen_case *of, costate_language language);

/*
 * A program in the language, or in one it can be run in, that prints for every case and point, one number per line, what the text computes: y; in C99 then
 * y and jac of the Jacobian and y, jac and hess of the Hessian.
 */
void codegen_driver_write(costate_language language, const char *folder);

#endif
