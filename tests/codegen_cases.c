/* SPDX-License-Identifier: MIT */
/*
 * codegen_cases write <language> <folder>   every case as <folder>/case_<k>.txt, and the program that runs them
 * codegen_cases check <language> <numbers>  what that program printed against the library
 */
#include "codegen_cases.h"

#include "support/asserts.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Largest difference: this fraction of the largest element; for derivatives the same of one, too, since the library's derivatives of saturated units are
 * differences from one; and what changes of all data by a few roundings do.
 */
static const double tolerance = 1e-14;

/* Families of cases: each activation in a single unit, in a hidden layer with everything scaled, on the inputs; the table; random chains. */
enum { N_RANDOM = 12, MAX_INPUT = 9, MAX_UNITS = 70 };

static size_t n_table(void) {
    size_t n = 0;
    for (size_t i = 0; i < n_net_shapes; i++) {
        n += net_shapes[i].n_in <= MAX_INPUT ? 1 : 0;
    }
    return n;
}

size_t codegen_case_count(void) { return 3 * COSTATE_ACT_COUNT + 2 + n_table() + N_RANDOM; }

static net_shape table_shape(size_t k) {
    size_t i = 0;
    for (;; i++) {
        if (net_shapes[i].n_in <= MAX_INPUT && k-- == 0) {
            return net_shapes[i];
        }
    }
}

static net_shape case_shape(size_t k) {
    const costate_act act = (costate_act)(k % COSTATE_ACT_COUNT);
    net_shape shape = {.n_in = 3, .n_layer = 2, .layers = {{7, act, false}, {2, COSTATE_ACT_IDENTITY, false}}};
    if (k < COSTATE_ACT_COUNT) {
        return net_shape_layer(1, 1, act, k % 2 == 1);
    }
    if (k < 2 * COSTATE_ACT_COUNT) {
        shape.affine = NET_AFFINE;
        return shape;
    }
    if (k < 3 * COSTATE_ACT_COUNT) {
        shape.input_act = act;
        shape.layers[0].act = COSTATE_ACT_TANH;
        shape.layers[1].no_bias = true;
        return shape;
    }
    k -= 3 * COSTATE_ACT_COUNT;
    if (k < 2) {
        /* sums of one part and one term more, and of whole parts */
        return (net_shape){.n_in = 2,
                           .n_layer = 3,
                           .layers = {{17, COSTATE_ACT_TANH, k == 1},
                                      {32, COSTATE_ACT_SOFTPLUS, k == 1},
                                      {1, COSTATE_ACT_IDENTITY, k == 1}}};
    }
    k -= 2;
    if (k < n_table()) {
        return table_shape(k);
    }
    costate_random random = costate_random_seed(2024, k);
    return net_shape_random(&random, MAX_INPUT);
}

static void fill_points(codegen_case *made, costate_random *random) {
    const size_t n = made->fixture.n_in;
    made->x = doubles(CODEGEN_POINTS * n);
    for (size_t i = 0; i < n; i++) {
        made->x[i] = costate_random_normal(random);
        made->x[n + i] = -3.0 * fabs(costate_random_normal(random));
        made->x[3 * n + i] = 1e3;
        made->x[4 * n + i] = -1e3;
        made->x[6 * n + i] = 12.0;
        made->x[7 * n + i] = -12.0;
        made->x[5 * n + i] = i % 3 == 0 ? 1e3 : i % 3 == 1 ? -1e3 : 1e-8;
    }
}

void codegen_case_variable(const codegen_case *of, bool output, size_t i, char *text) {
    if (of->has_names) {
        snprintf(text, 40, "%s", output ? of->outputs[i] : of->inputs[i]);
    } else {
        snprintf(text, 40, "%s_%c%zu", of->name, output ? 'y' : 'x', i + 1);
    }
}

