/* SPDX-License-Identifier: MIT */
/* The file of a journal: its layout, and reading and writing of whole pieces. */
#define _POSIX_C_SOURCE 200809L

#include "optimize/journal_file.h"

#include "core/message.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include <zlib.h>

static const char MAGIC[16] = "costate journal";
static const uint32_t RECORD_MAGIC = 0x314a4352;
static const uint32_t VERSION = 1;
static const uint32_t BYTE_ORDER_MARK = 0x01020304;

/* Bytes looked at in one go where a piece may be of any size. */
enum { CHUNK_BYTES = 4096 };

/* Beyond this no file goes; keeps sums of sizes from wrapping. */
static const uint64_t MOST_UNKNOWNS = (uint64_t)1 << 48;

static uint32_t add_checksum(uint32_t checksum, const void *bytes, size_t n_bytes) {
    return (uint32_t)crc32_z(checksum, bytes, n_bytes);
}

int csi_journal_read(int file, uint64_t place, void *bytes, size_t n_bytes) {
    unsigned char *to = bytes;
    while (n_bytes > 0) {
        const ssize_t n = pread(file, to, n_bytes, (off_t)place);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n < 0 ? errno : EIO;
        }
        to += n;
        n_bytes -= (size_t)n;
        place += (uint64_t)n;
    }
    return 0;
}

/* Writes the parts, from the end of the file on; 0 or errno. */
static int write_parts(int file, struct iovec *part, int n_part) {
    while (n_part > 0) {
        ssize_t n = writev(file, part, n_part);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return errno;
        }
        for (; n_part > 0 && (size_t)n >= part->iov_len; part++, n_part--) {
            n -= (ssize_t)part->iov_len;
        }
        if (n_part > 0) {
            part->iov_base = (unsigned char *)part->iov_base + n;
            part->iov_len -= (size_t)n;
        }
    }
    return 0;
}

int csi_journal_cut(int file, uint64_t place) { return ftruncate(file, (off_t)place) == 0 ? 0 : errno; }

int csi_journal_append(int file, uint64_t place, const csi_journal_head *head, const double *grad,
                       const csi_journal_tail *tail) {
    struct iovec parts[3] = {{.iov_base = (void *)head, .iov_len = sizeof *head},
                             {.iov_base = (void *)grad, .iov_len = (size_t)csi_journal_grad_bytes(head)},
                             {.iov_base = (void *)tail, .iov_len = sizeof *tail}};
    const int error = write_parts(file, parts, 3);
    if (error != 0) {
        (void)csi_journal_cut(file, place);
    }
    return error;
}

/* There are file systems that cannot be asked for it. */
int csi_journal_sync(int file) { return fsync(file) == 0 || errno == EINVAL || errno == ENOTSUP ? 0 : errno; }

int csi_journal_size(int file, uint64_t *n_bytes) {
    struct stat about;
    if (fstat(file, &about) != 0) {
        return errno;
    }
    *n_bytes = (uint64_t)about.st_size;
    return 0;
}

uint64_t csi_journal_grad_bytes(const csi_journal_head *head) {
    return head->wanted == 1 && head->status == COSTATE_OK ? head->n * sizeof(double) : 0;
}

uint64_t csi_journal_record_bytes(const csi_journal_head *head) {
    return sizeof *head + csi_journal_grad_bytes(head) + sizeof(csi_journal_tail);
}

void csi_journal_seal(csi_journal_head *head) {
    head->magic = RECORD_MAGIC;
    head->zero = 0;
    head->checksum = add_checksum(0, head, offsetof(csi_journal_head, checksum));
}

csi_journal_tail csi_journal_make_tail(const csi_journal_head *head, const double *grad) {
    uint32_t checksum = add_checksum(0, head, sizeof *head);
    const size_t n_bytes = (size_t)csi_journal_grad_bytes(head);
    if (n_bytes > 0) {
        checksum = add_checksum(checksum, grad, n_bytes);
    }
    return (csi_journal_tail){.checksum = checksum};
}

static bool head_sound(const csi_journal_head *head, uint64_t index) {
    return head->magic == RECORD_MAGIC && head->zero == 0 && head->index == index && head->n > 0 &&
           head->n < MOST_UNKNOWNS && head->wanted <= 1 &&
           head->checksum == add_checksum(0, head, offsetof(csi_journal_head, checksum));
}

/* A machine that loses power may leave a file longer than what was written to it, with zeros there. */
static csi_journal_find look_at_zeros(int file, uint64_t place, uint64_t n_bytes, int *error) {
    unsigned char chunk[CHUNK_BYTES];
    while (place < n_bytes) {
        const size_t n = n_bytes - place < sizeof chunk ? (size_t)(n_bytes - place) : sizeof chunk;
        *error = csi_journal_read(file, place, chunk, n);
        if (*error != 0) {
            return CSI_JOURNAL_UNREADABLE;
        }
        for (size_t i = 0; i < n; i++) {
            if (chunk[i] != 0) {
                return CSI_JOURNAL_DAMAGED;
            }
        }
        place += n;
    }
    return CSI_JOURNAL_TORN;
}

