/* SPDX-License-Identifier: MIT */
/* A journal resumes a fit bit for bit from whatever part of it is left, and notices what does not belong to it. */
#include "analytic_objective.h"
#include "scratch_file.h"
#include "support/allocators.h"
#include "support/asserts.h"

#include <costate/journal.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DESCRIPTION "Adam and L-BFGS on Rosenbrock's function"

enum { N_X = 3, N_LONG = 5, MAX_BYTES = 1 << 16, HEADER_BYTES = 36 + sizeof DESCRIPTION - 1 };

/* What a walk may be told, and what it gave. */
typedef struct walk {
    double rate;       /* of Adam; 0: 0.05 */
    size_t iterations; /* of Adam; 0: 6 */
    double scale;      /* of the function; 0: 1 */
    size_t bad_call;   /* the call that gives `status`, from 1 on; 0: none */
    costate_status bad_status;

    costate_status status;
    double x[N_LONG];
    double value;
    size_t n_call; /* evaluations that reached the function */
} walk;

typedef struct scratch_journal {
    scratch_file file;
    size_t n_bytes; /* of a whole walk */
    size_t n_record;
    unsigned char bytes[MAX_BYTES];
    walk direct;
} scratch_journal;

static costate_status run_stage(walk *w, costate_journal *journal, size_t stage, analytic_objective *f) {
    costate_journaled j = {.journal = journal, .n = f->n, .f = analytic_evaluate, .ctx = f, .stage = (uint32_t)stage};
    costate_optimum optimum = {0};
    costate_status status;
    if (stage == 0) {
        costate_adam_options options = costate_adam_options_default();
        options.rate = w->rate > 0.0 ? w->rate : 0.05;
        options.stop.max_iteration = w->iterations > 0 ? w->iterations : 6;
        status = costate_minimize_adam(f->n, costate_journal_objective, &j, &options, NULL, w->x, &optimum);
    } else {
        costate_lbfgs_options options = costate_lbfgs_options_default();
        options.stop.max_iteration = 5;
        status = costate_minimize_lbfgs(f->n, costate_journal_objective, &j, &options, NULL, w->x, &optimum);
    }
    w->value = optimum.value;
    return status;
}

/* Three stages, the middle one with more unknowns; points beyond a wall fail. `journal` may be NULL. */
static walk take_walk(walk w, costate_journal *journal) {
    for (size_t stage = 0; stage < 3 && w.status == COSTATE_OK; stage++) {
        analytic_objective f = analytic(ANALYTIC_ROSENBROCK, stage == 1 ? N_LONG : N_X);
        f.scale = w.scale > 0.0 ? w.scale : 1.0;
        f.wall = 0.3;
        f.fault = ANALYTIC_STATUS;
        f.status = COSTATE_ERR_RHS_FAIL;
        if (stage == 0 && w.bad_call > 0) {
            f.status = w.bad_status;
            f.first = w.bad_call - 1;
            f.n_bad = 1;
        }
        w.status = run_stage(&w, journal, stage, &f);
        w.n_call += f.n_call;
    }
    return w;
}

static void expect_same(const walk *actual, const walk *expected) {
    assert_ok(actual->status);
    assert_same_bits_f64(actual->x, expected->x, N_LONG);
    assert_same_bits_f64(&actual->value, &expected->value, 1);
}

