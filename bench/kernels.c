/* SPDX-License-Identifier: MIT */
/* Single-sample forward and VJP of small networks beside plain loops, unfused calls and the bare activations. */
#include "kernel_set.h"
#include "sleef_pass.h"
#include "unfused.h"

#include <string.h>

static const chain chains[] = {
    {"2-16-2 tanh", COSTATE_ACT_TANH, 2, {2, 16, 2}},        {"2-50-2 tanh", COSTATE_ACT_TANH, 2, {2, 50, 2}},
    {"4-32-16-4 tanh", COSTATE_ACT_TANH, 3, {4, 32, 16, 4}}, {"8-64-64-8 tanh", COSTATE_ACT_TANH, 3, {8, 64, 64, 8}},
    {"4-32-16-4 relu", COSTATE_ACT_RELU, 3, {4, 32, 16, 4}}, {"8-64-64-8 relu", COSTATE_ACT_RELU, 3, {8, 64, 64, 8}},
};

#define N_CHAIN (sizeof chains / sizeof *chains)

/*
 * SimpleChains.jl 0.4.8 with its fast tanh (Julia 1.9.4, one thread): ns of the forward call and of the in-place
 * gradient, on a machine where SLEEF's u35 tanh took 1.95 ns per element in f64 and 0.78 ns in f32. Dividing by that
 * makes the figures comparable with another run.
 */
static const struct {
    const char *shape;
    const char *precision;
    double forward_ns;
    double gradient_ns;
} simplechains[] = {
    {"2-50-2 tanh", "f64", 82.0, 153.0},
    {"2-50-2 tanh", "f32", 40.0, 101.0},
    {"4-32-16-4 tanh", "f64", 111.0, 227.0},
    {"4-32-16-4 tanh", "f32", 47.0, 154.0},
};

/* Ratio of SimpleChains' fast variant to SLEEF's u35 activations; 0 where nothing was measured. */
static double simplechains_ratio(const chain *c, const kernel_precision *precision, bool vjp) {
    const double tanh_ns = precision->real_bytes == 8 ? 1.95 : 0.78;
    for (size_t i = 0; i < sizeof simplechains / sizeof *simplechains; i++) {
        if (strcmp(simplechains[i].shape, c->name) == 0 && strcmp(simplechains[i].precision, precision->name) == 0) {
            const double ns = vjp ? simplechains[i].gradient_ns : simplechains[i].forward_ns;
            return ns / (tanh_ns * (double)chain_n_unit(c));
        }
    }
    return 0.0;
}

static void report_ratios(bench *b, const char *name, const chain *c, const bench_case *cases, size_t n_case) {
    for (size_t i = 1; i < n_case; i++) {
        char variant[96];
        snprintf(variant, sizeof variant, "costate fast / %s", cases[i].variant);
        bench_row(b, name, c->name, variant, cases[0].time.median / cases[i].time.median, "ratio");
    }
}

/* A line of the closing table: ours, and its ratio to comparators. */
typedef struct summary_line {
    char name[32];
    const char *shape;
    double ours;
    double to_naive;
    double to_unfused;
    double to_activations;
    double simplechains; /* the last column for SimpleChains; 0: not measured */
} summary_line;

typedef struct summary {
    size_t n;
    summary_line lines[4 * N_CHAIN];
} summary;

static void summarise(bench *b, const char *name, const chain *c, const kernel_precision *precision, bool vjp,
                      const bench_case *cases, size_t n_case, summary *s) {
    const double ours = cases[0].time.median;
    const double peer = simplechains_ratio(c, precision, vjp);
    summary_line *line = &s->lines[s->n++];
    *line = (summary_line){
        .shape = c->name,
        .ours = ours,
        .to_naive = ours / cases[n_case - 5].time.median,
        .to_unfused = ours / cases[n_case - 3].time.median,
        .to_activations = ours / cases[n_case - 2].time.median,
        .simplechains = peer,
    };
    snprintf(line->name, sizeof line->name, "%s", name);
    if (peer > 0.0) {
        bench_row(b, name, c->name, "SimpleChains fast (elsewhere) / SLEEF u35 activations alone", peer, "ratio");
    }
}

