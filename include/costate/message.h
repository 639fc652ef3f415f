/* SPDX-License-Identifier: MIT */
/** @file message.h  What a call that reads or writes a file says about a failure. */
#ifndef COSTATE_MESSAGE_H
#define COSTATE_MESSAGE_H

#ifdef __cplusplus
extern "C" {
#endif

/**
 * One line of text, to be shown to a person: which file, where in it, what is wrong. A call that takes one clears it
 * first, so that it is empty after a success; NULL is accepted where the text is not wanted. Always ends in a zero
 * byte; a text that does not fit is cut.
 */
typedef struct costate_message {
    char text[512]; /**< UTF-8, without a line end */
} costate_message;

#ifdef __cplusplus
}
#endif
#endif
