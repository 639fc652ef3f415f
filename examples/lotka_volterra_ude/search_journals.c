/* SPDX-License-Identifier: MIT */
/* Checkpoints of a search: one journal for each start, since the starts run at the same time. */
#include "search_journals.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DESCRIPTION_BYTES = 512, SUFFIX_BYTES = 24 };

/* FNV-1a (Fowler, Noll & Vo) of the bits of the data. */
static uint64_t checksum(const populations *data) {
    const double *const parts[] = {data->t, data->y};
    const size_t n_byte[] = {data->n * sizeof(double), data->n * N_STATE * sizeof(double)};
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t k = 0; k < 2; k++) {
        const unsigned char *byte = (const unsigned char *)parts[k];
        for (size_t i = 0; i < n_byte[k]; i++) {
            hash = (hash ^ byte[i]) * UINT64_C(1099511628211);
        }
    }
    return hash;
}

/* Everything on which the path of start k depends; how many starts there are is not of it. */
static void describe(const populations *data, const fit_settings *fit, const search_settings *settings, size_t k,
                     char *text) {
    snprintf(text, DESCRIPTION_BYTES,
             "seed %" PRIu64
             ", start %zu, ridge %.17g, limit %.17g, iterations %zu, shooting %zu, rates %s %.17g %.17g, "
             "data %016" PRIx64 " to t = %.17g, lotka_volterra_ude of costate %s",
             settings->seed, k, fit->ridge, fit->limit, settings->iterations, settings->shooting,
             fit->estimate_rates ? "estimated from" : "known", fit->rates[GROWTH], fit->rates[DEATH], checksum(data),
             data->t_end, costate_version());
}

static costate_status open_one(const char *path, const char *description, costate_journal **journal) {
    costate_message message;
    const costate_status status = costate_journal_open(path, description, NULL, journal, &message);
    if (status != COSTATE_OK) {
        fprintf(stderr, "lotka_volterra_ude: --journal: %s\n", message.text);
    }
    return status;
}

costate_status search_journals_open(const populations *data, const fit_settings *fit, const search_settings *settings,
                                    costate_journal ***journals) {
    const size_t n_byte = settings->journal ? strlen(settings->journal) + SUFFIX_BYTES : 1;
    char description[DESCRIPTION_BYTES];
    char *path = malloc(n_byte);
    *journals = calloc(settings->starts, sizeof(**journals));
    costate_status status = path && *journals ? COSTATE_OK : COSTATE_ERR_MEMORY;
    for (size_t k = 0; status == COSTATE_OK && settings->journal && k < settings->starts; k++) {
        snprintf(path, n_byte, "%s.%zu", settings->journal, k);
        describe(data, fit, settings, k, description);
        status = open_one(path, description, &(*journals)[k]);
    }
    free(path);
    if (status != COSTATE_OK && *journals) {
        (void)search_journals_close(settings, *journals);
        *journals = NULL;
    }
    return status;
}

costate_status search_journals_close(const search_settings *settings, costate_journal **journals) {
    costate_status status = COSTATE_OK;
    for (size_t k = 0; k < settings->starts; k++) {
        const char *detail = costate_journal_detail(journals[k]);
        if (detail[0] != '\0') {
            fprintf(stderr, "lotka_volterra_ude: --journal: %s.%zu: %s\n", settings->journal, k, detail);
            status = COSTATE_ERR_MISMATCH;
        }
        const costate_status closed = costate_journal_close(journals[k]);
        status = status ? status : closed;
    }
    free(journals);
    return status;
}
