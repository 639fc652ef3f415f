/* SPDX-License-Identifier: MIT */
/* The comparators of the kernel benchmark, for the precision of bench_real.h. */
#include "kernel_set.h"

#include "bench_real.h"
#include "naive.h"
#include "sleef_pass.h"
#include "unfused.h"
#include <costate/layer.h>
#include <costate/net.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#ifdef BENCH_F32
#define PRECISION "f32"
#define TOLERANCE 1e-5
#else
#define PRECISION "f64"
#define TOLERANCE 1e-13
#endif

/* One timed call. */
typedef struct comparator {
    const char *variant;
    void (*call)(kernel_set *set);
    kernel_set *set;
} comparator;

struct kernel_set {
    const chain *chain;
    costate_net *fast;
    costate_net *accurate;
    costate_layer
        activation[CHAIN_MAX_LAYER]; /* 1 -> width without bias: y = act(1 z), the fast activation by itself */
    real *block;                     /* owns all arrays below */
    real *p;
    real *x;
    real *v;
    real *z; /* pre-activations of all hidden units, for the activation passes */
    real *y;
    real *xbar;
    real *pbar;
    real *a;
    real *work; /* of the naive and unfused comparators */
    void *net_work;
    size_t net_work_bytes;
    comparator comparators[2][KERNEL_MAX_CASE]; /* forward, VJP */
    size_t n_comparator;
};

static costate_net *create_net(const chain *c, costate_accuracy accuracy) {
    costate_layer_spec layers[CHAIN_MAX_LAYER];
    for (size_t l = 0; l < c->n_layer; l++) {
        const costate_act act = l + 1 < c->n_layer ? c->act : COSTATE_ACT_IDENTITY;
        layers[l] = (costate_layer_spec){.n_out = c->width[l + 1], .act = act};
    }
    const costate_net_spec spec = {
        .n_in = chain_n_in(c), .n_layer = c->n_layer, .layers = layers, .accuracy = accuracy};
    costate_net *net = NULL;
    return costate_net_create(&spec, NULL, &net) == COSTATE_OK ? net : NULL;
}

static bool make_activations(kernel_set *set) {
    const chain *c = set->chain;
    for (size_t l = 0; l + 1 < c->n_layer; l++) {
        if (costate_layer_make(1, c->width[l + 1], c->act, true, COSTATE_ACCURACY_FAST, &set->activation[l]) !=
            COSTATE_OK) {
            return false;
        }
    }
    return true;
}

static void destroy(kernel_set *set) {
    if (set) {
        costate_net_destroy(set->fast);
        costate_net_destroy(set->accurate);
        free(set->net_work);
        free(set->block);
        free(set);
    }
}

static real *cut(real **free_space, size_t n) {
    real *block = *free_space;
    *free_space += n;
    return block;
}

static bool allocate_arrays(kernel_set *set) {
    const chain *c = set->chain;
    const size_t n_in = chain_n_in(c);
    const size_t n_out = chain_n_out(c);
    const size_t n_p = chain_n_param(c);
    const size_t n_unit = chain_n_unit(c);
    set->block = calloc(2 * n_p + 2 * n_in + 2 * n_out + 2 * n_unit + chain_n_work(c), sizeof(real));
    set->net_work_bytes = REAL_NAME(costate_net_work_bytes)(set->fast);
    set->net_work = malloc(set->net_work_bytes ? set->net_work_bytes : 1);
    if (!set->block || !set->net_work) {
        return false;
    }
    real *space = set->block;
    set->p = cut(&space, n_p);
    set->x = cut(&space, n_in);
    set->v = cut(&space, n_out);
    set->z = cut(&space, n_unit);
    set->y = cut(&space, n_out);
    set->xbar = cut(&space, n_in);
    set->pbar = cut(&space, n_p);
    set->a = cut(&space, n_unit);
    set->work = cut(&space, chain_n_work(c));
    return true;
}

static void fill_normal(costate_random *random, size_t n, double scale, real *values) {
    for (size_t i = 0; i < n; i++) {
        values[i] = (real)(scale * costate_random_normal(random));
    }
}

static void call_fast_forward(kernel_set *s) {
    (void)REAL_NAME(costate_net_forward)(s->fast, s->p, s->x, s->y, s->net_work, s->net_work_bytes);
}

static void call_fast_vjp(kernel_set *s) {
    (void)REAL_NAME(costate_net_vjp)(s->fast, s->p, s->x, s->v, 1, s->xbar, s->pbar, s->net_work, s->net_work_bytes);
}

