/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reader of signature databases: p0f v3's form and what we add to it (described at the head
 * of conf/signatures.db and in synprint-db(5)). Sections that are not about SYNs are skipped;
 * inside ours, a line that is not understood refuses the text.
 */
#include "core/sig/sigdb_impl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/base/span.h"

#define LINE_MAX_BYTES 2048
#define PERMILLE_MAX 1000.0f
#define WEIGHT_LIMIT 1000000.0f
#define DOUBT_MAX 0.99f
#define SYNS_MAX 1000000000.0f

enum section { SECTION_HEAD, SECTION_SYN, SECTION_SKIPPED };

struct reader {
	struct sigdb *db;
	struct text_error *error;
	const char *line; /* begin of the current line, for columns */
	unsigned line_no;
	enum section section;
	struct entry entry; /* what the lines so far say about the next signature */
	bool labelled;
};

/* What p0f.fp and others call a class of ours, and to which family a class belongs. */
struct known_name {
	const char *name, *class, *family;
};

static const struct known_name known_names[] = {
	{"Windows", "Windows", "Windows"}, {"Linux", "Linux", "Linux"},
	{"Android", "Android", "Linux"},   {"ChromeOS", "ChromeOS", "Linux"},
	{"macOS", "macOS", "Apple"},       {"Mac OS X", "macOS", "Apple"},
	{"MacOS X", "macOS", "Apple"},     {"iOS", "iOS", "Apple"},
	{"FreeBSD", "FreeBSD", "BSD"},     {"OpenBSD", "OpenBSD", "BSD"},
	{"NetBSD", "NetBSD", "BSD"},       {"DragonFly", "DragonFly", "BSD"},
	{"Solaris", "Solaris", "Unix"},    {"Nintendo", "Nintendo", "Console"},
	{"NMap", "nmap", "Tool"},          {"p0f", "p0f-sendsyn", "Tool"},
};

size_t sigdb_alias_len(const char *label, const char *class)
{
	for (size_t i = 0; i < sizeof(known_names) / sizeof(known_names[0]); i++) {
		size_t len = strlen(known_names[i].name);

		if ((!class || strcmp(known_names[i].class, class) == 0) &&
		    strncmp(label, known_names[i].name, len) == 0 &&
		    (label[len] == ' ' || !label[len]))
			return len;
	}
	return 0;
}

static const char *const skipped_sections[] = {"mtu", "tcp:request", "tcp:response", "http:request",
					       "http:response"};

/* Cut the part before a separator off *rest; what is behind it stays, or NULL is the end. */
static struct span span_cut(struct span *rest, char separator)
{
	struct span part;

	if (!span_split(*rest, separator, &part, rest))
		rest->text = NULL;
	return span_trim(part);
}

static unsigned column_of(const struct reader *reader, struct span span)
{
	return span.text ? (unsigned)(span.text - reader->line) + 1 : 1;
}

static int refuse(const struct reader *reader, struct span where, const char *what)
{
	return text_error_set(reader->error, reader->line_no, column_of(reader, where), "%s", what);
}

/* A failure of the store, not of the text; the code stays, the reason is told all the same. */
static int fail(const struct reader *reader, struct span where, int r, const char *what)
{
	(void)refuse(reader, where, what);
	return r;
}

/* A decimal number without sign or exponent; the locale has no say. */
static bool parse_decimal(struct span span, float max, float *ret_value)
{
	double value = 0, scale = 0;

	if (!span.len || span.len > 12 || *span.text == '.')
		return false;
	for (size_t i = 0; i < span.len; i++) {
		if (span.text[i] == '.' && scale == 0) {
			scale = 1;
			continue;
		}
		if (span.text[i] < '0' || span.text[i] > '9')
			return false;
		value = value * 10 + (span.text[i] - '0');
		scale *= 10;
	}
	value /= scale ? scale : 1;
	if (value > (double)max)
		return false;
	*ret_value = (float)value;
	return true;
}

static int add_word(const struct reader *reader, enum vocab_kind kind, struct span word,
		    const char *what)
{
	int id = vocab_add(reader->db->vocab, kind, word.text, word.len);

	if (id == -EINVAL)
		return text_error_set(reader->error, reader->line_no, column_of(reader, word),
				      "%s is empty or longer than %d bytes", what, VOCAB_WORD_MAX);
	if (id == -ENOSPC)
		return fail(reader, word, id, "the vocabulary is full");
	return id;
}

