/* SPDX-License-Identifier: MIT */
/* The trained model as a file that other programs load. */
#ifndef INTERACTION_FILE_H
#define INTERACTION_FILE_H

#include "interaction_search.h"

/* Network "interaction", blocks "rates", "initial" and "noise", and where they come from (`source`). The file is read
 * again and its network has to give the same numbers. Says what is wrong on standard error and returns false if it cannot. */
bool interaction_file_save(const char *path, const populations *data, const interaction_model *model,
                           const search_result *best, const char *source);

#endif
