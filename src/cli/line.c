/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Columns are padded as plain text and coloured afterwards, so that colours never shift them. */
#include "cli/line.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/flow.h"

#define ADDR_WIDTH 15 /* of the longest IPv4 address; the next with its port */
#define TO_WIDTH 21
#define SYSTEM_MIN 14
#define LINK_WIDTH 17
#define LINK_MIN 9
#define KIND_WIDTH 7
#define FLAGS_WIDTH 12 /* the longest: inconsistent */
#define HOPS_COLUMNS 88 /* a narrower screen has no room for them */
#define DATE_COLUMNS 100 /* nor for a whole date */

/* SGR codes (ECMA-48 section 8.3.117). */
#define SGR_DIM "2"
#define SGR_BOLD "1"
#define SGR_SCANNER "1;31"
#define SGR_SUSPECT "1;33"
#define SGR_VPN "1;35"
#define SGR_NOTE "36"
#define SGR_POSSIBLE "35"

struct flag_color {
	unsigned flags;
	const char *sgr;
};

/* The first that applies colours the address. */
static const struct flag_color flag_colors[] = {
	{VERDICT_SCANNER, SGR_SCANNER},
	{VERDICT_OS_MISMATCH | VERDICT_INCONSISTENT, SGR_SUSPECT},
	{VERDICT_VPN | VERDICT_TUNNEL | VERDICT_PROXY, SGR_VPN},
	{VERDICT_SHARED | VERDICT_MSS_CLAMPED, SGR_NOTE},
	{VERDICT_UNKNOWN | VERDICT_MALFORMED, SGR_DIM},
};

static const char *flags_sgr(unsigned flags)
{
	for (size_t i = 0; i < sizeof(flag_colors) / sizeof(flag_colors[0]); i++)
		if (flag_colors[i].flags & flags)
			return flag_colors[i].sgr;
	return "";
}

static const char *grade_sgr(enum link_grade grade)
{
	switch (grade) {
	case LINK_NONE: return SGR_DIM;
	case LINK_ACCESS: return "";
	case LINK_POSSIBLE: return SGR_POSSIBLE;
	case LINK_LIKELY: return SGR_VPN;
	}
	return "";
}

void line_layout_init(struct line_layout *layout, bool color, bool with_date, unsigned columns)
{
	*layout = (struct line_layout){.color = color,
				       .with_date = with_date,
				       .addr_width = ADDR_WIDTH,
				       .to_width = TO_WIDTH,
				       .system_width = LINE_SYSTEM_WIDE,
				       .link_width = LINK_WIDTH,
				       .time_s = -1};
	line_layout_resize(layout, columns);
}

/* The last column stays free: some terminals wrap when it is written. */
void line_layout_resize(struct line_layout *layout, unsigned columns)
{
	if (!columns || columns - 1 == layout->columns)
		return;
	layout->columns = columns - 1;
	layout->addr_width = ADDR_WIDTH;
	layout->to_width = TO_WIDTH;
	layout->is_planned = false;
	layout->time_s = -1;
}

static bool has_hops(const struct line_layout *layout)
{
	return !layout->columns || layout->columns >= HOPS_COLUMNS;
}

static bool has_short_date(const struct line_layout *layout)
{
	return layout->columns && layout->columns < DATE_COLUMNS;
}

static unsigned time_width(const struct line_layout *layout)
{
	return !layout->with_date ? 8 : has_short_date(layout) ? 11 : 19;
}

/* All columns whose width is not to be found, with the blanks behind them. */
static unsigned fixed_width(const struct line_layout *layout, unsigned addr_width)
{
	return time_width(layout) + 1 + addr_width + 1 + 5 + (has_hops(layout) ? 5 : 0) + 6 +
	       (layout->with_to ? layout->to_width + 1 : 0) +
	       (layout->with_kind ? KIND_WIDTH + 1 : 0);
}

/* How wide system and link may be beside an address; false where there is no room for columns. */
static bool plan(struct line_layout *layout, unsigned addr_width)
{
	unsigned fixed = fixed_width(layout, addr_width) + FLAGS_WIDTH + 2, room;

	if (layout->columns < fixed + SYSTEM_MIN + LINK_MIN)
		return false;
	room = layout->columns - fixed;
	layout->link_width = room / 3 < LINK_MIN     ? LINK_MIN
			     : room / 3 < LINK_WIDTH ? room / 3
						     : LINK_WIDTH;
	layout->system_width = room - layout->link_width < LINE_SYSTEM_WIDE
				       ? room - layout->link_width
				       : LINE_SYSTEM_WIDE;
	layout->addr_width = addr_width;
	layout->flags_width = FLAGS_WIDTH + room - layout->link_width - layout->system_width;
	return true;
}

