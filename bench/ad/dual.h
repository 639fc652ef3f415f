/* SPDX-License-Identifier: MIT */
/*
 * Forward-mode differentiation: dual numbers ad_dual1 … ad_dual8 that carry 1 … 8 partial derivatives in an array of
 * fixed size, over which compilers vectorise. Calls are named ad_dual4_mul() and so on; see dual_template.h.
 */
#ifndef BENCH_AD_DUAL_H
#define BENCH_AD_DUAL_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#define AD_DUAL_PASTE_(n, name) ad_dual##n##name
#define AD_DUAL_PASTE(n, name) AD_DUAL_PASTE_(n, name)
/* AD_DUAL() is the type with AD_DUAL_N partials, AD_DUAL(_mul) a function on it. */
#define AD_DUAL(name) AD_DUAL_PASTE(AD_DUAL_N, name)

#define AD_DUAL_EACH "dual_template.h"
#include "dual_each.h"
#undef AD_DUAL_EACH

#endif
