/* SPDX-License-Identifier: MIT */
/* One layer of the library on one tile, its arrays between guard pages, against a reference in complex long double. */
#include "layer_probe.h"

#include "chain/kernels/chain_kernels.h"
#include "support/guard_page.h"
#include <costate/isa.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double tolerances[] = {[LAYER_F64] = 2e-14, [LAYER_F32] = 1e-5};
static const long double step = 1e-40L;

/* Without the conversion that I, of type float, asks for. */
static wide imaginary(long double y) { return y * (wide)I; }

static void *items(size_t n, size_t size) {
    void *block = calloc(n + 1, size);
    assert_non_null(block);
    return block;
}

static double *uniform(costate_random *random, size_t n) {
    double *x = items(n, sizeof *x);
    for (size_t i = 0; i < n; i++) {
        x[i] = (double)(float)(2.0 * costate_random_uniform(random) - 1.0);
    }
    return x;
}

layer_data layer_data_make(const layer_case *the, double p_bound, uint64_t seed) {
    layer_data data = {.n_in = costate_shape_size(the->in)};
    costate_random random = costate_random_seed(seed, 3);
    assert_ok(the->layer.kind->plan(&the->layer, the->in, &data.plan));
    data.n_out = costate_shape_size(data.plan.out);
    for (size_t k = 0; k < data.plan.n_block; k++) {
        data.n_param += data.plan.block[k].length;
    }
    data.p = uniform(&random, data.n_param);
    for (size_t k = 0, i = 0; k < data.plan.n_block; k++) {
        const costate_chain_plan_block *block = &data.plan.block[k];
        for (size_t j = 0; j < block->length; j++, i++) {
            data.p[i] = (double)(float)(block->value + (block->bound + p_bound) * data.p[i]);
        }
    }
    data.x = uniform(&random, the->n * data.n_in);
    data.v = uniform(&random, the->n * data.n_out);
    data.start = uniform(&random, data.n_param);
    data.y = items(the->n * data.n_out, sizeof *data.y);
    data.xbar = items(the->n * data.n_in, sizeof *data.xbar);
    data.pbar = items(data.n_param, sizeof *data.pbar);
    return data;
}

void layer_data_release(layer_data *data) {
    double *arrays[] = {data->p, data->x, data->v, data->start, data->y, data->xbar, data->pbar};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        free(arrays[i]);
    }
}

/* Arrays of a tile, in the order of buffers. */
enum { P, X, Y, KEPT, SCRATCH, V, XBAR, PBAR, N_BUFFER };

/* Buffers that end at an inaccessible page, all bits set: what is read before it is written is NaN. */
static void buffers_make(const layer_case *the, const layer_data *data, size_t size, guard_buffer *buffers) {
    const size_t n_row[] = {0,          data->n_in, data->n_out, data->plan.n_kept, data->plan.n_scratch, data->n_out,
                            data->n_in, 0};
    for (size_t k = 0; k < N_BUFFER; k++) {
        const size_t bytes = (k == P || k == PBAR ? data->n_param : n_row[k] * the->row) * size;
        buffers[k] = guard_create(bytes, GUARD_AFTER);
        memset(buffers[k].data, 0xff, bytes);
    }
}

static void assert_unchanged(const guard_buffer *buffer, const void *before, size_t bytes) {
    assert_memory_equal(buffer->data, before, bytes);
}

/* A copy of x, y and kept, which lie in a row of three. */
typedef struct kept_copy {
    void *copy[KEPT + 1];
    size_t bytes[KEPT + 1];
} kept_copy;

static kept_copy copy_kept(const layer_case *the, const layer_data *data, size_t size, const guard_buffer *buffers) {
    const size_t n_row[] = {0, data->n_in, data->n_out, data->plan.n_kept};
    kept_copy kept = {{NULL}, {0}};
    for (size_t k = X; k <= KEPT; k++) {
        kept.bytes[k] = n_row[k] * the->row * size;
        kept.copy[k] = items(kept.bytes[k], 1);
        memcpy(kept.copy[k], buffers[k].data, kept.bytes[k]);
    }
    return kept;
}

