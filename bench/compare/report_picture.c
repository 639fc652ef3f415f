/* SPDX-License-Identifier: MIT */
/* Pictures of a report. */
#include "compare/report_picture.h"

#include <string.h>
#include <unistd.h>

static bool make_path(const char *folder, const char *name, const char *what, size_t page, const char *ending,
                      size_t size, char *path) {
    char number[24] = "";
    if (page > 0) {
        snprintf(number, sizeof number, "-%zu", page + 1);
    }
    const int length = snprintf(path, size, "%s/%s-%s%s.%s", folder, name, what, number, ending);
    return length > 0 && (size_t)length < size;
}

bool report_picture_open(const char *folder, const char *name, const char *what, size_t page, report_picture *picture) {
    const bool fits = make_path(folder, name, what, page, "dat", sizeof picture->data_path, picture->data_path) &&
                      make_path(folder, name, what, page, "svg", sizeof picture->path, picture->path);
    picture->data = fits ? fopen(picture->data_path, "w") : NULL;
    return picture->data;
}

bool report_picture_draw(const report_picture *picture, const char *title, gnuplot_writer write, const void *ctx,
                         FILE *markdown) {
    const bool written = !ferror(picture->data);
    unlink(picture->path);
    if (fclose(picture->data) != 0 || !written) {
        return false;
    }
    if (!write) {
        return unlink(picture->data_path) == 0;
    }
    const bool good = gnuplot_draw("compare", picture->path, write, ctx);
    if (access(picture->path, R_OK) == 0) {
        fprintf(markdown, "\n![%s](%s)\n", title, strrchr(picture->path, '/') + 1);
    }
    return good;
}

void report_picture_quote(FILE *script, const char *text) {
    fputc('\'', script);
    for (; *text; text++) {
        if (*text == '\'') {
            fputc('\'', script);
        }
        fputc(*text, script);
    }
    fputc('\'', script);
}
