/* SPDX-License-Identifier: MIT */
/* UDEs: creation from a specification, and destruction. */
#include "ude/ude_check.h"
#include "ude/ude_internal.h"

#include "core/memory.h"

#include <stdint.h>
#include <string.h>

/* *copy = n elements of `size` bytes; nothing for NULL. */
static bool copy_array(const costate_ude *ude, const void *from, size_t n, size_t size, void **copy) {
    if (from == NULL) {
        return true;
    }
    *copy = csi_alloc(&ude->alloc, n, size);
    if (*copy != NULL) {
        memcpy(*copy, from, n * size);
    }
    return *copy != NULL;
}

static bool copy_doubles(const costate_ude *ude, const double *from, size_t n, double **copy) {
    void *block = NULL;
    const bool done = copy_array(ude, from, n, sizeof *from, &block);
    *copy = block;
    return done;
}

/* States, then parameters, then times, in each the order given: loops over them need not ask which they are. */
static void sort_inputs(csi_ude_net *net, const costate_ude_input *inputs) {
    static const costate_ude_source order[] = {COSTATE_UDE_STATE, COSTATE_UDE_THETA, COSTATE_UDE_TIME};
    size_t at = 0;
    for (size_t pass = 0; pass < 3; pass++) {
        for (size_t k = 0; k < net->n_input; k++) {
            if (inputs[k].source == order[pass]) {
                net->to[at] = k;
                net->from[at++] = order[pass] == COSTATE_UDE_TIME ? 0 : inputs[k].index;
            }
        }
        net->n_state = pass == 0 ? at : net->n_state;
        net->n_theta = pass == 1 ? at - net->n_state : net->n_theta;
    }
    net->first = net->from[0];
    net->is_run = net->matrix == NULL && net->n_state == net->n_input;
    for (size_t k = 0; k < net->n_state; k++) {
        net->is_run = net->is_run && net->from[k] == net->first + k;
    }
}

static bool build_net(const costate_ude *ude, const costate_ude_net *spec, csi_ude_net *net) {
    net->net = spec->net;
    net->kernels = spec->net->kernels->f64;
    net->n_input = spec->n_input;
    net->to = csi_alloc(&ude->alloc, net->n_input, sizeof *net->to);
    net->from = csi_alloc(&ude->alloc, net->n_input, sizeof *net->from);
    if (net->to == NULL || net->from == NULL ||
        !copy_doubles(ude, spec->matrix, spec->net->n_in * spec->n_input, &net->matrix)) {
        return false;
    }
    sort_inputs(net, spec->inputs);
    return true;
}

/* Parameters and outputs of the networks one behind the other; false if they do not fit. */
static bool place_nets(costate_ude *ude) {
    const size_t limit = (size_t)PTRDIFF_MAX / sizeof(double);
    ude->n_p = ude->mechanism.given.n_theta;
    for (size_t k = 0; k < ude->n_net; k++) {
        csi_ude_net *net = &ude->nets[k];
        net->weights = ude->n_p;
        net->out = ude->n_u;
        if (!csi_size_add(ude->n_p, net->net->n_param, &ude->n_p) || ude->n_p > limit) {
            return false;
        }
        ude->n_u += net->net->n_out;
    }
    return ude->n_p <= limit;
}

static costate_status build_names(costate_ude *ude, const char *const *theta_name) {
    const size_t n = ude->mechanism.given.n_theta;
    if (theta_name == NULL || n == 0) {
        return COSTATE_OK;
    }
    ude->theta_name = csi_alloc(&ude->alloc, n, sizeof *ude->theta_name);
    for (size_t k = 0; ude->theta_name != NULL && k < n; k++) {
        memcpy(ude->theta_name[k], theta_name[k], strlen(theta_name[k]));
    }
    return ude->theta_name != NULL ? COSTATE_OK : COSTATE_ERR_MEMORY;
}

