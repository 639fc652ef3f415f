/* SPDX-License-Identifier: MIT */
/*
 * safetensors_probe write <tensors> <model>   writes tensors of every type, and the model of model_fixture.h
 * safetensors_probe read <tensors> <model>    fails unless the files, written again by another program, hold the same
 */
#include "model_fixture.h"

#include <costate/model.h>
#include <costate/safetensors.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double f64[] = {0.1, -0.0, 5e-324, 1e300, 1.0 / 3.0, -2.0};
static const float f32[] = {0.1F, -0.0F, 1e-45F};
static const int64_t i64[] = {INT64_MIN, INT64_MAX, -2};
static const int32_t i32[] = {INT32_MIN, INT32_MAX, -2, 258};
static const uint8_t u8[] = {0, 127, 255};

static const costate_tensor tensors[] = {
    {.name = "u8", .dtype = COSTATE_DTYPE_U8, .n_dim = 1, .shape = {3}, .data = u8},
    {.name = "f64", .dtype = COSTATE_DTYPE_F64, .n_dim = 2, .shape = {2, 3}, .data = f64},
    {.name = "f32", .dtype = COSTATE_DTYPE_F32, .n_dim = 3, .shape = {1, 3, 1}, .data = f32},
    {.name = "i64", .dtype = COSTATE_DTYPE_I64, .n_dim = 1, .shape = {3}, .data = i64},
    {.name = "i32", .dtype = COSTATE_DTYPE_I32, .n_dim = 2, .shape = {2, 2}, .data = i32},
    {.name = "scalar", .dtype = COSTATE_DTYPE_F64, .data = f64},
    {.name = "none", .dtype = COSTATE_DTYPE_F64, .n_dim = 2, .shape = {0, 3}},
};
enum { N_TENSOR = sizeof(tensors) / sizeof(tensors[0]) };
static const size_t sizes[N_TENSOR] = {sizeof(u8), sizeof(f64), sizeof(f32), sizeof(i64), sizeof(i32), 8, 0};
static const costate_metadata metadata[] = {{"key", "va\"l\\ue\n\t\xCE\xB8"}, {"empty", ""}};

static int complain(const char *what, const char *why) {
    (void)fprintf(stderr, "%s: %s\n", what, why);
    return EXIT_FAILURE;
}

static int write_files(const char *tensor_path, const char *model_path) {
    costate_message message;
    costate_model *model = model_fixture_create(NULL);
    if (costate_safetensors_save(tensor_path, N_TENSOR, tensors, 2, metadata, NULL, &message) != COSTATE_OK ||
        costate_model_save(model, model_path, &message) != COSTATE_OK) {
        return complain("write", message.text);
    }
    costate_model_destroy(model);
    return EXIT_SUCCESS;
}

static int compare_tensors(const costate_safetensors *file) {
    if (costate_safetensors_n_tensor(file) != N_TENSOR || costate_safetensors_n_metadata(file) != 2) {
        return complain("read", "the number of tensors or metadata");
    }
    for (size_t k = 0; k < N_TENSOR; k++) {
        size_t at;
        costate_tensor back;
        if (costate_safetensors_find(file, tensors[k].name, &at) != COSTATE_OK ||
            costate_safetensors_tensor(file, at, &back) != COSTATE_OK || back.dtype != tensors[k].dtype ||
            back.n_dim != tensors[k].n_dim || memcmp(back.shape, tensors[k].shape, sizeof(back.shape)) != 0 ||
            (sizes[k] > 0 && memcmp(back.data, tensors[k].data, sizes[k]) != 0)) {
            return complain("read", tensors[k].name);
        }
    }
    for (size_t k = 0; k < 2; k++) {
        const char *value = costate_safetensors_value(file, metadata[k].key);
        if (!value || strcmp(value, metadata[k].value) != 0) {
            return complain("read", metadata[k].key);
        }
    }
    return EXIT_SUCCESS;
}

static int read_files(const char *tensor_path, const char *model_path) {
    costate_message message;
    costate_safetensors *file;
    costate_model *back;
    if (costate_safetensors_load(tensor_path, NULL, NULL, &file, &message) != COSTATE_OK ||
        costate_model_load(model_path, NULL, &back, &message) != COSTATE_OK) {
        return complain("read", message.text);
    }
    costate_model *model = model_fixture_create(NULL);
    const char *difference = model_fixture_difference(model, back);
    const int status = difference ? complain("read: the model differs", difference) : compare_tensors(file);
    costate_safetensors_destroy(file);
    costate_model_destroy(model);
    costate_model_destroy(back);
    return status;
}

int main(int argc, char **argv) {
    if (argc == 4 && strcmp(argv[1], "write") == 0) {
        return write_files(argv[2], argv[3]);
    }
    if (argc == 4 && strcmp(argv[1], "read") == 0) {
        return read_files(argv[2], argv[3]);
    }
    return complain("usage", "safetensors_probe write|read <tensors> <model>");
}
