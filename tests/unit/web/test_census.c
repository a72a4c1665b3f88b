/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counts of the client table, and seconds of events. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "web/census.h"
#include "web/series.h"

static struct census_table table;

static uint64_t take(const char *class, const char *flags, unsigned mtu, unsigned seen,
		     const char *cursor)
{
	char line[1024];

	snprintf(line, sizeof(line),
		 "{\"ok\":true,\"clients\":[{\"ip\":\"192.0.2.%u\",\"port\":80,\"os\":{\"class\":"
		 "\"%s\","
		 "\"label\":\"%s x\"},\"link\":{\"mtu\":%u,\"label\":\"l%u\",\"grade\":\"likely\"},"
		 "\"flags\":[%s],\"reasons\":[\"a\",\"b\"],\"client\":{\"last_seen\":%u}}],"
		 "\"cursor\":%s}",
		 seen % 256, class, class, mtu, mtu, flags, seen, cursor);
	return census_take(&table, line);
}

Test(census, everything_is_counted_once)
{
	memset(&table, 0, sizeof(table));
	cr_expect_eq(take("Linux", "", 1500, 1, "7"), 7);
	cr_expect_eq(take("Linux", "\"vpn\",\"shared\"", 1420, 2, "9007199254740991"),
		     9007199254740991u);
	cr_expect_eq(take("Windows", "\"unknown\"", 1500, 3, "0"), 0);
	cr_expect_eq(table.clients, 3);
	cr_expect_eq(table.unknown, 1);
	cr_expect_eq(table.grades[3], 3);
	cr_assert_eq(table.class_count, 2);
	cr_expect_str_eq(table.classes[0].name, "Linux");
	cr_expect_eq(table.classes[0].count, 2);
	cr_assert_eq(table.mtu_count, 2);
	cr_expect_eq(table.mtus[0].count, 2);
	cr_expect_str_eq(table.mtus[1].link, "l1420");
	cr_expect_eq(table.shape_count, 3);
	cr_assert_eq(table.suspect_count, 1);
	cr_expect_str_eq(table.suspects[0].flags, "vpn shared");
	cr_expect_str_eq(table.suspects[0].reasons, "a b");
}

Test(census, the_newest_suspects_stay)
{
	memset(&table, 0, sizeof(table));
	for (unsigned i = 0; i < 100; i++)
		take("nmap", "\"scanner\"", 1500, i * 37 % 100, "0");
	cr_assert_eq(table.suspect_count, CENSUS_SUSPECTS);
	for (unsigned i = 0; i < CENSUS_SUSPECTS; i++)
		cr_expect_eq(table.suspects[i].last_seen, 99 - i);
}

Test(census, full_lists_and_bad_lines_do_no_harm)
{
	char name[32];

	memset(&table, 0, sizeof(table));
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "class %u", i);
		take(name, "", 1000 + i, i, "0");
	}
	cr_expect_eq(table.clients, 1000);
	cr_expect_eq(table.class_count, CENSUS_CLASSES);
	cr_expect_eq(table.mtu_count, CENSUS_MTUS);
	cr_expect_eq(table.shape_count, CENSUS_SHAPES);
	cr_expect_eq(census_take(&table, "nonsense"), 0);
	cr_expect_eq(census_take(&table, "{\"clients\":[7,null,{}],\"cursor\":-1}"), 0);
}

static void event(struct series *series, const char *kind, const char *class, int64_t now_s)
{
	char line[256];

	snprintf(line, sizeof(line), "{\"event\":\"%s\",\"missed\":8,\"os\":{\"class\":\"%s\"}}",
		 kind, class);
	series_take(series, line, now_s);
}

Test(series, seconds_by_class_with_what_was_missed)
{
	static struct series series;

	event(&series, "new", "Linux", 500);
	event(&series, "syn", "Linux", 500);
	event(&series, "change", "Windows", 500);
	event(&series, "snapshot_end", "Windows", 500);
	event(&series, "gap", "", 500);
	event(&series, "new", "Linux", 501);
	const struct series_second *second = series_second(&series, 500);
	cr_assert_not_null(second);
	cr_expect_eq(second->read, 3);
	cr_expect_eq(second->missed, 8);
	cr_expect_eq(second->classes[0], 2);
	cr_expect_eq(series_scale(second, second->classes[0]), 7, "2 of 3, of 11 in all");
	cr_expect_eq(series_second(&series, 501)->read, 1);
	cr_expect_null(series_second(&series, 502));
	event(&series, "new", "Linux", 500 + SERIES_SECONDS);
	cr_expect_null(series_second(&series, 500), "its place is another second's now");
}

Test(series, more_classes_than_colours_are_other)
{
	static struct series series;
	char name[16];

	for (unsigned i = 0; i < SERIES_CLASSES + 3; i++) {
		snprintf(name, sizeof(name), "c%u", i);
		event(&series, "syn", name, 9);
	}
	cr_expect_eq(series.class_count, SERIES_CLASSES);
	cr_expect_eq(series_second(&series, 9)->classes[SERIES_CLASSES], 3);
}

Test(series, enough_is_enough)
{
	static struct series series;

	for (unsigned i = 1; i < SERIES_READ_MAX; i++)
		cr_assert(series_take(&series, "{\"event\":\"syn\"}", 9));
	cr_expect_not(series_take(&series, "{\"event\":\"syn\"}", 9));
	cr_expect(series_take(&series, "{\"event\":\"syn\"}", 10));
}

Test(series, it_runs_while_somebody_looks)
{
	static struct series series;

	cr_expect_not(series_is_wanted(&series, 100));
	series_look(&series, 100);
	cr_expect(series_is_wanted(&series, 100 + SERIES_PATIENCE_S));
	cr_expect_not(series_is_wanted(&series, 101 + SERIES_PATIENCE_S));
	series_set_on(&series, true, 100);
	event(&series, "syn", "Linux", 100);
	series_set_on(&series, false, 200);
	cr_expect_null(series_second(&series, 100));
}