static void call_accurate_forward(kernel_set *s) {
    (void)REAL_NAME(costate_net_forward)(s->accurate, s->p, s->x, s->y, s->net_work, s->net_work_bytes);
}

static void call_accurate_vjp(kernel_set *s) {
    (void)REAL_NAME(costate_net_vjp)(s->accurate, s->p, s->x, s->v, 1, s->xbar, s->pbar, s->net_work,
                                     s->net_work_bytes);
}

static void call_naive_forward(kernel_set *s) { REAL_NAME(naive_forward)(s->chain, s->p, s->x, s->y, s->work); }

static void call_naive_vjp(kernel_set *s) {
    REAL_NAME(naive_vjp)(s->chain, s->p, s->x, s->v, s->xbar, s->pbar, s->work);
}

static void call_relaxed_forward(kernel_set *s) {
    REAL_NAME(naive_forward_relaxed)(s->chain, s->p, s->x, s->y, s->work);
}

static void call_relaxed_vjp(kernel_set *s) {
    REAL_NAME(naive_vjp_relaxed)(s->chain, s->p, s->x, s->v, s->xbar, s->pbar, s->work);
}

static void call_unfused_forward(kernel_set *s) { REAL_NAME(unfused_forward)(s->chain, s->p, s->x, s->y, s->work); }

static void call_unfused_vjp(kernel_set *s) {
    REAL_NAME(unfused_vjp)(s->chain, s->p, s->x, s->v, s->xbar, s->pbar, s->work);
}

static void call_sleef_activations(kernel_set *s) {
    size_t i = 0;
    for (size_t l = 1; l < s->chain->n_layer; l++) {
        if (s->chain->act == COSTATE_ACT_TANH) {
            REAL_NAME(sleef_tanh)(s->chain->width[l], s->z + i, s->a + i);
        } else {
            REAL_NAME(sleef_relu)(s->chain->width[l], s->z + i, s->a + i);
        }
        i += s->chain->width[l];
    }
}

static void call_fast_activations(kernel_set *s) {
    const real one = 1;
    size_t i = 0;
    for (size_t l = 1; l < s->chain->n_layer; l++) {
        (void)REAL_NAME(costate_layer_forward)(&s->activation[l - 1], s->z + i, &one, s->a + i, NULL);
        i += s->chain->width[l];
    }
}

static void add(kernel_set *set, const char *variant, void (*forward)(kernel_set *), void (*vjp)(kernel_set *)) {
    set->comparators[0][set->n_comparator] = (comparator){variant, forward, set};
    set->comparators[1][set->n_comparator] = (comparator){variant, vjp, set};
    set->n_comparator++;
}

/* The order that kernel_precision.cases promises. */
static void list_comparators(kernel_set *set) {
    const bool transcendental = set->chain->act == COSTATE_ACT_TANH;
    add(set, "costate fast", call_fast_forward, call_fast_vjp);
    if (transcendental) {
        add(set, "costate accurate", call_accurate_forward, call_accurate_vjp);
    }
    add(set, "naive loops + libm", call_naive_forward, call_naive_vjp);
    add(set, "naive loops -ffast-math", call_relaxed_forward, call_relaxed_vjp);
    add(set, "unfused OpenBLAS + SLEEF u35", call_unfused_forward, call_unfused_vjp);
    add(set, transcendental ? "SLEEF u35 activations alone" : "activations alone", call_sleef_activations,
        call_sleef_activations);
    add(set, "costate activations (1-n layers)", call_fast_activations, call_fast_activations);
}

static kernel_set *create(bench *b, const chain *c) {
    kernel_set *set = calloc(1, sizeof *set);
    if (set) {
        set->chain = c;
        set->fast = create_net(c, COSTATE_ACCURACY_FAST);
        set->accurate = create_net(c, COSTATE_ACCURACY_ACCURATE);
    }
    if (!set || !set->fast || !set->accurate || !make_activations(set) || !allocate_arrays(set)) {
        bench_fail(b, "%s %s: the networks could not be created", c->name, PRECISION);
        destroy(set);
        return NULL;
    }
    costate_random random = costate_random_seed(1, 0);
    real *p = set->p;
    for (size_t l = 0; l < c->n_layer; l++) {
        const size_t n = c->width[l + 1] * (c->width[l] + 1);
        fill_normal(&random, n, 1.0 / sqrt((double)c->width[l]), p);
        p += n;
    }
    fill_normal(&random, chain_n_in(c), 1.0, set->x);
    fill_normal(&random, chain_n_out(c), 1.0, set->v);
    fill_normal(&random, chain_n_unit(c), 1.0, set->z);
    list_comparators(set);
    return set;
}

