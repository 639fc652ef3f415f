/* SPDX-License-Identifier: MIT */
/* Programs that run exported texts. */
#include "codegen_cases.h"

#include "support/asserts.h"
#include <stdio.h>

static void put_points(FILE *to, const codegen_case *of, const char *separator) {
    for (size_t i = 0; i < CODEGEN_POINTS * of->fixture.n_in; i++) {
        fprintf(to, "%s%.17g", i == 0 ? "" : separator, of->x[i]);
    }
}

static void put_c_case(FILE *to, const codegen_case *of) {
    const size_t n = of->fixture.n_in, m = of->fixture.n_out;
    const char *name = of->name;
    fprintf(to, "static void run_%s(void) {\n    static const double x[] = {", name);
    put_points(to, of, ",\n        ");
    fprintf(to, "};\n    static double y[%zu], jac[%zu], hess[%zu], other[%zu];\n", m, m * n, m * n * n, m * n * n);
    fprintf(to, "    for (int k = 0; k < %d; k++) {\n        const double *at = x + k * %zu;\n", CODEGEN_POINTS, n);
    fprintf(to, "        %s(at, y);\n        show(y, %zu);\n", name, m);
    fprintf(to, "        y[0] = 1e300;\n        %s_jacobian(at, y, jac);\n", name);
    fprintf(to, "        show(y, %zu);\n        show(jac, %zu);\n", m, m * n);
    fprintf(to, "        y[0] = jac[0] = 1e300;\n        %s_hessian(at, y, jac, hess);\n", name);
    fprintf(to, "        show(y, %zu);\n        show(jac, %zu);\n        show(hess, %zu);\n", m, m * n, m * n * n);
    fprintf(to, "        %s_jacobian(at, 0, other);\n        same(other, jac, %zu);\n", name, m * n);
    fprintf(to, "        %s_hessian(at, 0, 0, other);\n        same(other, hess, %zu);\n    }\n}\n\n", name, m * n * n);
}

static void put_c_start(FILE *to) {
    fputs("#include <math.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n\n"
          "static void show(const double *x, size_t n) {\n"
          "    for (size_t i = 0; i < n; i++) {\n        printf(\"%.17g\\n\", x[i]);\n    }\n}\n\n"
          "static void same(const double *a, const double *b, size_t n) {\n"
          "    if (memcmp(a, b, n * sizeof *a) != 0) {\n        printf(\"other derivatives without y\\n\");\n"
          "        exit(1);\n    }\n}\n\n",
          to);
}

static void put_c_prototypes(FILE *to, const codegen_case *of) {
    fprintf(to,
            "#ifdef __cplusplus\nextern \"C\" {\n#endif\nvoid %s(const double *, double *);\n"
            "void %s_jacobian(const double *, double *, double *);\n"
            "void %s_hessian(const double *, double *, double *, double *);\n"
            "#ifdef __cplusplus\n}\n#endif\n",
            of->name, of->name, of->name);
}

/* The cases with names read A and assign DADT, whose elements they are called. */
static void put_fortran_case(FILE *to, const codegen_case *of) {
    const size_t n = of->fixture.n_in, m = of->fixture.n_out;
    char name[40];
    fprintf(to, "subroutine run_%s(A, DADT)\n  implicit double precision (a-z)\n", of->name);
    fprintf(to, "  double precision A(%zu), DADT(%zu)\n", n, m);
    for (size_t i = 0; i < n && !of->has_names; i++) {
        codegen_case_variable(of, false, i, name);
        fprintf(to, "  %s = A(%zu)\n", name, i + 1);
    }
    fprintf(to, "  include '%s.f90'\n", of->name);
    for (size_t k = 0; k < m && !of->has_names; k++) {
        codegen_case_variable(of, true, k, name);
        fprintf(to, "  DADT(%zu) = %s\n", k + 1, name);
    }
    fprintf(to, "end subroutine\n\n");
}

static void put_fortran_call(FILE *to, const codegen_case *of) {
    for (size_t k = 0; k < CODEGEN_POINTS; k++) {
        for (size_t i = 0; i < of->fixture.n_in; i++) {
            fprintf(to, "  read (10, *) a(%zu)\n", i + 1);
        }
        fprintf(to, "  call run_%s(a, b)\n", of->name);
        fprintf(to, "  write (*, '(ES26.17E3)') b(1:%zu)\n", of->fixture.n_out);
    }
}

static void put_fortran_start(FILE *to) {
    fputs("double precision function phi(z)\n  double precision z\n"
          "  phi = 0.5d0 * erfc(-z * sqrt(0.5d0))\nend function\n\n",
          to);
}

static void put_r_names(FILE *to, const codegen_case *of, bool output, size_t n) {
    char name[40];
    fputs(", c(", to);
    for (size_t i = 0; i < n; i++) {
        codegen_case_variable(of, output, i, name);
        fprintf(to, "%s\"%s\"", i == 0 ? "" : ", ", name);
    }
    fputs(")", to);
}