static void plan_once(struct line_layout *layout)
{
	if (layout->is_planned)
		return;
	layout->is_planned = true;
	layout->is_flow = layout->columns && !plan(layout, layout->addr_width);
}

/* One column and the space behind it; @width below 0 aligns to the right. What is too long is cut. */
static void put_column(const struct line_layout *layout, struct text_buf *buf, const char *text,
		       int width, const char *sgr)
{
	size_t room = (size_t)(width < 0 ? -width : width), len = strlen(text);
	size_t pad = len < room ? room - len : 0;
	bool colored = layout->color && *sgr;

	for (size_t i = 0; width < 0 && i < pad; i++)
		text_put_char(buf, ' ');
	if (colored) {
		text_put(buf, "\033[");
		text_put(buf, sgr);
		text_put_char(buf, 'm');
	}
	if (len <= room)
		text_put_len(buf, text, len);
	else
		text_put_len(buf, text, room - 1);
	if (len > room)
		text_put_char(buf, '~');
	if (colored)
		text_put(buf, "\033[0m");
	for (size_t i = 0; width >= 0 && i < pad; i++)
		text_put_char(buf, ' ');
	text_put_char(buf, ' ');
}

static void put_number(const struct line_layout *layout, struct text_buf *buf, unsigned number,
		       const char *unit, int width)
{
	char data[16];
	struct text_buf text;

	text_buf_init(&text, data, sizeof(data));
	text_put_uint(&text, number);
	text_put(&text, unit);
	put_column(layout, buf, data, width, "");
}

static const char *text_of_time(struct line_layout *layout, time_t time_s)
{
	struct tm tm;

	if (time_s != layout->time_s && localtime_r(&time_s, &tm)) {
		strftime(layout->time_text, sizeof(layout->time_text),
			 !layout->with_date       ? "%H:%M:%S"
			 : has_short_date(layout) ? "%m-%d %H:%M"
						  : "%Y-%m-%d %H:%M:%S",
			 &tm);
		layout->time_s = time_s;
	}
	return time_s > 0 ? layout->time_text : "-";
}

static void put_flags(const struct line_layout *layout, unsigned flags, struct text_buf *buf)
{
	bool first = true;

	for (unsigned i = 0; i < VERDICT_FLAG_COUNT; i++) {
		const char *sgr = flags_sgr(1u << i);

		if (!(flags & 1u << i))
			continue;
		if (!first)
			text_put_char(buf, ',');
		if (layout->color && *sgr)
			text_putf(buf, "\033[%sm", sgr);
		text_put(buf, verdict_flag_name((enum verdict_flag)(1u << i)));
		if (layout->color && *sgr)
			text_put(buf, "\033[0m");
		first = false;
	}
}

/* Blanks at the end of a line are of no use to anybody. */
static void end_line(struct text_buf *buf)
{
	while (buf->len > 0 && buf->data[buf->len - 1] == ' ')
		buf->len--;
	text_put_char(buf, '\n');
}

/* Where there are no columns, nothing needs a name. */
void line_put_header(struct line_layout *layout, struct text_buf *buf)
{
	plan_once(layout);
	if (layout->is_flow)
		return;
	put_column(layout, buf, "TIME", (int)time_width(layout), SGR_BOLD);
	put_column(layout, buf, "ADDRESS", (int)layout->addr_width, SGR_BOLD);
	if (layout->with_to)
		put_column(layout, buf, "TO", (int)layout->to_width, SGR_BOLD);
	if (layout->with_kind)
		put_column(layout, buf, "KIND", KIND_WIDTH, SGR_BOLD);
	put_column(layout, buf, "SYSTEM", (int)layout->system_width, SGR_BOLD);
	put_column(layout, buf, "CONF", -4, SGR_BOLD);
	if (has_hops(layout))
		put_column(layout, buf, "HOPS", -4, SGR_BOLD);
	put_column(layout, buf, "MTU", -5, SGR_BOLD);
	put_column(layout, buf, "LINK", (int)layout->link_width, SGR_BOLD);
	put_column(layout, buf, "FLAGS", 5, SGR_BOLD);
	end_line(buf);
}