static int set_family(const struct reader *reader, int class_id, struct span family)
{
	int id = add_word(reader, VOCAB_FAMILY, family, "the family");

	if (id < 0)
		return id;
	vocab_set_family(reader->db->vocab, (unsigned)class_id, (unsigned)id);
	return 0;
}

static struct span span_of(const char *text)
{
	return (struct span){text, strlen(text)};
}

/* class = NAME, FAMILY[, WEIGHT] */
static int read_class(struct reader *reader, struct span value)
{
	struct span rest = value, name = span_cut(&rest, ','), family = span_cut(&rest, ',');
	float weight = 1;
	int id, r;

	if (!family.len)
		return refuse(reader, value, "a class is given as NAME, FAMILY[, WEIGHT]");
	if (rest.text && (!parse_decimal(span_trim(rest), WEIGHT_LIMIT, &weight) || weight <= 0))
		return refuse(reader, span_trim(rest), "the weight is no positive number");
	id = add_word(reader, VOCAB_CLASS, name, "the class");
	if (id < 0)
		return id;
	r = set_family(reader, id, family);
	if (r < 0)
		return r;
	if (!reader->db->weight_forced[id])
		reader->db->weights[id] = weight;
	return 0;
}

/* SHARE[, RIGHT, SYNS] */
static int read_shares(const struct reader *reader, struct span rest, struct sigdb_doubt *ret_doubt)
{
	struct span share = span_cut(&rest, ','), right = span_cut(&rest, ',');
	struct sigdb_doubt doubt = {0};
	float syns = 0;

	if (!parse_decimal(share, DOUBT_MAX, &doubt.share))
		return refuse(reader, share, "the share of a doubt is from 0 to 0.99");
	if (right.len && (!parse_decimal(right, 1, &doubt.right) || !rest.text ||
			  !parse_decimal(span_trim(rest), SYNS_MAX, &syns)))
		return refuse(reader, right, "behind the share stand RIGHT, up to 1, and SYNS");
	doubt.syns = (unsigned)syns;
	*ret_doubt = doubt;
	return 0;
}

/* doubt = fuzzy|generic|specific, SHARE[, RIGHT, SYNS] */
static int read_doubt(struct reader *reader, struct span value)
{
	struct span rest = value, name = span_cut(&rest, ',');

	if (!rest.text)
		return refuse(reader, value, "a doubt is given as KIND, SHARE[, RIGHT, SYNS]");
	for (unsigned kind = 0; kind < SIGDB_KINDS; kind++)
		if (span_is(name, sigdb_kind_name((enum sigdb_kind)kind)))
			return read_shares(reader, rest, &reader->db->doubts[kind]);
	return refuse(reader, name, "not one of fuzzy, generic, specific");
}

static const char *family_of_p0f_class(struct span p0f_class)
{
	if (span_is(p0f_class, "win"))
		return "Windows";
	if (span_is(p0f_class, "!"))
		return "Tool";
	return span_is(p0f_class, "unix") ? "Unix" : "Other";
}

/* The class of an OS name: declared before, well known, or new, while there is room. */
static int find_class(const struct reader *reader, struct span p0f_class, struct span name)
{
	struct span family = span_of(family_of_p0f_class(p0f_class));
	int id = vocab_find(reader->db->vocab, VOCAB_CLASS, name.text, name.len), r;

	if (id >= 0)
		return id;
	for (size_t i = 0; i < sizeof(known_names) / sizeof(known_names[0]); i++)
		if (span_is(name, known_names[i].name)) {
			name = span_of(known_names[i].class);
			family = span_of(known_names[i].family);
			break;
		}
	if (vocab_count(reader->db->vocab, VOCAB_CLASS) >= VOCAB_CLASSES_MAX - 1)
		name = family = span_of("Other");
	id = add_word(reader, VOCAB_CLASS, name, "the system's name");
	if (id < 0)
		return id;
	r = set_family(reader, id, family);
	return r < 0 ? r : id;
}

/* A system's name and version as one word of the vocabulary. */
static int add_label(const struct reader *reader, struct span name, struct span flavor)
{
	char text[VOCAB_WORD_MAX + 1];
	int id, len = snprintf(text, sizeof(text), "%.*s%s%.*s", (int)name.len, name.text,
			       flavor.len ? " " : "", (int)flavor.len, flavor.text);

	if (!name.len)
		return refuse(reader, name, "the name is empty");
	if (len > VOCAB_WORD_MAX)
		return refuse(reader, name, "name and version are longer than 63 bytes together");
	id = vocab_add(reader->db->vocab, VOCAB_LABEL, text, (size_t)len);
	return id < 0 ? fail(reader, name, id, "the vocabulary has no room for one more label")
		      : id;
}