static void put_r_start(FILE *to) {
    fputs("normcdf <- pnorm\n"
          "run <- function(file, x, inputs, outputs) {\n"
          "  code <- parse(file, keep.source = FALSE)\n"
          "  x <- matrix(x, nrow = length(inputs))\n"
          "  for (k in seq_len(ncol(x))) {\n"
          "    frame <- new.env()\n"
          "    for (i in seq_along(inputs)) assign(inputs[i], x[i, k], frame)\n"
          "    eval(code, frame)\n"
          "    for (name in outputs) cat(sprintf('%.17g', get(name, frame)), '\\n')\n"
          "  }\n"
          "}\n",
          to);
}

static void put_stan_start(FILE *to) {
    fputs("suppressMessages(library(rstan))\n"
          "expose_stan_functions(stanc('all.stan', model_name = 'cases'))\n"
          "run <- function(call, x, n) {\n"
          "  x <- matrix(x, nrow = n)\n"
          "  for (k in seq_len(ncol(x))) cat(sprintf('%.17g', call(as.array(x[, k]))), sep = '\\n')\n"
          "}\n",
          to);
}

static void put_r_case(FILE *to, const codegen_case *of, bool stan) {
    fprintf(to, stan ? "run(%s, c(" : "run('%s.R', c(", of->name);
    put_points(to, of, ",\n");
    fputs(")", to);
    if (stan) {
        fprintf(to, ", %zu", of->fixture.n_in);
    } else {
        put_r_names(to, of, false, of->fixture.n_in);
        put_r_names(to, of, true, of->fixture.n_out);
    }
    fputs(")\n", to);
}

static void put_definition(FILE *to, const codegen_case *of, costate_language language) {
    if (language == COSTATE_LANGUAGE_C99) {
        put_c_prototypes(to, of);
        put_c_case(to, of);
    } else if (language == COSTATE_LANGUAGE_NMTRAN) {
        put_fortran_case(to, of);
    } else {
        put_r_case(to, of, language == COSTATE_LANGUAGE_STAN);
    }
}

/* C99 and Fortran have a main program that calls what was defined. */
static void put_main(FILE *to, costate_language language) {
    const bool c = language == COSTATE_LANGUAGE_C99;
    fputs(c ? "int main(void) {\n" : "program main\n  double precision a(64), b(256)\n  open (10, file='points.txt')\n",
          to);
    for (size_t k = 0; k < codegen_case_count(); k++) {
        codegen_case made;
        codegen_case_make(&made, k, language);
        if (c) {
            fprintf(to, "    run_%s();\n", made.name);
        } else {
            put_fortran_call(to, &made);
        }
        codegen_case_release(&made);
    }
    fputs(c ? "    return 0;\n}\n" : "end program\n", to);
}

static FILE *make_file(const char *folder, const char *name) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    return file;
}

static void write_points(const char *folder) {
    FILE *to = make_file(folder, "points.txt");
    for (size_t k = 0; k < codegen_case_count(); k++) {
        codegen_case made;
        codegen_case_make(&made, k, COSTATE_LANGUAGE_NMTRAN);
        put_points(to, &made, "\n");
        fputs("\n", to);
        codegen_case_release(&made);
    }
    fclose(to);
}

void codegen_driver_write(costate_language language, const char *folder) {
    static const char *const files[] = {[COSTATE_LANGUAGE_C99] = "main.c",
                                        [COSTATE_LANGUAGE_NMTRAN] = "main.f90",
                                        [COSTATE_LANGUAGE_RXODE2] = "main.R",
                                        [COSTATE_LANGUAGE_STAN] = "main.R",
                                        [COSTATE_LANGUAGE_MLXTRAN] = "main.R"};
    static void (*const start[])(FILE *) = {[COSTATE_LANGUAGE_C99] = put_c_start,
                                            [COSTATE_LANGUAGE_NMTRAN] = put_fortran_start,
                                            [COSTATE_LANGUAGE_RXODE2] = put_r_start,
                                            [COSTATE_LANGUAGE_STAN] = put_stan_start,
                                            [COSTATE_LANGUAGE_MLXTRAN] = put_r_start};
    FILE *to = make_file(folder, files[language]);
    start[language](to);
    for (size_t k = 0; k < codegen_case_count(); k++) {
        codegen_case made;
        codegen_case_make(&made, k, language);
        put_definition(to, &made, language);
        codegen_case_release(&made);
    }
    if (language == COSTATE_LANGUAGE_C99 || language == COSTATE_LANGUAGE_NMTRAN) {
        put_main(to, language);
    }
    if (language == COSTATE_LANGUAGE_NMTRAN) {
        write_points(folder);
    }
    fclose(to);
}
