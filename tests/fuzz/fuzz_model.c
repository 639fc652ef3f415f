/* SPDX-License-Identifier: MIT */
/* Any bytes as a safetensors file and as a model file: what is accepted can be written and read again, the rest is refused with a reason. */
#include "fuzz_target.h"

#include <costate/model.h>
#include <costate/safetensors.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static void check_tensors(const uint8_t *data, size_t size) {
    costate_safetensors *file;
    costate_message message;
    const costate_status status = costate_safetensors_parse(data, size, NULL, NULL, &file, &message);
    FUZZ_CHECK((file != NULL) == (status == COSTATE_OK));
    FUZZ_CHECK((strlen(message.text) > 0) == (status != COSTATE_OK));
    const size_t n = costate_safetensors_n_tensor(file);
    const size_t n_metadata = costate_safetensors_n_metadata(file);
    costate_tensor *tensors = malloc((n + 1) * sizeof(*tensors));
    costate_metadata *metadata = malloc((n_metadata + 1) * sizeof(*metadata));
    FUZZ_CHECK(tensors && metadata);
    for (size_t k = 0; k < n; k++) {
        size_t found;
        FUZZ_CHECK(costate_safetensors_tensor(file, k, &tensors[k]) == COSTATE_OK);
        FUZZ_CHECK(costate_safetensors_find(file, tensors[k].name, &found) == COSTATE_OK && found == k);
    }
    for (size_t k = 0; k < n_metadata; k++) {
        FUZZ_CHECK(costate_safetensors_metadata(file, k, &metadata[k]) == COSTATE_OK);
    }
    if (file) {
        void *bytes;
        size_t n_bytes;
        costate_safetensors *back;
        FUZZ_CHECK(costate_safetensors_format(n, tensors, n_metadata, metadata, NULL, &bytes, &n_bytes, NULL) ==
                   COSTATE_OK);
        FUZZ_CHECK(costate_safetensors_parse(bytes, n_bytes, NULL, NULL, &back, NULL) == COSTATE_OK);
        FUZZ_CHECK(costate_safetensors_n_tensor(back) == n && costate_safetensors_n_metadata(back) == n_metadata);
        costate_safetensors_destroy(back);
        free(bytes);
    }
    free(tensors);
    free(metadata);
    costate_safetensors_destroy(file);
}

static void check_networks(const costate_model *model) {
    for (size_t k = 0; k < costate_model_n_net(model); k++) {
        costate_model_net net;
        FUZZ_CHECK(costate_model_net_at(model, k, &net) == COSTATE_OK);
        const size_t n = costate_net_n_param(net.net);
        double *p = malloc((n + 1) * sizeof(*p));
        FUZZ_CHECK(p && costate_net_export_f64(net.net, COSTATE_ORDER_ROW_MAJOR, net.p, p) == COSTATE_OK);
        free(p);
    }
}

static void check_model(const uint8_t *data, size_t size) {
    costate_model *model;
    costate_message message;
    const costate_status status = costate_model_parse(data, size, NULL, &model, &message);
    FUZZ_CHECK((model != NULL) == (status == COSTATE_OK));
    FUZZ_CHECK((strlen(message.text) > 0) == (status != COSTATE_OK));
    check_networks(model);
    if (model) {
        void *bytes[2];
        size_t n_bytes[2];
        costate_model *back;
        FUZZ_CHECK(costate_model_format(model, &bytes[0], &n_bytes[0], NULL) == COSTATE_OK);
        FUZZ_CHECK(costate_model_parse(bytes[0], n_bytes[0], NULL, &back, NULL) == COSTATE_OK);
        FUZZ_CHECK(costate_model_format(back, &bytes[1], &n_bytes[1], NULL) == COSTATE_OK);
        FUZZ_CHECK(n_bytes[0] == n_bytes[1] && memcmp(bytes[0], bytes[1], n_bytes[0]) == 0);
        costate_model_destroy(back);
        free(bytes[0]);
        free(bytes[1]);
    }
    costate_model_destroy(model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    check_tensors(data, size);
    check_model(data, size);
    return 0;
}

#ifdef COSTATE_LIBFUZZER
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

/* Mostly changes the header alone and lets its length be right: else hardly an input came further than the length. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed) {
    enum { LENGTH_BYTES = 8, MAX_HEADER = 4096 };
    uint64_t length = 0;
    uint8_t header[MAX_HEADER];
    for (size_t b = 0; b < LENGTH_BYTES && size >= LENGTH_BYTES; b++) {
        length |= (uint64_t)data[b] << (8 * b);
    }
    if (seed % 4 == 0 || size <= LENGTH_BYTES || length > size - LENGTH_BYTES || length > MAX_HEADER) {
        return LLVMFuzzerMutate(data, size, max_size);
    }
    const size_t n_element_bytes = size - LENGTH_BYTES - (size_t)length;
    const size_t room = max_size - LENGTH_BYTES - n_element_bytes;
    memcpy(header, data + LENGTH_BYTES, (size_t)length);
    const size_t n = LLVMFuzzerMutate(header, (size_t)length, room < MAX_HEADER ? room : MAX_HEADER);
    memmove(data + LENGTH_BYTES + n, data + LENGTH_BYTES + length, n_element_bytes);
    memcpy(data + LENGTH_BYTES, header, n);
    for (size_t b = 0; b < LENGTH_BYTES; b++) {
        data[b] = (uint8_t)((uint64_t)n >> (8 * b));
    }
    return LENGTH_BYTES + n + n_element_bytes;
}
#endif
