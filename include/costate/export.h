/* SPDX-License-Identifier: MIT */
/** @file export.h  Symbol visibility of the public interface. */
#ifndef COSTATE_EXPORT_H
#define COSTATE_EXPORT_H

#if defined(_WIN32) && defined(COSTATE_SHARED)
#ifdef COSTATE_BUILDING
#define COSTATE_API __declspec(dllexport)
#else
#define COSTATE_API __declspec(dllimport)
#endif
#elif defined(__GNUC__)
#define COSTATE_API __attribute__((visibility("default")))
#else
#define COSTATE_API
#endif

#endif
