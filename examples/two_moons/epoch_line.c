/* SPDX-License-Identifier: MIT */
/* How training goes on: one rewritten line on a terminal, a plain line now and then elsewhere. */
#define _POSIX_C_SOURCE 200809L

#include "epoch_line.h"

#include <stdio.h>
#include <unistd.h>

static const double TERMINAL_INTERVAL = 0.1;

enum { PLAIN_INTERVAL = 10 };

int epoch_line_show(const costate_chain_train_progress *progress, void *ctx) {
    epoch_line *line = ctx;
    const bool terminal = isatty(STDOUT_FILENO) == 1;
    const bool due = terminal ? !line->shown || progress->seconds - line->last >= TERMINAL_INTERVAL
                              : progress->epoch == 1 || progress->epoch % PLAIN_INTERVAL == 0;
    if (due) {
        printf("%sepoch %4zu   training %.4f (%.1f %%)   validation %.4f (%.1f %%)   %.1f s%s", terminal ? "\r" : "",
               progress->epoch, progress->loss, 100.0 * progress->accuracy, progress->validation_loss,
               100.0 * progress->validation_accuracy, progress->seconds, terminal ? "\033[K" : "\n");
        fflush(stdout);
        line->shown = terminal;
        line->last = progress->seconds;
    }
    return 0;
}

void epoch_line_clear(epoch_line *line) {
    if (line->shown) {
        fputs("\r\033[K", stdout);
        fflush(stdout);
    }
    line->shown = false;
}