static void write_to(const struct line *line, char *ret_text, size_t size)
{
	snprintf(ret_text, size, strchr(line->to, ':') ? "[%s]:%u" : "%s:%u", line->to,
		 line->to_port);
}

/* Like the address column, it grows. */
static void put_to(struct line_layout *layout, const struct line *line, struct text_buf *buf)
{
	char data[80];

	write_to(line, data, sizeof(data));
	if (strlen(data) > layout->to_width)
		layout->to_width = (unsigned)strlen(data);
	put_column(layout, buf, data, (int)layout->to_width, "");
}

static void put_guess(const struct line_layout *layout, const struct line *line,
		      struct text_buf *buf)
{
	const char *sgr = line->match == MATCH_NONE ? SGR_DIM : "";

	put_column(layout, buf, line->system, (int)layout->system_width, sgr);
	if (line->match == MATCH_NONE)
		put_column(layout, buf, "-", -4, sgr);
	else
		put_number(layout, buf, (line->confidence_permille + 5) / 10, "%", -4);
}

static void put_way(const struct line_layout *layout, const struct line *line, struct text_buf *buf)
{
	if (line->dist_hops == VERDICT_DIST_UNKNOWN && has_hops(layout))
		put_column(layout, buf, "-", -4, SGR_DIM);
	else if (has_hops(layout))
		put_number(layout, buf, line->dist_hops, "", -4);
	if (line->mtu == 0)
		put_column(layout, buf, "-", -5, SGR_DIM);
	else
		put_number(layout, buf, line->mtu, "", -5);
	put_column(layout, buf, line->link, (int)layout->link_width, grade_sgr(line->grade));
}

static void put_columns(struct line_layout *layout, const struct line *line, struct text_buf *buf)
{
	put_column(layout, buf, text_of_time(layout, line->time_s), (int)time_width(layout),
		   SGR_DIM);
	put_column(layout, buf, line->addr, (int)layout->addr_width, flags_sgr(line->flags));
	if (layout->with_to)
		put_to(layout, line, buf);
	if (layout->with_kind)
		put_column(layout, buf, line->is_answer ? "SYN+ACK" : "SYN", KIND_WIDTH, "");
	put_guess(layout, line, buf);
	put_way(layout, line, buf);
	put_flags(layout, line->flags, buf);
	end_line(buf);
}

static void flow_flags(const struct line_layout *layout, unsigned flags, struct flow *flow)
{
	for (unsigned i = 0; i < VERDICT_FLAG_COUNT; i++)
		if (flags & 1u << i)
			flow_put(flow, verdict_flag_name((enum verdict_flag)(1u << i)),
				 layout->color ? flags_sgr(1u << i) : "");
}

static void flow_guess(const struct line *line, struct flow *flow)
{
	char text[32];

	flow_put(flow, line->system, "");
	if (line->match != MATCH_NONE) {
		snprintf(text, sizeof(text), "%u%%", (line->confidence_permille + 5) / 10);
		flow_put(flow, text, "");
	}
	if (line->dist_hops != VERDICT_DIST_UNKNOWN) {
		snprintf(text, sizeof(text), "%u hops", line->dist_hops);
		flow_put(flow, text, "");
	}
	if (line->mtu) {
		snprintf(text, sizeof(text), "MTU %u", line->mtu);
		flow_put(flow, text, "");
	}
	if (strcmp(line->link, "-") != 0)
		flow_put(flow, line->link, "");
}

/* On as many lines as it takes: who it is and its flags, and below what it is. */
static void put_flow(struct line_layout *layout, const struct line *line, struct text_buf *buf)
{
	bool is_long = time_width(layout) + 1 + strlen(line->addr) > layout->columns;
	struct flow flow;
	char to[80];

	flow_begin(&flow, buf, layout->columns, 2);
	if (!is_long)
		flow_put(&flow, text_of_time(layout, line->time_s), layout->color ? SGR_DIM : "");
	flow_put(&flow, line->addr, layout->color ? flags_sgr(line->flags) : "");
	if (is_long)
		flow_put(&flow, text_of_time(layout, line->time_s), layout->color ? SGR_DIM : "");
	if (layout->with_to) {
		write_to(line, to, sizeof(to));
		flow_put(&flow, to, "");
	}
	if (layout->with_kind)
		flow_put(&flow, line->is_answer ? "SYN+ACK" : "SYN", "");
	flow_flags(layout, line->flags, &flow);
	flow_break(&flow);
	flow_guess(line, &flow);
	flow_end(&flow);
}

