/* SPDX-License-Identifier: MIT */
/* Names and messages of the status codes. */
#include <costate/status.h>

const char *costate_status_name(costate_status status) {
    switch (status) {
#define NAME_CASE(name, value, message)                                                                                \
    case COSTATE_##name: return "COSTATE_" #name;
        COSTATE_STATUS_LIST(NAME_CASE)
#undef NAME_CASE
    }
    return "COSTATE_UNKNOWN";
}

const char *costate_status_message(costate_status status) {
    switch (status) {
#define MESSAGE_CASE(name, value, message)                                                                             \
    case COSTATE_##name: return message;
        COSTATE_STATUS_LIST(MESSAGE_CASE)
#undef MESSAGE_CASE
    }
    return "a status code this version does not know";
}
