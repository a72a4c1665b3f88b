/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Columns are padded as plain text and coloured afterwards, so that colours never shift them. */
#include "cli/line.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define SYSTEM_WIDTH 21 /* with an IPv4 address, the flags begin behind column 80 */
#define WIDE_COLUMNS 110
#define LINK_WIDTH 17
#define KIND_WIDTH 7

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
				       .addr_width = 15,
				       .to_width = 19};
	layout->system_width =
		columns == 0 || columns >= WIDE_COLUMNS ? LINE_SYSTEM_WIDE : SYSTEM_WIDTH;
	layout->time_s = -1;
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

static void put_time(struct line_layout *layout, time_t time_s, struct text_buf *buf)
{
	struct tm tm;

	if (time_s != layout->time_s && localtime_r(&time_s, &tm)) {
		strftime(layout->time_text, sizeof(layout->time_text),
			 layout->with_date ? "%Y-%m-%d %H:%M:%S" : "%H:%M:%S", &tm);
		layout->time_s = time_s;
	}
	put_column(layout, buf, time_s > 0 ? layout->time_text : "-", layout->with_date ? 19 : 8,
		   SGR_DIM);
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

void line_put_header(struct line_layout *layout, struct text_buf *buf)
{
	put_column(layout, buf, "TIME", layout->with_date ? 19 : 8, SGR_BOLD);
	put_column(layout, buf, "ADDRESS", (int)layout->addr_width, SGR_BOLD);
	if (layout->with_to)
		put_column(layout, buf, "TO", (int)layout->to_width, SGR_BOLD);
	if (layout->with_kind)
		put_column(layout, buf, "KIND", KIND_WIDTH, SGR_BOLD);
	put_column(layout, buf, "SYSTEM", (int)layout->system_width, SGR_BOLD);
	put_column(layout, buf, "CONF", -4, SGR_BOLD);
	put_column(layout, buf, "HOPS", -4, SGR_BOLD);
	put_column(layout, buf, "MTU", -5, SGR_BOLD);
	put_column(layout, buf, "LINK", LINK_WIDTH, SGR_BOLD);
	put_column(layout, buf, "FLAGS", 5, SGR_BOLD);
	end_line(buf);
}

/* Like the address column, it grows. */
static void put_to(struct line_layout *layout, const struct line *line, struct text_buf *buf)
{
	char data[80];
	struct text_buf text;

	text_buf_init(&text, data, sizeof(data));
	text_putf(&text, strchr(line->to, ':') ? "[%s]:%u" : "%s:%u", line->to, line->to_port);
	if (text.len > layout->to_width)
		layout->to_width = (unsigned)text.len;
	put_column(layout, buf, data, (int)layout->to_width, "");
}

void line_put(struct line_layout *layout, const struct line *line, struct text_buf *buf)
{
	const char *sgr = line->match == MATCH_NONE ? SGR_DIM : "";

	if (strlen(line->addr) > layout->addr_width)
		layout->addr_width = (unsigned)strlen(line->addr);
	put_time(layout, line->time_s, buf);
	put_column(layout, buf, line->addr, (int)layout->addr_width, flags_sgr(line->flags));
	if (layout->with_to)
		put_to(layout, line, buf);
	if (layout->with_kind)
		put_column(layout, buf, line->is_answer ? "SYN+ACK" : "SYN", KIND_WIDTH, "");
	put_column(layout, buf, line->system, (int)layout->system_width, sgr);
	if (line->match == MATCH_NONE)
		put_column(layout, buf, "-", -4, sgr);
	else
		put_number(layout, buf, (line->confidence_permille + 5) / 10, "%", -4);
	if (line->dist_hops == VERDICT_DIST_UNKNOWN)
		put_column(layout, buf, "-", -4, SGR_DIM);
	else
		put_number(layout, buf, line->dist_hops, "", -4);
	if (line->mtu == 0)
		put_column(layout, buf, "-", -5, SGR_DIM);
	else
		put_number(layout, buf, line->mtu, "", -5);
	put_column(layout, buf, line->link, LINK_WIDTH, grade_sgr(line->grade));
	put_flags(layout, line->flags, buf);
	end_line(buf);
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
