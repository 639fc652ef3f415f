/* SPDX-License-Identifier: MIT */
/* Labelled images of 28 × 28: real digits, or drawings that stand in for them. */
#include "compare/digits.h"

#include "compare/image_nets.h"
#include "seconds.h"
#include <costate/idx.h>
#include <costate/random.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N_DRAWING = 10000, SEED = 5, N_STROKE = 3, SHIFT = 2 };

typedef enum read_result { READ_OK, READ_ABSENT, READ_WRONG } read_result;

typedef struct stroke {
    double x[2], y[2];
} stroke;

static read_result read_idx(bench *b, const char *folder, const char *name, costate_idx **idx) {
    static const char *const ends[] = {"", ".gz"};
    for (size_t i = 0; i < 2; i++) {
        char path[1024];
        const int n = snprintf(path, sizeof path, "%s/mnist/%s%s", folder, name, ends[i]);
        FILE *file = n > 0 && (size_t)n < sizeof path ? fopen(path, "rb") : NULL;
        if (file) {
            fclose(file);
            costate_message message;
            if (costate_idx_read(path, NULL, NULL, idx, &message) == COSTATE_OK) {
                return READ_OK;
            }
            bench_fail(b, "%s", message.text);
            return READ_WRONG;
        }
    }
    return READ_ABSENT;
}

static bool is_bytes(const costate_idx *idx, size_t n_dim) {
    costate_idx_type type;
    return costate_idx_type_of(idx, &type) == COSTATE_OK && type == COSTATE_IDX_U8 && costate_idx_n_dim(idx) == n_dim;
}

static bool are_classes(const costate_idx *labels) {
    const uint8_t *classes = costate_idx_elements(labels);
    for (size_t i = 0; i < costate_idx_n_element(labels); i++) {
        if (classes[i] >= IMAGE_CLASSES) {
            return false;
        }
    }
    return true;
}

static bool fit_together(const costate_idx *images, const costate_idx *labels) {
    return is_bytes(images, 3) && is_bytes(labels, 1) && costate_idx_dim(images, 0) == costate_idx_dim(labels, 0) &&
           costate_idx_dim(images, 1) == IMAGE_SIDE && costate_idx_dim(images, 2) == IMAGE_SIDE &&
           costate_idx_dim(images, 0) > 0 && are_classes(labels);
}

static read_result read_pair(bench *b, const char *folder, const char *stem, costate_idx **images,
                             costate_idx **labels) {
    char name[64];
    snprintf(name, sizeof name, "%s-images-idx3-ubyte", stem);
    read_result result = read_idx(b, folder, name, images);
    if (result != READ_OK) {
        return result;
    }
    snprintf(name, sizeof name, "%s-labels-idx1-ubyte", stem);
    result = read_idx(b, folder, name, labels);
    if (result == READ_ABSENT || (result == READ_OK && !fit_together(*images, *labels))) {
        bench_fail(b, "%s/mnist: %s files are not images of 28 x 28 and as many classes below 10", folder, stem);
        return READ_WRONG;
    }
    return result;
}

static double distance(const stroke *s, double x, double y) {
    const double dx = s->x[1] - s->x[0];
    const double dy = s->y[1] - s->y[0];
    const double along = ((x - s->x[0]) * dx + (y - s->y[0]) * dy) / (dx * dx + dy * dy + 1e-9);
    const double nearest = fmin(fmax(along, 0.0), 1.0);
    return hypot(x - s->x[0] - nearest * dx, y - s->y[0] - nearest * dy);
}

/* A class is a few strokes; its drawings are shifted and noisy. */
static void draw(const stroke *strokes, costate_random *random, uint8_t *pixels) {
    const double right = (double)costate_random_below(random, 2 * SHIFT + 1) - SHIFT;
    const double down = (double)costate_random_below(random, 2 * SHIFT + 1) - SHIFT;
    for (size_t y = 0; y < IMAGE_SIDE; y++) {
        for (size_t x = 0; x < IMAGE_SIDE; x++) {
            double nearest = IMAGE_SIDE;
            for (size_t s = 0; s < N_STROKE; s++) {
                nearest = fmin(nearest, distance(&strokes[s], (double)x - right, (double)y - down));
            }
            const double noise = costate_random_uniform(random);
            *pixels++ = (uint8_t)(255.0 * (0.8 * exp(-0.5 * nearest * nearest) + 0.2 * noise * noise));
        }
    }
}

