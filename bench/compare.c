/* SPDX-License-Identifier: MIT */
/* Reruns published comparisons on this machine and prints their tables. */
#include "compare/comparison.h"
#include "compare/report.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static const comparison comparisons[] = {
    {"ad-table", "what a gradient costs next to its function: six functions, up to six ways", compare_ad_table},
    {"blas", "vectors and matrices of 4 to 2048: products and tanh beside OpenBLAS and plain loops", compare_blas},
    {"duals", "gradients of Rosenbrock and Ackley at n = 12000 by dual numbers and by a scalar graph", compare_duals},
    {"expm", "a small network learns the exponential of 2 by 2 matrices, full batch", compare_expm},
    {"latency", "from the start of a process to its first gradient", compare_latency},
    {"lenet5", "training on images of digits: two convolutional networks", compare_lenet5},
    {"micrograd", "training on two moons: a scalar graph beside fused kernels, 24 configurations", compare_micrograd},
    {"textcnn", "training on texts: an embedding, frozen and trained, under a convolution", compare_textcnn},
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

/* True if the first word of an element is the beginning of the name. */
static bool begins(const char *item, const char *name) {
    const size_t n = strcspn(item, ", ");
    return n > 0 && strncmp(item, name, n) == 0;
}

static bool asks_for(const char *only, const char *name) {
    for (const char *item = only; item; item = strchr(item, ',')) {
        item += *item == ',';
        if (begins(item, name)) {
            return true;
        }
    }
    return !only;
}

/* The first word of every element of the list is the beginning of a name. */
static bool check_only(const char *only) {
    for (const char *item = only; item; item = strchr(item, ',')) {
        item += *item == ',';
        bool known = false;
        for (size_t i = 0; i < N_COMPARISON; i++) {
            known = known || begins(item, comparisons[i].name);
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

/* The arguments as a shell takes them. */
static void join(int argc, char **argv, char *text, size_t size) {
    size_t used = 0;
    text[0] = '\0';
    for (int i = 1; i < argc && used < size; i++) {
        const char *const quote = strchr(argv[i], ' ') ? "'" : "";
        const int length = snprintf(text + used, size - used, " %s%s%s", quote, argv[i], quote);
        used += length > 0 ? (size_t)length : 0;
    }
}

static void run(bench *b, const compare_options *options, const char *folder, const char *arguments) {
    report r = {0};
    if (folder && !report_begin(b, folder, &r)) {
        b->n_failure++;
        return;
    }
    for (size_t i = 0; i < N_COMPARISON; i++) {
        if (asks_for(b->only, comparisons[i].name)) {
            comparisons[i].run(b, options);
        }
    }
    if (b->only && b->n_row == 0 && b->n_failure == 0) {
        bench_fail(b, "no group has --only %s", b->only);
    }
    if (folder) {
        report_end(b, &r, arguments);
    }
}

/* Data stand in for files that are missing, but not for a folder that was asked for. */
static bool check_data(const char *folder) {
    struct stat status;
    if (strcmp(folder, BENCH_DATA_DIR) == 0) {
        return true;
    }
    if (stat(folder, &status) != 0) {
        fprintf(stderr, "compare: --data %s: %s\n", folder, strerror(errno));
        return false;
    }
    if (!S_ISDIR(status.st_mode)) {
        fprintf(stderr, "compare: --data %s: %s\n", folder, strerror(ENOTDIR));
        return false;
    }
    return true;
}

int main(int argc, char **argv) {
    static const char about[] =
        "Reruns published comparisons; every result is verified before its time counts. --list names them,\n"
        "--only duals,micro takes some of them, --only 'micrograd REAL 2-8-1' some of their groups.\n"
        "A shape says whether its data are REAL or SYNTHETIC; --data FOLDER holds the real ones:\n"
        "moons/*.json, mnist/*-ubyte[.gz], text/*.idx[.gz] or text/*.csv.\n"
        "Ratios are to the first row of each table, measured in the same run. --report FOLDER writes compare.md\n"
        "with all tables into the folder and, where gnuplot is installed, pictures; their data in any case.";
    compare_options options = {.data = BENCH_DATA_DIR};
    const char *folder = NULL;
    char arguments[512];
    bool wants_list = false;
    const bench_switch switches[] = {{"--list", "name the comparisons and leave", &wants_list},
                                     {"--no-peers", "do not run the Python peers", &options.no_peers},
                                     {0}};
    join(argc, argv, arguments, sizeof arguments);
    if (!take_value(&argc, argv, "--data", &options.data) || !take_value(&argc, argv, "--report", &folder)) {
        fprintf(stderr, "compare: --data and --report need a value; see --help\n");
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
    if (!check_only(b.only) || !check_data(options.data)) {
        bench_end(&b);
        return 2;
    }
    run(&b, &options, folder, arguments);
    return bench_end(&b);
}
