/* SPDX-License-Identifier: MIT */
/* Training on images of digits: two convolutional networks, seconds per 60 000 images and what they learn. */
#include "compare/chain_flop.h"
#include "compare/chain_gradient_check.h"
#include "compare/comparison.h"
#include "compare/digits.h"
#include "compare/image_nets.h"
#include "compare/minibatch.h"
#include "compare/peer_table.h"

#include <stdlib.h>
#include <string.h>

enum {
    N_EPOCH_IMAGE = 60000,
    N_LEARN_IMAGE = 400000, /* images that the network is shown before its accuracy counts */
    N_QUICK = 1024,
    N_BATCH = 128,
    N_CHECK = 37,
    N_ROUND = 5,
    N_VARIANT = 2,
    SEED = 11
};

/* Of lenet5: for 60 000 images on one core and two of a machine like that of the published figures, and beside the peer. */
static const double goal_seconds[N_VARIANT] = {1.4, 0.75};
#define GOAL_PEER 2.3

#define RATE 3e-4
#define ACCURACY_GOAL 0.97

/* Passes over all images, on one number of threads. */
typedef struct image_job {
    minibatch model;
    minibatch_set set;
    size_t n_pass;
    bool failed;
} image_job;

static minibatch_options training(size_t n_thread) {
    return (minibatch_options){.loss = {.kind = COSTATE_CHAIN_LOSS_SOFTMAX, .output.reduction = COSTATE_BATCH_MEAN},
                               .rate = RATE,
                               .n_batch = N_BATCH,
                               .n_thread = n_thread,
                               .seed = SEED};
}

static void run_job(void *ctx, size_t n) {
    image_job *job = ctx;
    for (size_t i = 0; i < n * job->n_pass; i++) {
        double loss;
        job->failed = !minibatch_epoch(&job->model, &job->set, &loss) || job->failed;
    }
}

static bool check_gradient(bench *b, const char *group, const costate_chain *chain, const digits *d) {
    const minibatch_options options = training(1);
    const costate_batch_f32 batch = {.n = N_CHECK, .x = d->x, .label = d->label};
    return chain_gradient_check(b, group, chain, &options.loss, &batch, 0);
}

static bench_time scale(bench_time time, double factor) {
    return (bench_time){factor * time.median, factor * time.min, factor * time.max, factor * time.mad};
}

/* Times for 60 000 images; the medians go to `seconds`. */
static void report(bench *b, const char *group, bench_case *cases, const image_job *jobs, double flop,
                   double *seconds) {
    for (size_t i = 0; i < N_VARIANT; i++) {
        cases[i].time = scale(cases[i].time, (double)N_EPOCH_IMAGE / (double)(jobs[i].n_pass * jobs[i].set.n));
        seconds[i] = cases[i].time.median;
    }
    bench_time_rows(b, "lenet5", group, cases, N_VARIANT);
    bench_print_times("lenet5", group, cases, N_VARIANT);
    for (size_t i = 0; i < N_VARIANT; i++) {
        const double rate = N_EPOCH_IMAGE / seconds[i];
        printf("# %s: %.0f images/s, %.1f GFLOP/s, from %zu passes over %zu images\n", cases[i].variant, rate,
               1e-9 * flop * rate, jobs[i].n_pass, jobs[i].set.n);
        bench_row(b, "lenet5", group, cases[i].variant, rate, "images/s");
        bench_row(b, "lenet5", group, cases[i].variant, 1e-9 * flop * rate, "GFLOP/s");
    }
}

static void judge_speed(bench *b, const double *seconds, double peer) {
    for (size_t i = 0; i < N_VARIANT; i++) {
        bench_note(b, "lenet5", "lenet5: goal <= %.2f s on %zu core%s of an AMD EPYC (Zen 5): here %.2f s, %s",
                   goal_seconds[i], i + 1, i ? "s" : "", seconds[i], bench_verdict(seconds[i] <= goal_seconds[i]));
    }
    if (peer > 0.0) {
        bench_note(b, "lenet5", "lenet5: goal >= %.1f times PyTorch on one thread: %.2f times, %s", GOAL_PEER,
                   peer / seconds[0], bench_verdict(peer / seconds[0] >= GOAL_PEER));
    }
}

/* Seconds for 60 000 images; false after a failure. */
static bool measure(bench *b, const char *group, const costate_chain *chain, const digits *d, double flop,
                    double *seconds) {
    static const char *const variants[N_VARIANT] = {"costate (1 thread)", "costate (2 threads)"};
    image_job jobs[N_VARIANT] = {{.failed = false}};
    bench_case cases[N_VARIANT];
    bool ok = true;
    for (size_t i = 0; i < N_VARIANT; i++) {
        const minibatch_options options = training(i + 1);
        jobs[i].set = (minibatch_set){.n = d->n, .x = d->x, .label = d->label};
        jobs[i].n_pass = b->quick || d->n > N_EPOCH_IMAGE ? 1 : N_EPOCH_IMAGE / d->n;
        ok = minibatch_create(&jobs[i].model, chain, &options) && ok;
        cases[i] = (bench_case){.variant = variants[i], .run = run_job, .ctx = &jobs[i]};
    }
    const size_t n_round = b->n_round;
    b->n_round = n_round < N_ROUND ? n_round : N_ROUND;
    if (!ok) {
        bench_fail(b, "lenet5 %s: a model cannot be made", group);
    } else if (!bench_time_cases(b, cases, N_VARIANT) || jobs[0].failed || jobs[1].failed) {
        bench_fail(b, "lenet5 %s: training failed while it was timed", group);
        ok = false;
    } else {
        report(b, group, cases, jobs, flop, seconds);
    }
    b->n_round = n_round;
    for (size_t i = 0; i < N_VARIANT; i++) {
        minibatch_destroy(&jobs[i].model);
    }
    return ok;
}

