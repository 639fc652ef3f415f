/* SPDX-License-Identifier: MIT */
/* Files that appear complete or not at all: what is left in the folder when something goes wrong. */
#define _XOPEN_SOURCE 700

#include "scratch_file.h"
#include "support/asserts.h"

#include "core/atomic_file.h"
#include "core/memory.h"
#include "core/message.h"
#include "core/whole_file.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static void expect_content(const scratch_file *at, const char *text) {
    char bytes[64];
    assert_int_equal(scratch_file_read(at, bytes, sizeof(bytes)), strlen(text));
    assert_memory_equal(bytes, text, strlen(text));
    assert_int_equal(scratch_file_count(at), 1);
}

static void commit_replaces_the_file_and_abandon_does_not(void **state) {
    (void)state;
    scratch_file at = scratch_file_create("old", 3);
    csi_atomic_file file;
    assert_ok(csi_atomic_file_open(&file, at.path, NULL, NULL));
    assert_true(fputs("new", file.file) >= 0);
    assert_int_equal(scratch_file_count(&at), 2);
    csi_atomic_file_abandon(&file);
    expect_content(&at, "old");
    assert_ok(csi_atomic_file_open(&file, at.path, NULL, NULL));
    assert_true(fputs("new", file.file) >= 0);
    assert_ok(csi_atomic_file_commit(&file, NULL));
    expect_content(&at, "new");
    scratch_file_remove(&at);
}

/* Two writers at once, or one that was killed before: each has a temporary file of its own. */
static void temporary_files_do_not_meet(void **state) {
    (void)state;
    scratch_file at = scratch_file_create("old", 3);
    csi_atomic_file a;
    csi_atomic_file b;
    assert_ok(csi_atomic_file_open(&a, at.path, NULL, NULL));
    assert_ok(csi_atomic_file_open(&b, at.path, NULL, NULL));
    assert_int_equal(scratch_file_count(&at), 3);
    assert_true(fputs("first", a.file) >= 0);
    assert_true(fputs("second", b.file) >= 0);
    assert_ok(csi_atomic_file_commit(&b, NULL));
    assert_ok(csi_atomic_file_commit(&a, NULL));
    expect_content(&at, "first");
    scratch_file_remove(&at);
}

static void failed_rename_leaves_nothing_behind(void **state) {
    (void)state;
    scratch_file at = scratch_file_create("old", 3);
    csi_atomic_file file;
    costate_message message;
    assert_ok(csi_atomic_file_open(&file, at.path, NULL, &message));
    assert_int_equal(unlink(at.path), 0);
    assert_int_equal(mkdir(at.path, 0777), 0);
    assert_status(csi_atomic_file_commit(&file, &message), COSTATE_ERR_IO);
    assert_string_equal(message.text, "cannot be written: Is a directory");
    assert_int_equal(scratch_file_count(&at), 1);
    assert_int_equal(rmdir(at.path), 0);
    assert_int_equal(rmdir(at.folder), 0);
}

/* A disk that is full, by a limit on the size of files: the old content stays. */
static void failed_write_leaves_the_old_file(void **state) {
    (void)state;
    enum { LIMIT = 1 << 16 };
    scratch_file at = scratch_file_create("old", 3);
    char *bytes = calloc(4, LIMIT);
    struct rlimit before;
    costate_message message;
    char expected[200];
    assert_non_null(bytes);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    void (*const handler)(int) = signal(SIGXFSZ, SIG_IGN);
    const struct rlimit limit = {.rlim_cur = LIMIT, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    const costate_status status = csi_replace_file(at.path, bytes, (size_t)4 * LIMIT, NULL, &message);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, handler);
    assert_status(status, COSTATE_ERR_IO);
    (void)snprintf(expected, sizeof(expected), "%s: cannot be written: File too large", at.path);
    assert_string_equal(message.text, expected);
    expect_content(&at, "old");
    free(bytes);
    scratch_file_remove(&at);
}

static void path_without_folder_is_in_the_current_one(void **state) {
    (void)state;
    scratch_file at = scratch_file_create("old", 3);
    char before[4096];
    assert_non_null(getcwd(before, sizeof(before)));
    assert_int_equal(chdir(at.folder), 0);
    assert_ok(csi_replace_file("file", "new", 3, NULL, NULL));
    expect_content(&at, "new");
    assert_int_equal(chdir(before), 0);
    scratch_file_remove(&at);
}

/* A file whose size the system does not tell: the block grows with it. */
static void file_of_unknown_size_is_read_to_its_end(void **state) {
    (void)state;
    const costate_allocator hooks = csi_allocator(NULL);
    char *bytes;
    size_t n;
    costate_message message;
    assert_status(csi_read_whole_file("/dev/zero", 300000, &hooks, &bytes, &n, &message), COSTATE_ERR_FORMAT);
    assert_null(bytes);
    assert_string_equal(message.text, "is larger than 300000 bytes");
    assert_ok(csi_read_whole_file("/dev/null", 300000, &hooks, &bytes, &n, &message));
    assert_int_equal(n, 0);
    assert_int_equal(bytes[0], '\0');
    csi_release(&hooks, bytes);
    assert_ok(csi_read_whole_file("/proc/self/status", 300000, &hooks, &bytes, &n, &message));
    assert_true(n > 100 && bytes[n] == '\0' && strstr(bytes, "Pid:"));
    csi_release(&hooks, bytes);
}

static void long_message_is_cut_and_long_path_shows_its_end(void **state) {
    (void)state;
    char path[400];
    costate_message message;
    memset(path, 'a', sizeof(path));
    path[399] = '\0';
    path[398] = 'z';
    csi_message_write(&message, "%s", "wrong");
    csi_message_name_file(&message, path);
    assert_int_equal(strlen(message.text), 3 + 200 + 2 + 5);
    assert_memory_equal(message.text, "...aaa", 6);
    assert_non_null(strstr(message.text, "az: wrong"));
    char text[2000];
    memset(text, 'b', sizeof(text));
    text[1999] = '\0';
    csi_message_write(&message, "%s", text);
    assert_int_equal(strlen(message.text), sizeof(message.text) - 1);
    csi_message_name_file(&message, "x");
    assert_int_equal(strlen(message.text), sizeof(message.text) - 1);
    assert_memory_equal(message.text, "x: bbb", 6);
    csi_message_clear(&message);
    csi_message_name_file(&message, "x");
    assert_string_equal(message.text, "");
    csi_message_write(NULL, "%d", 1);
    csi_message_name_file(NULL, "x");
    csi_message_clear(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commit_replaces_the_file_and_abandon_does_not),
        cmocka_unit_test(temporary_files_do_not_meet),
        cmocka_unit_test(failed_rename_leaves_nothing_behind),
        cmocka_unit_test(failed_write_leaves_the_old_file),
        cmocka_unit_test(path_without_folder_is_in_the_current_one),
        cmocka_unit_test(file_of_unknown_size_is_read_to_its_end),
        cmocka_unit_test(long_message_is_cut_and_long_path_shows_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
