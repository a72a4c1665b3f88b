/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers with units, and tables that fit the screen. */
#include <criterion/criterion.h>
#include <string.h>

#include "cli/flow.h"
#include "cli/scale.h"
#include "cli/table.h"

Test(scale, units)
{
	static const struct {
		const char *name;
		double number;
		const char *text;
	} rows[] = {
		{"used", 0, "0"},
		{"used", 9999, "9999"},
		{"used", 0.5, "0.5"},
		{"used", 10000, "10.0 k"},
		{"used", 99949, "99.9 k"},
		{"used", 138240, "138 k"},
		{"used", 999499, "999 k"},
		{"used", 999500, "1.00 M"},
		{"used", 1234567, "1.23 M"},
		{"used", 12e9, "12.0 G"},
		{"used", 1.8e19, "18000 P"},
		{"pid", 1234567, "1234567"},
		{"queue", 65535, "65535"},
		{"memory_bytes", 512, "512 B"},
		{"memory_bytes", 17949784, "17.1 MiB"},
		{"memory_bytes", 1024, "1.00 KiB"},
		{"burst_us", 80, "80 us"},
		{"burst_us", 1500, "1.50 ms"},
		{"burst_us", 2e6, "2.00 s"},
		{"uptime_s", 59, "59 s"},
		{"uptime_s", 3723, "1:02:03"},
		{"uptime_s", 266645, "3 d 02:04:05"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cJSON *value = cJSON_CreateNumber(rows[i].number);
		char buf[SCALE_BYTES];

		cr_expect_str_eq(scale_member(rows[i].name, value, buf), rows[i].text, "%s %f: %s",
				 rows[i].name, rows[i].number, buf);
		cJSON_Delete(value);
	}
}

Test(scale, no_numbers)
{
	cJSON *value = cJSON_Parse("[true,false,null,\"text\",[],{}]");
	static const char *const texts[] = {"yes", "no", "-", "text", "-", "-"};
	char buf[SCALE_BYTES];

	for (int i = 0; i < 6; i++)
		cr_expect_str_eq(scale_member("x", cJSON_GetArrayItem(value, i), buf), texts[i]);
	cJSON_Delete(value);
}

static char data[8192];

static const char *rows_of(const char *json, unsigned columns)
{
	cJSON *list = cJSON_Parse(json);
	struct text_buf out;

	text_buf_init(&out, data, sizeof(data));
	table_put_rows(list, columns, 2, &out);
	cJSON_Delete(list);
	return data;
}

static const char queues[] =
	"[{\"queue\":0,\"received\":12345,\"burst_us\":{\"p50\":7,\"p99\":1500},\"stalled\":false},"
	"{\"queue\":10,\"received\":1,\"burst_us\":{\"p50\":7,\"p99\":9},\"stalled\":true,"
	"\"reason\":\"it is told why\"}]";

Test(table, rows)
{
	cr_expect_str_eq(rows_of(queues, 0), "  queue  received  burst.p50  burst.p99  stalled\n"
					     "      0    12.3 k       7 us    1.50 ms  no\n"
					     "     10         1       7 us       9 us  yes\n"
					     "    reason it is told why\n");
	cr_expect_str_eq(rows_of("[]", 0), "");
}

Test(table, fits_any_screen)
{
	for (unsigned columns = 24; columns < 140; columns++) {
		rows_of(queues, columns);
		for (const char *line = data; *line; line = strchr(line, '\n') + 1)
			cr_expect_leq(strcspn(line, "\n"), columns, "%u: %s", columns, data);
		cr_expect(strstr(data, "12.3 k") && strstr(data, "burst.p99"));
	}
}

Test(table, members)
{
	cJSON *object = cJSON_Parse(
		"{\"on\":true,\"why\":\"\",\"count\":70000,\"list\":[1],\"us\":{\"p50\":3},"
		"\"note\":\"so long that it has a line for itself\"}");
	struct text_buf out;

	text_buf_init(&out, data, sizeof(data));
	table_put_members(object, 30, 2, &out);
	cr_expect_str_eq(data, "  note so long that it has a\n"
			       "    line for itself\n"
			       "  on     yes     count  70.0 k\n"
			       "  us.p50      3\n");
	cJSON_Delete(object);
}

Test(table, numbers_stand_below_each_other)
{
	cJSON *object = cJSON_Parse("{\"version\":\"0.2.0-rc1\",\"pid\":6550,\"uptime_s\":12}");
	struct text_buf out;

	text_buf_init(&out, data, sizeof(data));
	table_put_members(object, 0, 0, &out);
	cr_expect_str_eq(data, "version 0.2.0-rc1\npid     6550\nuptime  12 s\n", "%s", data);
	text_buf_init(&out, data, sizeof(data));
	table_put_members(object, 40, 0, &out);
	cr_expect_str_eq(data, "version 0.2.0-rc1  pid     6550\nuptime  12 s\n", "%s", data);
	cJSON_Delete(object);
}

Test(flow, fields_stay_whole)
{
	struct text_buf out;
	struct flow flow;

	text_buf_init(&out, data, sizeof(data));
	flow_begin(&flow, &out, 12, 2);
	flow_put(&flow, "0123", "");
	flow_put(&flow, "456789a", "1");
	flow_put(&flow, "b", "");
	flow_put(&flow, "as wide as 1", "");
	flow_put(&flow, "one that is longer than a line", "");
	flow_end(&flow);
	cr_expect_str_eq(data, "0123 \033[1m456789a\033[0m\n  b\nas wide as 1\n  one that ~\n",
			 "%s", data);
}