static void run(void *ctx, size_t n) {
    const comparator *c = ctx;
    for (size_t i = 0; i < n; i++) {
        c->call(c->set);
    }
}

static size_t cases(kernel_set *set, bool vjp, bench_case *out) {
    for (size_t i = 0; i < set->n_comparator; i++) {
        comparator *c = &set->comparators[vjp ? 1 : 0][i];
        out[i] = (bench_case){.variant = c->variant, .run = run, .ctx = c};
    }
    return set->n_comparator;
}

/* What the naive loops give in double precision for the same numbers. */
typedef struct reference {
    double *y;
    double *xbar;
    double *pbar;
    double *a;
    double *converted; /* room for a comparator's result */
} reference;

static void widen(size_t n, const real *from, double *to) {
    for (size_t i = 0; i < n; i++) {
        to[i] = (double)from[i];
    }
}

/* The returned block owns every array of r; NULL without memory. */
static double *compute_reference(const kernel_set *set, reference *r) {
    const chain *c = set->chain;
    const size_t n_in = chain_n_in(c);
    const size_t n_out = chain_n_out(c);
    const size_t n_p = chain_n_param(c);
    const size_t n_unit = chain_n_unit(c);
    double *block = calloc(3 * n_p + 3 * (n_in + n_out) + 2 * n_unit + chain_n_work(c), sizeof *block);
    if (!block) {
        return NULL;
    }
    double *p = block;
    double *x = p + n_p;
    double *v = x + n_in;
    double *work = v + n_out;
    r->y = work + chain_n_work(c);
    r->xbar = r->y + n_out;
    r->pbar = r->xbar + n_in;
    r->a = r->pbar + n_p;
    r->converted = r->a + n_unit;
    widen(n_p, set->p, p);
    widen(n_in, set->x, x);
    widen(n_out, set->v, v);
    naive_forward_f64(c, p, x, r->y, work);
    naive_vjp_f64(c, p, x, v, r->xbar, r->pbar, work);
    for (size_t i = 0; i < n_unit; i++) {
        const double z = (double)set->z[i];
        r->a[i] = c->act == COSTATE_ACT_TANH ? tanh(z) : fmax(z, 0.0);
    }
    return block;
}

static bool agrees(bench *b, const kernel_set *set, const char *variant, const char *what, size_t n, const real *result,
                   const double *expected, double *converted) {
    widen(n, result, converted);
    const double difference = bench_difference(n, converted, expected);
    if (difference <= TOLERANCE) {
        return true;
    }
    bench_fail(b, "%s %s: %s of \"%s\" differs by %.3g from the naive loops in double precision (allowed: %.0e)",
               set->chain->name, PRECISION, what, variant, difference, TOLERANCE);
    return false;
}

static bool verify(bench *b, kernel_set *set) {
    const chain *c = set->chain;
    const size_t n_pass = set->n_comparator - 2; /* activation passes come last */
    reference r;
    double *block = compute_reference(set, &r);
    if (!block) {
        bench_fail(b, "no memory for the reference of %s", c->name);
        return false;
    }
    bool ok = true;
    for (size_t i = 0; i < set->n_comparator; i++) {
        const char *variant = set->comparators[0][i].variant;
        memset(set->y, 0xff, chain_n_out(c) * sizeof(real));
        memset(set->xbar, 0xff, chain_n_in(c) * sizeof(real));
        memset(set->a, 0xff, chain_n_unit(c) * sizeof(real));
        memset(set->pbar, 0, chain_n_param(c) * sizeof(real));
        set->comparators[0][i].call(set);
        set->comparators[1][i].call(set);
        if (i >= n_pass) {
            ok &= agrees(b, set, variant, "a", chain_n_unit(c), set->a, r.a, r.converted);
        } else {
            ok &= agrees(b, set, variant, "y", chain_n_out(c), set->y, r.y, r.converted);
            ok &= agrees(b, set, variant, "xbar", chain_n_in(c), set->xbar, r.xbar, r.converted);
            ok &= agrees(b, set, variant, "pbar", chain_n_param(c), set->pbar, r.pbar, r.converted);
        }
    }
    free(block);
    return ok;
}

const kernel_precision REAL_NAME(kernel_precision) = {
    .name = PRECISION,
    .real_bytes = sizeof(real),
    .tolerance = TOLERANCE,
    .create = create,
    .destroy = destroy,
    .verify = verify,
    .cases = cases,
};
