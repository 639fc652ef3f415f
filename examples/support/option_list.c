/* SPDX-License-Identifier: MIT */
/* Options of a program as a table: names, kinds, ranges, where the values go. */
#include "option_list.h"

#include <costate/costate.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool parse_natural(const char *text, uint64_t *value) {
    char *end;
    errno = 0;
    const unsigned long long number = strtoull(text, &end, 10);
    *value = number;
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && number <= UINT64_MAX;
}

static bool parse_count(const option *o, const char *text) {
    uint64_t value;
    const bool ok = parse_natural(text, &value) && (double)value >= o->low && (double)value <= o->high;
    if (ok) {
        *(size_t *)o->value = (size_t)value;
    }
    return ok;
}

static bool parse_seed(const option *o, const char *text) {
    uint64_t value;
    const bool ok = parse_natural(text, &value);
    if (ok) {
        *(uint64_t *)o->value = value;
    }
    return ok;
}

static bool parse_real(const option *o, const char *text) {
    char *end;
    const double value = strtod(text, &end);
    const bool ok = end != text && *end == '\0' && value >= o->low && value <= o->high;
    if (ok) {
        *(double *)o->value = value;
    }
    return ok;
}

static bool parse_value(const option *o, const char *text) {
    switch (o->kind) {
    case OPTION_COUNT: return parse_count(o, text);
    case OPTION_SEED: return parse_seed(o, text);
    case OPTION_REAL: return parse_real(o, text);
    case OPTION_METHOD: return costate_method_from_name(text, o->value) == COSTATE_OK;
    case OPTION_TEXT: *(const char **)o->value = text; return text[0] != '\0';
    case OPTION_SWITCH: break;
    }
    return false;
}

static void say_expected(const char *program, const option *o, const char *text) {
#define METHOD_NAME(enumerator, name) " " name
    static const char methods[] = "one of these is expected:" COSTATE_METHOD_LIST(METHOD_NAME);
#undef METHOD_NAME
    fprintf(stderr, "%s: %s '%s': ", program, o->name, text);
    switch (o->kind) {
    case OPTION_COUNT:
    case OPTION_REAL: fprintf(stderr, "a number from %.10g to %.10g is expected\n", o->low, o->high); break;
    case OPTION_SEED: fputs("a number from 0 to 18446744073709551615 is expected\n", stderr); break;
    case OPTION_METHOD: fprintf(stderr, "%s\n", methods); break;
    case OPTION_TEXT: fputs("a file name is expected\n", stderr); break;
    case OPTION_SWITCH: fputs("no value is expected\n", stderr); break;
    }
}

/* The option of argument argv[*k] with its value; *k moves on to the last argument used. */
static bool parse_option(const char *program, size_t n_option, const option *options, int argc, char **argv, int *k) {
    const char *argument = argv[*k];
    const size_t length = strcspn(argument, "=");
    const option *found = NULL;
    for (size_t i = 0; i < n_option && !found; i++) {
        const bool same = strlen(options[i].name) == length && strncmp(argument, options[i].name, length) == 0;
        found = same ? &options[i] : NULL;
    }
    if (!found) {
        fprintf(stderr, "%s: unknown option '%s', see --help\n", program, argument);
        return false;
    }
    if (found->kind == OPTION_SWITCH && argument[length] == '\0') {
        *(bool *)found->value = true;
        return true;
    }
    if (argument[length] == '\0' && *k + 1 == argc) {
        fprintf(stderr, "%s: %s: a value is missing\n", program, found->name);
        return false;
    }
    const char *text = argument[length] == '\0' ? argv[++*k] : argument + length + 1;
    const bool ok = parse_value(found, text);
    if (!ok) {
        say_expected(program, found, text);
    }
    return ok;
}

option_result option_list_parse(const char *program, const char *help, size_t n_option, const option *options, int argc,
                                char **argv) {
    for (int k = 1; k < argc; k++) {
        if (strcmp(argv[k], "--help") == 0) {
            fputs(help, stdout);
            return OPTION_DONE;
        }
        if (strcmp(argv[k], "--version") == 0) {
            printf("%s (costate %s)\n", program, costate_version());
            return OPTION_DONE;
        }
        if (!parse_option(program, n_option, options, argc, argv, &k)) {
            return OPTION_WRONG;
        }
    }
    return OPTION_RUN;
}