static void name_variables(codegen_case *made, costate_language language) {
    const bool elements = language == COSTATE_LANGUAGE_NMTRAN;
    const net_fixture *fixture = &made->fixture;
    made->inputs = calloc(fixture->n_in, sizeof *made->inputs);
    made->outputs = calloc(fixture->n_out, sizeof *made->outputs);
    made->input_names = calloc(fixture->n_in, sizeof *made->input_names);
    made->output_names = calloc(fixture->n_out, sizeof *made->output_names);
    assert_true(made->inputs && made->outputs && made->input_names && made->output_names);
    for (size_t i = 0; i < fixture->n_in; i++) {
        snprintf(made->inputs[i], sizeof made->inputs[i], elements ? "A(%zu)" : "state_%zu", i + 1);
        made->input_names[i] = made->inputs[i];
    }
    for (size_t k = 0; k < fixture->n_out; k++) {
        snprintf(made->outputs[k], sizeof made->outputs[k], elements ? "DADT(%zu)" : "rate_%zu", k + 1);
        made->output_names[k] = made->outputs[k];
    }
}

void codegen_case_make(codegen_case *made, size_t k, costate_language language) {
    const net_shape shape = case_shape(k);
    costate_random random = costate_random_seed(77, k);
    *made = (codegen_case){.has_names = k % 2 == 1};
    net_fixture_make(&made->fixture, &shape, 1000 + k);
    for (size_t i = 0; i < made->fixture.n_param; i++) {
        made->fixture.p[i] *= 1.0 + 1e-9 * costate_random_normal(&random);
    }
    snprintf(made->name, sizeof made->name, "case_%02zu", k);
    fill_points(made, &random);
    name_variables(made, language);
}

void codegen_case_release(codegen_case *made) {
    net_fixture_release(&made->fixture);
    free(made->inputs);
    free(made->outputs);
    free(made->input_names);
    free(made->output_names);
    free(made->x);
}

char *codegen_case_text(const codegen_case *of, costate_language language) {
    const costate_codegen_options options = {.name = of->name,
                                             .input_names = of->has_names ? of->input_names : NULL,
                                             .output_names = of->has_names ? of->output_names : NULL,
                                             .provenance = "A test's network: */ /* ?\?/ \\\nSecond line; \\"};
    size_t length;
    assert_ok(costate_codegen(of->fixture.net, of->fixture.p, language, &options, NULL, 0, &length, NULL));
    char *text = malloc(length + 1);
    assert_non_null(text);
    assert_ok(costate_codegen(of->fixture.net, of->fixture.p, language, &options, text, length + 1, &length, NULL));
    return text;
}

static int write_all(costate_language language, const char *folder) {
    for (size_t k = 0; k < codegen_case_count(); k++) {
        codegen_case made;
        char path[512];
        codegen_case_make(&made, k, language);
        char *text = codegen_case_text(&made, language);
        snprintf(path, sizeof path, "%s/%s.txt", folder, made.name);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_true(fputs(text, file) >= 0 && fclose(file) == 0);
        free(text);
        codegen_case_release(&made);
    }
    codegen_driver_write(language, folder);
    return EXIT_SUCCESS;
}

/* What the library says at one point: y, jac, hess. */
typedef struct answer {
    double *y, *jac, *hess;
} answer;

static answer ask(const codegen_case *of, const double *p, const double *x) {
    const net_fixture *fixture = &of->fixture;
    const size_t n_jac = fixture->n_in * fixture->n_out;
    answer made = {doubles(fixture->n_out), doubles(n_jac), doubles(n_jac * fixture->n_in)};
    const size_t bytes = costate_net_hessian_work_bytes_f64(fixture->net);
    void *work = malloc(bytes);
    assert_non_null(work);
    assert_ok(costate_net_hessian_f64(fixture->net, p, x, made.y, made.jac, made.hess, work, bytes));
    free(work);
    return made;
}

static void forget(answer *made) {
    free(made->y);
    free(made->jac);
    free(made->hess);
}

/* Largest |a − b|; what is not finite does not count. */
static double largest_change(const double *a, const double *b, size_t n) {
    double largest = 0.0;
    for (size_t i = 0; i < n; i++) {
        const double change = fabs(a[i] - b[i]);
        largest = change > largest && isfinite(change) ? change : largest;
    }
    return largest;
}

