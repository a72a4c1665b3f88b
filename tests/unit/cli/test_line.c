/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The line of a SYN: columns that stay aligned, colours that can be switched off. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "cli/line.h"

static void setup(void)
{
	setenv("TZ", "UTC", 1);
	tzset();
}

TestSuite(line, .init = setup);

static const struct line usual = {.time_s = 1700000000,
				  .addr = "203.0.113.7",
				  .system = "Linux 5.x-6.x",
				  .link = "WireGuard",
				  .confidence_permille = 985,
				  .dist_hops = 12,
				  .mtu = 1420,
				  .grade = LINK_LIKELY,
				  .flags = VERDICT_VPN,
				  .match = MATCH_SPECIFIC};

static const char *put(struct line_layout *layout, const struct line *line)
{
	static char data[1024];
	struct text_buf buf;

	text_buf_init(&buf, data, sizeof(data));
	line_put(layout, line, &buf);
	return data;
}

static const char *put_plain(const struct line *line, bool with_date)
{
	struct line_layout layout;

	line_layout_init(&layout, false, with_date, 0);
	return put(&layout, line);
}

Test(line, plain)
{
	struct line line = usual;

	cr_assert_str_eq(put_plain(&line, false),
			 "22:13:20 203.0.113.7     Linux 5.x-6.x                       99%"
			 "   12  1420 WireGuard         vpn\n");
	line.flags = VERDICT_VPN | VERDICT_SCANNER;
	cr_assert_str_eq(
		put_plain(&line, true),
		"2023-11-14 22:13:20 203.0.113.7     Linux 5.x-6.x                       99%"
		"   12  1420 WireGuard         vpn,scanner\n");
}

Test(line, any_ipv4_address_and_port_fits_its_column)
{
	struct line_layout layout;
	struct line line = usual;
	size_t at;

	line_layout_init(&layout, false, false, 0);
	layout.with_to = true;
	line.to = "203.0.113.2";
	line.to_port = 443;
	at = (size_t)(strstr(put(&layout, &line), "Linux") - put(&layout, &line));
	line.to = "255.255.255.255";
	line.to_port = 65535;
	cr_expect_eq(strstr(put(&layout, &line), "Linux") - put(&layout, &line), (ptrdiff_t)at);
}

Test(line, what_is_not_known_is_a_dash)
{
	struct line line = {.addr = "192.0.2.1",
			    .system = "unknown",
			    .link = "-",
			    .dist_hops = VERDICT_DIST_UNKNOWN,
			    .match = MATCH_NONE};

	cr_assert_str_eq(put_plain(&line, false),
			 "-        192.0.2.1       unknown                               -"
			 "    -     - -\n");
}

Test(line, header_stands_over_its_columns)
{
	struct line_layout layout;
	char data[256];
	struct text_buf buf;

	line_layout_init(&layout, false, false, 132);
	text_buf_init(&buf, data, sizeof(data));
	line_put_header(&layout, &buf);
	cr_assert_str_eq(data,
			 "TIME     ADDRESS         SYSTEM                             CONF HOPS"
			 "   MTU LINK              FLAGS\n");
	cr_assert_eq(strstr(data, "FLAGS") - data,
		     strstr(put(&layout, &usual), "vpn") - put(&layout, &usual));
}

Test(line, a_label_that_is_too_long_is_cut_and_moves_nothing)
{
	struct line line = usual;
	const char *text;

	line.system = "A system with a very very very long name";
	text = put_plain(&line, false);
	cr_assert(strstr(text, "A system with a very very very lo~  99%"), "%s", text);
}

Test(line, the_address_column_grows_and_stays)
{
	struct line line = usual;
	struct line_layout layout;
	char first[1024];

	line_layout_init(&layout, false, false, 0);
	line.addr = "2001:db8:1234:5678:9abc:def0:1234:5678";
	strcpy(first, put(&layout, &line));
	cr_assert_eq(strstr(first, "Linux") - first, 9 + 38 + 1);
	line.addr = "192.0.2.1";
	cr_assert_eq(strlen(put(&layout, &line)), strlen(first));
}

