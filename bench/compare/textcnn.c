/* SPDX-License-Identifier: MIT */
/* Training on texts: embedding, one convolution along the words, max pooling, one logistic output. */
#include "compare/chain_flop.h"
#include "compare/chain_gradient_check.h"
#include "compare/comparison.h"
#include "compare/corpus.h"
#include "compare/minibatch.h"
#include "compare/peak_memory.h"
#include "compare/peer_table.h"
#include "support/malloc_count.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    N_TRAIN = 40000,
    N_TEST = 10000,
    N_TRAIN_QUICK = 640,
    N_TEST_QUICK = 256,
    N_EPOCH = 5,
    N_BATCH = 64,
    N_EMBEDDING = 50,
    N_CHECK = 37,
    N_LAYER = 5,
    N_PIECE = 2, /* each has a gradient as long as the table */
    N_VARIANT = 2,
    SEED = 31
};

#define RATE 1e-3
#define GOAL_SECONDS 2.0
#define GOAL_MIB 200.0
/* How far below the best classifier the network may stay after its five epochs, and how far luck may carry it. */
#define BELOW_BEST 0.05
#define ABOVE_BEST 0.015

/* Epochs on one number of threads. */
typedef struct text_job {
    minibatch model;
    minibatch_set set;
    size_t n_epoch;
    size_t n_byte;   /* taken when the first epoch was over */
    size_t n_malloc; /* calls of malloc and its like during the epochs after it */
    double first_loss, loss;
    bool failed;
} text_job;

static minibatch_options training(size_t n_thread) {
    return (minibatch_options){
        .loss = {.kind = COSTATE_CHAIN_LOSS_OUTPUT, .output = {COSTATE_BATCH_LOSS_LOGISTIC, COSTATE_BATCH_MEAN, 1.0}},
        .rate = RATE,
        .n_batch = N_BATCH,
        .n_thread = n_thread,
        .n_piece = N_PIECE,
        .seed = SEED};
}

static void run_job(void *ctx, size_t n) {
    text_job *job = ctx;
    for (size_t i = 0; i < n; i++) {
        malloc_count_start();
        job->failed = !minibatch_epoch(&job->model, &job->set, &job->loss) || job->failed;
        const malloc_counts counts = malloc_count_stop();
        if (job->n_epoch++ == 0) {
            /* The first epoch takes memory by the number of samples. */
            job->first_loss = job->loss;
            job->n_byte = job->model.n_byte;
        } else {
            job->n_malloc += counts.here + counts.sundials + counts.other;
        }
    }
}

static bool check_gradient(bench *b, const char *group, const costate_chain *chain, const corpus *c) {
    const minibatch_options options = training(1);
    const costate_batch_f32 batch = {.n = N_CHECK, .x = c->x, .target = c->label};
    return chain_gradient_check(b, group, chain, &options.loss, &batch, N_PIECE);
}

static void judge_learning(bench *b, const char *group, const costate_chain *chain, const corpus *c, text_job *jobs) {
    const size_t n_word = c->n_train * c->n_token;
    const minibatch_set test = {.n = c->n_test, .x = c->x + n_word, .target = c->label + c->n_train};
    costate_chain_result result;
    if (!(jobs[0].loss < jobs[0].first_loss)) {
        bench_fail(b, "textcnn %s: the loss went from %.4g to %.4g", group, jobs[0].first_loss, jobs[0].loss);
    }
    if (memcmp(jobs[0].model.p, jobs[1].model.p, costate_chain_n_param(chain) * sizeof *jobs[0].model.p) != 0) {
        bench_fail(b, "textcnn %s: what was learnt depends on the number of threads", group);
    }
    if (!minibatch_score(&jobs[0].model, &test, &result)) {
        bench_fail(b, "textcnn %s: the test texts cannot be asked for", group);
        return;
    }
    const double accuracy = (double)result.n_right / (double)c->n_test;
    printf("# after %zu epochs: loss %.4f in the first, %.4f in the last; %.2f %% right of %zu test texts\n",
           jobs[0].n_epoch, jobs[0].first_loss, jobs[0].loss, 100.0 * accuracy, c->n_test);
    if (!c->real) {
        printf("# the best possible classifier of such texts: %.2f %% expected\n", 100.0 * c->best);
        bench_row(b, "textcnn", group, "best possible", c->best, "accuracy");
    }
    bench_row(b, "textcnn", group, "costate", accuracy, "accuracy");
    if (!c->real && !b->quick && !(accuracy >= c->best - BELOW_BEST && accuracy <= c->best + ABOVE_BEST)) {
        bench_fail(b, "textcnn %s: accuracy %.4f, the best classifier's is %.4f", group, accuracy, c->best);
    }
}

