/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signatures as text: the mirror of sigdb_text.c. */
#include "core/sig/sigdb_write.h"

#include <string.h>

#include "core/sig/sigdb_impl.h"

static const char *p0f_class(const struct sigdb_writer *writer, const struct sigdb_info *info)
{
	const char *family = vocab_text(writer->vocab, VOCAB_FAMILY,
					vocab_family_of(writer->vocab, info->class_id));

	if (info->tool)
		return "!";
	if (strcmp(family, "Windows") == 0)
		return "win";
	if (strcmp(family, "Linux") == 0 || strcmp(family, "Apple") == 0 ||
	    strcmp(family, "BSD") == 0 || strcmp(family, "Unix") == 0)
		return "unix";
	return "other";
}

#define P0F_DIST_MAX 35 /* hops that p0f 3.09b takes for the path's */

/* A label is its system's name and its version; the name is the class, or another word for it. */
static size_t name_len(const char *label, const char *class)
{
	size_t len = strlen(class), alias;

	if (strncmp(label, class, len) == 0 && (label[len] == ' ' || !label[len]))
		return len;
	alias = sigdb_alias_len(label, class);
	return alias ? alias : strcspn(label, " ");
}

/* The class or another word for it, so that the name alone says which class is meant. */
static bool is_name_of(const char *label, size_t len, const char *class)
{
	return (len == strlen(class) && strncmp(label, class, len) == 0) ||
	       sigdb_alias_len(label, class) == len;
}

size_t sigdb_name_len(const char *label)
{
	size_t len = sigdb_alias_len(label, NULL);

	return len ? len : strcspn(label, " ");
}

static void put_label(const struct sigdb_writer *writer, const struct sigdb_info *info,
		      struct text_buf *buf)
{
	const char *label = vocab_text(writer->vocab, VOCAB_LABEL, info->label);
	const char *class = vocab_text(writer->vocab, VOCAB_CLASS, info->class_id);
	size_t len = name_len(label, class);

	text_put(buf, "\nlabel = ");
	text_put(buf, info->generic ? "g:" : "s:");
	text_put(buf, p0f_class(writer, info));
	text_put_char(buf, ':');
	if (!writer->for_p0f && !is_name_of(label, len, class))
		text_putf(buf, "%s as ", class);
	text_put_len(buf, label, len);
	text_put_char(buf, ':');
	text_put(buf, label[len] ? label + len + 1 : "");
	text_put_char(buf, '\n');
	if (writer->for_p0f && info->tool)
		text_put(buf, "sys = @unix,@win,@other\n");
}

static void put_when(const struct sigdb_info *info, struct text_buf *buf)
{
	switch (info->when) {
	case SIG_WHEN_ALWAYS: text_put(buf, "when = always\n"); return;
	case SIG_WHEN_IP_ID: text_putf(buf, "when = ip_id=%u\n", info->when_value); return;
	case SIG_WHEN_SEQ_IS_DST: text_put(buf, "when = seq=dst\n"); return;
	case SIG_WHEN_ID_IS_MIX: text_put(buf, "when = ip_id=dst^port^seq\n"); return;
	case SIG_WHEN_MSS: text_putf(buf, "when = mss=%u\n", info->when_value); return;
	}
}

static void put_does(uint8_t does, struct text_buf *buf)
{
	static const struct {
		unsigned offer;
		const char *word;
	} words[] = {{SYN_OFFER_WSCALE, "ws"}, {SYN_OFFER_SACK, "sok"}, {SYN_OFFER_TS, "ts"}};
	const char *before = "does = ";

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (does & words[i].offer) {
			text_put(buf, before);
			text_put(buf, words[i].word);
			before = ",";
		}
	text_put(buf, *before == ',' ? "\n" : "does = none\n");
}

/* Four digits behind the point are a 25,000th of the SYNs that a rate comes from. */
static void put_decimal(float value, struct text_buf *buf)
{
	unsigned long scaled = (unsigned long)((double)value * 10000 + 0.5), digit = 1000;

	if (!scaled)
		scaled = 1;
	text_put_uint(buf, scaled / 10000);
	scaled %= 10000;
	if (scaled)
		text_put_char(buf, '.');
	for (; scaled; digit /= 10) {
		text_put_char(buf, (char)('0' + scaled / digit));
		scaled %= digit;
	}
}

void sigdb_put_class(const struct sigdb_writer *writer, unsigned class_id, struct text_buf *buf)
{
	const struct sigdb *db = writer->db;
	bool has_sigs = false;

	for (size_t i = 0; i < db->entry_count && !has_sigs; i++)
		has_sigs = db->entries[i].class_id == class_id;
	if (!has_sigs || writer->for_p0f)
		return;
	text_put(buf, "class = ");
	text_put(buf, vocab_text(writer->vocab, VOCAB_CLASS, class_id));
	text_put(buf, ", ");
	text_put(buf,
		 vocab_text(writer->vocab, VOCAB_FAMILY, vocab_family_of(writer->vocab, class_id)));
	if (db->weights[class_id] > 0 && db->weights[class_id] != 1) {
		text_put(buf, ", ");
		put_decimal(db->weights[class_id], buf);
	}
	text_put_char(buf, '\n');
}

