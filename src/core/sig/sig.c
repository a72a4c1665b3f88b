/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signatures as text, both ways. A reader walks the eight fields with a cursor that knows its
 * column; each field has a parser of its own. Nothing here compares: match.c does.
 */
#include "core/sig/sig.h"

#include <errno.h>
#include <string.h>
#include <sys/param.h>

#define SIG_MSS_MIN 100 /* p0f looks for no multiple of a smaller MSS */
#define HEADERS_V4 40
#define HEADERS_V6 60
#define TS_BYTES 12 /* the timestamp option with its two NOPs */

#define QUIRKS_V4_ONLY (QUIRK_DF | QUIRK_ID_NONZERO | QUIRK_ID_ZERO)

struct cursor {
	const char *text;
	size_t pos, end; /* within text */
	bool more; /* a separator stood behind what was taken last */
	struct text_error *error;
};

struct field {
	const char *text;
	size_t len;
	unsigned column;
};

struct name {
	const char *text;
	uint8_t kind;
};

static const struct name option_names[] = {
	{"nop", SYN_OPT_NOP}, {"mss", SYN_OPT_MSS},     {"ws", SYN_OPT_WSCALE},
	{"ts", SYN_OPT_TS},   {"sok", SYN_OPT_SACK_OK}, {"sack", SYN_OPT_SACK},
};

static bool field_is(const struct field *field, const char *word)
{
	return field->len == strlen(word) && memcmp(field->text, word, field->len) == 0;
}

static bool field_begins(const struct field *field, const char *word)
{
	size_t len = strlen(word);

	return field->len > len && memcmp(field->text, word, len) == 0;
}

static void field_skip(struct field *field, size_t bytes)
{
	field->text += bytes;
	field->len -= bytes;
	field->column += (unsigned)bytes;
}

static void field_trim(struct field *field)
{
	while (field->len && (*field->text == ' ' || *field->text == '\t'))
		field_skip(field, 1);
	while (field->len &&
	       (field->text[field->len - 1] == ' ' || field->text[field->len - 1] == '\t'))
		field->len--;
}

/* The text up to a separator or the end; the cursor then stands behind it. */
static struct field cursor_take(struct cursor *cursor, char separator)
{
	const char *start = cursor->text + cursor->pos;
	const char *stop = memchr(start, separator, cursor->end - cursor->pos);
	struct field field = {.text = start, .column = (unsigned)cursor->pos + 1};

	field.len = stop ? (size_t)(stop - start) : cursor->end - cursor->pos;
	cursor->more = stop != NULL;
	cursor->pos += field.len + cursor->more;
	field_trim(&field);
	return field;
}

/* A cursor over one field that is a list itself. */
static struct cursor cursor_within(const struct cursor *cursor, const struct field *field)
{
	struct cursor inner = *cursor;

	inner.pos = (size_t)(field->text - cursor->text);
	inner.end = inner.pos + field->len;
	return inner;
}

static int parse_number(const struct cursor *cursor, const struct field *field, const char *what,
			uint32_t min, uint32_t max, uint32_t *ret_value)
{
	uint32_t value = 0;

	if (!field->len)
		return text_error_set(cursor->error, 1, field->column, "%s is missing", what);
	for (size_t i = 0; i < field->len; i++) {
		if (field->text[i] < '0' || field->text[i] > '9')
			return text_error_set(cursor->error, 1, field->column + (unsigned)i,
					      "%s is no number", what);
		value = value * 10 + (uint32_t)(field->text[i] - '0');
		if (value > max)
			break;
	}
	if (value < min || value > max)
		return text_error_set(cursor->error, 1, field->column, "%s is not in %u to %u",
				      what, min, max);
	*ret_value = value;
	return 0;
}

