/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether this is a sanitizer build. Its runtime reads /proc, starts processes that trace us and
 * writes reports, so what confines the daemon has to leave it room.
 */
#ifndef SYNPRINT_SYS_SANITIZER_H
#define SYNPRINT_SYS_SANITIZER_H

#ifdef __has_feature /* clang */
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
	__has_feature(memory_sanitizer)
#define HAS_SANITIZER 1
#endif
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) /* gcc */
#undef HAS_SANITIZER
#define HAS_SANITIZER 1
#endif

#ifndef HAS_SANITIZER
#define HAS_SANITIZER 0
#endif

#endif
