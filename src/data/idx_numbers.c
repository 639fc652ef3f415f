/* SPDX-License-Identifier: MIT */
/* Elements of an IDX file: their types, their byte order, and as numbers. */
#include "data/idx_array.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

size_t costate_idx_type_bytes(costate_idx_type type) {
    switch (type) {
#define TYPE_BYTES(name, value, text, type)                                                                            \
    case COSTATE_IDX_##name: return sizeof(type);
        COSTATE_IDX_TYPE_LIST(TYPE_BYTES)
#undef TYPE_BYTES
    default: return 0;
    }
}

const char *costate_idx_type_name(costate_idx_type type) {
    switch (type) {
#define TYPE_NAME(name, value, text, type)                                                                             \
    case COSTATE_IDX_##name: return text;
        COSTATE_IDX_TYPE_LIST(TYPE_NAME)
#undef TYPE_NAME
    default: return "unknown";
    }
}

static uint64_t big_endian(const unsigned char *bytes, size_t n) {
    uint64_t value = 0;
    for (size_t b = 0; b < n; b++) {
        value = value << 8 | bytes[b];
    }
    return value;
}

void csi_from_big_endian(unsigned char *elements, size_t n, size_t element_bytes) {
    for (size_t i = 0; i < n && element_bytes > 1; i++) {
        unsigned char *at = elements + i * element_bytes;
        const uint64_t u64 = big_endian(at, element_bytes);
        const uint32_t u32 = (uint32_t)u64;
        const uint16_t u16 = (uint16_t)u64;
        if (element_bytes == 8) {
            memcpy(at, &u64, 8);
        } else if (element_bytes == 4) {
            memcpy(at, &u32, 4);
        } else {
            memcpy(at, &u16, 2);
        }
    }
}

static costate_status check(const costate_idx *idx, size_t first, size_t n, double scale, const void *x) {
    if (!idx || !x) {
        return COSTATE_ERR_NULL;
    }
    return first > idx->n_element || n > idx->n_element - first || !isfinite(scale) ? COSTATE_ERR_ARGUMENT : COSTATE_OK;
}

/* One loop for each type of the elements. */
#define NUMBERS(name, value, text, type)                                                                               \
    case COSTATE_IDX_##name:                                                                                           \
        for (size_t i = 0; i < n; i++) {                                                                               \
            x[i] = (RESULT)(scale * (double)((const type *)(const void *)idx->elements)[first + i]);                   \
        }                                                                                                              \
        break;

costate_status costate_idx_numbers_f64(const costate_idx *idx, size_t first, size_t n, double scale, double *x) {
    const costate_status status = check(idx, first, n, scale, x);
    if (status != COSTATE_OK) {
        return status;
    }
#define RESULT double
    switch (idx->type) { COSTATE_IDX_TYPE_LIST(NUMBERS) }
#undef RESULT
    return COSTATE_OK;
}

costate_status costate_idx_numbers_f32(const costate_idx *idx, size_t first, size_t n, double scale, float *x) {
    const costate_status status = check(idx, first, n, scale, x);
    if (status != COSTATE_OK) {
        return status;
    }
#define RESULT float
    switch (idx->type) { COSTATE_IDX_TYPE_LIST(NUMBERS) }
#undef RESULT
    return COSTATE_OK;
}