/* NAME, or NAME as WORD: what the label says in the name's place. */
static struct span cut_alias(struct span *name)
{
	static const char as[] = " as ";
	const char *at = name->len ? memmem(name->text, name->len, as, strlen(as)) : NULL;
	struct span alias;

	if (!at)
		return *name;
	alias = span_behind(*name, (size_t)(at - name->text));
	*name = span_trim((struct span){name->text, (size_t)(at - name->text)});
	return span_trim(span_behind(alias, strlen(as)));
}

/* label = s:unix:Linux:3.11 and newer */
static int read_label(struct reader *reader, struct span value)
{
	struct span rest = value, kind = span_cut(&rest, ':'), p0f_class = span_cut(&rest, ':');
	struct span name = span_cut(&rest, ':'), alias = cut_alias(&name);
	int class_id, label_id;

	if (!rest.text || !p0f_class.len)
		return refuse(reader, value, "a label is given as s|g:CLASS:NAME:VERSION");
	if (!span_is(kind, "s") && !span_is(kind, "g"))
		return refuse(reader, kind, "a label begins with s: or g:");
	if (!name.len || name.len > VOCAB_WORD_MAX)
		return refuse(reader, name, "a name has 1 to 63 bytes");
	class_id = find_class(reader, p0f_class, name);
	if (class_id < 0)
		return class_id;
	label_id = add_label(reader, alias, span_trim(rest));
	if (label_id < 0)
		return label_id;
	reader->entry = (struct entry){
		.source = reader->entry.source,
		.label = (uint16_t)label_id,
		.class_id = (uint8_t)class_id,
		.generic = span_is(kind, "g"),
		.tool = span_is(p0f_class, "!"),
	};
	reader->labelled = true;
	return 0;
}

/* when = always | ip_id=N | seq=dst | ip_id=dst^port^seq | mss=N */
static int read_when(struct reader *reader, struct span value)
{
	struct span rest = value, field = span_cut(&rest, '=');
	struct entry *entry = &reader->entry;
	float number;

	entry->when_value = 0;
	if (span_is(value, "always")) {
		entry->when = SIG_WHEN_ALWAYS;
	} else if (span_is(value, "seq=dst")) {
		entry->when = SIG_WHEN_SEQ_IS_DST;
	} else if (span_is(value, "ip_id=dst^port^seq")) {
		entry->when = SIG_WHEN_ID_IS_MIX;
	} else if ((span_is(field, "ip_id") || span_is(field, "mss")) && rest.text &&
		   parse_decimal(span_trim(rest), 65535, &number) &&
		   !memchr(rest.text, '.', rest.len)) {
		entry->when = span_is(field, "mss") ? SIG_WHEN_MSS : SIG_WHEN_IP_ID;
		entry->when_value = (uint16_t)number;
	} else {
		return refuse(reader, value,
			      "not one of always, ip_id=N, mss=N, seq=dst, ip_id=dst^port^seq");
	}
	return 0;
}

static unsigned offer_of(struct span word)
{
	if (span_is(word, "ws"))
		return SYN_OFFER_WSCALE;
	if (span_is(word, "sok"))
		return SYN_OFFER_SACK;
	return span_is(word, "ts") ? SYN_OFFER_TS : 0;
}

/* does = none | ws,sok,ts: the options with which a server answers where they are offered */
static int read_does(struct reader *reader, struct span value)
{
	struct span rest = value, word;
	unsigned offers = SYN_OFFER_KNOWN;

	while (rest.text && !span_is(value, "none")) {
		word = span_cut(&rest, ',');
		if (!offer_of(word))
			return refuse(reader, word, "not one of ws, sok, ts, or none alone");
		offers |= offer_of(word);
	}
	reader->entry.does = (uint8_t)offers;
	return 0;
}

static int read_from(struct reader *reader, struct span value)
{
	int r = texts_add(&reader->db->texts, value.text, value.len, &reader->entry.source);

	return r < 0 ? fail(reader, value, r, "no room for this text") : r;
}

/* Each modulus costs every SYN of its layout a lookup, so there are few. */
static bool keep_modulus(struct sigdb *db, const struct sig *sig)
{
	if (sig->win_kind != SIG_WIN_MOD)
		return true;
	for (unsigned i = 0; i < db->modulus_count; i++)
		if (db->moduli[i] == sig->win)
			return true;
	if (db->modulus_count == MODULI_MAX)
		return false;
	db->moduli[db->modulus_count++] = sig->win;
	return true;
}

