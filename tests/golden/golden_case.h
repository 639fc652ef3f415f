/* SPDX-License-Identifier: MIT */
/* Golden cases as make_golden.py writes them. Whatever is wrong with one fails the test. */
#ifndef GOLDEN_CASE_H
#define GOLDEN_CASE_H

#include <cjson/cJSON.h>
#include <costate/chain_eval.h>
#include <costate/update.h>

/* Numbers of a list; none where the case has no such list. */
typedef struct golden_list {
    size_t n;
    double *value; /* NULL if n is 0 */
} golden_list;

/* A network with its batch and what it gives. What the case lacks is empty. */
typedef struct golden_network {
    const char *name;
    costate_chain *chain;
    costate_chain_loss loss;
    size_t n, n_in, n_out, n_param;
    golden_list x, p, target, weight; /* given */
    uint32_t *label;                  /* given; NULL if the loss has targets */
    golden_list y, v, pbar, xbar;     /* expected */
    double value;                     /* expected */
    size_t n_right;                   /* expected if there are labels */
    const cJSON *train;               /* kind, options, value and p; NULL if it is not trained */
} golden_network;

/* The file of that name, to be released with cJSON_Delete(); NULL, with a line on stderr, if it cannot be read. */
cJSON *golden_load(const char *folder, const char *name);

/* The numbers under a key, to be released with free(). */
golden_list golden_numbers(const cJSON *object, const char *key);

/* The text under a key. */
const char *golden_text(const cJSON *object, const char *key);

/* The network of a case, to be released with golden_network_free(); the case must outlive it. */
golden_network golden_network_of(const cJSON *object);
void golden_network_free(golden_network *network);

/* The update of `kind` and `options`; `range` receives its penalty on all n parameters and must outlive the options. */
costate_update_options golden_update_options(const cJSON *object, size_t n, costate_update_precision precision,
                                             costate_penalty_range *range);

#endif
