/* SPDX-License-Identifier: MIT */
/* Runs the Python peers and reads their rows. */
#include "peer_script.h"

#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Exit status by which a script says that its packages are not installed. */
#define STATUS_SKIPPED 77
#define MAX_LINE 512
#define MAX_ARGUMENT 12

static bool parse_row(char *line, const char *name, peer_row *row) {
    char *fields[5];
    size_t n = 0;
    line[strcspn(line, "\n")] = '\0';
    for (char *at = line; at && n < 5; n++) {
        fields[n] = at;
        at = strchr(at, ',');
        if (at) {
            *at++ = '\0';
        }
    }
    if (n != 5 || strcmp(fields[0], name) != 0) {
        return false;
    }
    char *end;
    *row = (peer_row){fields[0], fields[1], fields[2], strtod(fields[3], &end), fields[4]};
    return end != fields[3] && *end == '\0';
}

/* Starts the interpreter with its standard output in a pipe; 0 or an errno value. */
static int start(char *const *arguments, pid_t *child, FILE **output) {
    int ends[2];
    posix_spawn_file_actions_t actions;
    if (pipe(ends) != 0) {
        return errno;
    }
    int error = posix_spawn_file_actions_init(&actions);
    if (error == 0) {
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
        posix_spawn_file_actions_addclose(&actions, ends[0]);
        posix_spawn_file_actions_addclose(&actions, ends[1]);
        error = posix_spawnp(child, arguments[0], &actions, NULL, arguments, environ);
        posix_spawn_file_actions_destroy(&actions);
    }
    close(ends[1]);
    *output = error == 0 ? fdopen(ends[0], "r") : NULL;
    if (!*output) {
        close(ends[0]);
    }
    return error;
}

static void read_rows(bench *b, const char *script, const char *name, FILE *output,
                      void (*take)(const peer_row *row, void *ctx), void *ctx) {
    char line[MAX_LINE];
    while (fgets(line, sizeof line, output)) {
        peer_row row;
        if (line[0] == '#') {
            printf("%s", line);
        } else if (parse_row(line, name, &row)) {
            bench_row(b, row.name, row.shape, row.variant, row.value, row.unit);
            take(&row, ctx);
        } else {
            bench_fail(b, "%s wrote a line that is no row of results", script);
        }
    }
}

/* posix_spawn() takes strings that may be written to; they are copied into `storage`. */
static bool copy_arguments(const char *const *arguments, size_t size, char *storage, char **copied) {
    size_t used = 0;
    size_t n = 0;
    for (; arguments[n]; n++) {
        const int length = snprintf(storage + used, size - used, "%s", arguments[n]);
        if (n == MAX_ARGUMENT || length < 0 || (size_t)length >= size - used) {
            return false;
        }
        copied[n] = storage + used;
        used += (size_t)length + 1;
    }
    copied[n] = NULL;
    return true;
}

static void end_script(bench *b, const char *script, pid_t child) {
    int status = 0;
    if (waitpid(child, &status, 0) != child || !WIFEXITED(status)) {
        bench_fail(b, "%s did not end by itself", script);
    } else if (WEXITSTATUS(status) == STATUS_SKIPPED) {
        printf("# skipped: %s\n", script);
    } else if (WEXITSTATUS(status) != 0) {
        bench_fail(b, "%s failed", script);
    }
}

void peer_script_run(bench *b, const char *script, const char *name, const char *const *arguments,
                     void (*take)(const peer_row *row, void *ctx), void *ctx) {
    const char *chosen = getenv("COSTATE_PYTHON");
    char python[1024];
    char path[1024];
    char storage[1024];
    char no_bytecode[] = "-B";
    char *all[4 + MAX_ARGUMENT] = {python, no_bytecode, path};
    snprintf(python, sizeof python, "%s", chosen && *chosen ? chosen : "python3");
    snprintf(path, sizeof path, "%s/%s", BENCH_PEERS_DIR, script);
    if (!copy_arguments(arguments, sizeof storage, storage, all + 3)) {
        bench_fail(b, "%s: too many arguments", script);
        return;
    }
    pid_t child;
    FILE *output = NULL;
    fflush(NULL);
    const int error = start(all, &child, &output);
    if (error != 0 || !output) {
        printf("# skipped: %s: %s: %s\n", script, python, strerror(error));
        return;
    }
    read_rows(b, script, name, output, take, ctx);
    fclose(output);
    end_script(b, script, child);
}
