/* SPDX-License-Identifier: MIT */
/* The precision a benchmark source is compiled for: double, or float with BENCH_F32. */
#ifndef BENCH_REAL_H
#define BENCH_REAL_H

#ifdef BENCH_F32
typedef float real;
#define REAL_NAME(stem) stem##_f32
#else
typedef double real;
#define REAL_NAME(stem) stem##_f64
#endif

#endif
