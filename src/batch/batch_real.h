/* SPDX-License-Identifier: MIT */
/* The precision a source of the batch losses and updates is compiled for: CSI_REAL_BITS is 64 or 32. */
#ifndef CSI_BATCH_REAL_H
#define CSI_BATCH_REAL_H

#ifndef CSI_REAL_BITS
#define CSI_REAL_BITS 64
#endif

#if CSI_REAL_BITS == 64
typedef double real;
#define CSI_REAL(name) name##_f64
#else
typedef float real;
#define CSI_REAL(name) name##_f32
#endif

#endif
