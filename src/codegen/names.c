/* SPDX-License-Identifier: MIT */
/* What may be called what: names of the caller against the rules of each language, names of our own variables. */
#include "codegen/export.h"
#include "core/message.h"

#include <string.h>

/* Of NM-TRAN, from NONMEM 7 on. */
enum { NMTRAN_NAME_MAX = 20 };

/* Words of each language, and the functions that the text of it calls. */
static const char *const words[COSTATE_LANGUAGE_COUNT] = {
    [COSTATE_LANGUAGE_C99] =
        " alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t class compl "
        "const const_cast constexpr continue decltype default delete do double dynamic_cast else enum explicit export "
        "extern false float for friend goto if inline int long main mutable namespace new noexcept not not_eq nullptr "
        "operator or or_eq private protected public register reinterpret_cast restrict return short signed sizeof "
        "static static_assert static_cast struct switch template this thread_local throw true try typedef typeid "
        "typename union unsigned using virtual void volatile wchar_t while xor xor_eq "
        "acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh erf erfc exp exp2 expm1 fabs fdim floor "
        "fma "
        "fmax fmin fmod frexp gamma hypot ilogb j0 j1 jn ldexp lgamma llrint llround log log10 log1p log2 logb lrint "
        "lround modf nan nearbyint nextafter nexttoward pow remainder remquo rint round scalbln scalbn sin sinh sqrt "
        "tan tanh tgamma trunc y0 y1 yn ",
    [COSTATE_LANGUAGE_NMTRAN] =
        " abs acos and asin atan atan2 call close cos cosh do dowhile else elseif enddo endif eq exit exp ge gamln gt "
        "if int le log log10 lt max min mod ne not open or phi print return rewind sin sinh sqrt tan tanh then while "
        "write theta eta eps err omega sigma newind icall comact comsav indxs datrec ",
    [COSTATE_LANGUAGE_RXODE2] =
        " abs acos alag asin atan break ceil cmt cos cosh d dt dur dvid else erf exp expit expm1 f factorial floor for "
        "function if ifelse interp linCmt log log10 log1p log2 logit max min mtime next normcdf param phi pnorm podo "
        "pow "
        "prod rate repeat rxmod sin sinh sqrt sum tad tan tanh tlast while ",
    [COSTATE_LANGUAGE_STAN] =
        " array break cholesky_factor_corr cholesky_factor_cov complex continue corr_matrix cov_matrix data else "
        "false for functions generated if in increment_log_prob int jacobian lower lp__ matrix model multiplier offset "
        "ordered parameters positive_ordered print profile quantities real reject repeat return row_vector simplex "
        "target then true tuple T transformed unit_vector until upper var vector void while "
        "erfc exp expm1 inv_logit log1p_exp sin square tanh ",
    [COSTATE_LANGUAGE_MLXTRAN] =
        " abs and categorical ceil cos cosh count ddt definition delay distribution else elseif empty end equation "
        "event exp factorial file floor for gammaln if input invlogit lgamma log log10 logit macro max min normcdf not "
        "or output pk pkmodel pow probit rem sin sinh sqrt t t0 t_0 table tan tanh use while ",
};

static char lower(char c) { return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c); }

static bool is_letter(char c) { return lower(c) >= 'a' && lower(c) <= 'z'; }

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool same_bytes(const char *a, const char *b, size_t n, bool any_case) {
    size_t i = 0;
    while (i < n && (a[i] == b[i] || (any_case && a[i] != '\0' && lower(a[i]) == lower(b[i])))) {
        i++;
    }
    return i == n;
}

static bool ignores_case(const csi_export *export) { return export->language == COSTATE_LANGUAGE_NMTRAN; }

static bool same_name(const csi_export *export, const char *a, const char *b) {
    const size_t n = strlen(a);
    return n == strlen(b) && same_bytes(a, b, n, ignores_case(export));
}

static bool is_word(const csi_export *export, const char *name) {
    const size_t n = strlen(name);
    for (const char *at = words[export->language]; at[1] != '\0'; at = strchr(at + 1, ' ')) {
        if (same_bytes(at + 1, name, n, ignores_case(export)) && at[n + 1] == ' ') {
            return true;
        }
    }
    return false;
}

/* Numbers that are 0 are left out. */
static csi_variable made(const csi_export *export, char kind, size_t a, size_t b, size_t c) {
    csi_variable name;
    const char letter = (char)(ignores_case(export) ? kind - 'a' + 'A' : kind);
    csi_text text = {.buffer = name.text, .capacity = sizeof name.text};
    csi_text_format(&text, "%s_%c%zu", export->name, letter, a);
    if (b != 0) {
        csi_text_format(&text, "_%zu", b);
    }
    if (c != 0) {
        csi_text_format(&text, "_%zu", c);
    }
    return name;
}

csi_variable csi_unit_variable(const csi_export *export, char kind, size_t layer, size_t unit) {
    return made(export, kind, layer, unit, 0);
}

csi_variable csi_partial_sum(const csi_export *export, size_t layer, size_t unit, size_t part) {
    return made(export, 's', layer, unit, part);
}

static csi_variable given(const char *name) {
    csi_variable copy;
    csi_text text = {.buffer = copy.text, .capacity = sizeof copy.text};
    csi_text_put(&text, name);
    return copy;
}

csi_variable csi_input_name(const csi_export *export, size_t i) {
    return export->inputs == NULL ? made(export, 'x', i + 1, 0, 0) : given(export->inputs[i]);
}