static void report(bench *b, const char *group, const corpus *c, const bench_case *cases, const text_job *jobs,
                   double flop) {
    const bool counted = malloc_count_available();
    bench_print_times("textcnn", group, cases, N_VARIANT);
    for (size_t i = 0; i < N_VARIANT; i++) {
        const double per_text = cases[i].time.median / (double)c->n_train;
        const size_t grown = jobs[i].model.n_byte - jobs[i].n_byte;
        printf("# %s: %.3f s per epoch of %zu texts, %.1f GFLOP/s; after the first epoch %zu more took %zu bytes "
               "through the "
               "allocator and %zu calls of malloc%s\n",
               cases[i].variant, cases[i].time.median, c->n_train, 1e-9 * flop / per_text, jobs[i].n_epoch - 1, grown,
               jobs[i].n_malloc, counted ? "" : " (not counted in this build)");
        bench_row(b, "textcnn", group, cases[i].variant, 1e-9 * flop / per_text, "GFLOP/s");
        bench_row(b, "textcnn", group, cases[i].variant, (double)grown, "bytes_allocated");
        if (counted) {
            bench_row(b, "textcnn", group, cases[i].variant, (double)jobs[i].n_malloc, "malloc_calls");
        }
        if (grown > 0 || jobs[i].n_malloc > 0) {
            bench_fail(b, "textcnn %s: epochs allocate", group);
        }
    }
    const double peak = peak_memory_mib();
    printf("# largest resident set, texts included: %.1f MiB; %.3f Mflop per text\n", peak, 1e-6 * flop);
    bench_row(b, "textcnn", group, "costate", peak, "MiB_peak");
    if (!b->quick) {
        const double seconds = cases[N_VARIANT - 1].time.median;
        bench_note(b, "textcnn", "%s: goal <= %.0f s per epoch on two threads: %.2f s, %s", group, GOAL_SECONDS,
                   seconds, bench_verdict(seconds <= GOAL_SECONDS));
        bench_note(b, "textcnn", "%s: goal < %.0f MiB at most: %.1f MiB, %s", group, GOAL_MIB, peak,
                   bench_verdict(peak < GOAL_MIB));
    }
}

/* Returns seconds per epoch on one thread; 0 after a failure. */
static double measure(bench *b, const char *group, const costate_chain *chain, const corpus *c, double flop) {
    static const char *const variants[N_VARIANT] = {"costate (1 thread)", "costate (2 threads)"};
    text_job jobs[N_VARIANT] = {{.failed = false}};
    bench_case cases[N_VARIANT];
    bool ok = true;
    for (size_t i = 0; i < N_VARIANT; i++) {
        const minibatch_options options = training(i + 1);
        jobs[i].set = (minibatch_set){.n = c->n_train, .x = c->x, .target = c->label};
        ok = minibatch_create(&jobs[i].model, chain, &options) && ok;
        cases[i] = (bench_case){.variant = variants[i], .run = run_job, .ctx = &jobs[i]};
    }
    double first = 0.0;
    const size_t n_round = b->n_round;
    const double min_seconds = b->min_seconds;
    b->n_round = N_EPOCH - 1; /* the first epoch goes before the rounds, */
    b->min_seconds = 0.0;     /* of which each is one epoch, however short */
    if (!ok) {
        bench_fail(b, "textcnn %s: a model cannot be made", group);
    } else if (bench_measure(b, "textcnn", group, cases, N_VARIANT) && !jobs[0].failed && !jobs[1].failed) {
        report(b, group, c, cases, jobs, flop);
        judge_learning(b, group, chain, c, jobs);
        first = cases[0].time.median;
    } else {
        bench_fail(b, "textcnn %s: training failed while it was timed", group);
    }
    b->n_round = n_round;
    b->min_seconds = min_seconds;
    for (size_t i = 0; i < N_VARIANT; i++) {
        minibatch_destroy(&jobs[i].model);
    }
    return first;
}

