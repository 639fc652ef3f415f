/* SPDX-License-Identifier: MIT */
/* Convolution of images and sequences. Part of chain_kernels.c. */
#ifndef CSI_CONV_TILE_H
#define CSI_CONV_TILE_H

#include "chain/kernels/window_sums.h"
#include "chain/kernels/window_weights.h"
#include <string.h>

static size_t conv_n_tap(const chain_tile *tile) {
    return tile->in.n_channel * tile->layer->kernel[0] * tile->layer->kernel[1];
}

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }
static size_t above(size_t a, size_t b) { return a > b ? a - b : 0; }

/* Step of the window along an axis. A step over the whole input, padding and all, is as good as a longer one, with which
 * sums below would overflow. */
static size_t conv_stride(const chain_tile *tile, int axis) {
    const size_t extent = axis == 0 ? tile->in.height : tile->in.width;
    return smaller(tile->layer->stride[axis], extent + 2 * tile->layer->padding[axis]);
}

static window_pass conv_forward_pass(const chain_tile *tile) {
    const costate_chain_layer *layer = tile->layer;
    const size_t row = tile->row, n_window = layer->kernel[0] * layer->kernel[1];
    window_pass pass = {.row = row,
                        .n_column = layer->kernel[1],
                        .first = -(ptrdiff_t)layer->padding[1],
                        .turn = 1,
                        .n_source = tile->in.width};
    pass.terms = (window_terms){.n_plane = tile->in.n_channel,
                                .plane = (ptrdiff_t)(tile->in.height * tile->in.width * row),
                                .line = (ptrdiff_t)(tile->in.width * row),
                                .column = (ptrdiff_t)row,
                                .plane_weight = n_window,
                                .line_weight = layer->kernel[1],
                                .column_weight = 1,
                                .unit_weight = tile->in.n_channel * n_window,
                                .sum_unit = tile->out.height * tile->out.width * row};
    window_places(&pass, tile->out.width, conv_stride(tile, 1), 1);
    return pass;
}

/* Line y of `count` channels of the output, from channel u on. */
static void conv_forward_line(const chain_tile *tile, window_line *line, size_t u, size_t y) {
    const size_t width = tile->out.width;
    line->sums = tile->y + (u * tile->out.height + y) * width * tile->row;
    window_line_sums(line);
    for (size_t i = u; i < u + line->count; i++) {
        tile_activate(tile, (i * tile->out.height + y) * width, width);
    }
}

static costate_status conv_forward(const chain_tile *tile) {
    const costate_chain_layer *layer = tile->layer;
    const size_t n_out = layer->n_out, n_tap = conv_n_tap(tile), height = tile->in.height,
                 stride = conv_stride(tile, 0);
    const real *bias = layer->no_bias ? NULL : tile->p + n_out * n_tap;
    const window_pass pass = conv_forward_pass(tile);
    for (size_t y = 0; y < tile->out.height; y++) {
        const size_t top = y * stride, first = above(layer->padding[0], top);
        const size_t last = smaller(layer->kernel[0], above(height + layer->padding[0], top));
        const size_t n_line = above(last, first), source = n_line == 0 ? 0 : top + first - layer->padding[0];
        window_line line = {.pass = &pass,
                            .terms = window_lines(&pass.terms, n_line),
                            .source = tile->x + source * tile->in.width * tile->row};
        for (size_t u = 0; u < n_out; u += line.count) {
            line.count = window_share(n_out - u, WINDOW_GROUP);
            line.matrix = tile->p + u * n_tap + first * pass.terms.line_weight;
            line.init = bias == NULL ? window_zeros : bias + u;
            conv_forward_line(tile, &line, u, y);
        }
    }
    return COSTATE_OK;
}

/* Columns x, x + stride, … of the cotangent of the input: those that see the same columns of the window. */
static window_pass conv_input_pass(const chain_tile *tile, size_t x) {
    const costate_chain_layer *layer = tile->layer;
    const size_t row = tile->row, n_window = layer->kernel[0] * layer->kernel[1], stride = conv_stride(tile, 1);
    const size_t column = (x + layer->padding[1]) % stride;
    window_pass pass = {.row = row,
                        .n_column = (above(layer->kernel[1], column) + stride - 1) / stride,
                        .first = (ptrdiff_t)((x + layer->padding[1]) / stride),
                        .turn = -1,
                        .n_source = tile->out.width};
    pass.terms = (window_terms){.n_plane = layer->n_out,
                                .plane = (ptrdiff_t)(tile->out.height * tile->out.width * row),
                                .line = -(ptrdiff_t)(tile->out.width * row),
                                .column = -(ptrdiff_t)row,
                                .plane_weight = tile->in.n_channel * n_window,
                                .line_weight = conv_stride(tile, 0) * layer->kernel[1],
                                .column_weight = stride,
                                .unit_weight = n_window,
                                .sum_unit = tile->in.height * tile->in.width * row};
    window_places(&pass, (tile->in.width - x + stride - 1) / stride, 1, stride);
    return pass;
}

