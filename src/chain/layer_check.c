/* SPDX-License-Identifier: MIT */
/* Check of a layer: its VJP against differences of its forward pass, and what else a layer has to keep to. */
#include "chain/layer_check_internal.h"
#include "core/memory.h"
#include "core/message.h"

#include <math.h>
#include <string.h>

/* Wider tiles are not made. */
#define MOST_TILE ((size_t)256)
/* Integers that single precision holds. */
#define MOST_INTEGER ((size_t)1 << 24)
/* A derivative that is this small a part of Σ |v y| counts as large as that: differences do not resolve it. */
#define FLOOR_F64 1e-6
#define FLOOR_F32 1e-2

/* Elements of one kind, and how they are named. */
typedef enum group { GROUP_Y, GROUP_XBAR, GROUP_PBAR } group;

/* Two sources of the same numbers. */
typedef struct comparison {
    const char *by;      /* where `actual` comes from … */
    const char *against; /* … and `expected` */
    double tolerance;
    double floor;
    bool is_derivative; /* counts for the error that the caller gets */
} comparison;

costate_chain_check_options costate_chain_check_options_default(void) {
    return (costate_chain_check_options){.seed = 1,
                                         .n_sample = 19,
                                         .x_low = -1,
                                         .x_high = 1,
                                         .p_bound = 0.1,
                                         .training = true,
                                         .tolerance = 1e-6,
                                         .tolerance_f32 = 1e-3};
}

static bool is_positive(double x) { return x > 0 && isfinite(x); }

static bool options_are_good(const costate_chain_check_options *options) {
    return options->n_sample > 0 && is_positive(options->x_high - options->x_low) && isfinite(options->x_low) &&
           isfinite(options->x_high) && options->p_bound >= 0 && isfinite(options->p_bound) &&
           is_positive(options->tolerance) && is_positive(options->tolerance_f32);
}

size_t csi_layer_widest(const csi_layer_check *check) {
    return check->options.n_sample < MOST_TILE ? check->options.n_sample : MOST_TILE;
}

bool csi_layer_work_count(const csi_chain_link *link, size_t n_tile, size_t *count) {
    const size_t row = (n_tile + 15) / 16 * 16;
    size_t values;
    size_t spare;
    size_t params;
    return csi_size_add(link->n_in, link->n_out, &values) && csi_size_mul(values, 2, &values) &&
           csi_size_add(link->plan.n_kept, link->plan.n_scratch, &spare) && csi_size_add(values, spare, &values) &&
           csi_size_mul(values, row, &values) && csi_size_mul(link->n_param, 2, &params) &&
           csi_size_add(values, params, count);
}

/* Cuts every array from the arena; the same code measures and places. */
static void carve(csi_layer_check *c, csi_arena *arena) {
    const csi_chain_link *link = c->link;
    const size_t n_sample = c->options.n_sample;
    size_t n_x = 0;
    size_t n_y = 0;
    size_t n_quotient = 0;
    size_t n_work = 0;
    if (!csi_size_mul(n_sample, link->n_in, &n_x) || !csi_size_mul(n_sample, link->n_out, &n_y) ||
        !csi_size_mul(n_sample, CSI_LAYER_STEPS, &n_quotient) ||
        !csi_layer_work_count(link, csi_layer_widest(c), &n_work)) {
        arena->overflow = true;
    }
    double **inputs[] = {&c->x, &c->xbar, &c->other_xbar, &c->numeric_xbar};
    double **outputs[] = {&c->v, &c->y, &c->other_y, &c->above, &c->below};
    double **params[] = {&c->p, &c->pbar, &c->other_pbar, &c->before, &c->numeric_pbar};
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
        *inputs[i] = csi_arena_take(arena, n_x, sizeof(double));
    }
    for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++) {
        *outputs[i] = csi_arena_take(arena, n_y, sizeof(double));
    }
    for (size_t i = 0; i < sizeof params / sizeof *params; i++) {
        *params[i] = csi_arena_take(arena, link->n_param, sizeof(double));
    }
    c->quotient = csi_arena_take(arena, n_quotient, sizeof(double));
    c->work = csi_arena_take(arena, n_work, sizeof(double));
}

