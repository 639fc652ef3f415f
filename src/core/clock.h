/* SPDX-License-Identifier: MIT */
/* Elapsed wall-clock time. */
#ifndef CSI_CLOCK_H
#define CSI_CLOCK_H

/* Seconds since some fixed moment, from a clock that never steps back. */
double csi_clock_seconds(void);

#endif
