/* SPDX-License-Identifier: MIT */
/* A model with everything that a model can have. */
#ifndef MODEL_FIXTURE_H
#define MODEL_FIXTURE_H

#include <costate/model.h>

/* Most inputs and outputs of its networks. */
enum { MODEL_FIXTURE_MAX_WIDTH = 4 };

/*
 * Networks "net0" (3-5-2-4 with all scales and shifts, both orders of weights, a layer without bias, accurate) and "n" (1-1, plain), blocks
 * "theta" with names and "other" without, two states, three texts. *model is what there is of it, also after a failure.
 */
costate_status model_fixture_try(const costate_allocator *alloc, costate_model **model);

/* The same; the program ends when it fails. */
costate_model *model_fixture_create(const costate_allocator *alloc);

/* What is not the same in both, bit for bit; NULL when everything is. Only the order of texts does not matter. */
const char *model_fixture_difference(const costate_model *a, const costate_model *b);

#endif
