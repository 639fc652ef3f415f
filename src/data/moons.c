/* SPDX-License-Identifier: MIT */
/* The two-moons points. */
#include <costate/moons.h>

#include "core/memory.h"
#include "core/message.h"
#include "data/moons_json.h"

struct costate_moons {
    costate_allocator alloc;
    size_t n;
    double *x;     /* n × 2 */
    double *label; /* n */
};

static bool check_labels(const double *label, size_t n, costate_message *message) {
    for (size_t i = 0; i < n; i++) {
        if (label[i] != 1.0 && label[i] != -1.0) {
            csi_message_write(message, "y[%zu]: %g is neither -1 nor 1", i, label[i]);
            return false;
        }
    }
    return true;
}

static costate_status fill(costate_moons *moons, const cJSON *object, costate_message *message) {
    if (!csi_moons_size(object, "n", &moons->n, message)) {
        return COSTATE_ERR_FORMAT;
    }
    const size_t n = moons->n;
    const cJSON *x = csi_moons_array(object, "", "X", message);
    const cJSON *y = x ? csi_moons_array(object, "", "y", message) : NULL;
    /* Before memory is asked for, so that it is not more than the text stands for. */
    if (!y || !csi_moons_has_length(x, n, "X", message)) {
        return COSTATE_ERR_FORMAT;
    }
    moons->x = csi_alloc(&moons->alloc, n, 2 * sizeof(*moons->x));
    moons->label = csi_alloc(&moons->alloc, n, sizeof(*moons->label));
    if (!moons->x || !moons->label) {
        return csi_say(message, COSTATE_ERR_MEMORY, "no memory for the points");
    }
    return csi_moons_matrix(x, n, 2, "X", moons->x, message) && csi_moons_numbers(y, n, "y", moons->label, message) &&
                   check_labels(moons->label, n, message)
               ? COSTATE_OK
               : COSTATE_ERR_FORMAT;
}

/* Takes the object over. */
static costate_status make(cJSON *object, const costate_allocator *alloc, costate_moons **moons,
                           costate_message *message) {
    costate_status status = COSTATE_OK;
    costate_moons *made = csi_alloc(alloc, 1, sizeof(*made));
    if (made) {
        made->alloc = *alloc;
        status = fill(made, object, message);
    } else {
        status = csi_say(message, COSTATE_ERR_MEMORY, "no memory for the points");
    }
    cJSON_Delete(object);
    if (status != COSTATE_OK) {
        costate_moons_destroy(made);
        return status;
    }
    *moons = made;
    return COSTATE_OK;
}

costate_status costate_moons_parse(const char *text, size_t n_bytes, const costate_moons_options *options,
                                   const costate_allocator *alloc, costate_moons **moons, costate_message *message) {
    cJSON *object;
    csi_message_clear(message);
    if (!moons) {
        return csi_say(message, COSTATE_ERR_NULL, "moons is NULL");
    }
    *moons = NULL;
    const costate_allocator hooks = csi_allocator(alloc);
    const costate_status status = csi_moons_json_parse(text, n_bytes, options, &hooks, &object, message);
    return status == COSTATE_OK ? make(object, &hooks, moons, message) : status;
}

costate_status costate_moons_read(const char *path, const costate_moons_options *options,
                                  const costate_allocator *alloc, costate_moons **moons, costate_message *message) {
    cJSON *object;
    size_t n_bytes;
    csi_message_clear(message);
    if (!moons) {
        return csi_say(message, COSTATE_ERR_NULL, "moons is NULL");
    }
    *moons = NULL;
    const costate_allocator hooks = csi_allocator(alloc);
    costate_status status = csi_moons_json_read(path, options, &hooks, &object, &n_bytes, message);
    if (status == COSTATE_OK) {
        status = make(object, &hooks, moons, message);
    }
    csi_message_name_file(message, path);
    return status;
}

void costate_moons_destroy(costate_moons *moons) {
    if (moons) {
        const costate_allocator hooks = moons->alloc;
        csi_release(&hooks, moons->x);
        csi_release(&hooks, moons->label);
        csi_release(&hooks, moons);
    }
}

size_t costate_moons_n_point(const costate_moons *moons) { return moons ? moons->n : 0; }

const double *costate_moons_x(const costate_moons *moons) { return moons ? moons->x : NULL; }

const double *costate_moons_label(const costate_moons *moons) { return moons ? moons->label : NULL; }