static int parse_number_or_any(const struct cursor *cursor, const struct field *field,
			       const char *what, uint32_t max, uint32_t *ret_value)
{
	if (!field_is(field, "*"))
		return parse_number(cursor, field, what, 0, max, ret_value);
	*ret_value = SIG_ANY;
	return 0;
}

static int parse_version(struct cursor *cursor, struct sig *sig)
{
	struct field field = cursor_take(cursor, ':');

	if (field_is(&field, "*"))
		sig->ip_version = 0;
	else if (field_is(&field, "4") || field_is(&field, "6"))
		sig->ip_version = (uint8_t)(*field.text - '0');
	else
		return text_error_set(cursor->error, 1, field.column,
				      "the IP version is not 4, 6 or *");
	return 0;
}

static int parse_ttl(struct cursor *cursor, struct sig *sig)
{
	struct field field = cursor_take(cursor, ':'), hops;
	const char *plus = memchr(field.text, '+', field.len);
	uint32_t ttl = 0, dist = 0;
	int r;

	if (field.len && field.text[field.len - 1] == '-') {
		sig->bad_ttl = true;
		field.len--;
	} else if (plus) {
		hops = field;
		field_skip(&hops, (size_t)(plus - field.text) + 1);
		field.len = (size_t)(plus - field.text);
		r = parse_number(cursor, &hops, "the distance", 0, 254, &dist);
		if (r < 0)
			return r;
	}
	r = parse_number(cursor, &field, "the initial TTL", 1, 255, &ttl);
	if (r < 0)
		return r;
	if (ttl + dist > 255)
		return text_error_set(cursor->error, 1, field.column,
				      "TTL and distance are more than 255 together");
	sig->initial_ttl = (uint8_t)(ttl + dist);
	return 0;
}

static int parse_win_size(struct cursor *cursor, struct field field, struct sig *sig)
{
	uint32_t min = 0, max = 65535, value = 0;
	int r;

	if (field_is(&field, "*")) {
		sig->win_kind = SIG_WIN_ANY;
		return 0;
	}
	if (field_is(&field, "mss*max")) {
		sig->win_kind = SIG_WIN_MSS_MAX;
		return 0;
	}
	sig->win_kind = SIG_WIN_VALUE;
	if (field_begins(&field, "%")) {
		sig->win_kind = SIG_WIN_MOD;
		min = 2;
		field_skip(&field, 1);
	} else if (field_begins(&field, "mss*") || field_begins(&field, "mtu*")) {
		sig->win_kind = field.text[1] == 's' ? SIG_WIN_MSS : SIG_WIN_MTU;
		min = 1;
		max = SIG_FACTOR_MAX;
		field_skip(&field, 4);
	}
	r = parse_number(cursor, &field, "the window", min, max, &value);
	sig->win = (uint16_t)value;
	return r;
}

static int parse_window(struct cursor *cursor, struct sig *sig)
{
	struct field field = cursor_take(cursor, ':'), size, scale;
	struct cursor inner = cursor_within(cursor, &field);
	int r;

	size = cursor_take(&inner, ',');
	if (!inner.more)
		return text_error_set(cursor->error, 1, field.column,
				      "the window is not of the form size,scale");
	r = parse_win_size(cursor, size, sig);
	if (r < 0)
		return r;
	scale = cursor_take(&inner, '\n');
	return parse_number_or_any(cursor, &scale, "the window scale", 255, &sig->wscale);
}

static int parse_option_kind(const struct cursor *cursor, struct field field, bool last,
			     struct sig *sig, uint8_t *ret_kind)
{
	uint32_t value = SYN_OPT_EOL;
	int r = 0;

