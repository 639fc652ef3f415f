/* SPDX-License-Identifier: MIT */
/* The precision a template source is compiled for: CSI_REAL_BITS is 64 or 32. */
#ifndef CSI_REAL_H
#define CSI_REAL_H

#ifndef CSI_REAL_BITS
#define CSI_REAL_BITS 64
#endif

#define CSI_JOIN_(a, b) a##b
#define CSI_JOIN(a, b) CSI_JOIN_(a, b)

#if CSI_REAL_BITS == 64
typedef double real;
#define CSI_REAL_INDEX CSI_F64
#define CSI_REAL(name) CSI_JOIN(name, _f64) /* costate_net_forward -> costate_net_forward_f64 */
#define R(x) x                              /* literal of type real */
#else
typedef float real;
#define CSI_REAL_INDEX CSI_F32
#define CSI_REAL(name) CSI_JOIN(name, _f32)
#define R(x) x##f
#endif

#endif
