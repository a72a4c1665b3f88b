/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text form of the link table, documented at the head of conf/links.db and in
 * synprint-db(5). One bad line refuses the whole text: a table that is half there would
 * grade differently without a word.
 */
#include <errno.h>
#include <string.h>

#include "core/base/span.h"
#include "core/link/linkdb.h"

#define LINE_MAX_BYTES 1000
#define SOURCE_MAX_BYTES 300
#define MTU_MIN 68 /* RFC 791 section 3.2: what every IPv4 module must forward */

enum section { SECTION_NONE, SECTION_BASE, SECTION_MTU, SECTION_ENCAP };

struct reader {
	struct linkdb *db;
	struct text_error *err;
	struct span line;
	unsigned line_no;
	enum section section;
	/* The block since the last `label`. */
	struct linkdb_row block;
	struct span source;
	unsigned label_line; /* 0: no block */
	bool has_rows;
};

static int fail_at(const struct reader *reader, const char *at, const char *what)
{
	return text_error_set(reader->err, reader->line_no, (unsigned)(at - reader->line.text) + 1,
			      "%s", what);
}

/* Cut off what stands before @sep, or all of it; both are trimmed. */
static struct span cut(struct span *rest, char sep)
{
	struct span head;

	span_split(*rest, sep, &head, rest);
	*rest = span_trim(*rest);
	return span_trim(head);
}

static int read_number(const struct reader *reader, struct span text, unsigned min, unsigned max,
		       unsigned *ret_number)
{
	unsigned number = 0;

	if (text.len == 0)
		return fail_at(reader, text.text, "a number is missing");
	for (size_t i = 0; i < text.len; i++) {
		if (text.text[i] < '0' || text.text[i] > '9')
			return fail_at(reader, text.text + i, "not a number");
		number = number * 10 + (unsigned)(text.text[i] - '0');
		if (number > max)
			return fail_at(reader, text.text, "the number is too large");
	}
	if (number < min)
		return fail_at(reader, text.text, "the number is too small");
	*ret_number = number;
	return 0;
}

/* A label without a single row is a mistake that would otherwise go unnoticed. */
static int end_block(struct reader *reader)
{
	if (reader->label_line && !reader->has_rows)
		return text_error_set(reader->err, reader->label_line, 1,
				      "nothing follows this label");
	reader->label_line = 0;
	return 0;
}

static int read_section(struct reader *reader, struct span text)
{
	int r = end_block(reader);

	if (r < 0)
		return r;
	if (span_is(text, "[base]"))
		reader->section = SECTION_BASE;
	else if (span_is(text, "[mtu]"))
		reader->section = SECTION_MTU;
	else if (span_is(text, "[encap]"))
		reader->section = SECTION_ENCAP;
	else
		return fail_at(reader, text.text, "no such section; there are base, mtu and encap");
	return 0;
}

static int find_base(const struct linkdb *db, unsigned mtu)
{
	for (unsigned i = 0; i < db->base_count; i++) {
		if (db->bases[i].mtu == mtu)
			return (int)i;
	}
	return -ENOENT;
}

static int read_base(struct reader *reader, struct span value)
{
	struct span name = value, number = cut(&name, ' ');
	unsigned mtu;
	int r = read_number(reader, number, MTU_MIN, UINT16_MAX, &mtu);

	if (r < 0)
		return r;
	if (name.len == 0 || name.len > VOCAB_WORD_MAX)
		return fail_at(reader, name.text, "the base needs a name of at most 63 bytes");
	if (find_base(reader->db, mtu) >= 0)
		return fail_at(reader, number.text, "this base is there already");
	if (reader->db->base_count == LINKDB_BASES_MAX)
		return fail_at(reader, number.text, "too many bases");
	return linkdb_add_base(reader->db, (uint16_t)mtu, name.text, name.len);
}

