/* SPDX-License-Identifier: MIT */
/* Includes the file AD_DUAL_EACH once for every number of partials, AD_DUAL_N; has no guard, to be included again. */
#define AD_DUAL_N 1
#include AD_DUAL_EACH
#undef AD_DUAL_N
#define AD_DUAL_N 2
#include AD_DUAL_EACH
#undef AD_DUAL_N
#define AD_DUAL_N 3
#include AD_DUAL_EACH
#undef AD_DUAL_N
#define AD_DUAL_N 4
#include AD_DUAL_EACH
#undef AD_DUAL_N
#define AD_DUAL_N 5
#include AD_DUAL_EACH
#undef AD_DUAL_N
#define AD_DUAL_N 6
#include AD_DUAL_EACH
#undef AD_DUAL_N
#define AD_DUAL_N 7
#include AD_DUAL_EACH
#undef AD_DUAL_N
#define AD_DUAL_N 8
#include AD_DUAL_EACH
#undef AD_DUAL_N
