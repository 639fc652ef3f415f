/* SPDX-License-Identifier: MIT */
/* The report of a comparison run: what counts as a speed, and what its file and the data of its pictures hold. */
#include "compare/report.h"
#include "support/asserts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_TEXT = 8192 };

static void add(report_rows *all, const char *shape, const char *variant, double value, const char *unit) {
    report_rows_add(all, &(bench_record){"expm", shape, variant, value, unit});
}

static void report_speed_times_in_two_units_gives_first_over_this(void **state) {
    (void)state;
    report_rows all = {0};
    add(&all, "a", "first", 3.0, "ms_min");
    add(&all, "a", "first", 4.0, "ms");
    add(&all, "a", "other", 500.0, "us");
    add(&all, "b", "first", 1.0, "s");
    add(&all, "b", "other", 4000.0, "ms");
    assert_close(report_speed(&all, 0), 1.0, 0.0, 0.0);
    assert_close(report_speed(&all, 2), 8.0, 1e-14, 0.0);
    assert_close(report_speed(&all, 4), 0.25, 1e-14, 0.0);
    report_rows_free(&all);
}

static void report_speed_rates_alone_gives_this_over_first(void **state) {
    (void)state;
    report_rows all = {0};
    add(&all, "a", "first", 2.0, "GB/s");
    add(&all, "a", "other", 6.0, "GB/s");
    add(&all, "a", "peak", 9.0, "GB/s_peak");
    add(&all, "a", "time", 1.0, "s");
    assert_close(report_speed(&all, 1), 3.0, 1e-14, 0.0);
    assert_true(isnan(report_speed(&all, 2)));
    assert_true(isnan(report_speed(&all, 3)));
    report_rows_free(&all);
}

static void report_begins_repeated_rows_are_counted_once(void **state) {
    (void)state;
    report_rows all = {0};
    add(&all, "a", "first", 1.0, "s");
    add(&all, "a", "other", 1.0, "s");
    add(&all, "b", "first", 1.0, "s");
    add(&all, "a", "first", 1.0, "s_min");
    const bool shape[] = {true, false, true, false};
    const bool variant[] = {true, true, true, false};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(report_begins_name(&all, i), i == 0);
        assert_int_equal(report_begins_shape(&all, i), shape[i]);
        assert_int_equal(report_begins_variant(&all, i), variant[i]);
    }
    report_rows_free(&all);
}

static void read_text(const char *folder, const char *name, char *text) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, MAX_TEXT - 1, file)] = '\0';
    fclose(file);
    remove(path);
}

/* Pictures are there only with gnuplot. */
static void remove_picture(const char *folder, const char *name) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    unlink(path);
}

static void report_end_of_a_run_writes_tables_and_data(void **state) {
    (void)state;
    char folder[] = "/tmp/costate_report_XXXXXX";
    char text[MAX_TEXT];
    bench b = {.program = "compare", .n_round = 11, .min_seconds = 1e-2};
    report r;
    snprintf(b.machine.cpu, sizeof b.machine.cpu, "some processor");
    assert_non_null(mkdtemp(folder));
    assert_true(report_begin(&b, folder, &r));
    bench_row(&b, "expm", "SYNTHETIC gradient n=64", "1 thread", 2560.0, "ns");
    bench_row(&b, "expm", "SYNTHETIC gradient n=64", "1 thread", 40.0, "ns_per_sample");
    bench_row(&b, "expm", "SYNTHETIC gradient n=64", "2 threads", 5.12, "us");
    bench_row(&b, "expm", "SYNTHETIC gradient n=128", "1 thread", 30.0, "ns_per_sample");
    bench_note(&b, "expm", "goal %d", 7);
    report_end(&b, &r, " --only expm");
    assert_int_equal(bench_end(&b), 0);

    read_text(folder, "compare.md", text);
    assert_non_null(strstr(text, "`compare --only expm` on some processor"));
    assert_non_null(strstr(text, "\n- goal 7\n"));
    assert_non_null(strstr(text, "| shape | variant | time | time per sample | speed |\n|---|---|---|---|---|\n"));
    assert_non_null(strstr(text, "| SYNTHETIC gradient n=64 | 1 thread | 2560.0 ns | 40.0 ns | 1 |\n"));
    assert_non_null(strstr(text, "|  | 2 threads | 5120.0 ns | | 0.5 |\n"));
    assert_non_null(strstr(text, "| SYNTHETIC gradient n=128 | 1 thread | | 30.0 ns | |\n"));
    read_text(folder, "expm-sizes.dat", text);
    assert_string_equal(text, "# SYNTHETIC gradient, 1 thread: n, ns per sample\n64 40\n128 30\n");
    read_text(folder, "expm-speed.dat", text);
    assert_string_equal(text, "0 0.5 \"SYNTHETIC gradient n=64, 2 threads\"\n");
    remove_picture(folder, "expm-sizes.svg");
    remove_picture(folder, "expm-speed.svg");
    assert_int_equal(rmdir(folder), 0);
}

static void report_begin_nothing_can_be_written_fails(void **state) {
    (void)state;
    static const char *const folders[] = {"/nonexistent/folder", "/dev/null"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        bench b = {.program = "compare"};
        report r;
        assert_false(report_begin(&b, folders[i], &r));
        assert_null(b.sink);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(report_speed_times_in_two_units_gives_first_over_this),
        cmocka_unit_test(report_speed_rates_alone_gives_this_over_first),
        cmocka_unit_test(report_begins_repeated_rows_are_counted_once),
        cmocka_unit_test(report_end_of_a_run_writes_tables_and_data),
        cmocka_unit_test(report_begin_nothing_can_be_written_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
