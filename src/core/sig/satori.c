/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Satori's lists: tags and attributes are picked out without an XML parser, fields converted. */
#include "core/sig/satori.h"

#include <string.h>

#include "core/base/span.h"

#define HEADERS_LEN 40 /* IPv4 and TCP without options */

static struct span cut(struct span *rest, char separator)
{
	struct span part;

	span_split(*rest, separator, &part, rest);
	return part;
}

static bool parse_number(struct span span, uint32_t max, uint32_t *ret_number)
{
	uint32_t number = 0;

	if (!span.len || span.len > 5)
		return false;
	for (size_t i = 0; i < span.len; i++) {
		if (span.text[i] < '0' || span.text[i] > '9')
			return false;
		number = number * 10 + (uint32_t)(span.text[i] - '0');
	}
	*ret_number = number;
	return number <= max;
}

static bool is_any_of(char c, const char *characters)
{
	return c && strchr(characters, c);
}

static enum satori_result parse_window(struct span span, struct sig *sig)
{
	uint32_t number = 0;
	bool is_modulus;

	if (span_is(span, "*")) {
		sig->win_kind = SIG_WIN_ANY;
		return SATORI_OK;
	}
	sig->win_kind = SIG_WIN_VALUE;
	if (span.len && is_any_of(*span.text, "%ST")) {
		is_modulus = *span.text == '%';
		sig->win_kind = is_modulus          ? SIG_WIN_MOD
				: *span.text == 'S' ? SIG_WIN_MSS
						    : SIG_WIN_MTU;
		span = span_behind(span, 1);
		if (!parse_number(span, is_modulus ? 65535 : SIG_FACTOR_MAX, &number) ||
		    number < (is_modulus ? 2u : 1u))
			return SATORI_WINDOW;
	} else if (!parse_number(span, 65535, &number)) {
		return SATORI_WINDOW;
	}
	sig->win = (uint16_t)number;
	return SATORI_OK;
}

/* A number, or '*' for any. */
static bool parse_value(struct span span, uint32_t max, uint32_t *ret_value)
{
	if (!span_is(span, "*"))
		return parse_number(span, max, ret_value);
	*ret_value = SIG_ANY;
	return true;
}

static const struct known_option {
	char letter;
	uint8_t kind, bytes;
} known_options[] = {
	{'N', SYN_OPT_NOP, 1},    {'E', SYN_OPT_EOL, 1}, {'S', SYN_OPT_SACK_OK, 2},
	{'W', SYN_OPT_WSCALE, 3}, {'M', SYN_OPT_MSS, 4}, {'T', SYN_OPT_TS, 10},
};

/* What stands behind an option's letter. */
static bool parse_option_value(char letter, struct span value, struct sig *sig)
{
	switch (letter) {
	case 'M': return parse_value(value, 65535, &sig->mss);
	case 'W': return parse_value(value, 255, &sig->wscale);
	case 'T':
		if (span_is(value, "0"))
			sig->quirks |= QUIRK_TS_ZERO;
		return !value.len || span_is(value, "0");
	default: return !value.len;
	}
}

/* One option; *used are the bytes of all. ?N does not tell its length: nothing behind it is sure. */
static bool parse_option(struct span span, struct sig *sig, unsigned *used)
{
	for (size_t i = 0; i < sizeof(known_options) / sizeof(known_options[0]); i++) {
		const struct known_option *option = &known_options[i];

		if (*span.text != option->letter)
			continue;
		if (sig->opt_count == SYN_OPTS_MAX)
			return false;
		sig->opt_kinds[sig->opt_count++] = option->kind;
		*used += option->bytes;
		return parse_option_value(option->letter, span_behind(span, 1), sig);
	}
	return false;
}

/* What the packet's size leaves behind an end-of-options is its padding. */
static enum satori_result parse_options(struct span options, uint32_t size, struct sig *sig)
{
	unsigned used = 0;
	bool has_end = false;

	if (span_is(options, "."))
		return SATORI_OK;
	while (options.len) {
		struct span option = cut(&options, ',');

		if (!option.len || has_end || !parse_option(option, sig, &used))
			return SATORI_OPTIONS;
		has_end = *option.text == 'E';
	}
	if (!has_end)
		return SATORI_OK;
	if (size == SIG_ANY || size < HEADERS_LEN + used || size > HEADERS_LEN + used + 3)
		return SATORI_OPTIONS;
	sig->opt_eol_pad = (uint8_t)(size - HEADERS_LEN - used);
	return SATORI_OK;
}

static enum satori_result parse_quirks(struct span span, bool df, struct sig *sig)
{
	bool id_zero = false;

	for (size_t i = 0; i < span.len; i++) {
		switch (span.text[i]) {
		case '.': break;
		case 'Z': id_zero = true; break;
		case 'I': sig->ip_opt_len = SIG_ANY; break;
		case 'P': break; /* bytes behind the end, zero or not: as the padding says */
		case 'U': sig->quirks |= QUIRK_URG_PTR; break;
		case 'A': sig->quirks |= QUIRK_ACK_NONZERO; break;
		case 'T': sig->quirks |= QUIRK_TS_ECHO; break;
		case 'D': sig->payload = 1; break;
		case '!': sig->quirks |= QUIRK_OPT_BAD; break;
		default: return SATORI_QUIRKS;
		}
	}
	if (df)
		sig->quirks |= QUIRK_DF | (id_zero ? 0u : QUIRK_ID_NONZERO);
	else if (id_zero)
		sig->quirks |= QUIRK_ID_ZERO;
	if (sig->wscale != SIG_ANY && sig->wscale > 14)
		sig->quirks |= QUIRK_WSCALE_BIG;
	return SATORI_OK;
}