/* sig = SIGNATURE [@ PERMILLE] */
static int read_sig(struct reader *reader, struct span value)
{
	struct span rest = value, text = span_cut(&rest, '@'), rate;
	struct text_error error = {0};
	struct entry *entry = &reader->entry;
	int r;

	if (!reader->labelled)
		return refuse(reader, value, "a signature before the first label");
	r = sig_parse(text.text, text.len, &error, &entry->sig);
	if (r < 0)
		return text_error_set(reader->error, reader->line_no,
				      column_of(reader, text) + error.column - 1, "%s", error.what);
	if (!keep_modulus(reader->db, &entry->sig))
		return refuse(reader, text, "windows of more than 16 different moduli");
	entry->permille = 0;
	rate = span_trim(rest);
	if (rest.text &&
	    (!parse_decimal(rate, PERMILLE_MAX, &entry->permille) || entry->permille <= 0))
		return refuse(reader, rate, "behind @ stands a rate of more than 0, up to 1000");
	r = sigdb_add_entry(reader->db, entry);
	return r < 0 ? fail(reader, value, r, "no room for one more signature") : 0;
}

static const char *section_of(const struct sigdb *db)
{
	return db->of_answers ? "tcp:response" : "tcp:request";
}

static int read_section(struct reader *reader, struct span line)
{
	struct span name = {line.text + 1, line.len - 2};

	if (line.text[line.len - 1] != ']')
		return refuse(reader, line, "a section is given as [NAME]");
	reader->labelled = false;
	reader->section = SECTION_SKIPPED;
	if (span_is(name, section_of(reader->db))) {
		reader->section = SECTION_SYN;
		return 0;
	}
	for (size_t i = 0; i < sizeof(skipped_sections) / sizeof(skipped_sections[0]); i++)
		if (span_is(name, skipped_sections[i]))
			return 0;
	return refuse(reader, name, "no section has this name");
}

/* p0f's declaration of its own classes and of systems that tools run on: nothing to keep. */
static int read_ignored(struct reader *reader, struct span value)
{
	(void)reader;
	(void)value;
	return 0;
}

struct statement {
	const char *key;
	int (*read)(struct reader *, struct span);
	bool in_section; /* only within a section of signatures */
	bool behind_label;
};

static const struct statement statements[] = {
	{"classes", read_ignored, false, false}, {"class", read_class, false, false},
	{"doubt", read_doubt, false, false},     {"label", read_label, true, false},
	{"sys", read_ignored, true, true},       {"from", read_from, true, false},
	{"when", read_when, true, true},         {"does", read_does, true, true},
	{"sig", read_sig, true, false},
};

static int read_statement(struct reader *reader, struct span line)
{
	struct span value = line, key = span_cut(&value, '=');

	if (!value.text)
		return refuse(reader, line, "neither a comment, a [section] nor KEY = VALUE");
	value = span_trim(value);
	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
		if (!span_is(key, statements[i].key))
			continue;
		if (statements[i].in_section && reader->section != SECTION_SYN)
			return refuse(reader, key,
				      "this belongs below [tcp:request] or [tcp:response]");
		if (statements[i].behind_label && !reader->labelled)
			return refuse(reader, key, "this belongs behind a label");
		if (!value.len)
			return refuse(reader, key, "nothing stands behind the =");
		return statements[i].read(reader, value);
	}
	return refuse(reader, key, "no statement has this name");
}

static int read_line(struct reader *reader, struct span line)
{
	reader->line = line.text;
	if (line.len > LINE_MAX_BYTES)
		return refuse(reader, line, "the line is longer than 2048 bytes");
	line = span_trim(line);
	if (!line.len || *line.text == ';')
		return 0;
	if (*line.text == '[')
		return read_section(reader, line);
	return reader->section == SECTION_SKIPPED ? 0 : read_statement(reader, line);
}

int sigdb_load(struct sigdb *db, const char *text, size_t len, struct text_error *ret_error)
{
	struct reader reader = {.db = db, .error = ret_error};
	const char *end;
	size_t pos = 0;
	int r;

	while (pos < len) {
		struct span line = {text + pos, len - pos};

		reader.line_no++;
		end = memchr(line.text, '\n', line.len);
		if (end)
			line.len = (size_t)(end - line.text);
		r = read_line(&reader, line);
		if (r < 0)
			return r;
		pos += line.len + 1;
	}
	return 0;
}