/* Uniform between the bounds, and representable in single precision. */
static double draw(costate_random *random, double low, double high) {
    return (double)(float)(low + (high - low) * costate_random_uniform(random));
}

static costate_status draw_point(csi_layer_check *c) {
    const costate_chain_check_options *o = &c->options;
    const size_t n_integer = o->n_integer < MOST_INTEGER ? o->n_integer : MOST_INTEGER;
    costate_random random = costate_random_seed(o->seed, 0);
    const costate_status status = costate_chain_init_f64(c->chain, &random, c->p);
    for (size_t i = 0; i < c->link->n_param; i++) {
        c->p[i] = draw(&random, c->p[i] - o->p_bound, c->p[i] + o->p_bound);
    }
    for (size_t i = 0; i < o->n_sample * c->link->n_in; i++) {
        c->x[i] = n_integer > 0 ? (double)costate_random_below(&random, n_integer) : draw(&random, o->x_low, o->x_high);
    }
    for (size_t i = 0; i < o->n_sample * c->link->n_out; i++) {
        c->v[i] = draw(&random, -1, 1);
    }
    return status;
}

csi_layer_run csi_layer_run_of(const csi_layer_check *c) {
    return (csi_layer_run){.link = c->link,
                           .n_sample = c->options.n_sample,
                           .n_tile = csi_layer_widest(c),
                           .training = c->options.training,
                           .draw = c->options.seed,
                           .p = c->p,
                           .x = c->x,
                           .y = c->other_y,
                           .v = c->v,
                           .xbar = c->other_xbar,
                           .pbar = c->other_pbar,
                           .work = c->work};
}

costate_status csi_layer_evaluate(const csi_layer_check *c, const csi_layer_run *run, bool is_double) {
    const costate_status status = is_double ? csi_layer_run_f64(run) : csi_layer_run_f32(run);
    if (status != COSTATE_OK) {
        csi_message_write(c->message, "%s answers in %s precision: %s", c->link->layer.kind->name,
                          is_double ? "double" : "single", costate_status_message(status));
    }
    return status;
}

/* Says that element `i` of the group is wrong. */
static costate_status blame(const csi_layer_check *c, group of, size_t i, const comparison *how, double actual,
                            double expected) {
    const char *name = c->link->layer.kind->name;
    if (of == GROUP_PBAR) {
        size_t k = 0;
        while (i >= c->link->plan.block[k].length) {
            i -= c->link->plan.block[k].length;
            k++;
        }
        return csi_say(c->message, COSTATE_ERR_MISMATCH, "%s: the derivative by %s[%zu] is %.9g %s and %.9g %s", name,
                       c->link->plan.block[k].name, i, actual, how->by, expected, how->against);
    }
    const size_t n = of == GROUP_Y ? c->link->n_out : c->link->n_in;
    return csi_say(c->message, COSTATE_ERR_MISMATCH, "%s: %s %zu of sample %zu is %.9g %s and %.9g %s", name,
                   of == GROUP_Y ? "output" : "the derivative by input", i % n, i / n, actual, how->by, expected,
                   how->against);
}

static double mean_magnitude(size_t n, const double *x) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += fabs(x[i]);
    }
    return n == 0 ? 0 : sum / (double)n;
}

/* Σ |v y|, of a derivative by a parameter over all samples, of one by an input over its own. */
static double terms_magnitude(const csi_layer_check *c, group of) {
    double sum = 0;
    for (size_t i = 0; i < c->options.n_sample * c->link->n_out; i++) {
        sum += fabs(c->v[i] * c->y[i]);
    }
    return of == GROUP_PBAR ? sum : of == GROUP_XBAR ? sum / (double)c->options.n_sample : 0;
}

/* Errors relative to the element and to the others of its group. The worst is blamed if it is too large. */
static costate_status compare(csi_layer_check *c, group of, const comparison *how, const double *actual,
                              const double *expected) {
    const size_t n_sample = c->options.n_sample;
    const size_t n = of == GROUP_PBAR ? c->link->n_param : n_sample * (of == GROUP_Y ? c->link->n_out : c->link->n_in);
    const double usual = mean_magnitude(n, expected) + how->floor * terms_magnitude(c, of);
    double worst = 0;
    size_t where = 0;
    for (size_t i = 0; i < n; i++) {
        const double scale = usual + fabs(expected[i]), difference = fabs(actual[i] - expected[i]);
        const double relative = difference == 0 ? 0 : difference / scale,
                     error = isnan(relative) ? (double)INFINITY : relative;
        if (error > worst) {
            worst = error;
            where = i;
        }
    }
    if (how->is_derivative) {
        c->error = fmax(c->error, worst);
    }
    return worst <= how->tolerance ? COSTATE_OK : blame(c, of, where, how, actual[where], expected[where]);
}

