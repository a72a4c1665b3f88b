/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory that runs out: every unit test is linked with --wrap=malloc and its kin, so that what the
 * code under test allocates can fail, and nothing else can.
 */
#ifndef SYNPRINT_TESTS_ALLOC_H
#define SYNPRINT_TESTS_ALLOC_H

#define ALLOC_NEVER (~0u)

/** alloc_fail_after() - let so many allocations succeed, and one fail. */
void alloc_fail_after(unsigned count);

/** alloc_has_failed() - whether it came to that since; ends it in any case. */
_Bool alloc_has_failed(void);

#endif
