/* SPDX-License-Identifier: MIT */
/* Gradients of Rosenbrock's and Ackley's functions by dual numbers, a chunk of the variables at a time. */
#include "ad/dual.h"
#include "compare/test_functions.h"

static const double pi = 3.14159265358979323846;

#define CHUNK_PASTE_(name, n) name##_dual##n
#define CHUNK_PASTE(name, n) CHUNK_PASTE_(name, n)
#define CHUNK(name) CHUNK_PASTE(name, AD_DUAL_N)

#define AD_DUAL_N 1
#include "test_functions_chunk.h"
#undef AD_DUAL_N
#define AD_DUAL_N 2
#include "test_functions_chunk.h"
#undef AD_DUAL_N
#define AD_DUAL_N 3
#include "test_functions_chunk.h"
#undef AD_DUAL_N
#define AD_DUAL_N 4
#include "test_functions_chunk.h"
#undef AD_DUAL_N
#define AD_DUAL_N 5
#include "test_functions_chunk.h"
#undef AD_DUAL_N
#define AD_DUAL_N 8
#include "test_functions_chunk.h"
#undef AD_DUAL_N
