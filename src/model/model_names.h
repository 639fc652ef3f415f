/* SPDX-License-Identifier: MIT */
/* Which names and keys a model may have. */
#ifndef CSI_MODEL_NAMES_H
#define CSI_MODEL_NAMES_H

#include <costate/alloc.h>
#include <costate/message.h>
#include <costate/status.h>
#include <stddef.h>

/* Of a network or block. */
costate_status csi_check_part_name(const char *name, costate_message *message);

/* Of n entries or states, which `what` names: fit to be shown, and all different. */
costate_status csi_check_entry_names(const char *what, size_t n, const char *const *names,
                                     const costate_allocator *alloc, costate_message *message);

/* Of a text. */
costate_status csi_check_text_key(const char *key, costate_message *message);

#endif