/* Compares what the run gave, of which some may not have been wanted, with the evaluation in one tile. */
static costate_status compare_run(csi_layer_check *c, const comparison *how, const csi_layer_run *run) {
    costate_status status = compare(c, GROUP_Y, how, run->y, c->y);
    if (status == COSTATE_OK && run->xbar != NULL) {
        status = compare(c, GROUP_XBAR, how, run->xbar, c->xbar);
    }
    return status == COSTATE_OK && run->pbar != NULL ? compare(c, GROUP_PBAR, how, run->pbar, c->pbar) : status;
}

static costate_status check_point(csi_layer_check *c) {
    csi_layer_run run = csi_layer_run_of(c);
    run.y = c->y;
    run.xbar = c->xbar;
    run.pbar = c->pbar;
    memset(c->pbar, 0, c->link->n_param * sizeof *c->pbar);
    const costate_status status = csi_layer_evaluate(c, &run, c->is_double);
    for (size_t i = 0; i < c->options.n_sample * c->link->n_out && status == COSTATE_OK; i++) {
        if (!isfinite(c->y[i])) {
            return csi_say(c->message, COSTATE_ERR_MISMATCH, "%s: output %zu of sample %zu is %g",
                           c->link->layer.kind->name, i % c->link->n_out, i / c->link->n_out, c->y[i]);
        }
    }
    return status;
}

static costate_status check_derivatives(csi_layer_check *c) {
    const comparison how = {"by the VJP", "by differences",
                            c->is_double ? c->options.tolerance : c->options.tolerance_f32,
                            c->is_double ? FLOOR_F64 : FLOOR_F32, true};
    costate_status status = csi_layer_differences(c);
    if (status == COSTATE_OK) {
        status = compare(c, GROUP_PBAR, &how, c->pbar, c->numeric_pbar);
    }
    if (status == COSTATE_OK && c->options.n_integer == 0) {
        status = compare(c, GROUP_XBAR, &how, c->xbar, c->numeric_xbar);
    }
    return status;
}

/* The comparison of one more evaluation in the same precision. */
static comparison same_precision(const csi_layer_check *c, const char *by, const char *against) {
    return (comparison){by, against, c->is_double ? c->options.tolerance : c->options.tolerance_f32,
                        c->is_double ? FLOOR_F64 : FLOOR_F32, false};
}

/* The gradient is added to what is there; neither result depends on whether the other is wanted. */
static costate_status check_wanted(csi_layer_check *c) {
    const size_t n_param = c->link->n_param;
    const comparison alone = same_precision(c, "with the other derivative not wanted", "with both");
    const comparison added = same_precision(c, "less what pbar held, to which it has to be added,", "from zero");
    csi_layer_run run = csi_layer_run_of(c);
    costate_random random = costate_random_seed(c->options.seed, 1);
    const double mean = mean_magnitude(n_param, c->pbar), largest = mean > 0 && isfinite(mean) ? mean : 1;
    for (size_t i = 0; i < n_param; i++) {
        c->other_pbar[i] = c->before[i] = draw(&random, -largest, largest);
    }
    costate_status status = csi_layer_evaluate(c, &run, c->is_double);
    for (size_t i = 0; i < n_param; i++) {
        c->other_pbar[i] -= c->before[i];
    }
    status = status == COSTATE_OK ? compare_run(c, &added, &run) : status;
    if (status == COSTATE_OK) {
        run.pbar = NULL;
        status = csi_layer_evaluate(c, &run, c->is_double);
        status = status == COSTATE_OK ? compare_run(c, &alone, &run) : status;
    }
    if (status == COSTATE_OK) {
        run.pbar = c->other_pbar;
        run.xbar = NULL;
        memset(c->other_pbar, 0, n_param * sizeof *c->other_pbar);
        status = csi_layer_evaluate(c, &run, c->is_double);
        status = status == COSTATE_OK ? compare_run(c, &alone, &run) : status;
    }
    return status;
}

