/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A target in a real kernel: each test has one, and a network namespace of its own. */
#ifndef SYNPRINT_TESTS_UNIT_PUBLISH_TARGET_TURNS_H
#define SYNPRINT_TESTS_UNIT_PUBLISH_TARGET_TURNS_H

#include "kernel.h"
#include "nap.h"
#include "publish/target.h"

static struct target *target;
static uint64_t since_ms; /* before it was committed */

static inline void setup(void)
{
	kernel_enter();
	since_ms = now_ms();
}

/* Whoever looks at what was committed may come late. */
static inline int passed_s(void)
{
	return (int)((now_ms() - since_ms) / 1000);
}

static inline void teardown(void)
{
	if (target)
		target->type->free(target);
}

static inline bool ensure(void)
{
	struct text_error error = {.what = ""};
	bool is_created = false;
	int rc = target_ensure(target, &is_created, &error);

	cr_assert_eq(rc, 0, "%d: %s", rc, error.what);
	return is_created;
}

static inline int commit(const char *text, enum publish_op_kind kind, uint32_t timeout_s)
{
	struct publish_op op = {.kind = kind, .timeout_s = timeout_s};

	cr_assert_eq(addr_parse(text, &op.addr), 0);
	return target_commit(target, &op, 1);
}

static inline bool is_intact(void)
{
	bool is_intact = false;

	cr_assert_eq(target_check(target, &is_intact), 0);
	return is_intact;
}

/* Addresses 10.0.0.0 and on, every other one as 2001:db8::a00:0 and on. */
static inline void fill(struct publish_op *ops, unsigned count, enum publish_op_kind kind)
{
	for (unsigned i = 0; i < count; i++) {
		uint8_t bytes[16] = {0x20,      0x01, 0x0d, 0xb8, [12] = 10, 0, (uint8_t)(i >> 8),
				     (uint8_t)i};

		ops[i] = (struct publish_op){.addr = i % 2 ? addr_from_v6(bytes)
							   : addr_from_v4(bytes + 12),
					     .kind = kind};
	}
}

#endif
