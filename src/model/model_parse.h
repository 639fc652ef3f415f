/* SPDX-License-Identifier: MIT */
/* A model file while it is read. */
#ifndef CSI_MODEL_PARSE_H
#define CSI_MODEL_PARSE_H

#include "model/json.h"
#include "model/model_internal.h"
#include <costate/safetensors.h>

typedef struct csi_model_reader {
    const costate_safetensors *file;
    costate_model *model;
    costate_message *message;
    bool *used; /* of every tensor: it belongs to a part */
} csi_model_reader;

/*
 * The elements of the tensor with this name, which must be of type F64 and have this shape; NULL, with *status and a message, when it is not
 * there or is another. Marks it as used.
 */
const double *csi_model_take(const csi_model_reader *r, const char *name, size_t n_dim, const size_t *shape,
                             costate_status *status);

/* Adds the network that a JSON object describes, with its tensors. */
costate_status csi_model_read_net(const csi_model_reader *r, const cJSON *object);

#endif
