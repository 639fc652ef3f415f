/* SPDX-License-Identifier: MIT */
/* Loops over short states, unrolled: the models most often solved have one to four. */
#ifndef CSI_SHORT_STATE_H
#define CSI_SHORT_STATE_H

#if defined(__GNUC__)
#define CSI_INLINE static inline __attribute__((always_inline))
#else
#define CSI_INLINE static inline
#endif

/* function(n, …) with n a constant for the compiler where it is small. */
#define CSI_BY_STATES(function, n, ...)                                                                                \
    ((n) == 2   ? function(2, __VA_ARGS__)                                                                             \
     : (n) == 3 ? function(3, __VA_ARGS__)                                                                             \
     : (n) == 1 ? function(1, __VA_ARGS__)                                                                             \
     : (n) == 4 ? function(4, __VA_ARGS__)                                                                             \
                : function(n, __VA_ARGS__))

#endif