Test(line, a_wide_terminal_shows_more_of_the_label)
{
	struct line_layout narrow, wide;

	line_layout_init(&narrow, false, false, 80);
	line_layout_init(&wide, false, false, 160);
	put(&narrow, &usual);
	put(&wide, &usual);
	cr_assert_gt(wide.system_width, narrow.system_width);
}

/* Without its colours, a line is the plain line. */
static void strip_colors(const char *text, char *ret_text)
{
	while (*text) {
		if (*text == '\033')
			text = strchr(text, 'm') + 1;
		else
			*ret_text++ = *text++;
	}
	*ret_text = '\0';
}

Test(line, colours_change_nothing_else)
{
	struct line line = usual;
	struct line_layout layout;
	char text[1024], stripped[1024];

	for (unsigned flags = 0; flags < 1u << VERDICT_FLAG_COUNT; flags++) {
		line.flags = flags;
		line_layout_init(&layout, true, false, 0);
		strcpy(text, put(&layout, &line));
		strip_colors(text, stripped);
		cr_assert_str_eq(stripped, put_plain(&line, false));
	}
}

static void expect_lines_within(const char *text, unsigned columns)
{
	for (const char *line = text; *line; line = strchr(line, '\n') + 1)
		cr_assert_lt(strcspn(line, "\n"), columns, "%u: %s", columns, text);
}

/* Of any width: nothing is longer than the screen, and every flag is seen whole. */
Test(line, fits_any_screen)
{
	static const unsigned widths[] = {24, 40, 72, 80, 87, 88, 89, 100, 110, 132, 133, 250};
	static const char *const addrs[] = {"192.0.2.1", "198.51.100.200",
					    "2001:db8:1234:5678:9abc:def0:1234:5678"};
	struct line line = usual;
	char text[2048], stripped[2048];

	line.system = "A system with a rather long name";
	line.link = "a link of which there is much to be said";
	for (size_t w = 0; w < sizeof(widths) / sizeof(widths[0]); w++)
		for (unsigned n = 0; n < 3u << VERDICT_FLAG_COUNT; n++) {
			struct line_layout layout;

			line.addr = addrs[n % 3];
			line.flags = n / 3;
			line_layout_init(&layout, n & 1, n & 2, widths[w]);
			layout.with_to = layout.with_kind = n & 4;
			line.to = "2001:db8::1";
			strcpy(text, put(&layout, &line));
			strip_colors(text, stripped);
			expect_lines_within(stripped, widths[w]);
			for (unsigned f = 0; f < VERDICT_FLAG_COUNT; f++)
				if (line.flags & 1u << f)
					cr_assert(strstr(stripped,
							 verdict_flag_name(
								 (enum verdict_flag)(1u << f))),
						  "%u: %s", widths[w], stripped);
			cr_assert(widths[w] < 40 || strstr(stripped, line.addr));
		}
}

Test(line, one_line_where_there_is_room)
{
	static const struct {
		const char *addr;
		unsigned columns, lines;
	} rows[] = {{"198.51.100.200", 80, 1},
		    {"2001:db8::7", 80, 1},
		    {"2001:db8:1234:5678:9abc:def0:1234:5678", 80, 2},
		    {"2001:db8:1234:5678:9abc:def0:1234:5678", 132, 1},
		    {"198.51.100.200", 40, 3}};
	struct line line = usual;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct line_layout layout;
		unsigned lines = 0;

		line_layout_init(&layout, false, false, rows[i].columns);
		line.addr = rows[i].addr;
		for (const char *at = put(&layout, &line); (at = strchr(at, '\n')) != NULL; at++)
			lines++;
		cr_expect_eq(lines, rows[i].lines, "%u: %s", rows[i].columns, put(&layout, &line));
	}
}

Test(line, follows_the_terminal)
{
	struct line_layout layout;

	line_layout_init(&layout, false, false, 132);
	expect_lines_within(put(&layout, &usual), 132);
	line_layout_resize(&layout, 40);
	expect_lines_within(put(&layout, &usual), 40);
	line_layout_resize(&layout, 0);
	expect_lines_within(put(&layout, &usual), 40);
	line_layout_resize(&layout, 132);
	cr_assert(strstr(put(&layout, &usual), "   12  1420 WireGuard         vpn\n"));
}