static void print_summary(const summary *s) {
    if (s->n == 0) {
        return;
    }
    printf(
        "\ncostate fast and its ratio to: naive loops + libm, unfused calls, SLEEF u35 activations alone; the same "
        "last "
        "ratio of SimpleChains' fast\nvariant, measured elsewhere as its ns / (units x ns of SLEEF's u35 tanh there)\n"
        "  %-12s %-16s %10s %8s %8s %12s %13s\n",
        "", "", "ours", "naive", "unfused", "activations", "SimpleChains");
    for (size_t i = 0; i < s->n; i++) {
        const summary_line *line = &s->lines[i];
        char text[16];
        char peer[16] = "-";
        if (line->simplechains > 0.0) {
            snprintf(peer, sizeof peer, "%.2f", line->simplechains);
        }
        printf("  %-12s %-16s %10s %8.3f %8.3f %12.2f %13s\n", line->name, line->shape,
               bench_format_seconds(line->ours, line->ours, text), line->to_naive, line->to_unfused,
               line->to_activations, peer);
    }
}

static void report_work(bench *b, const char *name, const chain *c, const kernel_precision *precision, bool vjp,
                        const bench_case *cases, size_t n_case) {
    const double flops = chain_flops(c, vjp);
    const double bytes = chain_elements(c, vjp) * (double)precision->real_bytes;
    const double seconds = cases[0].time.median;
    const double own_share = cases[n_case - 1].time.median / seconds;
    printf("  %.0f flop and %zu activations, %.0f bytes: %.1f GFLOP/s, %.1f GB/s; costate's activations alone are %.0f "
           "%% of its time\n",
           flops, chain_n_unit(c), bytes, 1e-9 * flops / seconds, 1e-9 * bytes / seconds, 100.0 * own_share);
    bench_row(b, name, c->name, "work", flops, "flop");
    bench_row(b, name, c->name, "work", (double)chain_n_unit(c), "activations");
    bench_row(b, name, c->name, "work", bytes, "bytes");
    bench_row(b, name, c->name, "activation share of costate fast", own_share, "ratio");
}

static void time_chain(bench *b, const chain *c, const kernel_precision *precision, kernel_set *set, bool vjp,
                       summary *s) {
    char name[32];
    snprintf(name, sizeof name, "%s %s", vjp ? "vjp" : "forward", precision->name);
    if (!bench_wanted(b, name, c->name)) {
        return;
    }
    bench_case cases[KERNEL_MAX_CASE];
    const size_t n_case = precision->cases(set, vjp, cases);
    if (!bench_measure(b, name, c->name, cases, n_case)) {
        return;
    }
    bench_print_times(name, c->name, cases, n_case);
    report_ratios(b, name, c, cases, n_case);
    report_work(b, name, c, precision, vjp, cases, n_case);
    summarise(b, name, c, precision, vjp, cases, n_case, s);
}

static void bench_chain(bench *b, const chain *c, const kernel_precision *precision, summary *s) {
    kernel_set *set = precision->create(b, c);
    if (set && precision->verify(b, set)) {
        time_chain(b, c, precision, set, false, s);
        time_chain(b, c, precision, set, true, s);
    }
    precision->destroy(set);
}

int main(int argc, char **argv) {
    static const char about[] = "Times one forward call and one full VJP (input and all parameters) of small networks "
                                "on one sample. The result\n"
                                "of every comparator is first compared with the naive loops in double precision.";
    bench b;
    const bench_start start = bench_begin(&b, argc, argv, about, NULL);
    if (start != BENCH_RUN) {
        return start == BENCH_DONE ? 0 : 2;
    }
    printf("# OpenBLAS kernels %s, one thread; SLEEF passes %s\n", unfused_begin(), sleef_pass_isa());
    printf("# verified to max |difference| / max |value| <= %.0e (f64), %.0e (f32)\n", kernel_precision_f64.tolerance,
           kernel_precision_f32.tolerance);
    summary s = {0};
    for (size_t i = 0; i < N_CHAIN; i++) {
        bench_chain(&b, &chains[i], &kernel_precision_f64, &s);
        bench_chain(&b, &chains[i], &kernel_precision_f32, &s);
    }
    print_summary(&s);
    return bench_end(&b);
}