	if (field_begins(&field, "eol+")) {
		if (!last)
			return text_error_set(cursor->error, 1, field.column,
					      "eol+n is not the last option");
		field_skip(&field, 4);
		r = parse_number(cursor, &field, "the padding", 0, SYN_OPTS_MAX - 1, &value);
		sig->opt_eol_pad = (uint8_t)value;
		*ret_kind = SYN_OPT_EOL;
		return r;
	}
	if (field_begins(&field, "?")) {
		field_skip(&field, 1);
		r = parse_number(cursor, &field, "the option kind", 1, 255, &value);
		*ret_kind = (uint8_t)value;
		return r;
	}
	for (size_t i = 0; i < sizeof(option_names) / sizeof(option_names[0]); i++)
		if (field_is(&field, option_names[i].text)) {
			*ret_kind = option_names[i].kind;
			return 0;
		}
	return text_error_set(cursor->error, 1, field.column, "no option is called '%.*s'",
			      (int)MIN(field.len, 32), field.text);
}

static int parse_layout(struct cursor *cursor, struct sig *sig)
{
	struct field field = cursor_take(cursor, ':'), option;
	struct cursor inner = cursor_within(cursor, &field);
	int r;

	sig->opt_any = field_is(&field, "*");
	if (!field.len || sig->opt_any)
		return 0;
	do {
		option = cursor_take(&inner, ',');
		if (sig->opt_count == SYN_OPTS_MAX)
			return text_error_set(cursor->error, 1, option.column,
					      "more than %d options", SYN_OPTS_MAX);
		r = parse_option_kind(cursor, option, !inner.more, sig,
				      &sig->opt_kinds[sig->opt_count++]);
		if (r < 0)
			return r;
	} while (inner.more);
	return 0;
}

static uint32_t quirk_find(const struct field *field)
{
	const char *name;

	for (unsigned i = 0; i < QUIRK_COUNT; i++) {
		name = syn_quirk_name((enum syn_quirk)(UINT32_C(1) << i));
		if (name && field_is(field, name))
			return UINT32_C(1) << i;
	}
	return 0;
}

/* p0f refuses a quirk that the signature's IP version cannot have; so do we. */
static int check_quirk_version(const struct cursor *cursor, const struct field *field,
			       uint32_t quirk, uint8_t ip_version)
{
	if (!ip_version || sig_quirks_seen(quirk, ip_version))
		return 0;
	return text_error_set(cursor->error, 1, field->column, "IPv%u has no quirk '%.*s'",
			      ip_version, (int)field->len, field->text);
}

static int parse_quirks(struct cursor *cursor, struct sig *sig)
{
	struct field field = cursor_take(cursor, ':'), item;
	struct cursor inner = cursor_within(cursor, &field);
	uint32_t quirk;
	int r;

	if (field_is(&field, "*"))
		sig->quirks = SIG_ANY;
	if (!field.len || sig->quirks == SIG_ANY)
		return 0;
	do {
		item = cursor_take(&inner, ',');
		quirk = quirk_find(&item);
		if (!quirk)
			return text_error_set(cursor->error, 1, item.column,
					      "no quirk is called '%.*s'", (int)MIN(item.len, 32),
					      item.text);
		r = check_quirk_version(cursor, &item, quirk, sig->ip_version);
		if (r < 0)
			return r;
		sig->quirks |= quirk;
	} while (inner.more);
	return 0;
}

static int parse_payload(struct cursor *cursor, struct sig *sig)
{
	struct field field = cursor_take(cursor, ':');

	if (field_is(&field, "0"))
		sig->payload = 0;
	else if (field_is(&field, "+"))
		sig->payload = 1;
	else if (field_is(&field, "*"))
		sig->payload = 2;
	else
		return text_error_set(cursor->error, 1, field.column,
				      "the payload class is not 0, + or *");
	return 0;
}

static int parse_ip_options(struct cursor *cursor, struct sig *sig)
{
	struct field field = cursor_take(cursor, ':');

	return parse_number_or_any(cursor, &field, "the length of IP options", 255,
				   &sig->ip_opt_len);
}

static int parse_mss(struct cursor *cursor, struct sig *sig)
{
	struct field field = cursor_take(cursor, ':');

	return parse_number_or_any(cursor, &field, "the MSS", 65535, &sig->mss);
}