static int read_label(struct reader *reader, struct span value)
{
	int r = end_block(reader);

	if (r < 0)
		return r;
	if (value.len == 0 || value.len > VOCAB_WORD_MAX)
		return fail_at(reader, value.text, "a label has 1 to 63 bytes");
	r = vocab_add(reader->db->vocab, VOCAB_LINK, value.text, value.len);
	if (r < 0) {
		fail_at(reader, value.text, "too many labels");
		return r;
	}
	reader->block = (struct linkdb_row){
		.label = (uint8_t)r,
		.ip4 = true,
		.ip6 = true,
		.on_interface = reader->section == SECTION_MTU,
	};
	reader->source = (struct span){0};
	reader->label_line = reader->line_no;
	reader->has_rows = false;
	return 0;
}

static int read_kind(struct reader *reader, struct span value)
{
	for (int kind = LINK_ETHERNET; kind <= LINK_LOOPBACK; kind++) {
		if (span_is(value, link_kind_name((enum link_kind)kind))) {
			reader->block.kind = (uint8_t)kind;
			return 0;
		}
	}
	return fail_at(
		reader, value.text,
		"no such kind; there are ethernet, access, ambiguous, tunnel, vpn, loopback");
}

static int read_source(struct reader *reader, struct span value)
{
	if (value.len == 0 || value.len > SOURCE_MAX_BYTES)
		return fail_at(reader, value.text, "a source has 1 to 300 bytes");
	reader->source = value;
	return 0;
}

static int read_ip(struct reader *reader, struct span value)
{
	reader->block.ip4 = span_is(value, "4");
	reader->block.ip6 = span_is(value, "6");
	if (!reader->block.ip4 && !reader->block.ip6)
		return fail_at(reader, value.text, "ip is 4 or 6");
	return 0;
}

static int read_shows(struct reader *reader, struct span value)
{
	reader->block.on_interface = span_is(value, "interface");
	if (!reader->block.on_interface && !span_is(value, "clamp"))
		return fail_at(reader, value.text, "shows is interface or clamp");
	return 0;
}

static int read_over(struct reader *reader, struct span value)
{
	reader->block.bases = 0;
	do {
		struct span number = cut(&value, ' ');
		unsigned mtu;
		int base, r = read_number(reader, number, MTU_MIN, UINT16_MAX, &mtu);

		if (r < 0)
			return r;
		base = find_base(reader->db, mtu);
		if (base < 0)
			return fail_at(reader, number.text, "not declared as a base");
		reader->block.bases |= 1u << base;
	} while (value.len);
	return 0;
}

static int add_row(struct reader *reader, const struct linkdb_row *row, const char *at)
{
	if (reader->db->row_count == LINKDB_ROWS_MAX)
		return fail_at(reader, at, "too many rows");
	reader->has_rows = true;
	return linkdb_add_row(reader->db, row, reader->source.text, reader->source.len);
}

static int check_block(const struct reader *reader, const char *at)
{
	if (reader->block.kind == LINK_UNKNOWN)
		return fail_at(reader, at, "the label has no kind yet");
	if (reader->source.len == 0)
		return fail_at(reader, at, "the label has no source yet");
	if (reader->section == SECTION_ENCAP && reader->block.bases == 0)
		return fail_at(reader, at, "the label has no bases yet (over)");
	return 0;
}

static int read_mtu(struct reader *reader, struct span value)
{
	int r = check_block(reader, value.text);

	while (r == 0) {
		struct span number = cut(&value, ' ');
		struct linkdb_row row = reader->block;
		unsigned mtu;

		r = read_number(reader, number, MTU_MIN, LINKDB_MTU_MAX, &mtu);
		if (r < 0)
			break;
		row.mtu = mtu;
		r = add_row(reader, &row, number.text);
		if (value.len == 0)
			break;
	}
	return r;
}

