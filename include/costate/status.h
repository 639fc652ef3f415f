/* SPDX-License-Identifier: MIT */
/** @file status.h  Status codes: what every fallible call returns. */
#ifndef COSTATE_STATUS_H
#define COSTATE_STATUS_H

#include <costate/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The one list of status codes: X(enumerator, value, message). */
#define COSTATE_STATUS_LIST(X)                                                                                         \
    X(OK, 0, "success")                                                                                                \
    X(ERR_NULL, 1, "a required pointer is NULL")                                                                       \
    X(ERR_ARGUMENT, 2, "an argument is outside its documented range")                                                  \
    X(ERR_SIZE, 3, "sizes that must agree do not")                                                                     \
    X(ERR_OVERFLOW, 4, "a size does not fit in size_t")                                                                \
    X(ERR_MEMORY, 5, "memory could not be allocated")                                                                  \
    X(ERR_WORKSPACE, 6, "the workspace is smaller than the size query says")                                           \
    X(ERR_STATE, 7, "the call came before one that must precede it")                                                   \
    X(ERR_UNSUPPORTED, 8, "not supported by this build, CPU or object")                                                \
    X(ERR_RHS_FAIL, 9, "the right-hand side reported a failure")                                                       \
    X(ERR_RHS_RETRY, 10, "the right-hand side kept asking for a smaller step")                                         \
    X(ERR_NONFINITE, 11, "a value is NaN or infinite")                                                                 \
    X(ERR_MAX_STEPS, 12, "the step limit was reached before the end time")                                             \
    X(ERR_STEP_SIZE, 13, "the step size underflowed")                                                                  \
    X(ERR_ACCURACY, 14, "the tolerance asks for more than the arithmetic gives")                                       \
    X(ERR_CONVERGENCE, 15, "the nonlinear or linear solver failed repeatedly")                                         \
    X(ERR_INTERRUPTED, 16, "the interrupt callback asked to stop")                                                     \
    X(ERR_SOLVER, 17, "the underlying solver returned an unexpected code")                                             \
    X(ERR_MISMATCH, 18, "values that must agree do not")                                                               \
    X(ERR_OPTIMIZER, 19, "the optimiser could not make progress")                                                      \
    X(ERR_FORMAT, 20, "a file or text is malformed, inconsistent or larger than allowed")                              \
    X(ERR_IO, 21, "a file could not be read or written")                                                               \
    X(ERR_SINGULAR, 22, "a matrix that has to be positive definite is not")

/** Status of a call: COSTATE_OK (zero) or the reason of the failure. */
typedef enum costate_status {
#define COSTATE_STATUS_ENUM(name, value, message) COSTATE_##name = (value),
    COSTATE_STATUS_LIST(COSTATE_STATUS_ENUM)
#undef COSTATE_STATUS_ENUM
} costate_status;

/**
 * Name of a status code, e.g. "COSTATE_ERR_NULL".
 *
 * @param[in] status  any value
 * @return a constant string, never NULL; "COSTATE_UNKNOWN" for a value not in the list
 */
COSTATE_API const char *costate_status_name(costate_status status);

/**
 * One-sentence explanation of a status code.
 *
 * @param[in] status  any value
 * @return a constant string, never NULL
 */
COSTATE_API const char *costate_status_message(costate_status status);

#ifdef __cplusplus
}
#endif
#endif