/* The checksum of head and gradient against the tail. */
static csi_journal_find look_at_body(int file, uint64_t place, uint64_t n_bytes, const csi_journal_head *head,
                                     int *error) {
    unsigned char chunk[CHUNK_BYTES];
    const uint64_t end = place + csi_journal_record_bytes(head);
    csi_journal_tail tail;
    uint32_t checksum = add_checksum(0, head, sizeof *head);
    place += sizeof *head;
    for (uint64_t left = csi_journal_grad_bytes(head); left > 0;) {
        const size_t n = left < sizeof chunk ? (size_t)left : sizeof chunk;
        *error = csi_journal_read(file, place, chunk, n);
        if (*error != 0) {
            return CSI_JOURNAL_UNREADABLE;
        }
        checksum = add_checksum(checksum, chunk, n);
        place += n;
        left -= n;
    }
    *error = csi_journal_read(file, place, &tail, sizeof tail);
    if (*error != 0) {
        return CSI_JOURNAL_UNREADABLE;
    }
    if (tail.checksum == checksum && tail.zero == 0) {
        return CSI_JOURNAL_RECORD;
    }
    return end == n_bytes ? CSI_JOURNAL_TORN : CSI_JOURNAL_DAMAGED;
}

csi_journal_find csi_journal_look(int file, uint64_t place, uint64_t n_bytes, uint64_t index, csi_journal_head *head,
                                  int *error) {
    if (n_bytes - place < sizeof *head) {
        return CSI_JOURNAL_TORN;
    }
    *error = csi_journal_read(file, place, head, sizeof *head);
    if (*error != 0) {
        return CSI_JOURNAL_UNREADABLE;
    }
    if (!head_sound(head, index)) {
        return look_at_zeros(file, place, n_bytes, error);
    }
    if (n_bytes - place < csi_journal_record_bytes(head)) {
        return CSI_JOURNAL_TORN;
    }
    return look_at_body(file, place, n_bytes, head, error);
}

static csi_journal_header make_header(size_t n_text) {
    csi_journal_header header = {.version = VERSION, .byte_order = BYTE_ORDER_MARK, .n_text = n_text};
    memcpy(header.magic, MAGIC, sizeof MAGIC);
    return header;
}

static uint32_t header_checksum(const csi_journal_header *header, const char *text) {
    return add_checksum(add_checksum(0, header, sizeof *header), (const void *)text, (size_t)header->n_text);
}

/* True if the file holds no more than a beginning of the header: the program died while it wrote it. 0 or errno in
 * *error. */
static bool header_unfinished(int file, uint64_t n_bytes, const csi_journal_header *header, const char *text,
                              int *error) {
    csi_journal_header found;
    const size_t n_head = n_bytes < sizeof found ? (size_t)n_bytes : sizeof found;
    *error = csi_journal_read(file, 0, &found, n_head);
    if (*error != 0 || memcmp(&found, header, n_head) != 0) {
        return false;
    }
    for (uint64_t k = sizeof found; k < n_bytes && k - sizeof found < header->n_text; k++) {
        char c;
        *error = csi_journal_read(file, k, &c, 1);
        if (*error != 0 || c != text[k - sizeof found]) {
            return false;
        }
    }
    return n_bytes < sizeof found + header->n_text + sizeof(uint32_t);
}

static costate_status write_header(int file, const csi_journal_header *header, const char *text,
                                   costate_message *message) {
    uint32_t checksum = header_checksum(header, text);
    struct iovec parts[3] = {{.iov_base = (void *)header, .iov_len = sizeof *header},
                             {.iov_base = (void *)text, .iov_len = (size_t)header->n_text},
                             {.iov_base = &checksum, .iov_len = sizeof checksum}};
    int error = csi_journal_cut(file, 0);
    if (error == 0) {
        error = write_parts(file, parts, 3);
    }
    return error == 0 ? COSTATE_OK : csi_say_errno(message, "cannot be written", error);
}

/* Position of the first byte in which the description of a file differs from `text`. */
static size_t first_difference(int file, size_t n_found, const char *text, size_t n_text) {
    char chunk[CHUNK_BYTES];
    const size_t end = n_found < n_text ? n_found : n_text;
    for (size_t done = 0; done < end; done += sizeof chunk) {
        const size_t n = end - done < sizeof chunk ? end - done : sizeof chunk;
        if (csi_journal_read(file, sizeof(csi_journal_header) + done, chunk, n) != 0) {
            return done;
        }
        for (size_t k = 0; k < n; k++) {
            if (chunk[k] != text[done + k]) {
                return done + k;
            }
        }
    }
    return end;
}