static void put(const scratch_journal *s, const unsigned char *bytes, size_t n) {
    FILE *file = fopen(s->file.path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

static void expect_content(const scratch_journal *s, const unsigned char *bytes, size_t n) {
    static unsigned char now[MAX_BYTES];
    assert_int_equal(scratch_file_read(&s->file, now, MAX_BYTES), n);
    assert_memory_equal(now, bytes, n);
}

static costate_journal *open_journal(const scratch_journal *s) {
    costate_journal *journal = NULL;
    costate_message message;
    const costate_status status = costate_journal_open(s->file.path, DESCRIPTION, NULL, &journal, &message);
    if (status != COSTATE_OK) {
        fail_msg("%s: %s", costate_status_name(status), message.text);
    }
    assert_string_equal(message.text, "");
    assert_string_equal(costate_journal_detail(journal), "");
    return journal;
}

/* A whole walk into a new journal. */
static int begin(void **state) {
    static scratch_journal s;
    s.file = scratch_file_create("", 0);
    s.direct = take_walk((walk){0}, NULL);
    assert_ok(s.direct.status);
    costate_journal *journal = open_journal(&s);
    const walk w = take_walk((walk){0}, journal);
    expect_same(&w, &s.direct);
    const costate_journal_counts *counts = costate_journal_get_counts(journal);
    assert_int_equal(counts->n_recorded, 0);
    assert_int_equal(counts->n_replayed, 0);
    assert_int_equal(counts->n_evaluated, s.direct.n_call);
    assert_true(counts->n_evaluated > 15);
    s.n_record = counts->n_evaluated;
    s.n_bytes = (size_t)counts->n_bytes;
    assert_ok(costate_journal_close(journal));
    assert_int_equal(scratch_file_read(&s.file, s.bytes, MAX_BYTES), s.n_bytes);
    *state = &s;
    return 0;
}

static int end(void **state) {
    scratch_journal *s = *state;
    scratch_file_remove(&s->file);
    return 0;
}

static void finished_walk_is_repeated_without_evaluations(void **state) {
    const scratch_journal *s = *state;
    costate_journal *journal = open_journal(s);
    const walk w = take_walk((walk){0}, journal);
    const costate_journal_counts *counts = costate_journal_get_counts(journal);
    expect_same(&w, &s->direct);
    assert_int_equal(w.n_call, 2); /* the first and the last record are checked */
    assert_int_equal(counts->n_checked, 2);
    assert_int_equal(counts->n_recorded, s->n_record);
    assert_int_equal(counts->n_replayed, s->n_record);
    assert_int_equal(counts->n_evaluated, 0);
    assert_ok(costate_journal_close(journal));
    expect_content(s, s->bytes, s->n_bytes);
}

static costate_status sum_of_squares(const double *x, double *value, double *grad, void *ctx) {
    size_t *n_call = ctx;
    (*n_call)++;
    *value = 0.0;
    for (size_t i = 0; i < N_X; i++) {
        *value += x[i] * x[i];
        if (grad) {
            grad[i] = 2.0 * x[i];
        }
    }
    return COSTATE_OK;
}

static void records_have_the_documented_size(void **state) {
    const scratch_journal *s = *state;
    const double x[N_X] = {0.0, 1.0, 2.0};
    double value;
    double grad[N_X];
    size_t n_call = 0;
    put(s, s->bytes, 0);
    costate_journal *journal = open_journal(s);
    costate_journaled j = {.journal = journal, .n = N_X, .f = sum_of_squares, .ctx = &n_call};
    assert_int_equal(costate_journal_get_counts(journal)->n_bytes, HEADER_BYTES);
    assert_ok(costate_journal_objective(x, &value, grad, &j));
    assert_int_equal(costate_journal_get_counts(journal)->n_bytes, HEADER_BYTES + 64 + 8 * N_X);
    assert_ok(costate_journal_objective(x, &value, NULL, &j));
    assert_int_equal(costate_journal_get_counts(journal)->n_bytes, HEADER_BYTES + 2 * 64 + 8 * N_X);
    assert_ok(costate_journal_close(journal));
}

static void file_cut_at_any_length_resumes_with_the_same_bits(void **state) {
    const scratch_journal *s = *state;
    for (size_t n = 0; n <= s->n_bytes; n++) {
        put(s, s->bytes, n);
        costate_journal *journal = open_journal(s);
        const costate_journal_counts *counts = costate_journal_get_counts(journal);
        const walk w = take_walk((walk){0}, journal);
        expect_same(&w, &s->direct);
        assert_int_equal(counts->n_recorded == s->n_record, n == s->n_bytes);
        assert_int_equal(counts->n_recorded + counts->n_evaluated, s->n_record);
        assert_int_equal(counts->n_recorded, counts->n_replayed);
        assert_int_equal(w.n_call, counts->n_evaluated + counts->n_checked);
        assert_ok(costate_journal_close(journal));
        expect_content(s, s->bytes, s->n_bytes);
    }
}

/* Only the body of the last record can be taken for unfinished. */
static void damaged_byte_is_noticed_wherever_it_is(void **state) {
    const scratch_journal *s = *state;
    static unsigned char bytes[MAX_BYTES];
    size_t n_accepted = 0;
    memcpy(bytes, s->bytes, s->n_bytes);
    for (size_t n = 0; n < s->n_bytes; n++) {
        costate_journal *journal = (costate_journal *)(void *)bytes;
        costate_message message;
        bytes[n] ^= 0x10;
        put(s, bytes, s->n_bytes);
        const costate_status status = costate_journal_open(s->file.path, DESCRIPTION, NULL, &journal, &message);
        if (status == COSTATE_OK) {
            assert_int_equal(costate_journal_get_counts(journal)->n_recorded, s->n_record - 1);
            assert_ok(costate_journal_close(journal));
            n_accepted++;
        } else {
            assert_status(status, COSTATE_ERR_FORMAT);
            assert_null(journal);
            assert_non_null(strstr(message.text, s->file.path));
            expect_content(s, bytes, s->n_bytes);
        }
        bytes[n] ^= 0x10;
    }
    assert_true(n_accepted >= 8 && n_accepted <= 8 * N_X + 8);
}

static void zeros_after_a_loss_of_power_are_cut_off(void **state) {
    const scratch_journal *s = *state;
    static unsigned char bytes[MAX_BYTES];
    memset(bytes, 0, sizeof bytes);
    memcpy(bytes, s->bytes, s->n_bytes);
    put(s, bytes, s->n_bytes + 300);
    costate_journal *journal = open_journal(s);
    assert_int_equal(costate_journal_get_counts(journal)->n_recorded, s->n_record);
    assert_ok(costate_journal_close(journal));
    expect_content(s, s->bytes, s->n_bytes);
}

/* Half of the journal, and a walk that is another. */
static void expect_mismatch(const scratch_journal *s, walk other, const char *detail) {
    put(s, s->bytes, s->n_bytes / 2);
    costate_journal *journal = open_journal(s);
    other = take_walk(other, journal);
    assert_status(other.status, COSTATE_ERR_MISMATCH);
    if (!strstr(costate_journal_detail(journal), detail)) {
        fail_msg("detail: %s", costate_journal_detail(journal));
    }
    const walk again = take_walk((walk){0}, journal);
    assert_status(again.status, COSTATE_ERR_MISMATCH);
    assert_ok(costate_journal_close(journal));
}

static void another_fit_is_noticed(void **state) {
    const scratch_journal *s = *state;
    expect_mismatch(s, (walk){.rate = 0.06}, "belongs to another fit: its record 2 is of another point");
    expect_mismatch(s, (walk){.iterations = 5}, "record 7 is of another stage");
    expect_mismatch(s, (walk){.scale = 1.0 + 1e-15}, "evaluated again, its record 1 is not what it was");
}

static void another_question_is_noticed(void **state) {
    const scratch_journal *s = *state;
    const double x[N_LONG] = {0.0};
    double value;
    double grad[N_LONG];
    analytic_objective f = analytic(ANALYTIC_ROSENBROCK, N_X);
    costate_journaled j = {.n = N_X, .f = analytic_evaluate, .ctx = &f};
    put(s, s->bytes, s->n_bytes);
    j.journal = open_journal(s);
    j.n = N_LONG;
    assert_status(costate_journal_objective(x, &value, grad, &j), COSTATE_ERR_MISMATCH);
    assert_non_null(strstr(costate_journal_detail(j.journal), "another number of unknowns"));
    assert_ok(costate_journal_close(j.journal));
    const double next[N_X] = {0.0, nextafter(0.0, 1.0), 0.0};
    j.journal = open_journal(s);
    j.n = N_X;
    assert_status(costate_journal_objective(next, &value, grad, &j), COSTATE_ERR_MISMATCH);
    assert_non_null(strstr(costate_journal_detail(j.journal), "another point"));
    assert_ok(costate_journal_close(j.journal));
    j.journal = open_journal(s);
    assert_status(costate_journal_objective(x, &value, NULL, &j), COSTATE_ERR_MISMATCH);
    assert_non_null(strstr(costate_journal_detail(j.journal), "a gradient"));
    assert_ok(costate_journal_close(j.journal));
    assert_int_equal(f.n_call, 0);
}

/* Interruption is not the objective's answer: the next walk gets past it. */
static void interrupted_evaluation_is_not_recorded(void **state) {
    const scratch_journal *s = *state;
    put(s, s->bytes, 0);
    costate_journal *journal = open_journal(s);
    const walk w = take_walk((walk){.bad_call = 7, .bad_status = COSTATE_ERR_INTERRUPTED}, journal);
    assert_status(w.status, COSTATE_ERR_INTERRUPTED);
    assert_int_equal(costate_journal_get_counts(journal)->n_evaluated, 6);
    assert_ok(costate_journal_close(journal));
    journal = open_journal(s);
    const walk resumed = take_walk((walk){0}, journal);
    expect_same(&resumed, &s->direct);
    assert_ok(costate_journal_close(journal));
    expect_content(s, s->bytes, s->n_bytes);
}

static void failed_evaluation_is_recorded(void **state) {
    const scratch_journal *s = *state;
    const walk fails = {.bad_call = 7, .bad_status = COSTATE_ERR_MAX_STEPS};
    const walk direct = take_walk(fails, NULL);
    for (int run = 0; run < 2; run++) {
        if (run == 0) {
            put(s, s->bytes, 0);
        }
        costate_journal *journal = open_journal(s);
        const walk w = take_walk(run == 0 ? fails : (walk){0}, journal);
        expect_same(&w, &direct);
        assert_int_equal(w.n_call, run == 0 ? direct.n_call : 2);
        assert_ok(costate_journal_close(journal));
    }
}

static void expect_refusal(const scratch_journal *s, const char *description, costate_status expected,
                           const char *text) {
    costate_journal *journal = (costate_journal *)(void *)&expected;
    costate_message message;
    assert_status(costate_journal_open(s->file.path, description, NULL, &journal, &message), expected);
    assert_null(journal);
    if (!strstr(message.text, text)) {
        fail_msg("message: %s", message.text);
    }
}

static void foreign_files_are_refused(void **state) {
    const scratch_journal *s = *state;
    static const unsigned char text[] = "t,y0,y1\n0,1,2\n";
    static unsigned char bytes[MAX_BYTES];
    put(s, text, sizeof text);
    expect_refusal(s, DESCRIPTION, COSTATE_ERR_FORMAT, "is not a journal");
    expect_content(s, text, sizeof text);
    put(s, s->bytes, s->n_bytes);
    expect_refusal(s, "something else", COSTATE_ERR_MISMATCH, "not \"something else\"");
    expect_refusal(s, NULL, COSTATE_ERR_MISMATCH, DESCRIPTION);
    expect_refusal(s, DESCRIPTION "!", COSTATE_ERR_MISMATCH, "!\"");
    expect_content(s, s->bytes, s->n_bytes);
    memcpy(bytes, s->bytes, s->n_bytes);
    bytes[16] = 2;
    put(s, bytes, s->n_bytes);
    expect_refusal(s, DESCRIPTION, COSTATE_ERR_FORMAT, "version 2");
    bytes[16] = 1;
    for (size_t k = 0; k < 4; k++) {
        bytes[20 + k] = s->bytes[23 - k];
    }
    put(s, bytes, s->n_bytes);
    expect_refusal(s, DESCRIPTION, COSTATE_ERR_FORMAT, "byte order");
    put(s, s->bytes, 40);
    expect_refusal(s, "Bdam", COSTATE_ERR_FORMAT, "ends within its header");
}

static void damage_in_the_middle_is_located(void **state) {
    const scratch_journal *s = *state;
    static unsigned char bytes[MAX_BYTES];
    char expected[80];
    const size_t record = HEADER_BYTES + 2 * (64 + 8 * N_X);
    memcpy(bytes, s->bytes, s->n_bytes);
    bytes[record + 70] ^= 1;
    put(s, bytes, s->n_bytes);
    snprintf(expected, sizeof expected, "record 3 at byte %zu is damaged", record);
    expect_refusal(s, DESCRIPTION, COSTATE_ERR_FORMAT, expected);
    put(s, bytes, record); /* what the message advises */
    costate_journal *journal = open_journal(s);
    const walk w = take_walk((walk){0}, journal);
    expect_same(&w, &s->direct);
    assert_ok(costate_journal_close(journal));
}

static void change_of_the_open_file_is_noticed(void **state) {
    const scratch_journal *s = *state;
    static unsigned char bytes[MAX_BYTES];
    put(s, s->bytes, s->n_bytes);
    costate_journal *journal = open_journal(s);
    memcpy(bytes, s->bytes, s->n_bytes);
    bytes[HEADER_BYTES + 2 * (64 + 8 * N_X) + 70] ^= 1;
    put(s, bytes, s->n_bytes);
    const walk w = take_walk((walk){0}, journal);
    assert_status(w.status, COSTATE_ERR_FORMAT);
    assert_non_null(strstr(costate_journal_detail(journal), "record 3"));
    assert_ok(costate_journal_close(journal));
}

static void second_journal_on_a_file_is_refused(void **state) {
    const scratch_journal *s = *state;
    put(s, s->bytes, s->n_bytes);
    costate_journal *journal = open_journal(s);
    expect_refusal(s, DESCRIPTION, COSTATE_ERR_IO, "is in use");
    assert_ok(costate_journal_close(journal));
    assert_ok(costate_journal_close(open_journal(s)));
}

static void file_that_cannot_be_is_refused(void **state) {
    const scratch_journal *s = *state;
    costate_journal *journal = NULL;
    costate_message message;
    char path[200];
    snprintf(path, sizeof path, "%s/none/journal", s->file.folder);
    assert_status(costate_journal_open(path, "", NULL, &journal, &message), COSTATE_ERR_IO);
    assert_non_null(strstr(message.text, "none/journal"));
    assert_status(costate_journal_open(s->file.folder, "", NULL, &journal, &message), COSTATE_ERR_IO);
    assert_status(costate_journal_open("/dev/null", "", NULL, &journal, &message), COSTATE_ERR_IO);
    assert_non_null(strstr(message.text, "no regular file"));
    assert_null(journal);
}

static void wrong_arguments_are_refused(void **state) {
    const scratch_journal *s = *state;
    const double x[N_X] = {0.0, 1.0, 2.0};
    double value;
    size_t n_call = 0;
    costate_journaled j = {.n = 1, .f = sum_of_squares, .ctx = &n_call};
    costate_journal *journal = NULL;
    char *text = calloc(65538, 1);
    assert_non_null(text);
    memset(text, 'x', 65537);
    assert_status(costate_journal_open(NULL, "", NULL, &journal, NULL), COSTATE_ERR_NULL);
    assert_status(costate_journal_open(s->file.path, "", NULL, NULL, NULL), COSTATE_ERR_NULL);
    assert_status(costate_journal_open(s->file.path, text, NULL, &journal, NULL), COSTATE_ERR_ARGUMENT);
    assert_null(journal);
    put(s, s->bytes, 0);
    assert_ok(costate_journal_open(s->file.path, text + 1, NULL, &journal, NULL));
    assert_ok(costate_journal_close(journal));
    assert_ok(costate_journal_open(s->file.path, text + 1, NULL, &journal, NULL));
    free(text);
    assert_status(costate_journal_objective(NULL, &value, NULL, &j), COSTATE_ERR_NULL);
    assert_status(costate_journal_objective(x, NULL, NULL, &j), COSTATE_ERR_NULL);
    assert_status(costate_journal_objective(x, &value, NULL, NULL), COSTATE_ERR_NULL);
    assert_ok(costate_journal_objective(x, &value, NULL, &j));
    assert_int_equal(n_call, 1);
    j.journal = journal;
    j.n = 0;
    assert_status(costate_journal_objective(x, &value, NULL, &j), COSTATE_ERR_SIZE);
    j.n = SIZE_MAX / 8;
    assert_status(costate_journal_objective(x, &value, NULL, &j), COSTATE_ERR_SIZE);
    assert_ok(costate_journal_close(journal));
    assert_ok(costate_journal_close(NULL));
    assert_null(costate_journal_get_counts(NULL));
    assert_string_equal(costate_journal_detail(NULL), "");
}

static void failing_allocation_leaves_nothing_behind(void **state) {
    const scratch_journal *s = *state;
    test_allocator counts = {.fail_at = 1};
    costate_allocator hooks = test_allocator_hooks(&counts);
    costate_journal *journal = NULL;
    put(s, s->bytes, 0);
    assert_status(costate_journal_open(s->file.path, "", &hooks, &journal, NULL), COSTATE_ERR_MEMORY);
    assert_null(journal);
    expect_content(s, s->bytes, 0);
    counts = (test_allocator){0};
    assert_ok(costate_journal_open(s->file.path, "", &hooks, &journal, NULL));
    assert_int_equal(counts.n_alloc, 1);
    assert_ok(costate_journal_close(journal));
    assert_int_equal(counts.n_live, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(finished_walk_is_repeated_without_evaluations, begin, end),
        cmocka_unit_test_setup_teardown(records_have_the_documented_size, begin, end),
        cmocka_unit_test_setup_teardown(file_cut_at_any_length_resumes_with_the_same_bits, begin, end),
        cmocka_unit_test_setup_teardown(damaged_byte_is_noticed_wherever_it_is, begin, end),
        cmocka_unit_test_setup_teardown(zeros_after_a_loss_of_power_are_cut_off, begin, end),
        cmocka_unit_test_setup_teardown(another_fit_is_noticed, begin, end),
        cmocka_unit_test_setup_teardown(another_question_is_noticed, begin, end),
        cmocka_unit_test_setup_teardown(interrupted_evaluation_is_not_recorded, begin, end),
        cmocka_unit_test_setup_teardown(failed_evaluation_is_recorded, begin, end),
        cmocka_unit_test_setup_teardown(foreign_files_are_refused, begin, end),
        cmocka_unit_test_setup_teardown(damage_in_the_middle_is_located, begin, end),
        cmocka_unit_test_setup_teardown(change_of_the_open_file_is_noticed, begin, end),
        cmocka_unit_test_setup_teardown(second_journal_on_a_file_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(file_that_cannot_be_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(wrong_arguments_are_refused, begin, end),
        cmocka_unit_test_setup_teardown(failing_allocation_leaves_nothing_behind, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