static void run_variant(bench *b, const compare_options *options, const corpus *c, bool frozen) {
    char group[128];
    const char *const table = frozen ? "frozen" : "trained";
    snprintf(group, sizeof group, "%s epoch %zux%d-%d %s n=%zu batch=%d", c->real ? "REAL" : "SYNTHETIC", c->n_word,
             N_EMBEDDING, 8, table, c->n_train, N_BATCH);
    if (!bench_wanted(b, "textcnn", group)) {
        return;
    }
    const bool from_here = peak_memory_reset();
    costate_chain_layer layers[N_LAYER] = {costate_chain_embedding(c->n_word, N_EMBEDDING),
                                           costate_chain_conv1d(8, 3, COSTATE_ACT_RELU), costate_chain_max_pool(1, 8),
                                           costate_chain_flatten(), costate_chain_dense(1, COSTATE_ACT_IDENTITY)};
    layers[0].frozen = frozen;
    costate_chain *chain = NULL;
    costate_message message;
    const costate_shape in = {1, 1, c->n_token};
    if (costate_chain_create(in, N_LAYER, layers, NULL, &chain, &message) != COSTATE_OK) {
        bench_fail(b, "textcnn %s: %s", group, message.text);
        return;
    }
    if (!from_here) {
        printf("# textcnn: memory is counted from the start of the process\n");
    }
    if (check_gradient(b, group, chain, c)) {
        const double first = measure(b, group, chain, c, chain_gradient_flop(chain, N_LAYER, layers));
        if (first > 0.0 && !b->quick && !options->no_peers) {
            char n_word[32];
            char n_token[32];
            char n_text[32];
            snprintf(n_word, sizeof n_word, "%zu", c->n_word);
            snprintf(n_token, sizeof n_token, "%zu", c->n_token);
            snprintf(n_text, sizeof n_text, "%zu", c->n_train);
            peer_table peers = {.first = first};
            const char *const arguments[] = {"--table", table,  "--words", n_word, "--tokens", n_token,
                                             "--texts", n_text, "--shape", group,  NULL};
            peer_script_run(b, "textcnn.py", "textcnn", arguments, peer_table_take, &peers);
        }
    }
    costate_chain_destroy(chain);
}

void compare_textcnn(bench *b, const compare_options *options) {
    corpus c;
    if (!corpus_load(b, options->data, b->quick ? N_TRAIN_QUICK : N_TRAIN, b->quick ? N_TEST_QUICK : N_TEST, &c)) {
        return;
    }
    printf("\n# textcnn: %zu + %zu %s texts of %zu words, vocabulary %zu\n" CORPUS_FORMAT, c.n_train, c.n_test,
           c.real ? "REAL" : "SYNTHETIC", c.n_token, c.n_word);
    run_variant(b, options, &c, true);
    run_variant(b, options, &c, false);
    if (b->quick && !options->no_peers) {
        printf("# skipped: the Python peer (--quick)\n");
    }
    bench_note(
        b, "textcnn",
        "published seconds per epoch: PyTorch 10, Flux 13, by hand in Julia 37, with 1 to 37 GB of memory, their "
        "machine; compare only ratios between machines");
    corpus_destroy(&c);
}
