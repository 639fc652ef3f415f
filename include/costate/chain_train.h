/* SPDX-License-Identifier: MIT */
/**
 * @file chain_train.h  Training of a chain on plain data: epochs of full or shuffled batches, validation, early stop.
 *
 * An epoch puts every sample of the training data into one batch and does, for every batch, p ← update(p, ∂loss/∂p) by
 * update.h. The last batch of an epoch holds what is left; a mean is a mean over its own samples, so that they weigh
 * more in its step than those of full batches. The loss of an epoch is that of its batches as they were met, put
 * together as one sum or one weighted mean over all samples; a loss never includes penalties. Accuracy is the share of
 * right answers as costate_chain_result counts them: of samples with labels, of outputs with the hinge and logistic
 * losses; NaN with others.
 *
 * The bits of a training depend on data, parameters and options alone, not on the number of threads, and not on how
 * epochs are shared out between calls or between a trainer and one that took up its saved state.
 */
#ifndef COSTATE_CHAIN_TRAIN_H
#define COSTATE_CHAIN_TRAIN_H

#include <costate/chain_eval.h>
#include <costate/update.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How far a training is, as its callbacks see it. NaN where there is none. */
typedef struct costate_chain_train_progress {
    size_t epoch;               /**< epochs done by the trainer, the one in progress included: 1, 2, … */
    size_t n_epoch;             /**< its value at the end of the call */
    size_t step;                /**< updates done by the trainer */
    size_t n_step;              /**< its value at the end of the call */
    double loss;                /**< training loss: of the epoch, or of the step's batch before the update */
    double accuracy;            /**< right answers in training: of the epoch, or of the step's batch */
    double validation_loss;     /**< of the epoch; NaN for steps */
    double validation_accuracy; /**< of the epoch; NaN for steps */
    double rate;                /**< of the last update */
    double gradient_norm;       /**< Euclidean norm of the last gradient, before clipping and penalties; frozen: 0 */
    double seconds;             /**< wall-clock time since the call began, s */
    double seconds_left;        /**< estimate from the mean time of a step, s */
    size_t best_epoch;          /**< epoch with the smallest watched loss; for steps: until the epoch before */
    double best_loss;           /**< that loss; infinity before there is one */
} costate_chain_train_progress;

/**
 * Progress callback; non-zero ends the training after the step or epoch it was called for. It may read the parameters,
 * which are the caller's array, save the trainer and, after an epoch, use costate_chain_trainer_eval().
 */
typedef int (*costate_chain_train_fn)(const costate_chain_train_progress *progress, void *ctx);

/** Which samples are held out for validation. */
typedef enum costate_chain_split {
    COSTATE_CHAIN_SPLIT_LAST,  /**< the last of the data */
    COSTATE_CHAIN_SPLIT_RANDOM /**< drawn with the seed */
} costate_chain_split;

/**
 * Options of a trainer. Start from costate_chain_train_options_default(); arrays are read by
 * costate_chain_trainer_create() only.
 */
typedef struct costate_chain_train_options {
    costate_chain_eval_options eval; /**< precision, threads, pieces */
    costate_chain_loss loss;         /**< loss; its functions and ctx must outlive the trainer */
    /** Method, rate, clipping. The precision is that of `eval`. Its schedule counts steps, of which an epoch has
     * costate_chain_train_n_step(). With ranges of its own (n_range > 0) the penalties below are not read */
    costate_update_options update;
    size_t batch_size; /**< samples of a batch; 0, or more than there are: all */
    bool shuffle;      /**< true: order of the samples drawn anew for every epoch; full batches are never shuffled */
    uint64_t seed;     /**< of the order, the split and dropout */

    double l1;              /**< penalty l1 Σ|p| of the weights of every layer, ≥ 0 and finite */
    double l2;              /**< penalty l2 Σp², ≥ 0 and finite */
    const double *layer_l1; /**< n_layer elements in place of l1; NULL: all l1 */
    const double *layer_l2; /**< n_layer elements in place of l2; NULL: all l2 */
    bool penalise_bias;     /**< true: penalties and AdamW's decay on biases too. Frozen layers never have any */

    double validation_fraction; /**< 0 ≤ f < 1: ⌊f n⌋ of n training samples, at most n − 1, are held out; not read
                                     with a validation batch */
    costate_chain_split split; /**< which */
    size_t patience;           /**< the training ends after so many epochs in a row without improvement; 0: never */
    double min_delta;          /**< what the watched loss has to fall by to have improved, ≥ 0 and finite */
    bool restore_best;         /**< true: a call that succeeds leaves the best parameters in p */

    costate_chain_train_fn epoch_callback; /**< after every epoch; NULL: none */
    costate_chain_train_fn step_callback;  /**< after every update; NULL: none */
    void *ctx;                             /**< for both */
} costate_chain_train_options;

