/* SPDX-License-Identifier: MIT */
/* The one place where SUNDIALS 6.4 … 7.x differ: creation of a context, and keeping the library from printing. */
#ifndef CSI_SUNDIALS_COMPAT_H
#define CSI_SUNDIALS_COMPAT_H

#include <cvodes/cvodes.h>
#include <nvector/nvector_serial.h>
#include <stdbool.h>
#include <sundials/sundials_config.h>
#include <sundials/sundials_context.h>
#include <sundials/sundials_nvector.h>
#include <sundials/sundials_types.h>

#if SUNDIALS_VERSION_MAJOR < 6
#error "SUNDIALS 6.4 or later is required"
#endif

#ifndef SUNDIALS_DOUBLE_PRECISION
#error "SUNDIALS must be built in double precision"
#endif

#if SUNDIALS_VERSION_MAJOR >= 7

static inline void csi_sundials_ignore(int line, const char *function, const char *file, const char *message,
                                       SUNErrCode code, void *data, SUNContext context) {
    (void)line, (void)function, (void)file, (void)message, (void)code, (void)data, (void)context;
}

static inline bool csi_sundials_context_create(SUNContext *context) {
    if (SUNContext_Create(SUN_COMM_NULL, context) != SUN_SUCCESS) {
        return false;
    }
    SUNContext_ClearErrHandlers(*context);
    return SUNContext_PushErrHandler(*context, csi_sundials_ignore, NULL) == SUN_SUCCESS;
}

static inline bool csi_sundials_silence(void *cvode) { return cvode != NULL; }

#else

static inline void csi_sundials_ignore(int code, const char *module, const char *function, char *message, void *data) {
    (void)code, (void)module, (void)function, (void)message, (void)data;
}

static inline bool csi_sundials_context_create(SUNContext *context) { return SUNContext_Create(NULL, context) == 0; }

static inline bool csi_sundials_silence(void *cvode) {
    return CVodeSetErrHandlerFn(cvode, csi_sundials_ignore, NULL) == CV_SUCCESS;
}

#endif
#endif
