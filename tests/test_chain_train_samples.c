/* SPDX-License-Identifier: MIT */
/* Which samples a trainer uses: every one once per epoch, and those of the validation never. */
#include "chain_train_fixture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N_SAMPLE = 50 };

static void shuffled_epochs_visit_every_sample_once(void **state) {
    static const size_t size[] = {1, 7, 49, 50, 51};
    moons_data data = moons_make(N_SAMPLE, 3);
    costate_chain *chain = moons_chain(3, 1);
    const train_batch batch = moons_batch(&data);
    (void)state;
    for (size_t i = 0; i < sizeof size / sizeof size[0]; i++) {
        size_t seen[N_SAMPLE] = {0};
        visit_counts counts = {.n = N_SAMPLE, .training = seen, .validation = NULL};
        costate_chain_train_options o = train_options(1);
        real *p = initial_parameters(chain);
        o.batch_size = size[i];
        o.loss = visiting_loss(&counts);
        costate_chain_trainer *trainer = trainer_make(chain, &o);
        counts.trainer = trainer;
        for (size_t e = 1; e <= 3; e++) {
            assert_ok(CSI_REAL(costate_chain_train)(trainer, 1, &batch, NULL, p, NULL));
            for (size_t s = 0; s < N_SAMPLE; s++) {
                assert_int_equal(seen[s], e);
            }
        }
        const bool same = memcmp(counts.order, counts.order + N_SAMPLE, N_SAMPLE * sizeof(size_t)) == 0;
        assert_int_equal(same, size[i] >= N_SAMPLE);
        assert_int_equal(costate_chain_trainer_history(trainer).n_epoch, 3);
        free(p);
        costate_chain_trainer_destroy(trainer);
    }
    costate_chain_destroy(chain);
    moons_release(&data);
}

/* ⌊0.3·50⌋ samples are held out, the same ones in every call. */
static void check_split(costate_chain_split split, uint64_t seed, const size_t *index, size_t *held) {
    moons_data data = moons_make(2 * N_SAMPLE, 4);
    costate_chain *chain = moons_chain(3, 1);
    costate_chain_train_options o = train_options(1);
    train_batch batch = moons_batch(&data);
    size_t seen[2 * N_SAMPLE] = {0};
    size_t validated[2 * N_SAMPLE] = {0};
    visit_counts counts = {.n = 2 * N_SAMPLE, .training = seen, .validation = validated};
    real *p = initial_parameters(chain);
    batch.n = N_SAMPLE;
    batch.index = index;
    o.validation_fraction = 0.3;
    o.split = split;
    o.seed = seed;
    o.batch_size = 8;
    o.loss = visiting_loss(&counts);
    costate_chain_trainer *trainer = trainer_make(chain, &o);
    counts.trainer = trainer;
    assert_int_equal(costate_chain_train_n_step(&o, N_SAMPLE, false), 5);
    assert_int_equal(costate_chain_train_n_step(&o, N_SAMPLE, true), 7);
    assert_ok(CSI_REAL(costate_chain_train)(trainer, 1, &batch, NULL, p, NULL));
    assert_ok(CSI_REAL(costate_chain_train)(trainer, 2, &batch, NULL, p, NULL));
    size_t n_held = 0;
    for (size_t s = 0; s < 2 * N_SAMPLE; s++) {
        const bool member = index == NULL ? s < N_SAMPLE : s % 2 == 1;
        assert_int_equal(seen[s] + validated[s], member ? 3 : 0);
        assert_true(seen[s] == 0 || validated[s] == 0);
        if (validated[s] > 0) {
            held[n_held++] = s;
        }
    }
    assert_int_equal(n_held, 15);
    assert_true(isfinite(costate_chain_trainer_history(trainer).validation_loss[2]));
    costate_chain_trainer_destroy(trainer);
    costate_chain_destroy(chain);
    free(p);
    moons_release(&data);
}

static void splits_hold_out_a_fixed_part(void **state) {
    size_t held[4][15];
    size_t odd[N_SAMPLE];
    (void)state;
    for (size_t k = 0; k < N_SAMPLE; k++) {
        odd[k] = 2 * k + 1;
    }
    check_split(COSTATE_CHAIN_SPLIT_LAST, 5, NULL, held[0]);
    for (size_t k = 0; k < 15; k++) {
        assert_int_equal(held[0][k], 35 + k);
    }
    check_split(COSTATE_CHAIN_SPLIT_LAST, 5, odd, held[0]);
    for (size_t k = 0; k < 15; k++) {
        assert_int_equal(held[0][k], 2 * (35 + k) + 1);
    }
    check_split(COSTATE_CHAIN_SPLIT_RANDOM, 5, NULL, held[1]);
    check_split(COSTATE_CHAIN_SPLIT_RANDOM, 6, NULL, held[2]);
    check_split(COSTATE_CHAIN_SPLIT_RANDOM, 5, odd, held[3]);
    assert_memory_not_equal(held[1], held[2], sizeof held[1]);
    for (size_t k = 0; k < 15; k++) {
        assert_int_equal(held[3][k], 2 * held[1][k] + 1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shuffled_epochs_visit_every_sample_once),
        cmocka_unit_test(splits_hold_out_a_fixed_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