int sig_parse(const char *text, size_t len, struct text_error *ret_error, struct sig *ret_sig)
{
	static int (*const parsers[])(struct cursor *, struct sig *) = {
		parse_version, parse_ttl,    parse_ip_options, parse_mss,
		parse_window,  parse_layout, parse_quirks,     parse_payload,
	};
	struct cursor cursor = {.text = text, .end = len, .error = ret_error, .more = true};
	struct sig sig = {0};
	int r;

	for (size_t i = 0; i < sizeof(parsers) / sizeof(parsers[0]); i++) {
		if (!cursor.more)
			return text_error_set(ret_error, 1, (unsigned)len + 1,
					      "fewer than eight fields");
		r = parsers[i](&cursor, &sig);
		if (r < 0)
			return r;
	}
	if (cursor.more)
		return text_error_set(ret_error, 1, (unsigned)cursor.pos, "more than eight fields");
	*ret_sig = sig;
	return 0;
}

static void put_number_or_any(struct text_buf *buf, uint32_t value)
{
	if (value == SIG_ANY)
		text_put_char(buf, '*');
	else
		text_put_uint(buf, value);
}

static void put_window(struct text_buf *buf, enum sig_win_kind kind, uint16_t win)
{
	switch (kind) {
	case SIG_WIN_ANY: text_put_char(buf, '*'); return;
	case SIG_WIN_MSS_MAX: text_put(buf, "mss*max"); return;
	case SIG_WIN_MOD: text_put_char(buf, '%'); break;
	case SIG_WIN_MSS: text_put(buf, "mss*"); break;
	case SIG_WIN_MTU: text_put(buf, "mtu*"); break;
	case SIG_WIN_VALUE: break;
	}
	text_put_uint(buf, win);
}

static void put_option(struct text_buf *buf, uint8_t kind)
{
	for (size_t i = 0; i < sizeof(option_names) / sizeof(option_names[0]); i++)
		if (option_names[i].kind == kind) {
			text_put(buf, option_names[i].text);
			return;
		}
	text_put_char(buf, '?');
	text_put_uint(buf, kind);
}

static void format_layout(const uint8_t *kinds, unsigned count, unsigned eol_pad,
			  struct text_buf *buf)
{
	for (unsigned i = 0; i < count; i++) {
		if (i)
			text_put_char(buf, ',');
		if (kinds[i] == SYN_OPT_EOL) {
			text_put(buf, "eol+");
			text_put_uint(buf, eol_pad);
		} else {
			put_option(buf, kinds[i]);
		}
	}
}

static void put_quirks(struct text_buf *buf, uint32_t quirks)
{
	bool first = true;

	if (quirks == SIG_ANY) {
		text_put_char(buf, '*');
		return;
	}
	for (unsigned i = 0; i < QUIRK_COUNT; i++) {
		if (!(quirks >> i & 1))
			continue;
		if (!first)
			text_put_char(buf, ',');
		text_put(buf, syn_quirk_name((enum syn_quirk)(UINT32_C(1) << i)));
		first = false;
	}
}

void sig_format(const struct sig *sig, struct text_buf *buf)
{
	text_put_char(buf, sig->ip_version ? (char)('0' + sig->ip_version) : '*');
	text_put_char(buf, ':');
	text_put_uint(buf, sig->initial_ttl);
	text_put(buf, sig->bad_ttl ? "-:" : ":");
	put_number_or_any(buf, sig->ip_opt_len);
	text_put_char(buf, ':');
	put_number_or_any(buf, sig->mss);
	text_put_char(buf, ':');
	put_window(buf, sig->win_kind, sig->win);
	text_put_char(buf, ',');
	put_number_or_any(buf, sig->wscale);
	text_put_char(buf, ':');
	if (sig->opt_any)
		text_put_char(buf, '*');
	else
		format_layout(sig->opt_kinds, sig->opt_count, sig->opt_eol_pad, buf);
	text_put_char(buf, ':');
	put_quirks(buf, sig->quirks);
	text_put_char(buf, ':');
	text_put_char(buf, "0+*"[sig->payload]);
}