/* Line y of the cotangent of the input, at the columns of a pass that starts at x. */
static void conv_input_line(const chain_tile *tile, const window_pass *pass, size_t x, size_t y) {
    const costate_chain_layer *layer = tile->layer;
    const size_t stride = conv_stride(tile, 0), n_channel = tile->in.n_channel;
    const size_t n_window = layer->kernel[0] * layer->kernel[1];
    const size_t bottom = (y + layer->padding[0]) / stride, offset = (y + layer->padding[0]) % stride;
    const size_t n_line = (above(layer->kernel[0], offset) + stride - 1) / stride;
    const size_t first = above(bottom + 1, tile->out.height), last = smaller(n_line, bottom + 1);
    const size_t n_reached = above(last, first), column = (x + layer->padding[1]) % conv_stride(tile, 1);
    const size_t source = n_reached == 0 ? 0 : bottom - first;
    const size_t weight = n_reached == 0 ? 0 : (offset + first * stride) * layer->kernel[1] + column;
    window_line line = {.pass = pass,
                        .terms = window_lines(&pass->terms, n_reached),
                        .source = tile->v + source * tile->out.width * tile->row,
                        .init = window_zeros};
    for (size_t u = 0; u < n_channel; u += line.count) {
        line.count = window_share(n_channel - u, WINDOW_GROUP);
        line.matrix = tile->p + u * n_window + weight;
        line.sums = tile->xbar + ((u * tile->in.height + y) * tile->in.width + x) * tile->row;
        window_line_sums(&line);
    }
}

static void conv_input(const chain_tile *tile) {
    const size_t n_phase = smaller(conv_stride(tile, 1), tile->in.width);
    for (size_t x = 0; x < n_phase; x++) {
        const window_pass pass = conv_input_pass(tile, x);
        for (size_t y = 0; y < tile->in.height; y++) {
            conv_input_line(tile, &pass, x, y);
        }
    }
}

/* The input with its padding, which is copied where there is any. */
static tap_image conv_image(const chain_tile *tile, real *copy) {
    const costate_chain_layer *layer = tile->layer;
    const size_t row = tile->row, *padding = layer->padding;
    const tap_image image = {.x = padding[0] == 0 && padding[1] == 0 ? tile->x : copy,
                             .height = tile->in.height + 2 * padding[0],
                             .width = tile->in.width + 2 * padding[1],
                             .kernel = {layer->kernel[0], layer->kernel[1]},
                             .row = row};
    if (image.x == copy) {
        const size_t line = tile->in.width * row, plane = image.height * image.width * row;
        memset(copy, 0, tile->in.n_channel * plane * sizeof *copy);
        for (size_t c = 0; c < tile->in.n_channel; c++) {
            for (size_t y = 0; y < tile->in.height; y++) {
                memcpy(copy + c * plane + ((y + padding[0]) * image.width + padding[1]) * row,
                       tile->x + (c * tile->in.height + y) * line, line * sizeof *copy);
            }
        }
    }
    return image;
}

static vreal conv_row_sum(vreal sum, size_t n, const real *v) {
    for (size_t i = 0; i < n; i += VLANES) {
        sum = v_add(sum, v_load(v + i));
    }
    return sum;
}

static tap_walk conv_walk(const chain_tile *tile, const tap_image *image) {
    const size_t row = tile->row, stride[2] = {conv_stride(tile, 0), conv_stride(tile, 1)}, width = tile->out.width;
    const bool is_whole = stride[1] == 1;
    return (tap_walk){.n_run = is_whole ? 1 : width,
                      .n_vector = (is_whole ? width : 1) * row / VLANES,
                      .run_skip = is_whole ? 0 : (ptrdiff_t)((stride[1] - 1) * row),
                      .line_skip =
                          ((ptrdiff_t)(stride[0] * image->width) - (ptrdiff_t)(stride[1] * width)) * (ptrdiff_t)row,
                      .plane = tile->out.height * width * row,
                      .n_tap = conv_n_tap(tile)};
}

/* The gradient of `count` channels of parameters, from channel u on; their part of v goes through the activation. */
static void conv_weights(const chain_tile *tile, const tap_image *image, size_t u, size_t count, real *put_by) {
    const size_t height = tile->out.height, line = tile->out.width * tile->row, n_tap = conv_n_tap(tile);
    const size_t most = STRIP_BYTES / sizeof(real) / count / line;
    tap_walk walk = conv_walk(tile, image);
    vreal sum[WINDOW_GROUP + BATCH_GROUP];
    for (size_t k = 0; k < WINDOW_GROUP + BATCH_GROUP; k++) {
        sum[k] = v_zero();
    }
    for (size_t y = 0; y < height; y += walk.n_line) {
        walk.n_line = window_share(height - y, most == 0 ? 1 : most);
        walk.is_first = y == 0;
        walk.is_last = y + walk.n_line == height;
        const real *v = tile->v + (u * height + y) * line;
        for (size_t k = 0; k < count; k++) {
            tile_delta(tile, ((u + k) * tile->out.height + y) * tile->out.width, walk.n_line * tile->out.width);
            sum[k] = conv_row_sum(sum[k], walk.n_line * line, v + k * walk.plane);
        }
        tap_strip(image, &walk, count, image->x + y * conv_stride(tile, 0) * image->width * tile->row, v, put_by,
                  tile->pbar + u * n_tap);
    }
    if (!tile->layer->no_bias) {
        real *bias = tile->pbar + tile->layer->n_out * n_tap + u;
        for (size_t k = 0; k < count; k += BATCH_GROUP) {
            batch_add_sums(smaller(count - k, BATCH_GROUP), sum + k, 1, bias + k);
        }
    }
}

static costate_status conv_vjp(const chain_tile *tile) {
    const size_t n_out = tile->layer->n_out;
    if (tile->pbar == NULL) {
        tile_delta(tile, 0, tile_n_out(tile));
    } else {
        real *copy = tile->scratch + smaller(n_out, WINDOW_GROUP) * conv_n_tap(tile) * tile->row;
        const tap_image image = conv_image(tile, copy);
        for (size_t u = 0, count; u < n_out; u += count) {
            count = window_share(n_out - u, WINDOW_GROUP);
            conv_weights(tile, &image, u, count, tile->scratch);
        }
    }
    if (tile->xbar != NULL) {
        conv_input(tile);
    }
    return COSTATE_OK;
}

#endif
