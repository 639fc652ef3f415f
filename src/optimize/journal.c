/* SPDX-License-Identifier: MIT */
/* Checkpoint and resume: the evaluations of an objective are recorded, and served again to the optimiser that asks for them again. */
#define _POSIX_C_SOURCE 200809L

#include "core/clock.h"
#include "core/memory.h"
#include "core/message.h"
#include "optimize/journal_file.h"
#include "optimize/minimize_track.h"

#include <costate/journal.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

static const double SYNC_SECONDS = 30.0;

struct costate_journal {
    costate_allocator alloc;
    int file;
    uint64_t place;      /* of the next record to be served */
    uint64_t end;        /* of the file: where records are appended */
    double sync_seconds; /* when the file was last put on the disk */
    bool unsynced;       /* something was written since */
    costate_status status;
    costate_message message;
    costate_journal_counts counts;
};

/* Finds the records and cuts off one that was not finished. */
static costate_status survey(costate_journal *journal, costate_message *message) {
    uint64_t n_bytes = 0;
    uint64_t place = journal->place;
    csi_journal_head head;
    int error = csi_journal_size(journal->file, &n_bytes);
    while (error == 0 && place < n_bytes) {
        const size_t k = journal->counts.n_recorded;
        const csi_journal_find find = csi_journal_look(journal->file, place, n_bytes, k, &head, &error);
        if (find == CSI_JOURNAL_DAMAGED) {
            return csi_say(message, COSTATE_ERR_FORMAT,
                           "record %llu at byte %llu is damaged; cut off from there, the file holds %llu sound ones",
                           (unsigned long long)k + 1, (unsigned long long)place, (unsigned long long)k);
        }
        if (find == CSI_JOURNAL_TORN) {
            error = csi_journal_cut(journal->file, place);
            n_bytes = place;
        } else if (find == CSI_JOURNAL_RECORD) {
            place += csi_journal_record_bytes(&head);
            journal->counts.n_recorded++;
        }
    }
    journal->end = place;
    journal->counts.n_bytes = place;
    return error == 0 ? COSTATE_OK : csi_say_errno(message, "cannot be read", error);
}

costate_status costate_journal_open(const char *path, const char *description, const costate_allocator *alloc,
                                    costate_journal **journal, costate_message *message) {
    const char *text = description ? description : "";
    csi_message_clear(message);
    if (!path || !journal) {
        return COSTATE_ERR_NULL;
    }
    *journal = NULL;
    if (strlen(text) > CSI_JOURNAL_TEXT_BYTES) {
        return csi_say(message, COSTATE_ERR_ARGUMENT, "the description of a journal has more than %d bytes",
                       CSI_JOURNAL_TEXT_BYTES);
    }
    const costate_allocator a = csi_allocator(alloc);
    costate_journal *made = csi_alloc(&a, 1, sizeof *made);
    if (!made) {
        return csi_say(message, COSTATE_ERR_MEMORY, "no memory for a journal");
    }
    made->alloc = a;
    made->sync_seconds = csi_clock_seconds();
    costate_status status = csi_journal_file_open(path, text, &made->file, &made->place, message);
    if (status == COSTATE_OK) {
        status = survey(made, message);
        if (status != COSTATE_OK) {
            (void)close(made->file);
        }
    }
    if (status != COSTATE_OK) {
        csi_message_name_file(message, path);
        csi_release(&a, made);
        return status;
    }
    *journal = made;
    return COSTATE_OK;
}

costate_status costate_journal_close(costate_journal *journal) {
    if (!journal) {
        return COSTATE_OK;
    }
    int error = journal->unsynced ? csi_journal_sync(journal->file) : 0;
    if (close(journal->file) != 0) {
        error = 1;
    }
    csi_release(&journal->alloc, journal);
    return error == 0 ? COSTATE_OK : COSTATE_ERR_IO;
}

const costate_journal_counts *costate_journal_get_counts(const costate_journal *journal) {
    return journal ? &journal->counts : NULL;
}

const char *costate_journal_detail(const costate_journal *journal) { return journal ? journal->message.text : ""; }

/* Refuses this and every later call. */
static costate_status refuse(costate_journal *journal, costate_status status) {
    journal->status = status;
    return status;
}

static costate_status refuse_io(costate_journal *journal, const char *what, int error) {
    return refuse(journal, csi_say_errno(&journal->message, what, error));
}

static uint64_t hash(const double *x, size_t n) {
    uint64_t h = 0x9e3779b97f4a7c15U;
    for (size_t i = 0; i < n; i++) {
        uint64_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        h = (h ^ bits) * 0xff51afd7ed558ccdU;
        h ^= h >> 32;
    }
    return h;
}

/* What a record of this question and its answer begins with. */
static csi_journal_head make_head(const costate_journaled *wrapped, uint64_t index, const double *x, bool wanted,
                                  costate_status status, double value) {
    csi_journal_head head = {.stage = wrapped->stage,
                             .index = index,
                             .n = wrapped->n,
                             .x_hash = hash(x, wrapped->n),
                             .value = status == COSTATE_OK ? value : (double)NAN,
                             .status = (int32_t)status,
                             .wanted = wanted};
    csi_journal_seal(&head);
    return head;
}

static int sync_now_and_then(costate_journal *journal) {
    const double now = csi_clock_seconds();
    if (now - journal->sync_seconds < SYNC_SECONDS) {
        return 0;
    }
    journal->sync_seconds = now;
    journal->unsynced = false;
    return csi_journal_sync(journal->file);
}

