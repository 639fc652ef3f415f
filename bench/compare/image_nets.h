/* SPDX-License-Identifier: MIT */
/* Networks that classify images of 28 × 28 into ten classes. */
#ifndef BENCH_IMAGE_NETS_H
#define BENCH_IMAGE_NETS_H

#include <costate/chain.h>

enum { IMAGE_SIDE = 28, IMAGE_PIXELS = IMAGE_SIDE * IMAGE_SIDE, IMAGE_CLASSES = 10, IMAGE_NET_MAX_LAYER = 8 };

typedef struct image_net {
    const char *name;
    size_t n_layer;
    costate_chain_layer layers[IMAGE_NET_MAX_LAYER];
    size_t n_param; /* that it must have */
} image_net;

/* LeCun, Bottou, Bengio & Haffner, Proc. IEEE 86, 1998, with relu and max pooling. */
image_net image_net_lenet5(void);

/* Three padded convolutions of 3 × 3. */
image_net image_net_padded(void);

/* False if the chain cannot be made or has another number of parameters. */
bool image_net_create(const image_net *net, costate_chain **chain);

#endif