/**
 * Usual options: double precision, one thread, mean squared loss, Adam with rate 0.001, batches of 32 in shuffled
 * order, seed 0, no penalties, no validation, no early stopping, no callbacks.
 *
 * @return the options
 */
COSTATE_API costate_chain_train_options costate_chain_train_options_default(void);

/**
 * Steps of an epoch, from which a schedule's n_step is made: ⌈m/b⌉ with m the samples that are not held out and b the
 * batch_size, or m if that is 0 or larger.
 *
 * @param[in] options    batch_size is read, and validation_fraction unless validated
 * @param[in] n          samples of the training batch
 * @param[in] validated  true: a validation batch is given, so that none of the n is held out
 * @return the number; 0 if options is NULL, n is 0 or what is read is outside its range
 */
COSTATE_API size_t costate_chain_train_n_step(const costate_chain_train_options *options, size_t n, bool validated);

/** A trainer: evaluator, update with its state, best parameters, history. One thread at a time. */
typedef struct costate_chain_trainer costate_chain_trainer;

/**
 * Make a trainer. Memory whose size depends on the number of samples and epochs is taken by the first training call
 * that needs more than there is, before its first epoch; epochs allocate nothing.
 *
 * @param[in]  chain    chain; must outlive the trainer
 * @param[in]  options  options; NULL for the default
 * @param[in]  alloc    where memory comes from; NULL for malloc
 * @param[out] trainer  the trainer, to be released with costate_chain_trainer_destroy(); NULL on failure
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      chain or trainer is NULL, or the caller's loss lacks a function for this precision
 * @retval COSTATE_ERR_ARGUMENT  an option is outside its range
 * @retval COSTATE_ERR_OVERFLOW  a size does not fit in size_t
 * @retval COSTATE_ERR_MEMORY    no memory, or no thread
 * @return also what costate_chain_eval_create() and costate_update_create() answer
 */
COSTATE_API costate_status costate_chain_trainer_create(const costate_chain *chain,
                                                        const costate_chain_train_options *options,
                                                        const costate_allocator *alloc,
                                                        costate_chain_trainer **trainer);

/**
 * Release a trainer.
 *
 * @param[in] trainer  trainer; NULL is accepted
 */
COSTATE_API void costate_chain_trainer_destroy(costate_chain_trainer *trainer);

/**
 * Forget all training: no state in the update, epoch 0, no best, no history. Memory is kept. No effect in a callback.
 *
 * @param[in,out] trainer  trainer; NULL is accepted
 */
COSTATE_API void costate_chain_trainer_reset(costate_chain_trainer *trainer);

/** Why a training call ended. */
typedef enum costate_chain_train_end {
    COSTATE_CHAIN_TRAIN_EPOCHS,   /**< all epochs were done */
    COSTATE_CHAIN_TRAIN_PATIENCE, /**< no improvement for long enough */
    COSTATE_CHAIN_TRAIN_CALLBACK  /**< a callback asked for it */
} costate_chain_train_end;

