/* SPDX-License-Identifier: MIT */
/*
 * A golden network and a golden update through the library's calls, in the precision `real`, with GOLDEN(stem) as names
 * and GOLDEN_CHAIN and GOLDEN_UPDATE as the precisions of evaluator and update. Part of test_golden.c.
 */

static real *GOLDEN(narrow)(golden_list list) {
    real *narrow = malloc((list.n + 1) * sizeof *narrow);
    assert_non_null(narrow);
    for (size_t i = 0; i < list.n; i++) {
        narrow[i] = (real)list.value[i];
    }
    return narrow;
}

/* As doubles. */
static double *GOLDEN(widen)(size_t n, const real *x) {
    double *wide = malloc((n + 1) * sizeof *wide);
    assert_non_null(wide);
    for (size_t i = 0; i < n; i++) {
        wide[i] = (double)x[i];
    }
    return wide;
}

static real *GOLDEN(zeros)(size_t n) {
    real *x = calloc(n + 1, sizeof *x);
    assert_non_null(x);
    return x;
}

/* A batch of copies, whose arrays golden_batch_free() releases. */
static GOLDEN(costate_batch) GOLDEN(batch)(const golden_network *g) {
    return (GOLDEN(costate_batch)){.n = g->n,
                                   .x = GOLDEN(narrow)(g->x),
                                   .target = g->label ? NULL : GOLDEN(narrow)(g->target),
                                   .label = g->label,
                                   .weight = g->weight.n > 0 ? GOLDEN(narrow)(g->weight) : NULL};
}

static void GOLDEN(batch_free)(GOLDEN(costate_batch) * batch) {
    free((void *)(uintptr_t)batch->x);
    free((void *)(uintptr_t)batch->target);
    free((void *)(uintptr_t)batch->weight);
}

static costate_chain_eval *GOLDEN(evaluator)(const golden_network *g) {
    costate_chain_eval_options options = costate_chain_eval_options_default();
    options.precision = GOLDEN_CHAIN;
    costate_chain_eval *eval = NULL;
    assert_ok(costate_chain_eval_create(g->chain, &options, NULL, &eval));
    return eval;
}

/* The loss and its cotangent at the golden outputs by the calls of batch_loss.h. */
static void GOLDEN(evaluate_loss)(const golden_network *g, const GOLDEN(costate_batch) * batch,
                                  golden_outcome *outcome) {
    real *y = GOLDEN(narrow)(g->y);
    real *v = GOLDEN(zeros)(g->v.n);
    if (g->label) {
        assert_ok(GOLDEN(costate_batch_softmax_loss)(g->loss.output.reduction, g->n, g->n_out, y, g->label,
                                                     batch->weight, &outcome->value_of_y, v));
    } else {
        assert_ok(GOLDEN(costate_batch_loss)(&g->loss.output, g->n, g->n_out, y, batch->target, batch->weight,
                                             &outcome->value_of_y, v));
    }
    outcome->v = GOLDEN(widen)(g->v.n, v);
    free(y);
    free(v);
}

static golden_outcome GOLDEN(evaluate)(const golden_network *g) {
    golden_outcome outcome = {0};
    costate_chain_eval *eval = GOLDEN(evaluator)(g);
    GOLDEN(costate_batch) batch = GOLDEN(batch)(g);
    real *p = GOLDEN(narrow)(g->p);
    real *v = GOLDEN(narrow)(g->v);
    real *y = GOLDEN(zeros)(g->y.n);
    real *pbar_loss = GOLDEN(zeros)(g->n_param);
    real *pbar_vjp = GOLDEN(zeros)(g->n_param);
    real *xbar = GOLDEN(zeros)(g->x.n);
    costate_chain_result result = {0};
    GOLDEN(evaluate_loss)(g, &batch, &outcome);
    assert_ok(GOLDEN(costate_chain_forward)(eval, p, &batch, y));
    assert_ok(GOLDEN(costate_chain_loss)(eval, p, &batch, &g->loss, &result, pbar_loss));
    assert_ok(GOLDEN(costate_chain_vjp)(eval, p, &batch, v, g->xbar.n > 0 ? xbar : NULL, pbar_vjp));
    outcome.value = result.value;
    outcome.n_right = result.n_right;
    outcome.y = GOLDEN(widen)(g->y.n, y);
    outcome.pbar_loss = GOLDEN(widen)(g->n_param, pbar_loss);
    outcome.pbar_vjp = GOLDEN(widen)(g->n_param, pbar_vjp);
    outcome.xbar = GOLDEN(widen)(g->x.n, xbar);
    real *const arrays[] = {p, v, y, pbar_loss, pbar_vjp, xbar};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        free(arrays[i]);
    }
    GOLDEN(batch_free)(&batch);
    costate_chain_eval_destroy(eval);
    return outcome;
}

/* `value`: the loss before each of n_step steps; p: the parameters, moved. */
static void GOLDEN(train)(const golden_network *g, size_t n_step, double *value, double *p) {
    costate_penalty_range range;
    const costate_update_options options = golden_update_options(g->train, g->n_param, GOLDEN_UPDATE, &range);
    costate_update *update = NULL;
    assert_ok(costate_update_create(&options, g->n_param, NULL, &update));
    costate_chain_eval *eval = GOLDEN(evaluator)(g);
    GOLDEN(costate_batch) batch = GOLDEN(batch)(g);
    real *at = GOLDEN(narrow)(g->p);
    real *pbar = GOLDEN(zeros)(g->n_param);
    for (size_t k = 0; k < n_step; k++) {
        costate_chain_result result = {0};
        memset(pbar, 0, g->n_param * sizeof *pbar);
        assert_ok(GOLDEN(costate_chain_loss)(eval, at, &batch, &g->loss, &result, pbar));
        assert_ok(GOLDEN(costate_update_step)(update, at, pbar));
        value[k] = result.value;
    }
    for (size_t i = 0; i < g->n_param; i++) {
        p[i] = (double)at[i];
    }
    free(pbar);
    free(at);
    GOLDEN(batch_free)(&batch);
    costate_chain_eval_destroy(eval);
    costate_update_destroy(update);
}

/* The parameters after every step along given gradients. */
static double *GOLDEN(follow)(const cJSON *object, golden_list p, golden_list gradient) {
    costate_penalty_range range;
    const costate_update_options options = golden_update_options(object, p.n, GOLDEN_UPDATE, &range);
    costate_update *update = NULL;
    assert_ok(costate_update_create(&options, p.n, NULL, &update));
    real *at = GOLDEN(narrow)(p);
    real *step = GOLDEN(narrow)(gradient);
    double *path = malloc(gradient.n * sizeof *path);
    assert_non_null(path);
    for (size_t k = 0; k < gradient.n; k += p.n) {
        assert_ok(GOLDEN(costate_update_step)(update, at, step + k));
        for (size_t i = 0; i < p.n; i++) {
            path[k + i] = (double)at[i];
        }
    }
    free(step);
    free(at);
    costate_update_destroy(update);
    return path;
}
