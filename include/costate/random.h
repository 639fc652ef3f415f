/* SPDX-License-Identifier: MIT */
/** @file random.h  Counter-based random numbers: the same stream on every platform. */
#ifndef COSTATE_RANDOM_H
#define COSTATE_RANDOM_H

#include <costate/export.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * State of one stream of Philox4x32-10 (Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as 1, 2, 3",
 * SC 2011): the key is the seed, the 128-bit counter is (block index, stream index).
 *
 * Streams with different (seed, stream) never overlap. A plain value: copy it to fork a stream. One thread at a time.
 */
typedef struct costate_random {
    uint64_t seed;      /**< key */
    uint64_t stream;    /**< upper half of the counter */
    uint64_t block;     /**< lower half of the counter: index of the next block of four 32-bit words */
    uint32_t buffer[4]; /**< words of the current block */
    uint32_t n_left;    /**< words of the buffer not yet handed out */
} costate_random;

/**
 * Start of stream `stream` of seed `seed`.
 *
 * @param[in] seed    any value
 * @param[in] stream  any value; e.g. one per thread or per trajectory
 * @return the state
 */
COSTATE_API costate_random costate_random_seed(uint64_t seed, uint64_t stream);

/**
 * Next 64 random bits.
 *
 * @param[in,out] random  stream
 * @return uniform over all 64-bit values
 */
COSTATE_API uint64_t costate_random_bits(costate_random *random);

/**
 * Next uniform number in the open interval (0, 1): (k + 1/2) / 2^52 with a 52-bit k.
 *
 * @param[in,out] random  stream
 * @return the number
 */
COSTATE_API double costate_random_uniform(costate_random *random);

/**
 * Next standard normal number: the inverse distribution function at one uniform number (Wichura, algorithm AS 241,
 * PPND16, Appl. Statist. 37, 1988), in plain IEEE arithmetic so that every platform gives the same bits.
 *
 * @param[in,out] random  stream
 * @return the number; relative error of the inversion about 1e-16
 */
COSTATE_API double costate_random_normal(costate_random *random);

/**
 * Next integer in 0 … n−1, unbiased (Lemire's multiplication method with rejection, ACM TOMACS 29, 2019).
 *
 * @param[in,out] random  stream
 * @param[in]     n       bound, > 0; 0 gives 0
 * @return the integer
 */
COSTATE_API uint64_t costate_random_below(costate_random *random, uint64_t n);

#ifdef __cplusplus
}
#endif
#endif
