/* SPDX-License-Identifier: MIT */
/* Export of a trained network as source text: checks, and the choice of the writer. */
#include "codegen/export.h"
#include "core/atomic_file.h"
#include "core/finite.h"
#include "core/message.h"

#include <string.h>

static const char *const names[] = {
#define NAME(name, text, title) [COSTATE_LANGUAGE_##name] = #text,
    COSTATE_LANGUAGE_LIST(NAME)
#undef NAME
};

_Static_assert(sizeof names / sizeof names[0] == COSTATE_LANGUAGE_COUNT,
               "COSTATE_LANGUAGE_COUNT counts COSTATE_LANGUAGE_LIST");

const char *costate_language_name(costate_language language) {
    return (unsigned)language < COSTATE_LANGUAGE_COUNT ? names[language] : "unknown";
}

costate_status costate_language_from_name(const char *name, costate_language *language) {
    if (name == NULL || language == NULL) {
        return COSTATE_ERR_NULL;
    }
    for (unsigned i = 0; i < COSTATE_LANGUAGE_COUNT; i++) {
        if (strcmp(name, names[i]) == 0) {
            *language = (costate_language)i;
            return COSTATE_OK;
        }
    }
    return COSTATE_ERR_ARGUMENT;
}

static void (*const writers[COSTATE_LANGUAGE_COUNT])(csi_export *export) = {
    [COSTATE_LANGUAGE_C99] = csi_write_c99,
    [COSTATE_LANGUAGE_NMTRAN] = csi_write_assignments,
    [COSTATE_LANGUAGE_RXODE2] = csi_write_assignments,
    [COSTATE_LANGUAGE_STAN] = csi_write_stan,
    [COSTATE_LANGUAGE_MLXTRAN] = csi_write_assignments,
};

static costate_status check_parameters(const csi_export *export, costate_message *message) {
    const size_t bad = csi_first_nonfinite(export->p, export->net->n_param);
    if (bad == export->net->n_param) {
        return COSTATE_OK;
    }
    costate_param_view view = {.n_row = 0};
    for (size_t k = 0; costate_net_view(export->net, k, &view) == COSTATE_OK; k++) {
        if (bad < view.offset + view.n_row * view.n_col) {
            break;
        }
    }
    return csi_say(message, COSTATE_ERR_NONFINITE, "parameter %zu, in %s, is NaN or infinite", bad, view.name);
}

static costate_status prepare(csi_export *export, const costate_net *net, const double *p, costate_language language,
                              const costate_codegen_options *options, costate_message *message) {
    if (net == NULL || p == NULL) {
        return csi_say(message, COSTATE_ERR_NULL, "%s is NULL", net == NULL ? "net" : "p");
    }
    if ((unsigned)language >= COSTATE_LANGUAGE_COUNT) {
        return csi_say(message, COSTATE_ERR_ARGUMENT, "no such language: %d", (int)language);
    }
    *export = (csi_export){.net = net, .p = p, .language = language, .name = "net"};
    if (options != NULL) {
        export->name = options->name != NULL ? options->name : export->name;
        export->inputs = options->input_names;
        export->outputs = options->output_names;
        export->provenance = options->provenance;
    }
    const costate_status status = csi_check_names(export, message);
    return status == COSTATE_OK ? check_parameters(export, message) : status;
}

costate_status costate_codegen(const costate_net *net, const double *p, costate_language language,
                               const costate_codegen_options *options, char *buffer, size_t capacity, size_t *length,
                               costate_message *message) {
    csi_message_clear(message);
    if (length != NULL) {
        *length = 0;
    }
    if (buffer != NULL && capacity > 0) {
        buffer[0] = '\0';
    }
    if (length == NULL || (buffer == NULL && capacity > 0)) {
        return csi_say(message, COSTATE_ERR_NULL, "%s is NULL", length == NULL ? "length" : "buffer");
    }
    csi_export export;
    const costate_status status = prepare(&export, net, p, language, options, message);
    if (status != COSTATE_OK) {
        return status;
    }
    export.text = (csi_text){.buffer = buffer, .capacity = capacity};
    writers[language](&export);
    *length = export.text.length;
    if (capacity > 0 && capacity <= *length) {
        return csi_say(message, COSTATE_ERR_WORKSPACE, "the text has %zu bytes and its end, the buffer %zu", *length,
                       capacity);
    }
    return COSTATE_OK;
}

costate_status costate_codegen_write(const costate_net *net, const double *p, costate_language language,
                                     const costate_codegen_options *options, const char *path,
                                     const costate_allocator *alloc, costate_message *message) {
    csi_message_clear(message);
    if (path == NULL) {
        return csi_say(message, COSTATE_ERR_NULL, "path is NULL");
    }
    csi_export export;
    csi_atomic_file file;
    costate_status status = prepare(&export, net, p, language, options, message);
    if (status != COSTATE_OK) {
        return status;
    }
    status = csi_atomic_file_open(&file, path, alloc, message);
    if (status == COSTATE_OK) {
        export.text = (csi_text){.file = file.file};
        writers[language](&export);
        status = csi_atomic_file_commit(&file, message);
    }
    csi_message_name_file(message, path);
    return status;
}