static costate_status record(const costate_journaled *wrapped, const double *x, costate_status status, double value,
                             const double *grad) {
    costate_journal *journal = wrapped->journal;
    const uint64_t index = journal->counts.n_recorded + journal->counts.n_evaluated;
    const csi_journal_head head = make_head(wrapped, index, x, grad != NULL, status, value);
    const csi_journal_tail tail = csi_journal_make_tail(&head, grad);
    int error = csi_journal_append(journal->file, journal->end, &head, grad, &tail);
    if (error == 0) {
        journal->end += csi_journal_record_bytes(&head);
        journal->counts.n_evaluated++;
        journal->counts.n_bytes = journal->end;
        journal->unsynced = true;
        error = sync_now_and_then(journal);
    }
    return error == 0 ? status : refuse_io(journal, "cannot be written", error);
}

/* The question a record answers against the one that is asked. */
static costate_status compare(costate_journal *journal, const costate_journaled *wrapped, const csi_journal_head *head,
                              const double *x, bool wanted) {
    const char *what = NULL;
    if (head->stage != wrapped->stage) {
        what = "another stage";
    } else if (head->n != wrapped->n) {
        what = "another number of unknowns";
    } else if (head->wanted != (uint32_t)wanted) {
        what = wanted ? "no gradient" : "a gradient";
    } else if (head->x_hash != hash(x, wrapped->n)) {
        what = "another point";
    }
    if (!what) {
        return COSTATE_OK;
    }
    return refuse(journal, csi_say(&journal->message, COSTATE_ERR_MISMATCH,
                                   "the journal belongs to another fit: its record %llu is of %s",
                                   (unsigned long long)head->index + 1, what));
}

/* Evaluates what was recorded once more: other bits mean that the objective is another one. */
static costate_status check_answer(costate_journal *journal, const costate_journaled *wrapped,
                                   const csi_journal_head *head, const double *x, double *value, double *grad) {
    csi_journal_tail found;
    const uint64_t place = journal->place + sizeof *head + csi_journal_grad_bytes(head);
    const costate_status status = wrapped->f(x, value, grad, wrapped->ctx);
    if (csi_status_ends_run(status)) {
        return status;
    }
    const csi_journal_head again = make_head(wrapped, head->index, x, grad != NULL, status, *value);
    const csi_journal_tail tail = csi_journal_make_tail(&again, grad);
    const int error = csi_journal_read(journal->file, place, &found, sizeof found);
    if (error != 0) {
        return refuse_io(journal, "cannot be read", error);
    }
    if (head->checksum != again.checksum || found.checksum != tail.checksum) {
        return refuse(journal,
                      csi_say(&journal->message, COSTATE_ERR_MISMATCH,
                              "the journal belongs to another fit: evaluated again, its record %llu is not what it was "
                              "(value %.17g, now %.17g)",
                              (unsigned long long)head->index + 1, head->value, again.value));
    }
    journal->counts.n_checked++;
    return COSTATE_OK;
}

/* The recorded answer. */
static costate_status serve(costate_journal *journal, const csi_journal_head *head, double *value, double *grad) {
    const uint64_t place = journal->place + sizeof *head;
    const uint64_t n_bytes = csi_journal_grad_bytes(head);
    const int error = n_bytes > 0 ? csi_journal_read(journal->file, place, grad, (size_t)n_bytes) : 0;
    if (error != 0) {
        return refuse_io(journal, "cannot be read", error);
    }
    *value = head->value;
    journal->place += csi_journal_record_bytes(head);
    journal->counts.n_replayed++;
    return (costate_status)head->status;
}

static costate_status replay(const costate_journaled *wrapped, const double *x, double *value, double *grad) {
    costate_journal *journal = wrapped->journal;
    const size_t k = journal->counts.n_replayed;
    csi_journal_head head;
    int error = 0;
    const csi_journal_find find = csi_journal_look(journal->file, journal->place, journal->end, k, &head, &error);
    if (find == CSI_JOURNAL_UNREADABLE) {
        return refuse_io(journal, "cannot be read", error);
    }
    if (find != CSI_JOURNAL_RECORD) {
        return refuse(journal,
                      csi_say(&journal->message, COSTATE_ERR_FORMAT,
                              "record %llu of the journal was changed while it was open", (unsigned long long)k + 1));
    }
    costate_status status = compare(journal, wrapped, &head, x, grad != NULL);
    if (status == COSTATE_OK && (k == 0 || k + 1 == journal->counts.n_recorded)) {
        status = check_answer(journal, wrapped, &head, x, value, grad);
    }
    return status == COSTATE_OK ? serve(journal, &head, value, grad) : status;
}

costate_status costate_journal_objective(const double *x, double *value, double *grad, void *journaled) {
    const costate_journaled *wrapped = journaled;
    if (!x || !value || !wrapped || !wrapped->f) {
        return COSTATE_ERR_NULL;
    }
    costate_journal *journal = wrapped->journal;
    if (!journal) {
        return wrapped->f(x, value, grad, wrapped->ctx);
    }
    if (wrapped->n == 0 || wrapped->n > PTRDIFF_MAX / (2 * sizeof(double))) {
        return COSTATE_ERR_SIZE;
    }
    if (journal->status != COSTATE_OK) {
        return journal->status;
    }
    if (journal->counts.n_replayed < journal->counts.n_recorded) {
        return replay(wrapped, x, value, grad);
    }
    const costate_status status = wrapped->f(x, value, grad, wrapped->ctx);
    return csi_status_ends_run(status) ? status : record(wrapped, x, status, *value, grad);
}
