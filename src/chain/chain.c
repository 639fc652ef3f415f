/* SPDX-License-Identifier: MIT */
/* Chains of layers: creation and release. */
#include "chain/chain_internal.h"
#include "core/memory.h"
#include "core/message.h"

/* A layer that says its own kernels, or gets the library's. */
static void take_calls(csi_chain_link *link, const csi_chain_kernels *kernels) {
    const costate_chain_kind *kind = link->layer.kind;
    const csi_kind_index index = csi_kind_find(kind);
    if (index < CSI_N_KIND) {
        link->f64 = kernels->f64[index];
        link->f32 = kernels->f32[index];
    } else {
        link->f64 = (csi_chain_calls_f64){kind->forward_f64, kind->vjp_f64};
        link->f32 = (csi_chain_calls_f32){kind->forward_f32, kind->vjp_f32};
    }
}

/* Counts the parameters and checks what the plan of a user's kind says. */
static costate_status count_parameters(csi_chain_link *link) {
    const costate_chain_plan *plan = &link->plan;
    const costate_shape out = plan->out;
    if (link->n_out == 0 && out.n_channel > 0 && out.height > 0 && out.width > 0) {
        return COSTATE_ERR_OVERFLOW;
    }
    if (plan->n_block > COSTATE_CHAIN_MAX_BLOCK || link->n_out == 0 || (plan->is_view && link->n_out != link->n_in)) {
        return COSTATE_ERR_SIZE;
    }
    for (size_t i = 0; i < plan->n_block; i++) {
        if (plan->block[i].length == 0 || plan->block[i].name == NULL) {
            return COSTATE_ERR_SIZE;
        }
        if (!csi_size_add(link->n_param, plan->block[i].length, &link->n_param)) {
            return COSTATE_ERR_OVERFLOW;
        }
    }
    return COSTATE_OK;
}

static costate_status plan_layer(csi_chain_link *link, costate_shape in) {
    link->in = in;
    link->n_in = costate_shape_size(in);
    const costate_status status = link->layer.kind->plan(&link->layer, in, &link->plan);
    if (status != COSTATE_OK) {
        return status;
    }
    link->n_out = costate_shape_size(link->plan.out);
    return count_parameters(link);
}

/* Adds the layer's sizes to those of the chain. */
static bool add_sizes(costate_chain *chain, csi_chain_link *link) {
    const costate_chain_plan *plan = &link->plan;
    link->x_row = link == chain->links ? 0 : link[-1].y_row;
    link->y_row = plan->is_view ? link->x_row : chain->n_value_row;
    link->kept_row = chain->n_value_row + (plan->is_view ? 0 : link->n_out);
    link->offset = chain->n_param;
    chain->n_block += plan->n_block;
    chain->n_widest = link->n_out > chain->n_widest ? link->n_out : chain->n_widest;
    chain->n_scratch = plan->n_scratch > chain->n_scratch ? plan->n_scratch : chain->n_scratch;
    return csi_size_add(chain->n_param, link->n_param, &chain->n_param) &&
           csi_size_add(chain->n_value_row, plan->n_kept, &chain->n_value_row) &&
           (plan->is_view || csi_size_add(chain->n_value_row, link->n_out, &chain->n_value_row));
}

static costate_status plan_layers(costate_chain *chain, costate_shape in, const costate_chain_layer *layers,
                                  const csi_chain_kernels *kernels, costate_message *message) {
    costate_shape shape = in;
    chain->n_in = chain->n_widest = chain->n_value_row = costate_shape_size(in);
    for (size_t i = 0; i < chain->n_link; i++) {
        csi_chain_link *link = &chain->links[i];
        link->layer = layers[i];
        if (link->layer.kind == NULL || link->layer.kind->plan == NULL) {
            return csi_say(message, COSTATE_ERR_NULL, "layer %zu has no kind", i);
        }
        const costate_status status = plan_layer(link, shape);
        if (status != COSTATE_OK) {
            return csi_say(message, status, "layer %zu (%s) on %zu x %zu x %zu: %s", i, link->layer.kind->name,
                           shape.n_channel, shape.height, shape.width, costate_status_message(status));
        }
        if (!add_sizes(chain, link)) {
            return csi_say(message, COSTATE_ERR_OVERFLOW, "layer %zu (%s): the sizes of the chain do not fit", i,
                           link->layer.kind->name);
        }
        take_calls(link, kernels);
        shape = link->plan.out;
    }
    chain->n_out = costate_shape_size(shape);
    return COSTATE_OK;
}

static costate_status check_request(costate_shape in, size_t n_layer, const costate_chain_layer *layers,
                                    costate_chain **chain, costate_message *message) {
    csi_message_clear(message);
    if (chain == NULL) {
        return csi_say(message, COSTATE_ERR_NULL, "chain is NULL");
    }
    *chain = NULL;
    if (layers == NULL) {
        return csi_say(message, COSTATE_ERR_NULL, "layers is NULL");
    }
    if (n_layer == 0) {
        return csi_say(message, COSTATE_ERR_ARGUMENT, "there is no layer");
    }
    if (in.n_channel == 0 || in.height == 0 || in.width == 0) {
        return csi_say(message, COSTATE_ERR_ARGUMENT, "an input of %zu x %zu x %zu has no element", in.n_channel,
                       in.height, in.width);
    }
    if (costate_shape_size(in) == 0) {
        return csi_say(message, COSTATE_ERR_OVERFLOW, "the elements of the input cannot be counted");
    }
    return COSTATE_OK;
}

costate_status costate_chain_create(costate_shape in, size_t n_layer, const costate_chain_layer *layers,
                                    const costate_allocator *alloc, costate_chain **chain, costate_message *message) {
    csi_chain_kernels kernels;
    costate_status status = check_request(in, n_layer, layers, chain, message);
    if (status != COSTATE_OK) {
        return status;
    }
    status = csi_chain_kernels_select(&kernels);
    if (status != COSTATE_OK) {
        return csi_say(message, status, "COSTATE_ISA: %s", costate_status_message(status));
    }
    const costate_allocator memory = csi_allocator(alloc);
    costate_chain *made = csi_alloc(&memory, 1, sizeof *made);
    if (made == NULL) {
        return csi_say(message, COSTATE_ERR_MEMORY, "no memory for a chain");
    }
    made->alloc = memory;
    made->n_link = n_layer;
    made->links = csi_alloc(&memory, n_layer, sizeof *made->links);
    status = made->links == NULL ? csi_say(message, COSTATE_ERR_MEMORY, "no memory for %zu layers", n_layer)
                                 : plan_layers(made, in, layers, &kernels, message);
    if (status != COSTATE_OK) {
        costate_chain_destroy(made);
        return status;
    }
    *chain = made;
    return COSTATE_OK;
}

void costate_chain_destroy(costate_chain *chain) {
    if (chain != NULL) {
        const costate_allocator alloc = chain->alloc;
        csi_release(&alloc, chain->links);
        csi_release(&alloc, chain);
    }
}