static unsigned flags_length(unsigned flags)
{
	unsigned len = 0;

	for (unsigned i = 0; i < VERDICT_FLAG_COUNT; i++)
		if (flags & 1u << i)
			len += (unsigned)strlen(verdict_flag_name((enum verdict_flag)(1u << i))) +
			       (len ? 1 : 0);
	return len;
}

/* Whether the screen has room for it in columns; those of addresses grow where they can. */
static bool fits(struct line_layout *layout, const struct line *line)
{
	unsigned addr_len = (unsigned)strlen(line->addr);
	char to[80];

	if (layout->with_to) {
		write_to(line, to, sizeof(to));
		if (strlen(to) > layout->to_width)
			return false;
	}
	return (addr_len <= layout->addr_width || plan(layout, addr_len)) &&
	       flags_length(line->flags) <= layout->flags_width;
}

void line_put(struct line_layout *layout, const struct line *line, struct text_buf *buf)
{
	plan_once(layout);
	if (layout->columns && (layout->is_flow || !fits(layout, line))) {
		put_flow(layout, line, buf);
		return;
	}
	if (strlen(line->addr) > layout->addr_width)
		layout->addr_width = (unsigned)strlen(line->addr);
	put_columns(layout, line, buf);
}

static const cJSON *member(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

static const char *text_of(const cJSON *value, const char *otherwise)
{
	return cJSON_IsString(value) ? value->valuestring : otherwise;
}

static double number_of(const cJSON *value, double otherwise)
{
	return cJSON_IsNumber(value) ? value->valuedouble : otherwise;
}

static unsigned clamped(const cJSON *value, double factor, unsigned max, unsigned otherwise)
{
	double number = number_of(value, -1) * factor;

	return number >= 0 && number <= max ? (unsigned)lround(number) : otherwise;
}

static enum link_grade grade_of(const cJSON *value)
{
	for (enum link_grade grade = LINK_ACCESS; grade <= LINK_LIKELY; grade++)
		if (strcmp(text_of(value, ""), link_grade_name(grade)) == 0)
			return grade;
	return LINK_NONE;
}

static enum match_kind match_of(const cJSON *value)
{
	for (enum match_kind match = MATCH_NONE; match <= MATCH_SPECIFIC; match++)
		if (strcmp(text_of(value, ""), match_kind_name(match)) == 0)
			return match;
	return MATCH_GENERIC;
}

void line_from_json(const cJSON *object, struct line *ret_line)
{
	const cJSON *os = member(object, "os"), *link = member(object, "link"), *flag;
	const cJSON *seen = member(member(object, "syn"), "ts");
	struct line line = {
		.addr = text_of(member(object, "ip"), "?"),
		.system = text_of(member(os, "label"), text_of(member(os, "class"), "unknown")),
		.link = text_of(member(link, "label"), "-"),
		.confidence_permille = clamped(member(os, "confidence"), 1000, 1000, 0),
		.dist_hops = clamped(member(object, "dist_hops"), 1, VERDICT_DIST_UNKNOWN,
				     VERDICT_DIST_UNKNOWN),
		.mtu = clamped(member(link, "mtu"), 1, UINT16_MAX, 0),
		.grade = grade_of(member(link, "grade")),
		.match = match_of(member(os, "match")),
	};

	if (!seen)
		seen = member(member(object, "client"), "last_seen");
	line.time_s = (time_t)number_of(seen, 0);
	cJSON_ArrayForEach (flag, member(object, "flags"))
		line.flags |= verdict_flag_parse(text_of(flag, ""), strlen(text_of(flag, "")));
	*ret_line = line;
}

int line_color_parse(const char *text, enum line_color *ret_color)
{
	static const char *const names[] = {"auto", "always", "never"};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(text, names[i]) == 0) {
			*ret_color = (enum line_color)i;
			return 0;
		}
	return -EINVAL;
}

bool line_wants_color(enum line_color color, bool is_terminal, const char *no_color,
		      const char *term)
{
	switch (color) {
	case LINE_COLOR_ALWAYS: return true;
	case LINE_COLOR_NEVER: return false;
	case LINE_COLOR_AUTO: break;
	}
	return is_terminal && !(no_color && *no_color) && term && strcmp(term, "dumb") != 0;
}
