/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file of events: what others do to it while it is written. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "share/sinks/sink.h"

#define LINE "{\"event\":\"new\",\"ip\":\"192.0.2.1\"}"

static char directory[] = "/tmp/synprint-sink-XXXXXX", path[64], other[64];
static struct sink_config config = {.max_mb = 1, .keep = 1, .rule = {.expiry_s = 60}};
static struct sink *sink;

static void begin(void)
{
	struct text_error error;

	cr_assert(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/events", directory);
	snprintf(other, sizeof(other), "%s/events.1", directory);
	config.path = path;
	cr_assert_eq(sink_file.open(&config, &error, &sink), 0);
}

static void end(void)
{
	sink_file.free(sink);
	unlink(other);
	if (unlink(path) < 0)
		rmdir(path);
	rmdir(directory);
}

static void take(uint64_t now_s)
{
	cJSON *tree = cJSON_Parse(LINE);
	struct sink_event event = {.line = LINE, .len = sizeof(LINE) - 1, .tree = tree};

	sink_file.take(sink, now_s, &event);
	cJSON_Delete(tree);
}

static long size_of(const char *name)
{
	struct stat status;

	return lstat(name, &status) == 0 ? (long)status.st_size : -1;
}

TestSuite(sink_file, .init = begin, .fini = end);

Test(sink_file, is_made_anew_where_it_was_renamed_or_removed)
{
	long line = sizeof(LINE);

	take(1);
	cr_assert_eq(rename(path, other), 0);
	sink_file.tick(sink, 2);
	take(2);
	cr_expect_eq(size_of(path), line);
	cr_expect_eq(size_of(other), line);
	unlink(path);
	sink_file.tick(sink, 3);
	take(3);
	cr_expect_eq(size_of(path), line);
	sink_file.tick(sink, 4);
	take(4);
	cr_expect_eq(size_of(path), 2 * line, "the same file stays");
	cr_expect_eq(sink->taken, 4);
}

Test(sink_file, one_that_somebody_cut_is_as_long_as_it_is)
{
	long most = (1 << 20) / (long)sizeof(LINE);

	for (long i = 0; i < most; i++)
		take(1);
	cr_assert_eq(truncate(path, 0), 0);
	sink_file.tick(sink, 2);
	take(2);
	cr_expect_eq(size_of(path), (long)sizeof(LINE));
	cr_expect_eq(size_of(other), -1, "nothing to rotate");
}

Test(sink_file, what_stands_in_its_place_is_counted_and_tried_again)
{
	unlink(path);
	cr_assert_eq(mkdir(path, 0700), 0);
	sink_file.tick(sink, 1);
	take(1);
	take(2);
	cr_expect_eq(sink->failed, 2);
	cr_assert_eq(rmdir(path), 0);
	take(3);
	cr_expect_eq(sink->failed, 3, "not before some seconds have passed");
	take(10);
	cr_expect_eq(sink->taken, 1);
	cr_expect_eq(size_of(path), (long)sizeof(LINE));
}