/* COSTATE_ERR_ARGUMENT if an index is there twice. */
static costate_status check_repeated(const costate_ude *ude) {
    if (ude->index == NULL) {
        return COSTATE_OK;
    }
    const bool of_theta = ude->form == COSTATE_UDE_REPLACE;
    bool *seen = csi_alloc(&ude->alloc, of_theta ? ude->mechanism.given.n_theta : ude->mechanism.given.n_y, 1);
    if (seen == NULL) {
        return COSTATE_ERR_MEMORY;
    }
    bool repeated = false;
    for (size_t j = 0; j < ude->n_u; j++) {
        repeated = repeated || seen[ude->index[j]];
        seen[ude->index[j]] = true;
    }
    csi_release(&ude->alloc, seen);
    return repeated ? COSTATE_ERR_ARGUMENT : COSTATE_OK;
}

static costate_status build(costate_ude *ude, const costate_ude_spec *spec) {
    ude->mechanism.given = spec->mechanism;
    ude->form = spec->form;
    ude->calls = csi_form_calls_of(spec->form);
    ude->nets = csi_alloc(&ude->alloc, spec->n_net, sizeof *ude->nets);
    if (ude->nets == NULL) {
        return COSTATE_ERR_MEMORY;
    }
    ude->n_net = spec->n_net;
    for (size_t k = 0; k < spec->n_net; k++) {
        if (!build_net(ude, &spec->nets[k], &ude->nets[k])) {
            return COSTATE_ERR_MEMORY;
        }
    }
    if (!place_nets(ude) || !csi_ude_plan(ude)) {
        return COSTATE_ERR_OVERFLOW;
    }
    const costate_mechanism *g = &ude->mechanism.given;
    void *index = NULL;
    const bool copied =
        (!csi_ude_has_matrix(spec->form) || copy_doubles(ude, spec->matrix, g->n_y * ude->n_u, &ude->matrix)) &&
        (!csi_ude_has_index(spec->form) || copy_array(ude, spec->index, ude->n_u, sizeof *spec->index, &index)) &&
        copy_doubles(ude, spec->typical, csi_mechanism_n(&ude->mechanism), &ude->mechanism.typical);
    ude->index = index;
    if (!copied) {
        return COSTATE_ERR_MEMORY;
    }
    csi_mechanism_complete(&ude->mechanism);
    const costate_status status = check_repeated(ude);
    return status != COSTATE_OK ? status : build_names(ude, spec->theta_name);
}

costate_status costate_ude_create(const costate_ude_spec *spec, const costate_allocator *alloc, costate_ude **ude) {
    if (ude == NULL) {
        return COSTATE_ERR_NULL;
    }
    *ude = NULL;
    if (spec == NULL) {
        return COSTATE_ERR_NULL;
    }
    costate_status status = csi_ude_check(spec);
    if (status != COSTATE_OK) {
        return status;
    }
    const costate_allocator hooks = csi_allocator(alloc);
    costate_ude *made = csi_alloc(&hooks, 1, sizeof *made);
    if (made == NULL) {
        return COSTATE_ERR_MEMORY;
    }
    made->alloc = hooks;
    status = build(made, spec);
    if (status != COSTATE_OK) {
        costate_ude_destroy(made);
        return status;
    }
    *ude = made;
    return COSTATE_OK;
}

void costate_ude_destroy(costate_ude *ude) {
    if (ude == NULL) {
        return;
    }
    const costate_allocator hooks = ude->alloc;
    for (size_t k = 0; k < ude->n_net; k++) {
        csi_release(&hooks, ude->nets[k].to);
        csi_release(&hooks, ude->nets[k].from);
        csi_release(&hooks, ude->nets[k].matrix);
    }
    csi_release(&hooks, ude->nets);
    csi_release(&hooks, ude->matrix);
    csi_release(&hooks, ude->index);
    csi_release(&hooks, ude->theta_name);
    csi_release(&hooks, ude->mechanism.typical);
    csi_release(&hooks, ude);
}
