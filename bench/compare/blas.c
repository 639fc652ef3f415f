/* SPDX-License-Identifier: MIT */
/* y = A x, C = A B, elementwise product and tanh from n = 4 to 2048, each verified before it is timed. */
#include "compare/blas_check.h"
#include "compare/comparison.h"

#include <costate/random.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SEED = 11, MOST_VARIANTS = 3, LARGEST = 2048, LARGEST_QUICK = 100, LARGEST_GOAL = 64 };

static const size_t sizes[] = {4, 8, 10, 16, 32, 33, 64, 100, 128, 256, 512, 1024, LARGEST};
enum { N_SIZE = sizeof sizes / sizeof *sizes };

/* Largest |result - reference| relative to the largest reference; tanh is within a few units in the last place. */
#define TOLERANCE 1e-5

typedef struct blas_variant {
    const char *name;
    blas_call *call;
} blas_variant;

/* One operation: its variants, ours first, and the work of one call, work_factor times n to the work_power. */
typedef struct blas_operation {
    const char *name, *about;
    blas_variant variants[MOST_VARIANTS];
    blas_error *error;
    double work_factor;
    int work_power;
    const char *work_unit;
    size_t n_matrix, n_vector; /* operands read or written */
} blas_operation;

static const blas_operation operations[] = {
    {.name = "y = A x",
     .about = "A column-major",
     .variants = {{"costate layer_forward", costate_matvec},
                  {"OpenBLAS sgemv", openblas_matvec},
                  {"plain loops", plain_matvec}},
     .error = matvec_error,
     .work_factor = 2.0,
     .work_power = 2,
     .work_unit = "GFLOP/s",
     .n_matrix = 1,
     .n_vector = 2},
    {.name = "C = A B by columns",
     .about = "A, B and C column-major",
     .variants = {{"costate layer_forward_batch", costate_product_columns},
                  {"OpenBLAS sgemm NN", openblas_product_columns},
                  {"plain loops", plain_product_columns}},
     .error = columns_error,
     .work_factor = 2.0,
     .work_power = 3,
     .work_unit = "GFLOP/s",
     .n_matrix = 3},
    {.name = "C = A B by rows",
     .about = "A and B row-major, C column-major",
     .variants = {{"costate chain_forward", costate_product_rows}, {"OpenBLAS sgemm TT", openblas_product_rows}},
     .error = rows_error,
     .work_factor = 2.0,
     .work_power = 3,
     .work_unit = "GFLOP/s",
     .n_matrix = 3},
    {.name = "z = z * x",
     .about = "elementwise, n elements; BLAS: the product with a diagonal matrix, into another vector",
     .variants = {{"costate layer_pullback", costate_multiply},
                  {"OpenBLAS ssbmv", openblas_multiply},
                  {"plain loops", plain_multiply}},
     .error = multiply_error,
     .work_factor = 1.0,
     .work_power = 1,
     .work_unit = "GFLOP/s",
     .n_vector = 3},
    {.name = "y = tanh x",
     .about = "n elements; SLEEF: its 3.5-ulp function",
     .variants = {{"costate layer_forward", costate_tanh}, {"SLEEF tanh", sleef_tanh}, {"libm tanhf", plain_tanh}},
     .error = tanh_error,
     .work_factor = 1.0,
     .work_power = 1,
     .work_unit = "Gelement/s",
     .n_vector = 2},
};
enum { N_OPERATION = sizeof operations / sizeof *operations };

/* An operation on its way through the sizes. */
typedef struct blas_run {
    bench *b;
    const blas_operation *operation;
    blas_operands *o;
    const blas_check *check;
    const blas_variant *variants;
    size_t n_variant;
    char behind[MOST_VARIANTS][128]; /* small n at which a variant of OpenBLAS is not slower than ours */
} blas_run;

static blas_run begin(bench *b, const blas_operation *operation, blas_operands *o, const blas_check *check) {
    blas_run run = {.b = b, .operation = operation, .o = o, .check = check, .variants = operation->variants};
    for (size_t i = 0; i < MOST_VARIANTS && operation->variants[i].call; i++) {
        run.n_variant++;
    }
    return run;
}

/* Every variant gives the result, from results that are NaN before. */
static bool verify(const blas_run *run) {
    blas_operands *o = run->o;
    o->factor = o->x;
    for (size_t i = 0; i < run->n_variant; i++) {
        for (size_t k = 0; k < o->n * o->n; k++) {
            o->c[k] = (float)NAN;
        }
        for (size_t k = 0; k < o->n; k++) {
            o->y[k] = (float)NAN;
            o->z[k] = o->x[k];
        }
        run->variants[i].call(o, 1);
        const double error = run->operation->error(o, run->check);
        if (!(error <= TOLERANCE) || o->status != COSTATE_OK) {
            bench_fail(run->b, "blas %s n=%zu: %s is wrong by %.2e (%s)", run->operation->name, o->n,
                       run->variants[i].name, error, costate_status_message(o->status));
            return false;
        }
    }
    o->factor = o->sign;
    return true;
}

static double work_rate(const blas_operation *operation, size_t n, double seconds) {
    return 1e-9 * operation->work_factor * pow((double)n, operation->work_power) / seconds;
}

