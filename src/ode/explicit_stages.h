/* SPDX-License-Identifier: MIT */
/* The stages of the explicit methods, listed for code that is unrolled over them. X(stage, first) in order: the slopes
 * 1 … first − 1 take no part in the stage. X(stage, first, last) backwards: its slope takes no part in the stages after
 * `last`. Steps and sweeps leave out terms that are zero this way. */
#ifndef CSI_EXPLICIT_STAGES_H
#define CSI_EXPLICIT_STAGES_H

enum { CSI_TSIT5_LAST = 6, CSI_DOP853_LAST = 12 };

/* clang-format off */
#define CSI_TSIT5_STAGES(X) X(1, 1) X(2, 1) X(3, 1) X(4, 1) X(5, 1)
#define CSI_TSIT5_LAST_STAGE(X) X(6, 1)
#define CSI_TSIT5_STAGES_BACK(X) X(5, 1, 6) X(4, 1, 6) X(3, 1, 6) X(2, 1, 6) X(1, 1, 6)

#define CSI_DOP853_STAGES(X)                                                                                           \
    X(1, 1) X(2, 1) X(3, 2) X(4, 2) X(5, 3) X(6, 3) X(7, 3) X(8, 3) X(9, 3) X(10, 3) X(11, 3)
#define CSI_DOP853_LAST_STAGE(X) X(12, 5)
#define CSI_DOP853_EXTRA_STAGES(X) X(13, 6) X(14, 5) X(15, 5)
#define CSI_DOP853_EXTRA_STAGES_BACK(X) X(15, 5) X(14, 5) X(13, 6)
#define CSI_DOP853_STAGES_BACK(X)                                                                                      \
    X(11, 3, 12) X(10, 3, 12) X(9, 3, 12) X(8, 3, 12) X(7, 3, 12) X(6, 3, 12)                                          \
    X(5, 3, 12) X(4, 2, 11) X(3, 2, 11) X(2, 1, 4) X(1, 1, 2)
/* clang-format on */

#endif