void sigdb_put_doubts(const struct sigdb_writer *writer, struct text_buf *buf)
{
	for (unsigned kind = 0; kind < SIGDB_KINDS && !writer->for_p0f; kind++) {
		struct sigdb_doubt doubt = sigdb_doubt(writer->db, (enum sigdb_kind)kind);

		if (doubt.share <= 0)
			continue;
		text_putf(buf, "doubt = %s, ", sigdb_kind_name((enum sigdb_kind)kind));
		put_decimal(doubt.share, buf);
		if (doubt.syns) {
			text_put(buf, ", ");
			put_decimal(doubt.right, buf);
			text_putf(buf, ", %u", doubt.syns);
		}
		text_put_char(buf, '\n');
	}
}

void sigdb_put_section(const struct sigdb_writer *writer, struct text_buf *buf)
{
	if (writer->for_p0f)
		text_put(buf, "classes = win,unix,other\n");
	text_put(buf, "\n[tcp:request]\n");
}

static bool same_label(const struct sigdb_info *a, const struct sigdb_info *b)
{
	return a->label == b->label && a->class_id == b->class_id && a->generic == b->generic &&
	       a->tool == b->tool;
}

/* A source stands until the next one, so that there is none has to be said too. */
static void put_source(const struct sigdb_info *last, struct sigdb_info *info, struct text_buf *buf)
{
	const char *before = last->source ? last->source : "";

	if (!*info->source && *before)
		info->source = "not given";
	if (strcmp(before, info->source) != 0)
		text_putf(buf, "\nfrom = %s\n", info->source);
}

void sigdb_put_sig(struct sigdb_writer *writer, size_t index, struct text_buf *buf)
{
	struct sigdb_info info = sigdb_info(writer->db, index), *last = &writer->last;

	if (!writer->for_p0f)
		put_source(last, &info, buf);
	if (!writer->has_label || !same_label(last, &info) || (last->does && !info.does)) {
		put_label(writer, &info, buf);
		last->when = SIG_WHEN_ALWAYS;
		last->when_value = 0;
		last->does = 0;
	}
	if (!writer->for_p0f && info.does != last->does)
		put_does(info.does, buf);
	if (!writer->for_p0f && (info.when != last->when || info.when_value != last->when_value))
		put_when(&info, buf);
	text_put(buf, "sig = ");
	sig_format(info.sig, buf);
	if (!writer->for_p0f && info.permille > 0) {
		text_put(buf, " @ ");
		put_decimal(info.permille, buf);
	}
	text_put_char(buf, '\n');
	writer->has_label = true;
	*last = info;
}

const char *sigdb_p0f_lacks(const struct sigdb_info *info)
{
	if (info->when != SIG_WHEN_ALWAYS)
		return "a condition (when)";
	if (info->sig->win_kind == SIG_WIN_MSS_MAX)
		return "the window mss*max";
	if (info->sig->opt_any)
		return "any option layout";
	if (info->sig->quirks == SIG_ANY)
		return "any quirks";
	if (info->sig->quirks & QUIRK_AE)
		return "the quirk ae";
	if (info->sig->ip_opt_len == SIG_ANY)
		return "any length of IP options";
	return NULL;
}

static bool number_covers(uint32_t a, uint32_t b)
{
	return a == SIG_ANY || a == b;
}

static bool layout_is(const struct sig *a, const struct sig *b)
{
	return a->opt_count == b->opt_count && a->opt_eol_pad == b->opt_eol_pad &&
	       memcmp(a->opt_kinds, b->opt_kinds, a->opt_count) == 0;
}

/* A window that is a number is looked at as a packet's would be. */
static bool window_covers(const struct sig *a, const struct sig *b)
{
	struct syn syn = {.ip_version = b->ip_version == 6 ? 6 : 4, .win = b->win};
	enum sig_win_kind kind = SIG_WIN_ANY;

	if (b->win_kind != SIG_WIN_VALUE)
		return a->win_kind == b->win_kind && a->win == b->win;
	switch (a->win_kind) {
	case SIG_WIN_ANY: return true;
	case SIG_WIN_VALUE: return a->win == b->win;
	case SIG_WIN_MOD: return a->win && b->win % a->win == 0;
	case SIG_WIN_MSS:
	case SIG_WIN_MTU:
		syn.mss = b->mss == SIG_ANY ? 0 : (uint16_t)b->mss;
		syn.has_mss = syn.mss != 0;
		return sig_win_factor(&syn, &kind) == a->win && kind == a->win_kind;
	case SIG_WIN_MSS_MAX: break;
	}
	return false;
}

/* A signature for both versions loses the quirks of IPv4 unless the other is for IPv4. */
static bool quirks_are(const struct sig *a, const struct sig *b)
{
	uint32_t quirks = a->quirks;

	if (!a->ip_version)
		quirks &= b->ip_version == 4
				  ? ~(uint32_t)QUIRK_FLOW
				  : ~(uint32_t)(QUIRK_DF | QUIRK_ID_NONZERO | QUIRK_ID_ZERO);
	return quirks == b->quirks;
}

static bool ttl_covers(const struct sig *a, const struct sig *b)
{
	return a->initial_ttl >= b->initial_ttl &&
	       (a->bad_ttl || a->initial_ttl - b->initial_ttl <= P0F_DIST_MAX);
}

bool sig_p0f_covers(const struct sig *a, const struct sig *b)
{
	return layout_is(a, b) && quirks_are(a, b) && a->ip_opt_len == b->ip_opt_len &&
	       ttl_covers(a, b) && number_covers(a->mss, b->mss) &&
	       number_covers(a->wscale, b->wscale) &&
	       (a->payload == 2 || a->payload == b->payload) && window_covers(a, b);
}
