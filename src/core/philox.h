/* SPDX-License-Identifier: MIT */
/* The function behind every random number: four words of a key and a 128-bit counter. */
#ifndef CSI_PHILOX_H
#define CSI_PHILOX_H

#include <stdint.h>

#define CSI_PHILOX_MULTIPLIER_0 0xD2511F53u
#define CSI_PHILOX_MULTIPLIER_1 0xCD9E8D57u
#define CSI_PHILOX_WEYL_0 0x9E3779B9u
#define CSI_PHILOX_WEYL_1 0xBB67AE85u
#define CSI_PHILOX_ROUNDS 10

/* One round on the words c0, c1, c2, c3 of a counter, which a loop over many counters does to each. */
static inline void csi_philox_round(uint32_t *c0, uint32_t *c1, uint32_t *c2, uint32_t *c3, uint64_t key, int round) {
    const uint32_t k0 = (uint32_t)key + (uint32_t)round * CSI_PHILOX_WEYL_0;
    const uint32_t k1 = (uint32_t)(key >> 32) + (uint32_t)round * CSI_PHILOX_WEYL_1;
    const uint64_t product0 = (uint64_t)CSI_PHILOX_MULTIPLIER_0 * *c0;
    const uint64_t product1 = (uint64_t)CSI_PHILOX_MULTIPLIER_1 * *c2;
    *c0 = (uint32_t)(product1 >> 32) ^ *c1 ^ k0;
    *c1 = (uint32_t)product1;
    *c2 = (uint32_t)(product0 >> 32) ^ *c3 ^ k1;
    *c3 = (uint32_t)product0;
}

/* Philox4x32-10 (Salmon, Moraes, Dror & Shaw, SC 2011) of the counter (block, stream). */
static inline void csi_philox(uint64_t key, uint64_t stream, uint64_t block, uint32_t word[4]) {
    word[0] = (uint32_t)block;
    word[1] = (uint32_t)(block >> 32);
    word[2] = (uint32_t)stream;
    word[3] = (uint32_t)(stream >> 32);
    for (int round = 0; round < CSI_PHILOX_ROUNDS; round++) {
        csi_philox_round(&word[0], &word[1], &word[2], &word[3], key, round);
    }
}

#endif