/** What a training call did. */
typedef struct costate_chain_train_outcome {
    costate_chain_train_end end; /**< why it ended */
    size_t n_epoch;              /**< whole epochs done by the trainer, calls before included */
    size_t n_step;               /**< updates done by the trainer */
    double loss;                 /**< of the last whole epoch; NaN if there is none */
    double accuracy;             /**< of the last whole epoch */
    double validation_loss;      /**< after it; NaN without validation */
    double validation_accuracy;  /**< after it */
    size_t best_epoch;           /**< 1, 2, …; 0 if no epoch had a finite loss to watch */
    double best_loss;            /**< watched loss of that epoch; infinity if there is none */
    double seconds;              /**< wall-clock time of the call, s */
} costate_chain_train_outcome;

/**
 * Train for n_epoch epochs more.
 *
 * Epoch e = 0, 1, … of the trainer takes the samples in the order of the batch, or with `shuffle` as the algorithm of
 * Fisher and Yates (Durstenfeld, Commun. ACM 7, 1964) permutes them with stream e of the seed. The random split draws
 * with stream 2^64 − 1, the same in every call, and keeps the order of the samples (Fan, Muller & Rezucha, J. Am. Stat.
 * Assoc. 57, 1962). Step k = 0, 1, … of the trainer has random layers with draw seed·2^32 + k (modulo 2^64); validation
 * has none.
 *
 * The watched loss is that of validation, else of training. Its best parameters are those after the epoch; if training
 * is watched in full batches, those before it, at which that loss was taken. A loss that is not finite is never an
 * improvement.
 *
 * @param[in,out] trainer     trainer
 * @param[in]     n_epoch     epochs, may be 0
 * @param[in]     training    samples, n ≥ 1
 * @param[in]     validation  samples to validate with; NULL or n = 0: those that are held out, if any
 * @param[in,out] p           parameters, costate_chain_n_param() elements
 * @param[out]    outcome     what was done; NULL if not wanted. Written on success alone
 *
 * No array may overlap another.
 *
 * After a failure p and the trainer are as they were before the epoch that failed; its history and best parameters can
 * be read. After a step's callback ended an epoch they are as that step left them. In both cases the next call begins
 * with that epoch.
 *
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL         trainer, training or p is NULL
 * @retval COSTATE_ERR_ARGUMENT     training has no sample
 * @retval COSTATE_ERR_STATE        called by a callback or loss of the same trainer
 * @retval COSTATE_ERR_UNSUPPORTED  the trainer is in the other precision
 * @retval COSTATE_ERR_OVERFLOW     a size does not fit in size_t
 * @retval COSTATE_ERR_MEMORY       no memory
 * @retval COSTATE_ERR_NONFINITE    a training loss, or a parameter after an epoch, was not finite
 * @return also what costate_chain_loss_f64() answers
 */
COSTATE_API costate_status costate_chain_train_f64(costate_chain_trainer *trainer, size_t n_epoch,
                                                   const costate_batch_f64 *training,
                                                   const costate_batch_f64 *validation, double *p,
                                                   costate_chain_train_outcome *outcome);
/** @copydoc costate_chain_train_f64 */
COSTATE_API costate_status costate_chain_train_f32(costate_chain_trainer *trainer, size_t n_epoch,
                                                   const costate_batch_f32 *training,
                                                   const costate_batch_f32 *validation, float *p,
                                                   costate_chain_train_outcome *outcome);

/** What was recorded of every epoch, n_epoch elements each; NaN where there is nothing. */
typedef struct costate_chain_train_history {
    size_t n_epoch;                    /**< whole epochs */
    const double *loss;                /**< training loss */
    const double *accuracy;            /**< right answers in training */
    const double *validation_loss;     /**< loss of validation */
    const double *validation_accuracy; /**< right answers of validation */
    const double *rate;                /**< rate of the last update */
} costate_chain_train_history;

/**
 * History of all epochs.
 *
 * @param[in] trainer  trainer
 * @return arrays of the trainer, valid until its next call that trains, restores, resets or destroys; all zero if
 *         trainer is NULL
 */
