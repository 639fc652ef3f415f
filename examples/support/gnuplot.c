/* SPDX-License-Identifier: MIT */
/* Pictures drawn by gnuplot. */
#define _POSIX_C_SOURCE 200809L

#include "gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Exit status of a shell that finds no such program. */
enum { NOT_INSTALLED = 127 };

static bool ends_with(const char *text, const char *ending) {
    const size_t n = strlen(text);
    const size_t m = strlen(ending);
    return n >= m && strcmp(text + n - m, ending) == 0;
}

static void write_preamble(FILE *script, bool svg, const char *output) {
    fputs(svg ? "set terminal svg size 960,600 font 'Helvetica,16' background 'white'\n"
              : "set terminal pngcairo size 1200,750 font 'Sans,15' background 'white'\n",
          script);
    fputs("set output '", script);
    for (const char *c = output; *c != '\0'; c++) {
        if (*c == '\'') {
            fputc('\'', script);
        }
        fputc(*c, script);
    }
    fputs("'\n"
          "set grid lc rgb '#dddddd' lt 1\n"
          "set border 3 lc rgb '#555555'\n"
          "set tics nomirror out\n"
          "set key spacing 1.2\n",
          script);
}

void gnuplot_block(FILE *script, const char *name, size_t n_row, size_t n_column, const double *const *columns) {
    fprintf(script, "$%s << END\n", name);
    for (size_t i = 0; i < n_row; i++) {
        for (size_t k = 0; k < n_column; k++) {
            if (isnan(columns[k][i])) {
                fputs("NaN ", script);
            } else {
                fprintf(script, "%.9g ", columns[k][i]);
            }
        }
        fputc('\n', script);
    }
    fputs("END\n", script);
}

gnuplot_outcome gnuplot_run(FILE *script) {
    char name[] = "gnuplot";
    char *arguments[] = {name, NULL};
    posix_spawn_file_actions_t actions;
    pid_t child;
    int status = 0;
    if (fflush(script) != 0 || ferror(script) || fseek(script, 0, SEEK_SET) != 0 ||
        posix_spawn_file_actions_init(&actions) != 0) {
        return GNUPLOT_FAILED;
    }
    posix_spawn_file_actions_adddup2(&actions, fileno(script), STDIN_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    const int error = posix_spawnp(&child, name, &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) {
        return GNUPLOT_ABSENT;
    }
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) {
            return GNUPLOT_FAILED;
        }
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_INSTALLED) {
        return GNUPLOT_ABSENT;
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? GNUPLOT_DONE : GNUPLOT_FAILED;
}

static gnuplot_outcome draw(const char *output, bool svg, gnuplot_writer write, const void *ctx) {
    FILE *script = tmpfile();
    if (!script) {
        return GNUPLOT_FAILED;
    }
    write_preamble(script, svg, output);
    write(script, ctx);
    fputs("\nunset output\n", script);
    const gnuplot_outcome outcome = gnuplot_run(script);
    fclose(script);
    return outcome;
}

bool gnuplot_draw(const char *program, const char *path, gnuplot_writer write, const void *ctx) {
    const size_t bytes = strlen(path) + 32;
    char *temporary = malloc(bytes);
    if (!temporary) {
        fprintf(stderr, "%s: no memory\n", program);
        return false;
    }
    snprintf(temporary, bytes, "%s.%ld.tmp", path, (long)getpid());
    const gnuplot_outcome outcome = draw(temporary, ends_with(path, ".svg"), write, ctx);
    const bool drawn = outcome == GNUPLOT_DONE && rename(temporary, path) == 0;
    if (!drawn) {
        unlink(temporary);
    }
    free(temporary);
    if (outcome == GNUPLOT_ABSENT) {
        printf("no picture: gnuplot is not installed\n");
    } else if (!drawn) {
        fprintf(stderr, "%s: gnuplot could not draw %s\n", program, path);
    }
    return drawn || outcome == GNUPLOT_ABSENT;
}
