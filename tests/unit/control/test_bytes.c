/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A queue of bytes: what goes in comes out, its block grows, moves and shrinks when it should. */
#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

#include "alloc.h"
#include "control/bytes.h"

static void put(struct bytes *bytes, const char *data, size_t len)
{
	char *end = bytes_reserve(bytes, len);

	cr_assert_not_null(end);
	memcpy(end, data, len);
	bytes->len += len;
	bytes_front(bytes)[bytes->len] = '\0'; /* one byte more than asked for is always there */
}

Test(bytes, come_out_as_they_went_in)
{
	struct bytes bytes = {.data = NULL};
	unsigned in = 0, out = 0;
	uint32_t random = 5;

	for (unsigned round = 0; round < 20000; round++) {
		unsigned count = (random = random * 1664525u + 1013904223u) >> 24;
		char chunk[256];

		for (unsigned i = 0; i < count; i++)
			chunk[i] = (char)(in++ * 7);
		put(&bytes, chunk, count);
		count = (random = random * 1664525u + 1013904223u) >> 24;
		count = count < bytes.len ? count : (unsigned)bytes.len;
		for (unsigned i = 0; i < count; i++)
			cr_assert_eq(bytes_front(&bytes)[i], (char)(out++ * 7), "round %u", round);
		bytes_consume(&bytes, count);
		cr_assert_eq(bytes.len, in - out);
	}
	bytes_done(&bytes);
	cr_expect_null(bytes.data);
	cr_expect_eq(bytes.size, 0);
}

Test(bytes, the_block_grows_by_doubling)
{
	static const struct {
		size_t len, size;
	} cases[] = {{1, 1024}, {1023, 1024}, {1024, 2048}, {2047, 2048}, {5000, 8192}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bytes bytes = {.data = NULL};

		cr_assert_not_null(bytes_reserve(&bytes, cases[i].len));
		cr_expect_eq(bytes.size, cases[i].size, "%zu", cases[i].len);
		cr_assert_not_null(bytes_reserve(&bytes, cases[i].size - 1));
		cr_expect_eq(bytes.size, cases[i].size, "there is as much room as that");
		bytes_done(&bytes);
	}
}

/* What waits is moved to the front only where at least half as much was taken out before. */
Test(bytes, moves_or_grows)
{
	static const struct {
		size_t in, out, more, size;
		size_t start; /* afterwards */
	} cases[] = {
		{900, 600, 600, 1024, 0}, /* 300 wait behind 600: moved */
		{900, 200, 600, 2048, 200}, /* 700 wait behind 200: grown */
		{900, 300, 600, 2048, 0}, /* 600 behind 300: moved, and grown */
		{900, 299, 600, 2048, 299}, {900, 600, 123, 1024, 600}, /* it fits as it is */
		{900, 600, 124, 1024, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bytes bytes = {.data = NULL};
		char zeros[1024] = {0};

		put(&bytes, zeros, cases[i].in);
		bytes_consume(&bytes, cases[i].out);
		cr_assert_not_null(bytes_reserve(&bytes, cases[i].more));
		cr_expect_eq(bytes.size, cases[i].size, "case %zu: %zu", i, bytes.size);
		cr_expect_eq(bytes.start, cases[i].start, "case %zu: %zu", i, bytes.start);
		bytes_done(&bytes);
	}
}

Test(bytes, an_empty_queue_begins_at_the_front)
{
	struct bytes bytes = {.data = NULL};

	put(&bytes, "ab", 2);
	bytes_consume(&bytes, 1);
	cr_expect_eq(bytes.start, 1);
	bytes_consume(&bytes, 1);
	cr_expect_eq(bytes.start, 0);
	bytes_done(&bytes);
}

Test(bytes, a_large_block_is_given_back_once_it_is_empty)
{
	static const struct {
		size_t len;
		bool is_kept;
	} cases[] = {{32767, true}, {32768, false}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bytes bytes = {.data = NULL};

		cr_assert_not_null(bytes_reserve(&bytes, cases[i].len));
		bytes.len = 1;
		bytes_trim(&bytes);
		cr_expect_neq(bytes.size, 0, "something waits in it");
		bytes_consume(&bytes, 1);
		bytes_trim(&bytes);
		cr_expect_eq(bytes.size != 0, cases[i].is_kept, "%zu", cases[i].len);
		bytes_done(&bytes);
	}
}

Test(bytes, out_of_memory)
{
	struct bytes bytes = {.data = NULL};

	alloc_fail_after(0);
	cr_expect_null(bytes_reserve(&bytes, 1));
	cr_expect(alloc_has_failed());
	put(&bytes, "abc", 3);
	alloc_fail_after(0);
	cr_expect_null(bytes_reserve(&bytes, 5000));
	cr_expect(alloc_has_failed());
	cr_expect_eq(bytes.len, 3);
	cr_expect_eq(memcmp(bytes_front(&bytes), "abc", 3), 0, "nothing is lost");
	bytes_done(&bytes);
}
