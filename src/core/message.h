/* SPDX-License-Identifier: MIT */
/* Filling a costate_message. */
#ifndef CSI_MESSAGE_H
#define CSI_MESSAGE_H

#include <costate/message.h>
#include <costate/status.h>

/* Accepts NULL. */
void csi_message_clear(costate_message *message);

/* Formats the text, cut to fit. Accepts a NULL message. */
void csi_message_write(costate_message *message, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;

/* The same with the value `status`, so that a failure is one statement; not a function, so that the value is seen to be no success. */
#define csi_say(message, status, ...) (csi_message_write((message), __VA_ARGS__), (costate_status)(status))

/* A text that is not empty gets "<path>: " in front, of a long path its end. Accepts NULL for either. */
void csi_message_name_file(costate_message *message, const char *path);

/* Says "<what>: <what the errno means>". */
void csi_message_write_errno(costate_message *message, const char *what, int error);
#define csi_say_errno(message, what, error)                                                                            \
    (csi_message_write_errno((message), (what), (error)), (costate_status)COSTATE_ERR_IO)

#endif
