/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whom a sink has told, over a restart: no one twice, no one left out, whatever the file holds. */
#include "share/sinks/sent.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sys/clock.h"
#include "sys/file.h"

#define NOW_S 1000 /* of the slots' clock */
#define LEFT_S 3600

static char path[] = "/tmp/synprint-sent-XXXXXX";

static void setup(void)
{
	int fd = mkstemp(path);

	cr_assert_geq(fd, 0);
	close(fd);
}

static void teardown(void)
{
	unlink(path);
}

TestSuite(sent, .init = setup, .fini = teardown, .timeout = 60);

static struct message named(const char *addr)
{
	struct message message = {.flags = 0};

	cr_assert_eq(addr_parse(addr, &message.addr), 0);
	return message;
}

/* 1: it is to be told. */
static int put(struct slots *slots, const char *addr)
{
	struct message message = named(addr);
	uint16_t slot;

	return slots_put(slots, NOW_S, &message, LEFT_S, &slot);
}

static void write_text(const char *text)
{
	cr_assert_eq(file_replace(path, text, strlen(text), false), 0);
}

Test(sent, outlives_a_restart)
{
	struct slots *before = slots_new(0), *after = slots_new(0);
	struct message taken_back = named("192.0.2.2");
	uint16_t slot;

	put(before, "192.0.2.1");
	put(before, "192.0.2.2");
	put(before, "2001:db8::1");
	cr_assert_eq(slots_withdraw(before, NOW_S, &taken_back.addr, &slot), 0);
	cr_assert_eq(sent_write(path, NOW_S, before), 0);
	cr_assert_eq(sent_read(path, NOW_S, after), 0);
	cr_expect_eq(put(after, "192.0.2.1"), 0);
	cr_expect_eq(put(after, "2001:db8::1"), 0);
	cr_expect_eq(put(after, "192.0.2.2"), 1, "it is not told any more");
	cr_expect_eq(put(after, "192.0.2.3"), 1);
	slots_free(before);
	slots_free(after);
}

Test(sent, what_makes_no_sense_is_passed_over)
{
	struct slots *slots = slots_new(0);
	struct slots_stats stats;
	char text[256];

	snprintf(text, sizeof(text),
		 "\n \nx\n192.0.2.1\n192.0.2.2 5\n192.0.2.3 %llu\nx %llu\n"
		 "192.0.2.5 %llu",
		 (unsigned long long)clock_unix_s() + 40000000,
		 (unsigned long long)clock_unix_s() + LEFT_S,
		 (unsigned long long)clock_unix_s() + LEFT_S);
	write_text(text);
	cr_assert_eq(sent_read(path, NOW_S, slots), 0);
	slots_get_stats(slots, &stats);
	cr_expect_eq(stats.used, 1);
	cr_expect_eq(put(slots, "192.0.2.5"), 0);
	slots_free(slots);
}

Test(sent, without_a_file)
{
	struct slots *slots = slots_new(0);

	cr_expect_eq(sent_read("/tmp/synprint/nowhere", NOW_S, slots), 0);
	cr_expect_eq(sent_read("/tmp", NOW_S, slots), -EISDIR);
	cr_expect_eq(sent_write("/tmp/synprint/nowhere", NOW_S, slots), -ENOENT);
	slots_free(slots);
}