/* Other tiles give the same. */
static costate_status check_tiles(csi_layer_check *c) {
    static const size_t n_tile[] = {1, 5, 16};
    const comparison how = same_precision(c, "in other tiles", "in one tile");
    costate_status status = COSTATE_OK;
    for (size_t k = 0; k < sizeof n_tile / sizeof *n_tile && status == COSTATE_OK; k++) {
        csi_layer_run run = csi_layer_run_of(c);
        if (n_tile[k] < run.n_tile) {
            run.n_tile = n_tile[k];
            memset(c->other_pbar, 0, c->link->n_param * sizeof *c->other_pbar);
            status = csi_layer_evaluate(c, &run, c->is_double);
            status = status == COSTATE_OK ? compare_run(c, &how, &run) : status;
        }
    }
    return status;
}

static costate_status check_single(csi_layer_check *c) {
    const comparison how = {"in single precision", "in double precision", c->options.tolerance_f32, FLOOR_F32, false};
    const csi_layer_run run = csi_layer_run_of(c);
    memset(c->other_pbar, 0, c->link->n_param * sizeof *c->other_pbar);
    const costate_status status = csi_layer_evaluate(c, &run, false);
    return status == COSTATE_OK ? compare_run(c, &how, &run) : status;
}

static costate_status check_all(csi_layer_check *c, bool has_single) {
    costate_status status = draw_point(c);
    if (status == COSTATE_OK) {
        status = check_point(c);
    }
    if (status == COSTATE_OK) {
        status = check_derivatives(c);
    }
    if (status == COSTATE_OK) {
        status = check_wanted(c);
    }
    if (status == COSTATE_OK) {
        status = check_tiles(c);
    }
    return status == COSTATE_OK && c->is_double && has_single ? check_single(c) : status;
}

static costate_status check_with_memory(csi_layer_check *c, const costate_allocator *alloc) {
    const csi_chain_link *link = c->link;
    const bool has_single = link->plan.is_view || (link->f32.forward != NULL && link->f32.vjp != NULL);
    csi_arena arena = csi_arena_measure();
    c->is_double = link->plan.is_view || (link->f64.forward != NULL && link->f64.vjp != NULL);
    if (!c->is_double && !has_single) {
        return csi_say(c->message, COSTATE_ERR_UNSUPPORTED, "%s has both calls in neither precision",
                       link->layer.kind->name);
    }
    carve(c, &arena);
    if (!csi_arena_fits(&arena)) {
        return csi_say(c->message, COSTATE_ERR_OVERFLOW, "the sizes of the check do not fit");
    }
    const size_t bytes = csi_arena_bytes(&arena);
    void *block = csi_alloc(alloc, bytes, 1);
    if (block == NULL) {
        return csi_say(c->message, COSTATE_ERR_MEMORY, "no memory for the check");
    }
    arena = csi_arena_open(block, bytes);
    carve(c, &arena);
    const costate_status status = check_all(c, has_single);
    csi_arena_close(&arena);
    csi_release(alloc, block);
    return status;
}

costate_status costate_chain_layer_check(costate_shape in, const costate_chain_layer *layer,
                                         const costate_chain_check_options *options, const costate_allocator *alloc,
                                         double *error, costate_message *message) {
    const costate_allocator memory = csi_allocator(alloc);
    csi_layer_check check = {.options = options == NULL ? costate_chain_check_options_default() : *options,
                             .message = message};
    costate_chain *chain;
    csi_message_clear(message);
    if (layer == NULL) {
        return csi_say(message, COSTATE_ERR_NULL, "layer is NULL");
    }
    if (!options_are_good(&check.options)) {
        return csi_say(message, COSTATE_ERR_ARGUMENT, "an option of the check is outside its range");
    }
    costate_status status = costate_chain_create(in, 1, layer, alloc, &chain, message);
    if (status != COSTATE_OK) {
        return status;
    }
    check.chain = chain;
    check.link = &chain->links[0];
    status = check_with_memory(&check, &memory);
    costate_chain_destroy(chain);
    if (error != NULL) {
        *error = check.error;
    }
    return status;
}