Test(line, suspects_stand_out)
{
	struct line line = usual;
	struct line_layout layout;

	line_layout_init(&layout, true, false, 80);
	line.flags = VERDICT_SCANNER;
	cr_assert(strstr(put(&layout, &line), "\033[1;31m203.0.113.7\033[0m"));
	line.flags = 0;
	cr_assert(strstr(put(&layout, &line), " 203.0.113.7 "));
}

Test(line, every_flag_is_written_with_its_name)
{
	for (unsigned i = 0; i < VERDICT_FLAG_COUNT; i++) {
		struct line line = usual;

		line.flags = 1u << i;
		cr_assert(strstr(put_plain(&line, false),
				 verdict_flag_name((enum verdict_flag)(1u << i))));
	}
}

Test(line, a_time_is_not_kept_from_the_line_before)
{
	struct line line = usual;
	struct line_layout layout;

	line_layout_init(&layout, false, false, 80);
	put(&layout, &line);
	line.time_s++;
	cr_assert_eq(strncmp(put(&layout, &line), "22:13:21 ", 9), 0);
}

Test(line, from_a_daemon_s_object)
{
	cJSON *object = cJSON_Parse(
		"{\"ip\":\"2001:db8::7\",\"port\":4242,\"syn\":{\"ts\":1700000000.25},"
		"\"os\":{\"class\":\"linux\",\"label\":\"Linux 6.x\",\"confidence\":0.5,"
		"\"match\":\"fuzzy\"},\"link\":{\"mtu\":1280,\"label\":\"IPv6 minimum\","
		"\"grade\":\"possible\"},\"dist_hops\":3,\"flags\":[\"tunnel\",\"shared\"]}");
	struct line line;

	line_from_json(object, &line);
	cr_assert_eq(line.time_s, 1700000000);
	cr_assert_str_eq(line.addr, "2001:db8::7");
	cr_assert_str_eq(line.system, "Linux 6.x");
	cr_assert_str_eq(line.link, "IPv6 minimum");
	cr_assert_eq(line.confidence_permille, 500);
	cr_assert_eq(line.match, MATCH_FUZZY);
	cr_assert_eq(line.mtu, 1280);
	cr_assert_eq(line.grade, LINK_POSSIBLE);
	cr_assert_eq(line.dist_hops, 3);
	cr_assert_eq(line.flags, VERDICT_TUNNEL | VERDICT_SHARED);
	cJSON_Delete(object);
}

Test(line, from_an_object_without_anything)
{
	cJSON *object = cJSON_Parse("{\"os\":7,\"flags\":[1,null],\"dist_hops\":-4}");
	struct line line;

	line_from_json(object, &line);
	cr_assert_str_eq(line.addr, "?");
	cr_assert_str_eq(line.system, "unknown");
	cr_assert_eq(line.dist_hops, VERDICT_DIST_UNKNOWN);
	cr_assert_eq(line.flags, 0);
	cJSON_Delete(object);
}

Test(line, colour_by_option_terminal_and_environment)
{
	static const struct {
		const char *option;
		bool is_terminal;
		const char *no_color, *term;
		bool expected;
	} cases[] = {
		{"auto", true, NULL, "xterm", true},  {"auto", false, NULL, "xterm", false},
		{"auto", true, "1", "xterm", false},  {"auto", true, "", "xterm", true},
		{"auto", true, NULL, "dumb", false},  {"auto", true, NULL, NULL, false},
		{"always", false, "1", "dumb", true}, {"never", true, NULL, "xterm", false},
	};
	enum line_color color;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cr_assert_eq(line_color_parse(cases[i].option, &color), 0);
		cr_assert_eq(line_wants_color(color, cases[i].is_terminal, cases[i].no_color,
					      cases[i].term),
			     cases[i].expected, "case %zu", i);
	}
	cr_assert_lt(line_color_parse("yes", &color), 0);
}
