/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of addresses: what others read of it at a start. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "share/sinks/sink.h"

static char path[] = "/tmp/synprint-list-XXXXXX";
static struct sink_config config = {.path = path, .rule = {.expiry_s = 60}};
static struct sink *sink;

static void begin(void)
{
	int fd = mkstemp(path);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, "192.0.2.9\n", 10), 10);
	close(fd);
}

static void end(void)
{
	sink_list.free(sink);
	unlink(path);
}

static void take(uint64_t now_s, const char *line)
{
	cJSON *tree = cJSON_Parse(line);
	struct sink_event event = {.line = line, .len = strlen(line), .tree = tree};

	sink_list.take(sink, now_s, &event);
	sink_list.tick(sink, now_s);
	cJSON_Delete(tree);
}

static void expect(const char *text)
{
	char found[64] = "";
	FILE *file = fopen(path, "re");

	cr_assert(file);
	found[fread(found, 1, sizeof(found) - 1, file)] = '\0';
	fclose(file);
	cr_expect_str_eq(found, text);
}

TestSuite(sink_list, .init = begin, .fini = end);

Test(sink_list, that_of_before_stays_until_all_is_told)
{
	struct text_error error;

	cr_assert_eq(sink_list.open(&config, &error, &sink), 0);
	expect("192.0.2.9\n");
	take(1, "{\"event\":\"client\",\"ip\":\"192.0.2.1\"}");
	expect("192.0.2.9\n");
	take(5, "{\"event\":\"snapshot_end\"}");
	expect("192.0.2.1\n");
	take(10, "{\"event\":\"new\",\"ip\":\"192.0.2.2\"}");
	expect("192.0.2.1\n192.0.2.2\n");
	sink_list.tick(sink, 65);
	expect("192.0.2.2\n");
}

Test(sink_list, one_that_is_not_there_begins_empty)
{
	struct text_error error;

	unlink(path);
	cr_assert_eq(sink_list.open(&config, &error, &sink), 0);
	expect("");
}
