/* SPDX-License-Identifier: MIT */
/** @file codegen.h  Export of a trained network as source text of other languages. */
#ifndef COSTATE_CODEGEN_H
#define COSTATE_CODEGEN_H

#include <costate/alloc.h>
#include <costate/export.h>
#include <costate/message.h>
#include <costate/net.h>
#include <costate/status.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The one list of languages: X(enumerator, name, title). */
#define COSTATE_LANGUAGE_LIST(X)                                                                                       \
    X(C99, c99, "C99")                                                                                                 \
    X(NMTRAN, nmtran, "NM-TRAN")                                                                                       \
    X(RXODE2, rxode2, "rxode2")                                                                                        \
    X(STAN, stan, "Stan")                                                                                              \
    X(MLXTRAN, mlxtran, "Mlxtran")

/**
 * A language a network can be written in.
 *
 *  - C99: a translation unit that needs <math.h> alone and is C++11 as well: `void name(const double *x, double *y)`,
 *    `void name_jacobian(const double *x, double *y, double *jac)` and
 *    `void name_hessian(const double *x, double *y, double *jac, double *hess)`, with the arrays of
 *    costate_net_hessian_f64(). Reentrant, allocates nothing; loops, so that the text grows with the weights alone.
 *  - NM-TRAN: assignments and IF blocks of abbreviated code for $PK, $PRED, $DES or $ERROR (NONMEM 7.2 or newer: lines
 *    of at most 160 columns, continued by &, names of at most 20 characters).
 *  - rxode2: assignments of a model.
 *  - Stan: functions for a `functions` block, of which `vector name(vector x)` is the network.
 *  - Mlxtran: assignments of the EQUATION block of a Monolix or Simulx model.
 *
 * The languages without arrays get one assignment per unit, every variable assigned once.
 */
typedef enum costate_language {
#define COSTATE_LANGUAGE_ENUM(name, text, title) COSTATE_LANGUAGE_##name,
    COSTATE_LANGUAGE_LIST(COSTATE_LANGUAGE_ENUM)
#undef COSTATE_LANGUAGE_ENUM
} costate_language;

/** Number of languages in COSTATE_LANGUAGE_LIST. */
#define COSTATE_LANGUAGE_COUNT 5

/**
 * Name of a language, e.g. "nmtran".
 *
 * @param[in] language  any value
 * @return a constant string, "unknown" for a value not in the list
 */
COSTATE_API const char *costate_language_name(costate_language language);

/**
 * Language with a given name.
 *
 * @param[in]  name      name, case-sensitive
 * @param[out] language  the language; untouched on failure
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      name or language is NULL
 * @retval COSTATE_ERR_ARGUMENT  no language has this name
 */
COSTATE_API costate_status costate_language_from_name(const char *name, costate_language *language);

/**
 * How things are called. Members that are zero or NULL mean the default.
 *
 * A name is a letter followed by letters, digits and single underscores, ends in none, has at most 31 characters and is no
 * word of the language. Letters are those of ASCII; NM-TRAN takes no notice of their case. Names of inputs and
 * outputs may have dots in rxode2, may be elements like A(1) in NM-TRAN, and begin with the network's name and an underscore in
 * no language.
 */
typedef struct costate_codegen_options {
    const char *name;                /**< function, or what every variable begins with; default "net" */
    const char *const *input_names;  /**< n_in names; default net_x1, … with the name above */
    const char *const *output_names; /**< n_out names, each different from all others; default net_y1, … */
    const char *provenance;          /**< where the network comes from; lines of comment at the top */
} costate_codegen_options;

/**
 * Write a network with its parameters as source text, in the manner of snprintf().
 *
 * The text is ASCII whatever the provenance has (other bytes become `_`), and the same in every locale; numbers have 17
 * significant digits, which give back the same double. It computes what costate_net_forward_f64() computes to a few
 * roundings. Values are stable at large arguments; where a language has no function for it, log(1 + e) and
 * exp(z) − 1 are written out so that they are exact to rounding near zero, too. The second derivative of a function with
 * a kink is that of the branch taken, as in costate_net_hessian_f64().
 *
 * @param[in]  net       network
 * @param[in]  p         parameters, n_param elements, layout in @ref net_layout
 * @param[in]  language  what to write
 * @param[in]  options   names; NULL for the defaults
 * @param[out] buffer    text with a zero byte at its end, cut to fit; NULL if capacity is 0
 * @param[in]  capacity  bytes of buffer; 0 only counts
 * @param[out] length    bytes of the whole text without the zero byte, also when it was cut; 0 after any other failure
 * @param[out] message   what is wrong with which argument; NULL if not wanted
 *
 * Allocates nothing. Reentrant. After a failure other than COSTATE_ERR_WORKSPACE, buffer is an empty text.
 *
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL       net, p or length is NULL, or buffer is although capacity is not 0, or one of the names
 * @retval COSTATE_ERR_ARGUMENT   unknown language, or a name that the language does not allow, or that is taken
 * @retval COSTATE_ERR_NONFINITE  a parameter is NaN or infinite
 * @retval COSTATE_ERR_WORKSPACE  capacity is neither 0 nor greater than *length: the text was cut
 */
COSTATE_API costate_status costate_codegen(const costate_net *net, const double *p, costate_language language,
                                           const costate_codegen_options *options, char *buffer, size_t capacity,
                                           size_t *length, costate_message *message);

/**
 * Write the text of costate_codegen() to a file, which appears complete or not at all: a temporary file in the same
 * folder is put on the disk and then renamed.
 *
 * @param[in]  net       network
 * @param[in]  p         parameters, n_param elements, layout in @ref net_layout
 * @param[in]  language  what to write
 * @param[in]  options   names; NULL for the defaults
 * @param[in]  path      file to make or to replace
 * @param[in]  alloc     where memory for the temporary name comes from; NULL for malloc
 * @param[out] message   what is wrong with which argument or file; NULL if not wanted
 *
 * Reentrant. After a failure an existing file is as it was.
 *
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL       net, p or path is NULL, or one of the names
 * @retval COSTATE_ERR_ARGUMENT   unknown language, or a name that the language does not allow, or that is taken
 * @retval COSTATE_ERR_NONFINITE  a parameter is NaN or infinite
 * @retval COSTATE_ERR_MEMORY     no memory
 * @retval COSTATE_ERR_IO         the file cannot be written
 */
COSTATE_API costate_status costate_codegen_write(const costate_net *net, const double *p, costate_language language,
                                                 const costate_codegen_options *options, const char *path,
                                                 const costate_allocator *alloc, costate_message *message);

#ifdef __cplusplus
}
#endif
#endif
