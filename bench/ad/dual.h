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

#define AD_DUAL_N 1
#include "dual_template.h"
#undef AD_DUAL_N
#define AD_DUAL_N 2
#include "dual_template.h"
#undef AD_DUAL_N
#define AD_DUAL_N 3
#include "dual_template.h"
#undef AD_DUAL_N
#define AD_DUAL_N 4
#include "dual_template.h"
#undef AD_DUAL_N
#define AD_DUAL_N 5
#include "dual_template.h"
#undef AD_DUAL_N
#define AD_DUAL_N 6
#include "dual_template.h"
#undef AD_DUAL_N
#define AD_DUAL_N 7
#include "dual_template.h"
#undef AD_DUAL_N
#define AD_DUAL_N 8
#include "dual_template.h"
#undef AD_DUAL_N

#endif