bool sig_equal(const struct sig *a, const struct sig *b)
{
	return a->ip_version == b->ip_version && a->initial_ttl == b->initial_ttl &&
	       a->bad_ttl == b->bad_ttl && a->ip_opt_len == b->ip_opt_len && a->mss == b->mss &&
	       a->win_kind == b->win_kind && a->win == b->win && a->wscale == b->wscale &&
	       a->quirks == b->quirks && a->payload == b->payload && a->opt_any == b->opt_any &&
	       a->opt_count == b->opt_count && a->opt_eol_pad == b->opt_eol_pad &&
	       memcmp(a->opt_kinds, b->opt_kinds, a->opt_count) == 0;
}

uint32_t sig_quirks_seen(uint32_t quirks, uint8_t ip_version)
{
	return quirks & ~(ip_version == 4 ? (uint32_t)QUIRK_FLOW : QUIRKS_V4_ONLY);
}

static bool is_multiple(uint32_t win, uint32_t unit, unsigned *ret_factor)
{
	if (!unit || win % unit)
		return false;
	*ret_factor = win / unit;
	return true;
}

unsigned sig_win_factor(const struct syn *syn, enum sig_win_kind *ret_kind)
{
	uint32_t mss = syn->mss, headers = (uint32_t)syn->ip_header_len + syn->tcp_header_len;
	bool v6 = syn->ip_version == 6;
	unsigned factor = 0;

	if (!syn->win || mss < SIG_MSS_MIN)
		return 0;
	if (is_multiple(syn->win, mss, &factor) ||
	    (syn->ts_val && is_multiple(syn->win, mss - TS_BYTES, &factor)) ||
	    is_multiple(syn->win, 1500 - HEADERS_V4, &factor) ||
	    is_multiple(syn->win, 1500 - HEADERS_V4 - TS_BYTES, &factor) ||
	    (v6 && (is_multiple(syn->win, 1500 - HEADERS_V6, &factor) ||
		    is_multiple(syn->win, 1500 - HEADERS_V6 - TS_BYTES, &factor)))) {
		*ret_kind = SIG_WIN_MSS;
		return factor;
	}
	if (is_multiple(syn->win, mss + HEADERS_V4, &factor) ||
	    is_multiple(syn->win, mss + headers, &factor) ||
	    (v6 && is_multiple(syn->win, mss + HEADERS_V6, &factor)) ||
	    is_multiple(syn->win, 1500, &factor)) {
		*ret_kind = SIG_WIN_MTU;
		return factor;
	}
	return 0;
}

uint8_t sig_initial_ttl(uint8_t ttl)
{
	if (ttl <= 32)
		return 32;
	if (ttl <= 64)
		return 64;
	return ttl <= 128 ? 128 : 255;
}

void sig_from_syn(const struct syn *syn, struct sig *ret_sig)
{
	struct sig sig = {
		.ip_version = syn->ip_version,
		.initial_ttl = sig_initial_ttl(syn->ttl),
		.win_kind = SIG_WIN_VALUE,
		.ip_opt_len = syn->ip_opt_len,
		.mss = syn->mss,
		.wscale = syn->wscale,
		.quirks = syn->quirks,
		.payload = syn->payload_len ? 1 : 0,
		.opt_count = syn->opt_count,
		.opt_eol_pad = syn->opt_eol_pad,
	};
	unsigned factor = sig_win_factor(syn, &sig.win_kind);

	sig.win = factor ? (uint16_t)factor : syn->win;
	memcpy(sig.opt_kinds, syn->opt_kinds, syn->opt_count);
	*ret_sig = sig;
}