/* What each array may differ by at the point. */
static void find_bounds(const codegen_case *of, const double *x, const answer *exact, double bound[3]) {
    const net_fixture *fixture = &of->fixture;
    const size_t size[3] = {fixture->n_out, fixture->n_out * fixture->n_in,
                            fixture->n_out * fixture->n_in * fixture->n_in};
    const double *const arrays[3] = {exact->y, exact->jac, exact->hess};
    for (size_t a = 0; a < 3; a++) {
        double *zero = doubles(size[a]);
        bound[a] = tolerance * ((a == 0 ? 0.0 : 1.0) + largest_change(arrays[a], zero, size[a]));
        free(zero);
    }
    costate_random random = costate_random_seed(5, 0);
    double *p = doubles(fixture->n_param), *near = doubles(fixture->n_in);
    for (size_t repeat = 0; repeat < 4; repeat++) {
        for (size_t i = 0; i < fixture->n_param; i++) {
            p[i] = fixture->p[i] * (1.0 + 1e-15 * costate_random_normal(&random));
        }
        for (size_t i = 0; i < fixture->n_in; i++) {
            near[i] = x[i] * (1.0 + 1e-15 * costate_random_normal(&random));
        }
        answer other = ask(of, p, near);
        const double *const changed[3] = {other.y, other.jac, other.hess};
        for (size_t a = 0; a < 3; a++) {
            bound[a] += largest_change(arrays[a], changed[a], size[a]);
        }
        forget(&other);
    }
    free(p);
    free(near);
}

/* The next n numbers of the file; the worst difference in units of the bound grows with them. */
static bool compare(FILE *file, const char *what, const double *expected, size_t n, double bound, double *worst) {
    for (size_t i = 0; i < n; i++) {
        char word[64];
        char *end = word;
        if (fscanf(file, "%63s", word) != 1) {
            printf("%s: the numbers end early\n", what);
            return false;
        }
        const double actual = strtod(word, &end);
        const bool same = isfinite(expected[i]) ? fabs(actual - expected[i]) <= bound
                                                : (isnan(expected[i]) ? isnan(actual) : actual == expected[i]);
        if (*end != '\0' || !same) {
            printf("%s[%zu]: %s instead of %.17g, bound %.3g\n", what, i, word, expected[i], bound);
            return false;
        }
        if (bound > 0.0 && isfinite(actual)) {
            *worst = fmax(*worst, fabs(actual - expected[i]) / bound);
        }
    }
    return true;
}

static bool check_point(const codegen_case *of, size_t point, bool derivatives, FILE *file, double *worst) {
    const net_fixture *fixture = &of->fixture;
    const double *x = of->x + point * fixture->n_in;
    const size_t n = fixture->n_out, n_jac = n * fixture->n_in;
    answer exact = ask(of, fixture->p, x);
    double bound[3];
    find_bounds(of, x, &exact, bound);
    bool good = compare(file, "y", exact.y, n, bound[0], worst);
    if (derivatives) {
        good = good && compare(file, "y of jacobian", exact.y, n, bound[0], worst) &&
               compare(file, "jac", exact.jac, n_jac, bound[1], worst) &&
               compare(file, "y of hessian", exact.y, n, bound[0], worst) &&
               compare(file, "jac of hessian", exact.jac, n_jac, bound[1], worst) &&
               compare(file, "hess", exact.hess, n_jac * fixture->n_in, bound[2], worst);
    }
    if (!good) {
        printf("  at point %zu of %s, %s\n", point, of->name, fixture->name);
    }
    forget(&exact);
    return good;
}

static int check_all(costate_language language, const char *path) {
    FILE *file = fopen(path, "r");
    char word[8];
    double worst = 0.0;
    assert_non_null(file);
    for (size_t k = 0; k < codegen_case_count(); k++) {
        codegen_case made;
        bool good = true;
        codegen_case_make(&made, k, language);
        for (size_t point = 0; point < CODEGEN_POINTS && good; point++) {
            good = check_point(&made, point, language == COSTATE_LANGUAGE_C99, file, &worst);
        }
        codegen_case_release(&made);
        if (!good) {
            fclose(file);
            return EXIT_FAILURE;
        }
    }
    const bool more = fscanf(file, "%7s", word) == 1;
    fclose(file);
    printf("%zu networks, worst difference %.3g of the bound%s\n", codegen_case_count(), worst,
           more ? "; there are more numbers" : "");
    return more ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv) {
    costate_language language;
    if (argc == 4 && costate_language_from_name(argv[2], &language) == COSTATE_OK) {
        if (strcmp(argv[1], "write") == 0) {
            return write_all(language, argv[3]);
        }
        if (strcmp(argv[1], "check") == 0) {
            return check_all(language, argv[3]);
        }
    }
    fprintf(stderr, "usage: codegen_cases write|check <language> <folder or file>\n");
    return 2;
}
