/* SPDX-License-Identifier: MIT */
/**
 * @file journal.h  Checkpoint and resume of any optimisation: a file that records every evaluation of its objective.
 *
 * The optimisers are deterministic: given the same values and gradients they ask for the same points. A journal
 * appends what the objective answered to a file; when a program that was killed runs again with the same file, the
 * recorded answers are served in order without an evaluation, the optimiser walks the path it walked before, and goes
 * on where it stopped. The result has the same bits as that of an uninterrupted run, after SIGKILL at any moment too.
 * It makes no difference which optimisers run, how many stages there are, or that their numbers of unknowns differ.
 *
 * Usage: open; wrap each objective in a costate_journaled; give costate_journal_objective() with it to the optimiser;
 * close. The program need not know whether it is resuming.
 *
 * What ends the guarantee: anything that makes the path depend on more than the objective, such as a time limit or a
 * callback that stops for its own reasons; and anything that makes the objective give other bits, such as another
 * machine whose CPU selects other kernels, another version of the library or of its dependencies, or a right-hand side
 * that draws random numbers. The number of threads does not. Start x, options and data are the caller's to keep:
 * name them in `description`.
 *
 * Checks on resuming: the description must be the same; each requested point must hash to the recorded one; and the
 * first and the last recorded answers are evaluated once more and must have the same bits.
 *
 * Size: 64 bytes per evaluation, and 8 n more if it gave a gradient: 81 MB for 10 000 evaluations of 1 000 unknowns.
 */
#ifndef COSTATE_JOURNAL_H
#define COSTATE_JOURNAL_H

#include <costate/alloc.h>
#include <costate/export.h>
#include <costate/message.h>
#include <costate/optimize.h>
#include <costate/status.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** An open journal. One thread at a time; the file is locked against other processes and journals. */
typedef struct costate_journal costate_journal;

/** An objective whose evaluations go through a journal; filled in by the caller, who also keeps it. */
typedef struct costate_journaled {
    costate_journal *journal; /**< open journal; NULL: f is called and nothing recorded */
    size_t n;                 /**< unknowns */
    costate_objective_fn f;   /**< the objective */
    void *ctx;                /**< passed to f */
    uint32_t stage;           /**< number of the stage, recorded and compared: tells apart objectives of one journal */
} costate_journaled;

/** What a journal has done. */
typedef struct costate_journal_counts {
    size_t n_recorded;  /**< evaluations found in the file when it was opened */
    size_t n_replayed;  /**< evaluations served from it so far */
    size_t n_checked;   /**< of these, evaluated once more for comparison */
    size_t n_evaluated; /**< evaluations appended so far */
    uint64_t n_bytes;   /**< size of the file */
} costate_journal_counts;

/**
 * Open a journal, or begin one if there is no file. A record that was being written when the program died is cut off.
 *
 * @param[in]  path         file
 * @param[in]  description  what the journal is for, at most 65 536 bytes: everything on which the objective and the path
 *                          depend, e.g. names and checksums of data, options and seeds. NULL: ""
 * @param[in]  alloc        where memory comes from; NULL for malloc
 * @param[out] journal      the journal, to be released with costate_journal_close(); NULL on failure
 * @param[out] message      what is wrong; NULL if not wanted
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      path or journal is NULL
 * @retval COSTATE_ERR_ARGUMENT  the description is too long
 * @retval COSTATE_ERR_IO        the file cannot be opened, read or written, or another process or journal has it open
 * @retval COSTATE_ERR_FORMAT    the file is no journal, of another version or byte order, or damaged before its end;
 *                               it was not changed
 * @retval COSTATE_ERR_MISMATCH  the description differs; the file was not changed
 * @retval COSTATE_ERR_MEMORY    no memory
 */
COSTATE_API costate_status costate_journal_open(const char *path, const char *description,
                                                const costate_allocator *alloc, costate_journal **journal,
                                                costate_message *message);

/**
 * Put everything on the disk, close the file and release the journal. The file stays; delete it to start anew.
 *
 * @param[in] journal  journal, or NULL (no effect)
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_IO  the file could not be put on the disk; the journal is released all the same
 */
COSTATE_API costate_status costate_journal_close(costate_journal *journal);

/**
 * The wrapped objective: the recorded answer while there is one, else an evaluation, whose answer is appended with one
 * write before it is returned. What was written is put on the disk (fsync) every 30 s and at closing: a killed process
 * loses nothing, a machine that loses power at most what came after the last of these, or a record in the middle, which
 * opening reports.
 *
 * Its type is costate_objective_fn: pass it to an optimiser with a costate_journaled as ctx. An answer that ends an
 * optimisation (COSTATE_ERR_INTERRUPTED, COSTATE_ERR_MEMORY, …) is not recorded.
 *
 * @param[in]  x          unknowns, n elements
 * @param[out] value      the function at x
 * @param[out] grad       n elements; NULL if not wanted
 * @param[in]  journaled  a costate_journaled, as void pointer
 * @retval COSTATE_ERR_NULL      x, value, journaled or its f is NULL
 * @retval COSTATE_ERR_SIZE      n is 0 or too large
 * @retval COSTATE_ERR_MISMATCH  the journal belongs to another fit: point, stage, size or answer differ from the record;
 *                               see costate_journal_detail()
 * @retval COSTATE_ERR_FORMAT    the file was changed by someone else while it was open
 * @retval COSTATE_ERR_IO        the file could not be read or written
 * @return otherwise the status of f
 *
 * After COSTATE_ERR_MISMATCH, COSTATE_ERR_FORMAT or COSTATE_ERR_IO the journal refuses every call with that status.
 * Optimisers end with these. Allocates nothing.
 */
COSTATE_API costate_status costate_journal_objective(const double *x, double *value, double *grad, void *journaled);

/**
 * What the journal has done so far.
 *
 * @param[in] journal  journal
 * @return counts owned by the journal; NULL if journal is NULL
 */
COSTATE_API const costate_journal_counts *costate_journal_get_counts(const costate_journal *journal);

/**
 * Why the journal refuses calls.
 *
 * @param[in] journal  journal
 * @return text owned by the journal; "" if nothing has failed or journal is NULL
 */
COSTATE_API const char *costate_journal_detail(const costate_journal *journal);

#ifdef __cplusplus
}
#endif
#endif
