/* SPDX-License-Identifier: MIT */
/* Arrays of either precision against inaccessible memory. */
#include "placed_array.h"

#include <string.h>

placed place(const net_calls *calls, const double *values, size_t n) {
    size_t size = calls->real == NET_F64 ? sizeof(double) : sizeof(float),
           shift = calls->placement == PLACE_OFFSET ? size : 0;
    placed array = {.n = n, .real = calls->real};
    array.buffer = guard_create(n * size + shift, calls->placement == PLACE_START ? GUARD_BEFORE : GUARD_AFTER);
    array.data = (unsigned char *)array.buffer.data + shift;
    memset(array.data, 0xff, n * size);
    for (size_t i = 0; values && i < n; i++) {
        if (calls->real == NET_F64) {
            ((double *)array.data)[i] = values[i];
        } else {
            ((float *)array.data)[i] = (float)values[i];
        }
    }
    return array;
}

double *values_of(const placed *array) {
    double *values = doubles(array->n);
    for (size_t i = 0; i < array->n; i++) {
        values[i] = array->real == NET_F64 ? ((const double *)array->data)[i] : (double)((const float *)array->data)[i];
    }
    return values;
}