static void draw_all(size_t n, uint8_t *classes, uint8_t *pixels) {
    stroke strokes[IMAGE_CLASSES][N_STROKE];
    costate_random random = costate_random_seed(SEED, 0);
    for (size_t c = 0; c < IMAGE_CLASSES; c++) {
        for (size_t k = 0; k < N_STROKE; k++) {
            for (size_t end = 0; end < 2; end++) {
                strokes[c][k].x[end] = 6.0 + 16.0 * costate_random_uniform(&random);
                strokes[c][k].y[end] = 6.0 + 16.0 * costate_random_uniform(&random);
            }
        }
    }
    for (size_t i = 0; i < n; i++) {
        classes[i] = (uint8_t)costate_random_below(&random, IMAGE_CLASSES);
        draw(strokes[classes[i]], &random, pixels + i * IMAGE_PIXELS);
    }
}

/* An IDX file in memory with room for its elements. */
static uint8_t *begin_idx(size_t n_dim, const uint32_t *dims, size_t *header) {
    size_t n = 1;
    for (size_t k = 0; k < n_dim; k++) {
        n *= dims[k];
    }
    *header = 4 + 4 * n_dim;
    uint8_t *bytes = calloc(*header + n, 1);
    if (bytes) {
        bytes[2] = COSTATE_IDX_U8;
        bytes[3] = (uint8_t)n_dim;
        for (size_t k = 0; k < n_dim; k++) {
            for (size_t i = 0; i < 4; i++) {
                bytes[4 + 4 * k + i] = (uint8_t)(dims[k] >> (24 - 8 * i));
            }
        }
    }
    return bytes;
}

/* As files, so that what follows is the same for both. */
static bool make_up(size_t n, costate_idx **images, costate_idx **labels) {
    const uint32_t dims[] = {(uint32_t)n, IMAGE_SIDE, IMAGE_SIDE};
    size_t image_header;
    size_t label_header;
    uint8_t *image_bytes = begin_idx(3, dims, &image_header);
    uint8_t *label_bytes = begin_idx(1, dims, &label_header);
    bool ok = image_bytes && label_bytes;
    if (ok) {
        draw_all(n, label_bytes + label_header, image_bytes + image_header);
        ok = costate_idx_parse(image_bytes, image_header + n * IMAGE_PIXELS, NULL, NULL, images, NULL) == COSTATE_OK &&
             costate_idx_parse(label_bytes, label_header + n, NULL, NULL, labels, NULL) == COSTATE_OK;
    }
    free(image_bytes);
    free(label_bytes);
    return ok;
}

static bool convert(const costate_idx *images, const costate_idx *labels, size_t n_most, digits *d) {
    const size_t n = costate_idx_dim(images, 0);
    d->n = n < n_most ? n : n_most;
    d->x = malloc(d->n * IMAGE_PIXELS * sizeof *d->x);
    d->label = malloc(d->n * sizeof *d->label);
    if (!d->x || !d->label) {
        return false;
    }
    memset(d->x, 0, d->n * IMAGE_PIXELS * sizeof *d->x);
    const double start = seconds_now();
    if (costate_idx_numbers_f32(images, 0, d->n * IMAGE_PIXELS, 1.0 / 255.0, d->x) != COSTATE_OK) {
        return false;
    }
    const uint8_t *classes = costate_idx_elements(labels);
    for (size_t i = 0; i < d->n; i++) {
        d->label[i] = classes[i];
    }
    d->convert_seconds = seconds_now() - start;
    return true;
}

bool digits_load(bench *b, const char *folder, size_t n_most, digits *d) {
    *d = (digits){0};
    costate_idx *images = NULL;
    costate_idx *labels = NULL;
    const double start = seconds_now();
    read_result result = read_pair(b, folder, "train", &images, &labels);
    if (result == READ_ABSENT) {
        result = read_pair(b, folder, "t10k", &images, &labels);
    }
    d->real = result == READ_OK;
    bool ok = d->real;
    if (result == READ_ABSENT) {
        ok = make_up(n_most < N_DRAWING ? n_most : N_DRAWING, &images, &labels);
    }
    d->read_seconds = seconds_now() - start;
    ok = ok && convert(images, labels, n_most, d);
    costate_idx_destroy(images);
    costate_idx_destroy(labels);
    if (!ok) {
        if (result != READ_WRONG) {
            bench_fail(b, "lenet5: no memory for the images");
        }
        digits_destroy(d);
    }
    return ok;
}

void digits_destroy(digits *d) {
    free(d->x);
    free(d->label);
    *d = (digits){0};
}