csi_variable csi_output_name(const csi_export *export, size_t k) {
    return export->outputs == NULL ? made(export, 'y', k + 1, 0, 0) : given(export->outputs[k]);
}

/* Bytes of `name` up to the subscript of an element like A(1), where there may be one. */
static size_t stem(const csi_export *export, const char *name, bool variable) {
    const size_t n = strlen(name);
    const char *bracket = variable && ignores_case(export) ? strchr(name, '(') : NULL;
    if (bracket == NULL || name[n - 1] != ')' || bracket + 2 > name + n - 1 || bracket[1] == '0') {
        return n;
    }
    for (const char *at = bracket + 1; at < name + n - 1; at++) {
        if (!is_digit(*at)) {
            return n;
        }
    }
    return (size_t)(bracket - name);
}

/* NULL, or what is wrong. */
static const char *fault(const csi_export *export, const char *name, bool variable) {
    const size_t n = stem(export, name, variable);
    const bool dots = variable && export->language == COSTATE_LANGUAGE_RXODE2;
    if (n == 0 || !is_letter(name[0])) {
        return "does not start with a letter";
    }
    for (size_t i = 0; i < n; i++) {
        if (!is_letter(name[i]) && !is_digit(name[i]) && name[i] != '_' && !(dots && name[i] == '.')) {
            return "has a character that is no letter, digit or underscore";
        }
        if (name[i] == '_' && (i + 1 == n || name[i + 1] == '_')) {
            return "ends in an underscore or has two in a row";
        }
    }
    if (strlen(name) > (ignores_case(export) ? NMTRAN_NAME_MAX : CSI_NAME_MAX)) {
        return ignores_case(export) ? "has more than 20 characters" : "has more than 31 characters";
    }
    return n == strlen(name) && is_word(export, name) ? "is a word of the language" : NULL;
}

static costate_status say_fault(costate_message *message, const char *what, size_t k, const char *name,
                                const char *why) {
    if (k == 0) {
        return csi_say(message, COSTATE_ERR_ARGUMENT, "%s \"%.60s\" %s", what, name, why);
    }
    return csi_say(message, COSTATE_ERR_ARGUMENT, "%s %zu, \"%.60s\", %s", what, k, name, why);
}

static bool is_taken(const csi_export *export, const char *const *names, size_t n, const char *name) {
    for (size_t i = 0; i < n; i++) {
        if (same_name(export, names[i], name)) {
            return true;
        }
    }
    return false;
}

static costate_status check_variables(const csi_export *export, const char *what, const char *const *names, size_t n,
                                      costate_message *message) {
    const size_t prefix = strlen(export->name);
    for (size_t i = 0; i < n; i++) {
        if (names[i] == NULL) {
            return csi_say(message, COSTATE_ERR_NULL, "%s %zu is NULL", what, i + 1);
        }
        const char *why = fault(export, names[i], true);
        if (why == NULL && same_name(export, names[i], export->name)) {
            why = "is the name of the network";
        }
        if (why == NULL && strlen(names[i]) > prefix && names[i][prefix] == '_' &&
            same_bytes(names[i], export->name, prefix, ignores_case(export))) {
            why = "begins like the variables of the network";
        }
        if (why == NULL && is_taken(export, names, i, names[i])) {
            why = "is there twice";
        }
        if (why != NULL) {
            return say_fault(message, what, i + 1, names[i], why);
        }
    }
    return COSTATE_OK;
}

/* The longest names are those of partial sums. */
static costate_status check_made_names(const csi_export *export, costate_message *message) {
    if (!ignores_case(export)) {
        return COSTATE_OK;
    }
    size_t longest = 0;
    for (size_t l = 0; l <= export->net->n_layer; l++) {
        const size_t n_unit = l == 0 ? export->net->n_in : export->net->layers[l - 1].n_out;
        const size_t n_part = l == 0 ? 0 : (export->net->layers[l - 1].n_in - 1) / CSI_TERMS;
        const size_t length = strlen(csi_partial_sum(export, l, n_unit, n_part).text);
        longest = length > longest ? length : longest;
    }
    if (longest > NMTRAN_NAME_MAX) {
        return csi_say(message, COSTATE_ERR_ARGUMENT,
                       "function name \"%.60s\" is too long: with it a variable would have %zu characters, NM-TRAN "
                       "allows %d",
                       export->name, longest, NMTRAN_NAME_MAX);
    }
    return COSTATE_OK;
}

costate_status csi_check_names(const csi_export *export, costate_message *message) {
    const char *why = fault(export, export->name, false);
    if (why != NULL) {
        return say_fault(message, "function name", 0, export->name, why);
    }
    const size_t n_in = export->inputs == NULL ? 0 : export->net->n_in;
    const size_t n_out = export->outputs == NULL ? 0 : export->net->n_out;
    costate_status status = check_variables(export, "input name", export->inputs, n_in, message);
    if (status == COSTATE_OK) {
        status = check_variables(export, "output name", export->outputs, n_out, message);
    }
    for (size_t k = 0; k < n_out && status == COSTATE_OK; k++) {
        if (is_taken(export, export->inputs, n_in, export->outputs[k])) {
            status = say_fault(message, "output name", k + 1, export->outputs[k], "is the name of an input");
        }
    }
    return status == COSTATE_OK ? check_made_names(export, message) : status;
}