/* Quotes both descriptions around their first difference. */
static costate_status say_difference(int file, size_t n_found, const char *text, size_t n_text,
                                     costate_message *message) {
    enum { BEFORE = 20, SHOWN = 60 };
    char found[SHOWN + 1] = "";
    const size_t at = first_difference(file, n_found, text, n_text);
    const size_t from = at > BEFORE ? at - BEFORE : 0;
    const size_t n = n_found - from < SHOWN ? n_found - from : SHOWN;
    if (csi_journal_read(file, sizeof(csi_journal_header) + from, found, n) != 0) {
        found[0] = '\0';
    }
    return csi_say(message, COSTATE_ERR_MISMATCH, "the journal belongs to another fit: \"%s%s\", not \"%s%.*s\"",
                   from > 0 ? "..." : "", found, from > 0 ? "..." : "", (int)SHOWN, text + from);
}

/* The header of a file against the one it should have; the texts are compared as they are read. */
static costate_status check_header(int file, uint64_t n_bytes, const csi_journal_header *wanted, const char *text,
                                   costate_message *message) {
    csi_journal_header found;
    char chunk[CHUNK_BYTES];
    uint32_t checksum;
    uint32_t stored = 0;
    int error = n_bytes < sizeof found ? 0 : csi_journal_read(file, 0, &found, sizeof found);
    if (error != 0) {
        return csi_say_errno(message, "cannot be read", error);
    }
    if (n_bytes < sizeof found || memcmp(found.magic, MAGIC, sizeof MAGIC) != 0) {
        return csi_say(message, COSTATE_ERR_FORMAT, "is not a journal");
    }
    if (found.byte_order != BYTE_ORDER_MARK) {
        return csi_say(message, COSTATE_ERR_FORMAT, "was written on a machine of the other byte order");
    }
    if (found.version != VERSION) {
        return csi_say(message, COSTATE_ERR_FORMAT, "is a journal of version %lu, not %lu",
                       (unsigned long)found.version, (unsigned long)VERSION);
    }
    if (found.n_text > CSI_JOURNAL_TEXT_BYTES || n_bytes < sizeof found + found.n_text + sizeof stored) {
        return csi_say(message, COSTATE_ERR_FORMAT, "ends within its header");
    }
    bool same = found.n_text == wanted->n_text;
    checksum = add_checksum(0, &found, sizeof found);
    for (size_t done = 0; done < found.n_text && error == 0;) {
        const size_t left = (size_t)found.n_text - done;
        const size_t n = left < sizeof chunk ? left : sizeof chunk;
        error = csi_journal_read(file, sizeof found + done, chunk, n);
        if (error == 0) {
            checksum = add_checksum(checksum, chunk, n);
            same = same && memcmp(chunk, text + done, n) == 0;
            done += n;
        }
    }
    if (error == 0) {
        error = csi_journal_read(file, sizeof found + found.n_text, &stored, sizeof stored);
    }
    if (error != 0) {
        return csi_say_errno(message, "cannot be read", error);
    }
    if (stored != checksum) {
        return csi_say(message, COSTATE_ERR_FORMAT, "has a damaged header: its checksum is wrong");
    }
    return same ? COSTATE_OK : say_difference(file, (size_t)found.n_text, text, (size_t)wanted->n_text, message);
}

static costate_status lock(int file, costate_message *message) {
    struct stat about;
    if (fstat(file, &about) != 0) {
        return csi_say_errno(message, "cannot be read", errno);
    }
    if (!S_ISREG(about.st_mode)) {
        return csi_say(message, COSTATE_ERR_IO, "is no regular file");
    }
    if (flock(file, LOCK_EX | LOCK_NB) == 0) {
        return COSTATE_OK;
    }
    if (errno == EWOULDBLOCK) {
        return csi_say(message, COSTATE_ERR_IO, "is in use: another fit has it open as its journal");
    }
    return csi_say_errno(message, "cannot be locked", errno);
}

costate_status csi_journal_file_open(const char *path, const char *text, int *file, uint64_t *records,
                                     costate_message *message) {
    const csi_journal_header header = make_header(strlen(text));
    uint64_t n_bytes = 0;
    int error = 0;
    *records = sizeof header + header.n_text + sizeof(uint32_t);
    *file = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0666);
    if (*file < 0) {
        return csi_say_errno(message, "cannot be opened", errno);
    }
    costate_status status = lock(*file, message);
    if (status == COSTATE_OK) {
        error = csi_journal_size(*file, &n_bytes);
        const bool begin = error == 0 && header_unfinished(*file, n_bytes, &header, text, &error);
        if (error != 0) {
            status = csi_say_errno(message, "cannot be read", error);
        } else if (begin) {
            status = write_header(*file, &header, text, message);
        } else {
            status = check_header(*file, n_bytes, &header, text, message);
        }
    }
    if (status != COSTATE_OK) {
        (void)close(*file);
        *file = -1;
    }
    return status;
}