static double byte_rate(const blas_operation *operation, size_t n, double seconds) {
    const double elements = (double)n * ((double)n * (double)operation->n_matrix + (double)operation->n_vector);
    return 1e-9 * sizeof(float) * elements / seconds;
}

static void print_head(const blas_run *run) {
    printf("\nblas SYNTHETIC %s (%s), single precision, one thread\n  %5s", run->operation->name, run->operation->about,
           "");
    for (size_t i = 0; i < run->n_variant; i++) {
        printf("  %28s", run->variants[i].name);
    }
    printf("\n  %5s", "n");
    for (size_t i = 0; i < run->n_variant; i++) {
        printf("  %11s %8.8s %7s", "median", run->operation->work_unit, "GB/s");
    }
    printf("  others' times to the first's\n");
}

static void report(blas_run *run, const char *shape, const bench_case *cases) {
    const size_t n = run->o->n;
    char text[16];
    printf("  %5zu", n);
    for (size_t i = 0; i < run->n_variant; i++) {
        const double seconds = cases[i].time.median;
        const double work = work_rate(run->operation, n, seconds);
        const double bytes = byte_rate(run->operation, n, seconds);
        printf("  %11s %8.2f %7.2f", bench_format_seconds(seconds, seconds, text), work, bytes);
        bench_row(run->b, "blas", shape, cases[i].variant, work, run->operation->work_unit);
        bench_row(run->b, "blas", shape, cases[i].variant, bytes, "GB/s");
    }
    for (size_t i = 1; i < run->n_variant; i++) {
        const double ratio = cases[i].time.median / cases[0].time.median;
        printf("  %6.2f", ratio);
        bench_row(run->b, "blas", shape, cases[i].variant, ratio, "times costate");
        if (ratio <= 1.0 && n <= LARGEST_GOAL) {
            const size_t used = strlen(run->behind[i]);
            snprintf(run->behind[i] + used, sizeof run->behind[i] - used, " %zu", n);
        }
    }
    printf("\n");
}

/* False if a result is wrong or memory is short. */
static bool run_size(blas_run *run, const char *shape) {
    bench_case cases[MOST_VARIANTS];
    if (!blas_operands_make(run->o)) {
        bench_fail(run->b, "blas: the library's objects for n = %zu cannot be made", run->o->n);
        return false;
    }
    for (size_t i = 0; i < run->n_variant; i++) {
        cases[i] = (bench_case){.variant = run->variants[i].name, .run = run->variants[i].call, .ctx = run->o};
    }
    const bool done = verify(run) && bench_measure(run->b, "blas", shape, cases, run->n_variant);
    if (done) {
        report(run, shape, cases);
    }
    blas_operands_release(run->o);
    return done;
}

static void run_sizes(blas_run *run) {
    bool any = false;
    for (size_t i = 0; i < N_SIZE && (!run->b->quick || sizes[i] <= LARGEST_QUICK); i++) {
        char shape[64];
        snprintf(shape, sizeof shape, "SYNTHETIC %s n=%zu", run->operation->name, sizes[i]);
        if (!bench_wanted(run->b, "blas", shape)) {
            continue;
        }
        if (!any) {
            print_head(run);
        }
        any = true;
        run->o->n = sizes[i];
        if (!run_size(run, shape)) {
            return;
        }
    }
    for (size_t i = 1; i < run->n_variant && any && !run->b->quick; i++) {
        const bool behind = run->behind[i][0] != '\0';
        printf("# ahead of %s for n <= %d: %s%s\n", run->variants[i].name, LARGEST_GOAL, behind ? "not at n =" : "yes",
               run->behind[i]);
    }
}

/* Operands for the largest n, of which the smaller take the first elements. */
static void run_all(bench *b, size_t n, float *block, double *wide) {
    costate_random random = costate_random_seed(SEED, 0);
    const size_t n_random = 2 * n * n + n;
    for (size_t i = 0; i < n_random; i++) {
        block[i] = (float)(2.0 * costate_random_uniform(&random) - 1.0);
    }
    float *sign = block + n_random;
    for (size_t i = 0; i < n; i++) {
        sign[i] = costate_random_below(&random, 2) ? 1.0f : -1.0f;
        wide[i] = 2.0 * costate_random_uniform(&random) - 1.0;
    }
    float *results = sign + n;
    blas_operands operands = {.a = block,
                              .b = block + n * n,
                              .x = block + 2 * n * n,
                              .sign = sign,
                              .c = results,
                              .y = results + n * n,
                              .z = results + n * n + n,
                              .openblas = openblas_calls_of_own_choice()};
    const blas_check check = {.r = wide, .at = wide + n, .between = wide + 2 * n, .reference = wide + 3 * n};
    printf("\n# OpenBLAS with its kernels for %s\n", operands.openblas.core);
    for (size_t i = 0; i < N_OPERATION; i++) {
        blas_run run = begin(b, &operations[i], &operands, &check);
        run_sizes(&run);
    }
}

void compare_blas(bench *b, const compare_options *options) {
    (void)options;
    const size_t n = b->quick ? LARGEST_QUICK : LARGEST;
    float *block = malloc((3 * n + 4) * n * sizeof *block);
    double *wide = malloc(4 * n * sizeof *wide);
    if (block && wide) {
        run_all(b, n, block, wide);
    } else {
        bench_fail(b, "blas: no memory");
    }
    free(wide);
    free(block);
}
