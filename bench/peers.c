/* SPDX-License-Identifier: MIT */
/* Runs the Python peers and reads their rows. */
#include "peers.h"

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

static const char *const scripts[] = {"spiral_torchdiffeq.py", "spiral_diffrax.py"};

/* One row, its text fields pointing into the line that was parsed. */
typedef struct peer_row {
    const char *name;
    const char *shape;
    char *variant;
    double value;
    const char *unit;
} peer_row;

static bool parse_row(char *line, peer_row *row) {
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
    if (n != 5 || strcmp(fields[0], "gradient") != 0) {
        return false;
    }
    char *end;
    *row = (peer_row){fields[0], fields[1], fields[2], strtod(fields[3], &end), fields[4]};
    return end != fields[3] && *end == '\0';
}

static gradient_curve *find_curve(gradient_result *result, const char *method) {
    for (size_t i = 0; i < result->n_curve; i++) {
        if (strcmp(result->curves[i].method, method) == 0) {
            return &result->curves[i];
        }
    }
    if (result->n_curve == GRADIENT_MAX_CURVE) {
        return NULL;
    }
    gradient_curve *curve = &result->curves[result->n_curve++];
    *curve = (gradient_curve){0};
    snprintf(curve->method, sizeof curve->method, "%s", method);
    return curve;
}

/* The variant is "<method> rtol=<number>"; a script writes the time of a tolerance before its error. */
static void add_to_curve(gradient_result *result, const peer_row *row) {
    char *mark = strstr(row->variant, " rtol=");
    const bool is_time = strcmp(row->unit, "ns") == 0;
    if (!mark || (!is_time && strcmp(row->unit, "relative_error") != 0)) {
        return;
    }
    *mark = '\0';
    gradient_curve *curve = find_curve(result, row->variant);
    *mark = ' ';
    if (curve && is_time && curve->n < GRADIENT_MAX_RTOL) {
        curve->points[curve->n++] = (error_point){.rtol = strtod(mark + 6, NULL), .seconds = 1e-9 * row->value};
    } else if (curve && !is_time && curve->n > 0) {
        error_point *point = &curve->points[curve->n - 1];
        char text[16];
        point->error = row->value;
        printf("  %-36s %11s  error %.1e\n", row->variant, bench_format_seconds(point->seconds, point->seconds, text),
               point->error);
    }
}

static bool list_rtols(const gradient_rtols *rtols, char *text, size_t size) {
    size_t used = 0;
    for (size_t i = 0; i < rtols->n_other; i++) {
        const int n = snprintf(text + used, size - used, "%s%.0e", i ? "," : "", rtols->other[i]);
        if (n < 0 || (size_t)n >= size - used) {
            return false;
        }
        used += (size_t)n;
    }
    return true;
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

static void read_rows(bench *b, const char *script, FILE *output, gradient_result *result) {
    char line[MAX_LINE];
    while (fgets(line, sizeof line, output)) {
        peer_row row;
        if (line[0] == '#') {
            printf("%s", line);
        } else if (parse_row(line, &row)) {
            bench_row(b, row.name, row.shape, row.variant, row.value, row.unit);
            add_to_curve(result, &row);
        } else {
            bench_fail(b, "%s wrote a line that is no row of gradient results", script);
        }
    }
}

static void run_script(bench *b, const char *script, const char *task, const gradient_rtols *rtols,
                       gradient_result *result) {
    const char *chosen = getenv("COSTATE_PYTHON");
    char python[1024];
    char path[1024];
    char tolerances[256];
    snprintf(python, sizeof python, "%s", chosen && *chosen ? chosen : "python3");
    snprintf(path, sizeof path, "%s/%s", BENCH_PEERS_DIR, script);
    char no_bytecode[] = "-B";
    char task_option[] = "--task";
    char rtol_option[] = "--rtol";
    char task_value[32];
    snprintf(task_value, sizeof task_value, "%s", task);
    if (!list_rtols(rtols, tolerances, sizeof tolerances)) {
        bench_fail(b, "%s: too many tolerances", script);
        return;
    }
    char *arguments[] = {python, no_bytecode, path, task_option, task_value, rtol_option, tolerances, NULL};
    pid_t child;
    FILE *output = NULL;
    fflush(NULL);
    const int error = start(arguments, &child, &output);
    if (error != 0 || !output) {
        printf("# skipped: %s: %s: %s\n", script, python, strerror(error));
        return;
    }
    read_rows(b, script, output, result);
    fclose(output);
    int status = 0;
    if (waitpid(child, &status, 0) != child || !WIFEXITED(status)) {
        bench_fail(b, "%s did not end by itself", script);
    } else if (WEXITSTATUS(status) == STATUS_SKIPPED) {
        printf("# skipped: %s\n", script);
    } else if (WEXITSTATUS(status) != 0) {
        bench_fail(b, "%s failed", script);
    }
}

void peers_run(bench *b, const char *task, const gradient_rtols *rtols, gradient_result *result) {
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        run_script(b, scripts[i], task, rtols, result);
    }
}
