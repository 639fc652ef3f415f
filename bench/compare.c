/* SPDX-License-Identifier: MIT */
/* Reruns published comparisons on this machine and prints their tables. */
#include "compare/comparison.h"

#include <string.h>

static const comparison comparisons[] = {
    {"duals", "gradients of Rosenbrock and Ackley at n = 12000 by dual numbers and by a scalar graph", compare_duals},
    {"latency", "from the start of a process to its first gradient", compare_latency},
    {"micrograd", "training on two moons: a scalar graph beside fused kernels, 24 configurations", compare_micrograd},
};
enum { N_COMPARISON = sizeof comparisons / sizeof *comparisons };

/* Takes `option VALUE` out of the arguments; false if the value is missing. */
static bool take_value(int *argc, char **argv, const char *option, const char **value) {
    int n = 0;
    bool whole = true;
    for (int i = 0; i < *argc; i++) {
        if (i == 0 || strcmp(argv[i], option) != 0) {
            argv[n++] = argv[i];
        } else if (i + 1 < *argc) {
            *value = argv[++i];
        } else {
            whole = false;
        }
    }
    *argc = n;
    return whole;
}

/* True if an element of the list begins with the name. */
static bool asks_for(const char *only, const char *name) {
    for (const char *item = only; item; item = strchr(item, ',')) {
        item += *item == ',';
        if (strncmp(item, name, strlen(name)) == 0) {
            return true;
        }
    }
    return !only;
}

/* Every element of the list begins with the name of a comparison. */
static bool check_only(const char *only) {
    for (const char *item = only; item; item = strchr(item, ',')) {
        item += *item == ',';
        bool known = false;
        for (size_t i = 0; i < N_COMPARISON; i++) {
            known = known || strncmp(item, comparisons[i].name, strlen(comparisons[i].name)) == 0;
        }
        if (!known) {
            fprintf(stderr, "compare: --only %s: \"%.*s\" begins with no name of --list\n", only,
                    (int)strcspn(item, ","), item);
            return false;
        }
    }
    return true;
}

static bool has_argument(int argc, char **argv, const char *text) {
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], text) == 0) {
            return true;
        }
    }
    return false;
}

static int list(void) {
    for (size_t i = 0; i < N_COMPARISON; i++) {
        printf("%-12s %s\n", comparisons[i].name, comparisons[i].about);
    }
    return 0;
}

int main(int argc, char **argv) {
    static const char about[] =
        "Reruns published comparisons; every result is verified before its time counts. --list names them,\n"
        "--only duals,micrograd takes some of them, --only 'micrograd REAL 2-8-1' some of their groups.\n"
        "A shape says whether its data are REAL or SYNTHETIC; --data FOLDER holds the real ones (moons/*.json).\n"
        "Ratios are to the first row of each table, measured in the same run.";
    compare_options options = {.data = BENCH_DATA_DIR};
    bool wants_list = false;
    const bench_switch switches[] = {{"--list", "name the comparisons and leave", &wants_list},
                                     {"--no-peers", "do not run the Python peers", &options.no_peers},
                                     {0}};
    if (!take_value(&argc, argv, "--data", &options.data)) {
        fprintf(stderr, "compare: --data needs a value; see --help\n");
        return 2;
    }
    if (has_argument(argc, argv, "--list")) {
        return list();
    }
    bench b;
    const bench_start start = bench_begin(&b, argc, argv, about, switches);
    if (start != BENCH_RUN) {
        return start == BENCH_DONE ? 0 : 2;
    }
    if (!check_only(b.only)) {
        bench_end(&b);
        return 2;
    }
    for (size_t i = 0; i < N_COMPARISON; i++) {
        if (asks_for(b.only, comparisons[i].name)) {
            comparisons[i].run(&b, &options);
        }
    }
    return bench_end(&b);
}
