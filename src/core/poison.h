/* SPDX-License-Identifier: MIT */
/* AddressSanitizer's manual poisoning; nothing in other builds. */
#ifndef CSI_POISON_H
#define CSI_POISON_H

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define CSI_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CSI_ASAN 1
#endif
#endif

#ifdef CSI_ASAN
#include <sanitizer/asan_interface.h>
#define CSI_POISON(address, bytes) __asan_poison_memory_region((address), (bytes))
#define CSI_UNPOISON(address, bytes) __asan_unpoison_memory_region((address), (bytes))
#else
#define CSI_POISON(address, bytes) ((void)(address), (void)(bytes))
#define CSI_UNPOISON(address, bytes) ((void)(address), (void)(bytes))
#endif

#endif
