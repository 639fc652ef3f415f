/* SPDX-License-Identifier: MIT */
/* How training goes on: one rewritten line on a terminal, a plain line now and then elsewhere. */
#ifndef EPOCH_LINE_H
#define EPOCH_LINE_H

#include <costate/costate.h>

/* What is on the terminal; all zero at first. */
typedef struct epoch_line {
    bool shown;
    double last; /* seconds of training when it was shown */
} epoch_line;

/* A costate_chain_train_fn for epochs; ctx is an epoch_line. */
int epoch_line_show(const costate_chain_train_progress *progress, void *ctx);

/* Removes the line from the terminal. */
void epoch_line_clear(epoch_line *line);

#endif