/* NAME BYTES, where the name may have blanks; "block N" is the block size. */
static int read_term(const struct reader *reader, struct span text, struct linkdb_term *ret_term)
{
	size_t name_len = text.len;
	struct span name;
	unsigned bytes;
	int r;

	while (name_len && !char_is_blank(text.text[name_len - 1]))
		name_len--;
	r = read_number(reader, (struct span){text.text + name_len, text.len - name_len}, 1, 1000,
			&bytes);
	if (r < 0)
		return r;
	name = span_trim((struct span){text.text, name_len});
	if (name.len == 0 || name.len > LINKDB_TERM_NAME_MAX)
		return fail_at(reader, text.text, "a term is a name of 1 to 23 bytes and a number");
	*ret_term =
		(struct linkdb_term){.bytes = (uint16_t)bytes, .is_block = span_is(name, "block")};
	memcpy(ret_term->name, name.text, name.len);
	return 0;
}

static int read_cost(struct reader *reader, struct span value)
{
	struct linkdb_row row = reader->block;
	const char *at = value.text;
	int r = check_block(reader, value.text);

	while (r == 0) {
		struct span term = cut(&value, '+');

		if (row.term_count == LINKDB_TERMS_MAX)
			return fail_at(reader, term.text, "too many terms");
		r = read_term(reader, term, &row.terms[row.term_count++]);
		if (r == 0 && value.len == 0)
			return add_row(reader, &row, at);
	}
	return r;
}

static const struct key {
	const char *name;
	unsigned sections; /* bits of enum section */
	int (*read)(struct reader *reader, struct span value);
} keys[] = {
	{"base", 1u << SECTION_BASE, read_base},
	{"label", 1u << SECTION_MTU | 1u << SECTION_ENCAP, read_label},
	{"kind", 1u << SECTION_MTU | 1u << SECTION_ENCAP, read_kind},
	{"source", 1u << SECTION_MTU | 1u << SECTION_ENCAP, read_source},
	{"ip", 1u << SECTION_MTU | 1u << SECTION_ENCAP, read_ip},
	{"shows", 1u << SECTION_ENCAP, read_shows},
	{"over", 1u << SECTION_ENCAP, read_over},
	{"mtu", 1u << SECTION_MTU, read_mtu},
	{"cost", 1u << SECTION_ENCAP, read_cost},
};

static int read_key(struct reader *reader, struct span text)
{
	struct span value = text, name;

	if (!memchr(text.text, '=', text.len))
		return fail_at(reader, text.text, "neither a section nor key = value");
	name = cut(&value, '=');
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (!span_is(name, keys[i].name))
			continue;
		if (!(keys[i].sections & 1u << reader->section))
			return fail_at(reader, text.text,
				       "this key does not belong in this section");
		if (keys[i].read != read_label && keys[i].read != read_base && !reader->label_line)
			return fail_at(reader, text.text, "no label stands before this line");
		return keys[i].read(reader, value);
	}
	return fail_at(reader, text.text, "no such key");
}

static int read_line(struct reader *reader)
{
	struct span text = span_trim(reader->line);

	if (reader->line.len > LINE_MAX_BYTES)
		return fail_at(reader, reader->line.text, "the line is longer than 1000 bytes");
	for (size_t i = 0; i < text.len; i++) {
		if ((unsigned char)text.text[i] < ' ' && text.text[i] != '\t')
			return fail_at(reader, text.text + i, "a control character");
	}
	if (text.len == 0 || *text.text == ';')
		return 0;
	return *text.text == '[' ? read_section(reader, text) : read_key(reader, text);
}

int linkdb_load(struct linkdb *db, const char *text, size_t len, struct text_error *ret_error)
{
	struct reader reader = {.db = db, .err = ret_error};
	const char *end = text + len;
	int r;

	for (const char *at = text; at < end; at = reader.line.text + reader.line.len + 1) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));

		reader.line = (struct span){at, (size_t)((newline ? newline : end) - at)};
		reader.line_no++;
		r = read_line(&reader);
		if (r < 0)
			return r;
	}
	r = end_block(&reader);
	return r < 0 ? r : linkdb_index(db);
}