enum satori_result satori_parse_sig(const char *text, size_t len, struct sig *ret_sig)
{
	struct span rest = {text, len}, window = cut(&rest, ':'), ttl = cut(&rest, ':');
	struct span df = cut(&rest, ':'), size = cut(&rest, ':'), options = cut(&rest, ':');
	struct sig sig = {.ip_version = 4};
	uint32_t ttl_value, df_value, size_value;
	enum satori_result result;

	if (!parse_number(ttl, 255, &ttl_value) || !ttl_value || !parse_number(df, 1, &df_value) ||
	    !parse_value(size, 65535, &size_value) || !options.len || !rest.len)
		return SATORI_BAD_FIELD;
	sig.initial_ttl = (uint8_t)ttl_value;
	result = parse_window(window, &sig);
	if (result == SATORI_OK)
		result = parse_options(options, size_value, &sig);
	if (result == SATORI_OK)
		result = parse_quirks(rest, df_value, &sig);
	if (result == SATORI_OK)
		*ret_sig = sig;
	return result;
}

/* ---- the file ---- */

/* The value of an attribute of a tag, between either sort of quotes; length 0 without one. */
static struct span attribute(struct span tag, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 1; i + len + 2 < tag.len; i++) {
		const char *at = tag.text + i, *end;

		if (!is_any_of(at[-1], " \t\r\n") || memcmp(at, name, len) != 0 || at[len] != '=' ||
		    !is_any_of(at[len + 1], "\"'"))
			continue;
		at += len + 2;
		end = memchr(at, at[-1], tag.len - (size_t)(at - tag.text));
		if (end)
			return (struct span){at, (size_t)(end - at)};
	}
	return (struct span){tag.text, 0};
}

static size_t entity(struct span text, char *ret_char)
{
	static const struct {
		const char *name;
		char value;
	} entities[] = {{"&amp;", '&'},
			{"&lt;", '<'},
			{"&gt;", '>'},
			{"&quot;", '"'},
			{"&apos;", '\''}};

	for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++) {
		if (span_begins(text, entities[i].name)) {
			*ret_char = entities[i].value;
			return strlen(entities[i].name);
		}
	}
	*ret_char = *text.text;
	return 1;
}

/* A ':' would end the name in a label. */
static void keep_name(struct satori_reader *reader, struct span value)
{
	size_t len = 0;

	while (value.len && len < sizeof(reader->name) - 1) {
		char c;

		value = span_behind(value, entity(value, &c));
		if (c >= 0 && c < ' ')
			c = ' ';
		reader->name[len++] = c == ':' ? ' ' : c;
	}
	reader->name[len] = '\0';
}

/* The '>' that ends a tag or a comment, or NULL. */
static const char *tag_end(struct span tag)
{
	const char *end;

	if (!span_begins(tag, "<!--"))
		return memchr(tag.text, '>', tag.len);
	tag = span_behind(tag, strlen("<!--"));
	end = memmem(tag.text, tag.len, "-->", strlen("-->"));
	return end ? end + strlen("--") : NULL;
}

/* The next tag without its brackets, or a comment, which is no tag that anybody looks for. */
static bool next_tag(struct satori_reader *reader, struct span *ret_tag)
{
	const char *begin = memchr(reader->text + reader->pos, '<', reader->len - reader->pos);
	size_t left = begin ? reader->len - (size_t)(begin - reader->text) : 0;
	const char *end = begin ? tag_end((struct span){begin, left}) : NULL;

	if (!end) {
		reader->pos = reader->len;
		return false;
	}
	reader->pos = (size_t)(end - reader->text);
	*ret_tag = (struct span){begin + 1, (size_t)(end - begin) - 1};
	return true;
}

static bool tag_is(struct span tag, const char *name)
{
	size_t len = strlen(name);

	return span_begins(tag, name) && (tag.len == len || is_any_of(tag.text[len], " \t\r\n/"));
}

static void read_test(const struct satori_reader *reader, struct span tag, struct span tcpsig,
		      struct satori_test *ret_test)
{
	struct span flag = attribute(tag, "tcpflag");

	ret_test->name = reader->name;
	if (!flag.len)
		flag = attribute(tag, "flag");
	if (flag.len && !span_is(flag, "S"))
		ret_test->result = SATORI_NOT_SYN;
	else if (!*reader->name)
		ret_test->result = SATORI_NO_NAME;
	else
		ret_test->result = satori_parse_sig(tcpsig.text, tcpsig.len, &ret_test->sig);
}

bool satori_next(struct satori_reader *reader, struct satori_test *ret_test)
{
	struct span tag;

	while (next_tag(reader, &tag)) {
		struct span tcpsig;

		if (tag_is(tag, "fingerprint"))
			keep_name(reader, attribute(tag, "name"));
		else if (tag_is(tag, "/fingerprint"))
			*reader->name = '\0';
		if (!tag_is(tag, "test"))
			continue;
		tcpsig = attribute(tag, "tcpsig");
		if (!tcpsig.len)
			continue;
		read_test(reader, tag, tcpsig, ret_test);
		return true;
	}
	return false;
}

const char *satori_result_text(enum satori_result result)
{
	switch (result) {
	case SATORI_OK: return "converted";
	case SATORI_NOT_SYN: return "of other packets than a SYN";
	case SATORI_BAD_FIELD: return "not in the notation window:ttl:df:size:options:quirks";
	case SATORI_WINDOW: return "a window that cannot be written";
	case SATORI_OPTIONS: return "options that cannot be written";
	case SATORI_QUIRKS: return "quirks that cannot be told apart (F, X, others)";
	case SATORI_NO_NAME: return "outside of a fingerprint with a name";
	case SATORI_RESULT_COUNT: break;
	}
	return "";
}
