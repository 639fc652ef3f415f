/* SPDX-License-Identifier: MIT */
/* Checkpoints of a search: one journal for each start, since the starts run at the same time. */
#ifndef SEARCH_JOURNALS_H
#define SEARCH_JOURNALS_H

#include "interaction_search.h"

/* settings->starts elements, NULL without checkpoint. Says what is wrong on standard error if it cannot. */
costate_status search_journals_open(const populations *data, const fit_settings *fit, const search_settings *settings,
                                    costate_journal ***journals);

/* Closes and releases; says on standard error why a journal refused to go on. */
costate_status search_journals_close(const search_settings *settings, costate_journal **journals);

#endif