static void judge(bench *b, const char *group, const digits *d, double accuracy, double first_loss, double last_loss) {
    bench_row(b, "lenet5", group, "costate", accuracy, "accuracy");
    if (!(last_loss < (b->quick ? 1.0 : 0.5) * first_loss)) {
        bench_fail(b, "lenet5 %s: the loss went from %.4g to %.4g", group, first_loss, last_loss);
    }
    if (d->real && !b->quick) {
        bench_note(b, "lenet5", "%s: goal >= %.0f %% right: %.2f %%, %s", group, 100.0 * ACCURACY_GOAL,
                   100.0 * accuracy, bench_verdict(accuracy >= ACCURACY_GOAL));
    }
}

/* Four fifths of the images, drawn by lot, are learnt; the others are then asked for. */
static void learn(bench *b, const char *group, const costate_chain *chain, const digits *d) {
    const size_t n_test = d->n / 5;
    const size_t n_train = d->n - n_test;
    const size_t n_epoch = b->quick ? 4 : (N_LEARN_IMAGE + n_train - 1) / n_train;
    const minibatch_options options = training(2);
    costate_random random = costate_random_seed(SEED, 2);
    size_t *index = malloc(d->n * sizeof *index);
    minibatch model = {0};
    bool ok = index && minibatch_create(&model, chain, &options);
    if (ok) {
        minibatch_permutation(&random, d->n, index);
    }
    const minibatch_set train = {.n = n_train, .index = index, .x = d->x, .label = d->label};
    const minibatch_set test = {.n = n_test, .index = index ? index + n_train : NULL, .x = d->x, .label = d->label};
    double first_loss = 0.0;
    double loss = 0.0;
    for (size_t epoch = 0; epoch < n_epoch && ok; epoch++) {
        ok = minibatch_epoch(&model, &train, &loss);
        first_loss = epoch == 0 ? loss : first_loss;
    }
    costate_chain_result result;
    if (ok && minibatch_score(&model, &test, &result)) {
        const double accuracy = (double)result.n_right / (double)n_test;
        printf("# learning %zu images for %zu epochs: loss %.4f in the first, %.4f in the last; %.2f %% right of %zu "
               "others\n",
               n_train, n_epoch, first_loss, loss, 100.0 * accuracy, n_test);
        judge(b, group, d, accuracy, first_loss, loss);
    } else {
        bench_fail(b, "lenet5 %s: learning failed", group);
    }
    minibatch_destroy(&model);
    free(index);
}

static void run_peer(bench *b, const compare_options *options, const image_net *net, const char *group,
                     const double *seconds) {
    peer_table table = {.first = seconds[0]};
    const char *const arguments[] = {"--data", options->data, "--net", net->name, "--shape", group, NULL};
    if (!options->no_peers) {
        peer_script_run(b, "lenet5.py", "lenet5", arguments, peer_table_take, &table);
    }
    if (strcmp(net->name, "lenet5") == 0) {
        judge_speed(b, seconds, table.peer);
    }
}

static void run_net(bench *b, const compare_options *options, const image_net *net, const digits *d) {
    char group[96];
    snprintf(group, sizeof group, "%s %s f32 batch=%d %d images", d->real ? "REAL" : "SYNTHETIC", net->name, N_BATCH,
             N_EPOCH_IMAGE);
    if (!bench_wanted(b, "lenet5", group)) {
        return;
    }
    costate_chain *chain = NULL;
    if (!image_net_create(net, &chain)) {
        bench_fail(b, "lenet5 %s: no chain with %zu parameters", group, net->n_param);
        return;
    }
    const double flop = chain_gradient_flop(chain, net->n_layer, net->layers);
    if (check_gradient(b, group, chain, d)) {
        double seconds[N_VARIANT];
        const bool timed = measure(b, group, chain, d, flop, seconds);
        printf("# %zu parameters; %.3f Mflop per image: two per multiply-add, forth, for weights and for cotangents\n",
               net->n_param, 1e-6 * flop);
        if (timed && !b->quick) {
            run_peer(b, options, net, group, seconds);
        }
        learn(b, group, chain, d);
    }
    costate_chain_destroy(chain);
}

void compare_lenet5(bench *b, const compare_options *options) {
    digits d;
    if (!digits_load(b, options->data, b->quick ? N_QUICK : SIZE_MAX, &d)) {
        return;
    }
    const char *const kind = d.real ? "REAL" : "SYNTHETIC";
    printf("\n# lenet5: %zu %s images in %.1f ms (%s), their bytes to numbers in %.2f ms; neither is in the times "
           "below\n",
           d.n, kind, 1e3 * d.read_seconds, d.real ? "read and unpacked" : "drawn", 1e3 * d.convert_seconds);
    const char *const preprocessing = d.real ? "REAL preprocessing" : "SYNTHETIC preprocessing";
    if (bench_wanted(b, "lenet5", preprocessing)) {
        bench_row(b, "lenet5", preprocessing, "bytes to numbers", 1e9 * d.convert_seconds / (double)d.n,
                  "ns_per_image");
    }
    const image_net nets[] = {image_net_lenet5(), image_net_padded()};
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
        run_net(b, options, &nets[i], &d);
    }
    if (b->quick && !options->no_peers) {
        printf("# skipped: the Python peer (--quick)\n");
    }
    bench_note(
        b, "lenet5",
        "recorded for lenet5 and 60000 images on one core of an AMD EPYC (Zen 5): SimpleChains.jl 2.03 s (1.10 s "
        "on two), PyTorch 3.17 s at batch 128; compare only ratios between machines");
    digits_destroy(&d);
}
