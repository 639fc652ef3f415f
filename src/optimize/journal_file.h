/* SPDX-License-Identifier: MIT */
/* The file of a journal: its layout, and reading and writing of whole pieces. */
#ifndef CSI_JOURNAL_FILE_H
#define CSI_JOURNAL_FILE_H

#include <costate/message.h>
#include <costate/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longest description. */
#define CSI_JOURNAL_TEXT_BYTES 65536

/* The file begins with this, the description, and their checksum. Numbers are in the byte order of the machine. */
typedef struct csi_journal_header {
    char magic[16];
    uint32_t version;
    uint32_t byte_order;
    uint64_t n_text;
} csi_journal_header;

/* A record is this, the gradient if there is one, and a tail. */
typedef struct csi_journal_head {
    uint32_t magic;
    uint32_t stage;
    uint64_t index; /* number of the record */
    uint64_t n;
    uint64_t x_hash;
    double value;
    int32_t status;
    uint32_t wanted;   /* 1: a gradient was asked for; there is one if the status is COSTATE_OK */
    uint32_t checksum; /* of the members above: says that n can be believed */
    uint32_t zero;
} csi_journal_head;

typedef struct csi_journal_tail {
    uint32_t checksum; /* of head and gradient */
    uint32_t zero;
} csi_journal_tail;

/* What is at a place of the file. */
typedef enum csi_journal_find {
    CSI_JOURNAL_RECORD,  /* a sound record */
    CSI_JOURNAL_TORN,    /* a record that was not finished: nothing after it is of use */
    CSI_JOURNAL_DAMAGED, /* something else, with more behind it */
    CSI_JOURNAL_UNREADABLE
} csi_journal_find;

/*
 * Opens and locks the file and reads or writes its header. *records is where records begin. On failure nothing is left open, and the message
 * does not name the file.
 */
costate_status csi_journal_file_open(const char *path, const char *text, int *file, uint64_t *records,
                                     costate_message *message);

/* 0, or errno; EIO when the file is shorter. */
int csi_journal_read(int file, uint64_t place, void *bytes, size_t n_bytes);

/* One write for all three parts. 0, or errno with the file cut back to `place`, its end. */
int csi_journal_append(int file, uint64_t place, const csi_journal_head *head, const double *grad,
                       const csi_journal_tail *tail);

/* Cuts the file; 0 or errno. */
int csi_journal_cut(int file, uint64_t place);

/* Puts the file on the disk; 0 or errno. */
int csi_journal_sync(int file);

/* Looks at record `index` at a place of a file of `n_bytes` bytes; *error is errno of CSI_JOURNAL_UNREADABLE. */
csi_journal_find csi_journal_look(int file, uint64_t place, uint64_t n_bytes, uint64_t index, csi_journal_head *head,
                                  int *error);

/* Size of the file; 0 or errno. */
int csi_journal_size(int file, uint64_t *n_bytes);

/* Fills in magic number and checksum of a head. */
void csi_journal_seal(csi_journal_head *head);

/* Bytes of a record's gradient, and of all of it. */
uint64_t csi_journal_grad_bytes(const csi_journal_head *head);
uint64_t csi_journal_record_bytes(const csi_journal_head *head);

/* The tail that belongs to head and gradient. */
csi_journal_tail csi_journal_make_tail(const csi_journal_head *head, const double *grad);

#endif
