/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The prefixes are sorted by address and then by length, and each knows the one around it: the
 * last one that begins at or before an address, or one of those around it, holds the address.
 */
#include "core/baseline/netnames.h"

#include "core/base/grow.h"
#include "core/base/span.h"

#include <errno.h>
#include <stdlib.h>

#define NONE UINT32_MAX
#define PREFIX_TEXT_MAX (ADDR_TEXT_MAX + 4)

struct net {
	struct addr_net range;
	uint32_t name; /* offset in the text of all names */
	uint32_t line;
	uint32_t around; /* index of the next longer prefix that holds this one, or NONE */
};

struct netnames {
	struct net *nets;
	size_t count, room;
	struct texts texts; /* the names */
};

struct reader {
	struct netnames *names;
	struct text_error *err;
	const char *line;
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
	free(names->texts.bytes);
	free(names);
}

static int fail_at(const struct reader *reader, const char *at, const char *what)
{
	return text_error_set(reader->err, reader->line_no, (unsigned)(at - reader->line) + 1, "%s",
			      what);
}

/* Lists are sorted by network: the name before is often the same. */
static int keep_name(struct netnames *names, struct span name, uint32_t *ret_offset)
{
	if (names->count) {
		uint32_t last = names->nets[names->count - 1].name;

		if (span_is(name, names->texts.bytes + last)) {
			*ret_offset = last;
			return 0;
		}
	}
	return texts_add(&names->texts, name.text, name.len, ret_offset);
}

static int read_prefix(const struct reader *reader, struct span prefix, struct addr_net *ret_range)
{
	char text[PREFIX_TEXT_MAX];

	if (prefix.len >= sizeof(text))
		return fail_at(reader, prefix.text, "not a prefix such as 198.51.100.0/24");
	memcpy(text, prefix.text, prefix.len);
	text[prefix.len] = '\0';
	if (!strchr(text, '/'))
		return fail_at(reader, prefix.text, "the prefix needs a length, such as /24");
	if (addr_net_parse(text, ret_range) < 0)
		return fail_at(reader, prefix.text,
			       "not a prefix such as 198.51.100.0/24 or 2001:db8::/32");
	return 0;
}

static int add_net(struct reader *reader, const struct addr_net *range, struct span name)
{
	struct netnames *names = reader->names;
	struct net net = {.range = *range, .line = reader->line_no, .around = NONE};

	if (grow((void **)&names->nets, &names->room, names->count, sizeof(net)) < 0 ||
	    keep_name(names, name, &net.name) < 0)
		return -ENOMEM;
	names->nets[names->count++] = net;
	return 0;
}

static int read_name(struct reader *reader, const struct addr_net *range, struct span name)
{
	if (!name.len || name.len > NETNAMES_NAME_MAX)
		return fail_at(reader, name.text,
			       "the prefix needs a name of 1 to 31 bytes behind it");
	for (const char *c = name.text; c < name.text + name.len; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return fail_at(reader, c, "a control character");
	return add_net(reader, range, name);
}

static int read_line(struct reader *reader, struct span line)
{
	struct span prefix = span_trim(line);
	struct addr_net range;
	size_t len = 0;
	int r;

	if (!prefix.len || *prefix.text == ';' || *prefix.text == '#')
		return 0;
	while (len < prefix.len && !char_is_blank(prefix.text[len]))
		len++;
	r = read_prefix(reader, (struct span){prefix.text, len}, &range);
	return r < 0 ? r : read_name(reader, &range, span_trim(span_behind(prefix, len)));
}

/* IPv6 first: IPv4 is kept inside it, and its shortest prefixes do not mean it. */
static int order_of(const struct addr *a, const struct addr *b)
{
	int order = addr_is_v4(a) - addr_is_v4(b);

	return order ? order : memcmp(a, b, sizeof(*a));
}

/* By address, then the shortest; equal ones as in the text. */
static int compare(const void *left, const void *right)
{
	const struct net *a = left, *b = right;
	int order = order_of(&a->range.addr, &b->range.addr);

	if (!order)
		order = a->range.bits - b->range.bits;
	return order ? order : (int)a->line - (int)b->line;
}

static uint32_t find_around(const struct net *nets, uint32_t from, const struct addr *addr)
{
	while (from != NONE && !addr_net_holds(&nets[from].range, addr))
		from = nets[from].around;
	return from;
}

static int link_up(struct netnames *names, struct text_error *err)
{
	struct net *nets = names->nets;

	if (names->count)
		qsort(nets, names->count, sizeof(*nets), compare);
	for (uint32_t i = 1; i < names->count; i++) {
		const struct addr_net *range = &nets[i].range, *before = &nets[i - 1].range;

		if (range->bits == before->bits && addr_equal(&range->addr, &before->addr))
			return text_error_set(err, nets[i].line, 1,
					      "this prefix is on line %u already",
					      nets[i - 1].line);
		nets[i].around = find_around(nets, i - 1, &range->addr);
	}
	return 0;
}

int netnames_load(struct netnames *names, const char *text, size_t len,
		  struct text_error *ret_error)
{
	struct reader reader = {.names = names, .err = ret_error};
	struct span line, rest = {text, len};
	int r = 0;

	while (rest.len && r == 0) {
		span_split(rest, '\n', &line, &rest);
		reader.line = line.text;
		reader.line_no++;
		r = read_line(&reader, line);
	}
	return r < 0 ? r : link_up(names, ret_error);
}

/* The last prefix that begins at @addr or before it, NONE where all begin behind it. */
static uint32_t last_before(const struct netnames *names, const struct addr *addr)
{
	size_t low = 0, high = names->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (order_of(&names->nets[mid].range.addr, addr) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low ? (uint32_t)(low - 1) : NONE;
}

const char *netnames_find(const struct netnames *names, const struct addr *addr)
{
	uint32_t at = find_around(names->nets, last_before(names, addr), addr);

	return at == NONE ? NULL : names->texts.bytes + names->nets[at].name;
}