COSTATE_API costate_chain_train_history costate_chain_trainer_history(const costate_chain_trainer *trainer);

/**
 * Copy the best parameters so far.
 *
 * @param[in]  trainer  trainer in double precision
 * @param[out] p        costate_chain_n_param() elements
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL         trainer or p is NULL
 * @retval COSTATE_ERR_UNSUPPORTED  the trainer is in the other precision
 * @retval COSTATE_ERR_STATE        there are none; p is untouched
 */
COSTATE_API costate_status costate_chain_trainer_best_f64(const costate_chain_trainer *trainer, double *p);
/** @copydoc costate_chain_trainer_best_f64 */
COSTATE_API costate_status costate_chain_trainer_best_f32(const costate_chain_trainer *trainer, float *p);

/**
 * The trainer's evaluator, for use between training calls and in callbacks of epochs.
 *
 * @param[in] trainer  trainer
 * @return the evaluator, which belongs to the trainer; NULL if trainer is NULL
 */
COSTATE_API costate_chain_eval *costate_chain_trainer_eval(costate_chain_trainer *trainer);

/**
 * For the caller's loss: which sample it is asked about. May be called from several threads at once.
 *
 * @param[in]  trainer     trainer that called the loss
 * @param[in]  place       place in the batch, below its number of samples: `first` of the loss's arguments, and on
 * @param[out] validation  true: of the validation batch, or held out; NULL if not wanted
 * @return index of the sample in the arrays of the training batch, or of the validation batch if one was given and it
 *         is being evaluated
 */
COSTATE_API size_t costate_chain_trainer_sample(const costate_chain_trainer *trainer, size_t place, bool *validation);

/**
 * Size of what costate_chain_trainer_save() writes now; it grows with every epoch by five numbers.
 *
 * @param[in] trainer  trainer
 * @return bytes; 0 if trainer is NULL
 */
COSTATE_API size_t costate_chain_trainer_state_bytes(const costate_chain_trainer *trainer);

/**
 * Copy the state into a block, for a checkpoint: the update's, epoch, best parameters, history. Parameters, data and
 * options are not in it. In the byte order of the machine.
 *
 * With `restore_best`, p is no longer where training came to once a call has returned: save in a callback then. What is
 * saved within an epoch goes on with that epoch's begin.
 *
 * @param[in]  trainer      trainer
 * @param[out] block        block of block_bytes bytes; any alignment
 * @param[in]  block_bytes  at least costate_chain_trainer_state_bytes()
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL       trainer or block is NULL
 * @retval COSTATE_ERR_WORKSPACE  the block is too small; nothing was written
 */
COSTATE_API costate_status costate_chain_trainer_save(const costate_chain_trainer *trainer, void *block,
                                                      size_t block_bytes);

/**
 * Take up a saved state: with the parameters of that moment and the same data and options, the epochs that follow have
 * the bits they would have had.
 *
 * @param[in,out] trainer      trainer made with the options of the saved one
 * @param[in]     block        what costate_chain_trainer_save() wrote; any alignment
 * @param[in]     block_bytes  its size
 *
 * On failure nothing was changed.
 *
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      trainer or block is NULL
 * @retval COSTATE_ERR_SIZE      block_bytes is not the size of such a state
 * @retval COSTATE_ERR_MISMATCH  the block is of another method, precision, seed, number of parameters or byte order, or
 *                               is none
 * @retval COSTATE_ERR_STATE     called by a callback or loss of the same trainer
 * @retval COSTATE_ERR_MEMORY    no memory
 */
COSTATE_API costate_status costate_chain_trainer_restore(costate_chain_trainer *trainer, const void *block,
                                                         size_t block_bytes);

/**
 * What went wrong in the last training call that failed in an evaluation: layer and samples.
 *
 * @param[in] trainer  trainer
 * @return text, empty if nothing did; valid until the next call. NULL gives ""
 */
COSTATE_API const char *costate_chain_trainer_message(const costate_chain_trainer *trainer);

#ifdef __cplusplus
}
#endif
#endif
