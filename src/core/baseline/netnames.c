/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The prefixes are sorted by address and then by length, and each knows the one around it: the
 * last one that begins at or before an address, or one of those around it, holds the address.
 */
#include "core/baseline/netnames.h"

#include "core/base/grow.h"

#include <errno.h>
#include <stdlib.h>

#define COUNT_MAX (1u << 22) /* the whole internet has 1.2 million prefixes (2025) */
#define NONE UINT32_MAX
#define PREFIX_TEXT_MAX (ADDR_TEXT_MAX + 4)

struct net {
	struct addr addr; /* masked */
	uint32_t name; /* offset in the text of all names */
	uint32_t line;
	uint32_t around; /* index of the next longer prefix that holds this one, or NONE */
	uint8_t bits; /* of all 128: 96 more than what IPv4 says */
};

struct netnames {
	struct net *nets;
	char *text; /* names, each with its NUL */
	size_t count, alloc, text_len, text_alloc;
};

struct reader {
	struct netnames *names;
	struct text_error *err;
	const char *line, *end;
	unsigned line_no;
};

struct netnames *netnames_new(void)
{
	return calloc(1, sizeof(struct netnames));
}

void netnames_free(struct netnames *names)
{
	if (!names)
		return;
	free(names->nets);
	free(names->text);
	free(names);
}

static int fail_at(const struct reader *reader, const char *at, const char *what)
{
	return text_error_set(reader->err, reader->line_no, (unsigned)(at - reader->line) + 1, "%s",
			      what);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Lists are sorted by network: the name before is often the same. */
static int keep_name(struct netnames *names, const char *name, size_t len, uint32_t *ret_offset)
{
	void *text = names->text;
	int r;

	if (names->count) {
		uint32_t last = names->nets[names->count - 1].name;

		if (strlen(names->text + last) == len &&
		    memcmp(names->text + last, name, len) == 0) {
			*ret_offset = last;
			return 0;
		}
	}
	r = grow(&text, &names->text_alloc, names->text_len + len + 1, 1);
	if (r < 0)
		return r;
	names->text = text;
	*ret_offset = (uint32_t)names->text_len;
	memcpy(names->text + names->text_len, name, len);
	names->text[names->text_len + len] = '\0';
	names->text_len += len + 1;
	return 0;
}

static int read_bits(const char *text, unsigned max, unsigned *ret_bits)
{
	unsigned bits = 0;

	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		bits = bits * 10 + (unsigned)(*text - '0');
		if (bits > max)
			return -EINVAL;
	}
	*ret_bits = bits;
	return 0;
}

static int read_prefix(const struct reader *reader, const char *at, size_t len, struct net *ret_net)
{
	char text[PREFIX_TEXT_MAX], *slash;
	unsigned bits;
	unsigned max;

	if (len >= sizeof(text))
		return fail_at(reader, at, "not a prefix such as 198.51.100.0/24");
	memcpy(text, at, len);
	text[len] = '\0';
	slash = strchr(text, '/');
	if (!slash)
		return fail_at(reader, at, "the prefix needs a length, such as /24");
	*slash = '\0';
	if (addr_parse(text, &ret_net->addr) < 0)
		return fail_at(reader, at, "not an IPv4 or IPv6 address");
	max = addr_is_v4(&ret_net->addr) ? 32 : 128;
	if (read_bits(slash + 1, max, &bits) < 0)
		return fail_at(reader, at + (slash - text) + 1,
			       max == 32 ? "the length is a number from 0 to 32"
					 : "the length is a number from 0 to 128");
	ret_net->addr = addr_mask(&ret_net->addr, bits);
	ret_net->bits = (uint8_t)(128 - max + bits);
	return 0;
}

static int add_net(struct reader *reader, const struct net *net, const char *name, size_t len)
{
	struct netnames *names = reader->names;
	void *nets = names->nets;
	uint32_t offset;
	int r = grow(&nets, &names->alloc, names->count + 1, sizeof(*net));

	if (r < 0)
		return r;
	names->nets = nets;
	r = keep_name(names, name, len, &offset);
	if (r < 0)
		return r;
	names->nets[names->count] = *net;
	names->nets[names->count].name = offset;
	names->nets[names->count++].line = reader->line_no;
	return 0;
}

