/* SPDX-License-Identifier: MIT */
/* The first of two files that can be read. */
#ifndef READABLE_PATH_H
#define READABLE_PATH_H

/* `first` if it can be opened for reading, else `second`: for data in the source tree, or where they were installed. */
const char *readable_path(const char *first, const char *second);

#endif
