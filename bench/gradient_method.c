/* SPDX-License-Identifier: MIT */
/* Table of the ways of computing a gradient. */
#include "gradient_method.h"

static const gradient_method_info infos[] = {
#define GRADIENT_METHOD_INFO(enumerator, name, kind, method)                                                           \
    [GRADIENT_##enumerator] = {name, GRADIENT_KIND_##kind, COSTATE_METHOD_##method},
    GRADIENT_METHOD_LIST(GRADIENT_METHOD_INFO)
#undef GRADIENT_METHOD_INFO
};

const gradient_method_info *gradient_method_get(gradient_method method) { return &infos[method]; }

bool gradient_method_has_gradient(gradient_method method) {
    return infos[method].kind != GRADIENT_KIND_SOLVE && infos[method].kind != GRADIENT_KIND_PLAIN_SOLVE;
}

bool gradient_method_is_stock(gradient_method method) {
    return infos[method].kind == GRADIENT_KIND_STOCK || infos[method].kind == GRADIENT_KIND_STOCK_CHECKED;
}