static void check_kept(kept_copy *kept, const guard_buffer *buffers) {
    for (size_t k = X; k <= KEPT; k++) {
        assert_unchanged(&buffers[k], kept->copy[k], kept->bytes[k]);
        free(kept->copy[k]);
    }
}

#define DEFINE_RUN(suffix, real)                                                                                       \
    static void to_rows_##suffix(const layer_case *the, size_t n, const double *from, bool repeat, real *rows) {       \
        for (size_t i = 0; i < n; i++) {                                                                               \
            for (size_t s = 0; s < the->row; s++) {                                                                    \
                const size_t sample = s < the->n ? s : the->n - 1;                                                     \
                rows[i * the->row + s] = s < the->n || repeat ? (real)from[sample * n + i] : 0;                        \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    static void from_rows_##suffix(const layer_case *the, size_t n, const real *rows, double *to) {                    \
        for (size_t s = 0; s < the->n; s++) {                                                                          \
            for (size_t i = 0; i < n; i++) {                                                                           \
                to[s * n + i] = (double)rows[i * the->row + s];                                                        \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    static void run_##suffix(const layer_case *the, layer_data *data, const csi_chain_calls_##suffix *calls,           \
                             int want) {                                                                               \
        guard_buffer buffers[N_BUFFER];                                                                                \
        buffers_make(the, data, sizeof(real), buffers);                                                                \
        real *p = buffers[P].data, *pbar = buffers[PBAR].data, *xbar = buffers[XBAR].data;                             \
        for (size_t i = 0; i < data->n_param; i++) {                                                                   \
            p[i] = (real)data->p[i];                                                                                   \
            pbar[i] = (real)data->start[i];                                                                            \
        }                                                                                                              \
        to_rows_##suffix(the, data->n_in, data->x, true, buffers[X].data);                                             \
        to_rows_##suffix(the, data->n_out, data->v, false, buffers[V].data);                                           \
        costate_chain_tile_##suffix tile = {                                                                           \
            .layer = &the->layer,                                                                                      \
            .in = the->in,                                                                                             \
            .out = data->plan.out,                                                                                     \
            .n = the->n,                                                                                               \
            .row = the->row,                                                                                           \
            .p = p,                                                                                                    \
            .x = buffers[X].data,                                                                                      \
            .y = buffers[Y].data,                                                                                      \
            .kept = buffers[KEPT].data,                                                                                \
            .scratch = buffers[SCRATCH].data                                                                           \
        };                                                                                                             \
        assert_ok(calls->forward(&tile));                                                                              \
        from_rows_##suffix(the, data->n_out, tile.y, data->y);                                                         \
        memset(buffers[SCRATCH].data, 0xff, data->plan.n_scratch * the->row * sizeof(real));                           \
        tile.v = buffers[V].data;                                                                                      \
        tile.xbar = want & LAYER_XBAR ? xbar : NULL;                                                                   \
        tile.pbar = want & LAYER_PBAR ? pbar : NULL;                                                                   \
        kept_copy kept = copy_kept(the, data, sizeof(real), buffers);                                                  \
        assert_ok(calls->vjp(&tile));                                                                                  \
        check_kept(&kept, buffers);                                                                                    \
        memset(data->xbar, 0, the->n * data->n_in * sizeof *data->xbar);                                               \
        if (want & LAYER_XBAR) {                                                                                       \
            from_rows_##suffix(the, data->n_in, xbar, data->xbar);                                                     \
        }                                                                                                              \
        for (size_t i = 0; i < data->n_param; i++) {                                                                   \
            data->pbar[i] = want & LAYER_PBAR ? (double)pbar[i] : 0.0;                                                 \
        }                                                                                                              \
        for (size_t k = 0; k < N_BUFFER; k++) {                                                                        \
            guard_destroy(&buffers[k]);                                                                                \
        }                                                                                                              \
    }

DEFINE_RUN(f64, double)
DEFINE_RUN(f32, float)

void layer_run(const layer_case *the, layer_data *data, layer_precision precision, int want) {
    csi_chain_kernels kernels;
    const csi_kind_index kind = csi_kind_find(the->layer.kind);
    assert_ok(csi_chain_kernels_select(&kernels));
    if (precision == LAYER_F64) {
        run_f64(the, data, &kernels.f64[kind], want);
    } else {
        run_f32(the, data, &kernels.f32[kind], want);
    }
}

static long double largest(const long double *x, size_t n) {
    long double most = 0.0L;
    for (size_t i = 0; i < n; i++) {
        most = fmaxl(most, fabsl(x[i]));
    }
    return most;
}

static void assert_near(const char *what, const double *actual, const long double *expected, size_t n,
                        double tolerance) {
    const long double bound = (long double)tolerance * (largest(expected, n) + 1e-3L);
    for (size_t i = 0; i < n; i++) {
        if (!(fabsl((long double)actual[i] - expected[i]) <= bound)) {
            fail_msg("%s %zu is %.17g, expected %.17Lg, bound %.3Lg", what, i, actual[i], expected[i], bound);
        }
    }
}

/* Room for the reference of one sample. */
typedef struct wide_sample {
    wide *p, *x, *y;
} wide_sample;

static wide_sample wide_make(const layer_data *data) {
    return (wide_sample){items(data->n_param, sizeof(wide)), items(data->n_in, sizeof(wide)),
                         items(data->n_out, sizeof(wide))};
}

static void wide_release(wide_sample *room) {
    free(room->p);
    free(room->x);
    free(room->y);
}

static void wide_load(const layer_data *data, size_t sample, wide_sample *room) {
    for (size_t i = 0; i < data->n_param; i++) {
        room->p[i] = (long double)data->p[i];
    }
    for (size_t i = 0; i < data->n_in; i++) {
        room->x[i] = (long double)data->x[sample * data->n_in + i];
    }
}

/* ⟨v, ∂y⟩ of one sample along the imaginary parts of p and x. */
static long double wide_slope(const layer_case *the, const layer_data *data, layer_reference *reference, size_t sample,
                              wide_sample *room) {
    long double sum = 0.0L;
    reference(&the->layer, the->in, room->p, room->x, room->y);
    for (size_t i = 0; i < data->n_out; i++) {
        sum += (long double)data->v[sample * data->n_out + i] * (cimagl(room->y[i]) / step);
    }
    return sum;
}

static void check_values(const layer_case *the, const layer_data *data, layer_reference *reference, double tolerance) {
    wide_sample room = wide_make(data);
    long double *y = items(data->n_out, sizeof *y);
    for (size_t s = 0; s < the->n; s++) {
        wide_load(data, s, &room);
        reference(&the->layer, the->in, room.p, room.x, room.y);
        for (size_t i = 0; i < data->n_out; i++) {
            y[i] = creall(room.y[i]);
        }
        assert_near("y", data->y + s * data->n_out, y, data->n_out, tolerance);
    }
    free(y);
    wide_release(&room);
}

static void check_elements(const layer_case *the, const layer_data *data, layer_reference *reference,
                           double tolerance) {
    wide_sample room = wide_make(data);
    long double *pbar = items(data->n_param, sizeof *pbar), *xbar = items(the->n * data->n_in, sizeof *xbar);
    for (size_t s = 0; s < the->n; s++) {
        wide_load(data, s, &room);
        for (size_t i = 0; i < data->n_param + data->n_in; i++) {
            wide *at = i < data->n_param ? &room.p[i] : &room.x[i - data->n_param];
            const wide before = *at;
            *at = before + imaginary(step);
            const long double slope = wide_slope(the, data, reference, s, &room);
            *at = before;
            if (i < data->n_param) {
                pbar[i] += slope;
            } else {
                xbar[s * data->n_in + i - data->n_param] = slope;
            }
        }
    }
    for (size_t i = 0; i < data->n_param; i++) {
        pbar[i] += (long double)data->start[i];
    }
    assert_near("xbar", data->xbar, xbar, the->n * data->n_in, tolerance);
    assert_near("pbar", data->pbar, pbar, data->n_param, tolerance);
    free(pbar);
    free(xbar);
    wide_release(&room);
}

/* One direction of parameters and inputs at once. */
static void check_direction(const layer_case *the, const layer_data *data, layer_reference *reference,
                            costate_random *random, double tolerance) {
    wide_sample room = wide_make(data);
    double *up = uniform(random, data->n_param), *ux = uniform(random, the->n * data->n_in);
    long double expected = 0.0L, actual = 0.0L, size = 0.0L;
    for (size_t s = 0; s < the->n; s++) {
        wide_load(data, s, &room);
        for (size_t i = 0; i < data->n_param; i++) {
            room.p[i] += imaginary(step * (long double)up[i]);
        }
        for (size_t i = 0; i < data->n_in; i++) {
            const long double u = (long double)ux[s * data->n_in + i];
            room.x[i] += imaginary(step * u);
            actual += u * (long double)data->xbar[s * data->n_in + i];
            size += fabsl(u * (long double)data->xbar[s * data->n_in + i]);
        }
        expected += wide_slope(the, data, reference, s, &room);
    }
    for (size_t i = 0; i < data->n_param; i++) {
        const long double term = (long double)up[i] * ((long double)data->pbar[i] - (long double)data->start[i]);
        actual += term;
        size += fabsl(term);
    }
    assert_true(size > 0.0L);
    if (!(fabsl(actual - expected) <= (long double)tolerance * size)) {
        fail_msg("slope is %.17Lg, expected %.17Lg, terms %.3Lg", actual, expected, size);
    }
    free(up);
    free(ux);
    wide_release(&room);
}

void layer_check(const layer_case *the, layer_reference *reference, double p_bound, size_t n_direction) {
    costate_random random = costate_random_seed(5, 5);
    layer_data data = layer_data_make(the, p_bound, the->n + the->row);
    for (layer_precision precision = LAYER_F64; precision <= LAYER_F32; precision++) {
        layer_run(the, &data, precision, LAYER_BOTH);
        check_values(the, &data, reference, tolerances[precision]);
        if (n_direction == 0) {
            check_elements(the, &data, reference, tolerances[precision]);
        }
        for (size_t k = 0; k < n_direction; k++) {
            check_direction(the, &data, reference, &random, tolerances[precision]);
        }
    }
    layer_data_release(&data);
}

static void assert_same_results(const layer_case *the, const layer_data *a, const layer_data *b) {
    assert_same_bits_f64(a->y, b->y, the->n * a->n_out);
    assert_same_bits_f64(a->xbar, b->xbar, the->n * a->n_in);
    assert_same_bits_f64(a->pbar, b->pbar, a->n_param);
}

/* The results of each variant in turn; the number there is. */
static size_t check_case_isas(const layer_case *the, layer_precision precision) {
    static const char *const names[] = {"fma", "avx2", "avx512"};
    layer_data first = layer_data_make(the, 0.1, 9), other = layer_data_make(the, 0.1, 9);
    size_t n_found = 0;
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        costate_isa isa;
        isa_environment_set(names[k]);
        if (costate_isa_select(&isa) != COSTATE_OK) {
            print_message("SKIPPED: COSTATE_ISA=%s is not available here\n", names[k]);
            continue;
        }
        layer_run(the, n_found == 0 ? &first : &other, precision, LAYER_BOTH);
        if (n_found++ > 0) {
            assert_same_results(the, &other, &first);
        }
    }
    layer_data_release(&first);
    layer_data_release(&other);
    return n_found;
}

void layer_check_isas(const layer_case *cases, size_t n_case) {
    const isa_environment saved = isa_environment_save();
    size_t n_found = 0;
    for (size_t k = 0; k < n_case; k++) {
        check_case_isas(&cases[k], LAYER_F64);
        n_found = check_case_isas(&cases[k], LAYER_F32);
    }
    isa_environment_restore(&saved);
    if (n_found < 2) {
        skip();
    }
}