static int read_name(struct reader *reader, const struct net *net, const char *at, const char *end)
{
	while (end > at && is_blank(end[-1]))
		end--;
	if (at == end || end - at > NETNAMES_NAME_MAX)
		return fail_at(reader, at, "the prefix needs a name of 1 to 31 bytes behind it");
	for (const char *c = at; c < end; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return fail_at(reader, c, "a control character");
	}
	if (reader->names->count == COUNT_MAX)
		return fail_at(reader, at, "too many prefixes");
	return add_net(reader, net, at, (size_t)(end - at));
}

static int read_line(struct reader *reader)
{
	const char *at = reader->line, *end = reader->end, *blank;
	struct net net = {.around = NONE};
	int r;

	while (at < end && is_blank(*at))
		at++;
	if (at == end || *at == ';' || *at == '#')
		return 0;
	for (blank = at; blank < end && !is_blank(*blank);)
		blank++;
	r = read_prefix(reader, at, (size_t)(blank - at), &net);
	if (r < 0)
		return r;
	while (blank < end && is_blank(*blank))
		blank++;
	return read_name(reader, &net, blank, end);
}

/* By address, then the shortest; equal ones as in the text. */
static int compare(const void *left, const void *right)
{
	const struct net *a = left, *b = right;
	int order = memcmp(a->addr.bytes, b->addr.bytes, sizeof(a->addr.bytes));

	if (order == 0)
		order = (int)a->bits - (int)b->bits;
	return order ? order : a->line < b->line ? -1 : 1;
}

static bool holds(const struct net *net, const struct addr *addr)
{
	unsigned whole = net->bits / 8, rest = net->bits % 8;

	if (memcmp(net->addr.bytes, addr->bytes, whole) != 0)
		return false;
	return rest == 0 || (net->addr.bytes[whole] ^ addr->bytes[whole]) >> (8 - rest) == 0;
}

static uint32_t find_around(const struct net *nets, uint32_t from, const struct addr *addr)
{
	while (from != NONE && !holds(&nets[from], addr))
		from = nets[from].around;
	return from;
}

static int link_up(struct netnames *names, struct text_error *err)
{
	struct net *nets = names->nets;

	if (names->count)
		qsort(nets, names->count, sizeof(*nets), compare);
	for (uint32_t i = 1; i < names->count; i++) {
		if (nets[i].bits == nets[i - 1].bits &&
		    addr_equal(&nets[i].addr, &nets[i - 1].addr))
			return text_error_set(err, nets[i].line, 1,
					      "this prefix is on line %u already",
					      nets[i - 1].line);
		nets[i].around = find_around(nets, i - 1, &nets[i].addr);
	}
	return 0;
}

int netnames_load(struct netnames *names, const char *text, size_t len,
		  struct text_error *ret_error)
{
	struct reader reader = {.names = names, .err = ret_error};
	const char *end = text + len;
	int r;

	for (const char *at = text; at < end; at = reader.end + 1) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));

		reader.line = at;
		reader.end = newline ? newline : end;
		reader.line_no++;
		r = read_line(&reader);
		if (r < 0)
			return r;
	}
	return link_up(names, ret_error);
}

/* The last prefix that begins at @addr or before it, NONE where all begin behind it. */
static uint32_t last_before(const struct netnames *names, const struct addr *addr)
{
	size_t low = 0, high = names->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (memcmp(names->nets[mid].addr.bytes, addr->bytes, sizeof(addr->bytes)) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low ? (uint32_t)(low - 1) : NONE;
}

static bool is_v4(const struct net *net)
{
	return net->bits >= 96 && addr_is_v4(&net->addr);
}

const char *netnames_find(const struct netnames *names, const struct addr *addr)
{
	uint32_t at = find_around(names->nets, last_before(names, addr), addr);

	/* IPv4 is kept inside IPv6, whose shortest prefixes do not mean it. */
	if (at == NONE || is_v4(&names->nets[at]) != addr_is_v4(addr))
		return NULL;
	return names->text + names->nets[at].name;
}
