/* SPDX-License-Identifier: MIT */
/* The parts of a model, and what filling, writing and reading one share. */
#ifndef CSI_MODEL_INTERNAL_H
#define CSI_MODEL_INTERNAL_H

#include <costate/model.h>
#include <stdbool.h>

/* Version of the file, and the keys of its metadata. */
#define CSI_MODEL_FORMAT "1"
#define CSI_MODEL_PREFIX "costate."
#define CSI_MODEL_KEY_FORMAT "costate.format"
#define CSI_MODEL_KEY_VERSION "costate.version"
#define CSI_MODEL_KEY_NETS "costate.nets"
#define CSI_MODEL_KEY_BLOCKS "costate.blocks"
#define CSI_MODEL_KEY_STATES "costate.states"

/* Room for "<name of 63 bytes>.layer<20 digits>.weight". */
enum { CSI_TENSOR_NAME_BYTES = 128 };

typedef struct csi_model_net {
    char *name;
    costate_net *net;
    costate_layer_spec *layers;
    double *affine[4]; /* in_scale, in_shift, out_scale, out_shift, NULL where the specification has none */
    costate_net_spec spec;
    double *p;
} csi_model_net;

typedef struct csi_model_block {
    char *name;
    char **names; /* one block of memory, or NULL */
    double *x;
    size_t n;
} csi_model_block;

typedef struct csi_model_text {
    char *key, *value;
} csi_model_text;

/* Pointers that grow in number. */
typedef struct csi_list {
    void **items;
    size_t n, capacity;
} csi_list;

struct costate_model {
    costate_allocator alloc;
    csi_list nets;   /* of csi_model_net */
    csi_list blocks; /* of csi_model_block */
    csi_list texts;  /* of csi_model_text */
    char **states;   /* one block of memory, or NULL */
    size_t n_state;
    char *version; /* of the library that wrote the file, or NULL */
};

static inline csi_model_net *csi_model_net_of(const costate_model *model, size_t k) { return model->nets.items[k]; }

static inline csi_model_block *csi_model_block_of(const costate_model *model, size_t k) {
    return model->blocks.items[k];
}

static inline csi_model_text *csi_model_text_of(const costate_model *model, size_t k) { return model->texts.items[k]; }

/* NULL when there is none. */
csi_model_net *csi_model_find_net(const costate_model *model, const char *name);
csi_model_block *csi_model_find_block(const costate_model *model, const char *name);

/* Room for one more pointer; false when there is no memory. */
bool csi_list_reserve(const costate_allocator *alloc, csi_list *list);

/* Copies; NULL when there is no memory. That of n texts is one block of memory. */
char *csi_copy_text(const costate_allocator *alloc, const char *text);
char **csi_copy_texts(const costate_allocator *alloc, size_t n, const char *const *texts);

/* Release the part itself too; accept NULL and half-built ones. */
void csi_model_net_destroy(const costate_allocator *alloc, csi_model_net *net);
void csi_model_block_destroy(const costate_allocator *alloc, csi_model_block *block);
void csi_model_text_destroy(const costate_allocator *alloc, csi_model_text *text);

/* costate_model_set_net() with parameters in either layout: every matrix row-major, or the library's. */
costate_status csi_model_put_net(costate_model *model, const char *name, const costate_net_spec *spec, const double *p,
                                 bool row_major, costate_message *message);

/* costate_model_set_text() for a key that is known to be new. */
costate_status csi_model_add_text(costate_model *model, const char *key, const char *value, costate_message *message);

#endif
