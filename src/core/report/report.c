/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Observations as JSON, appended piece by piece: it is written for every SYN of a capture file
 * and for every event, so nothing here formats through printf. The keys under "syn" are those
 * of the article on passive fingerprinting that this project follows.
 */
#include "core/report/report.h"

#include "core/base/digits.h"
#include "core/report/community.h"
#include "core/sig/sig.h"

#define CLASS_MIN_PERMILLE 1

/* Inline, so that each key is a literal of known length: a seventh of the time of a report. */
static inline void put_key(struct text_buf *buf, const char *key)
{
	text_put(buf, ",\"");
	text_put(buf, key);
	text_put_len(buf, "\":", 2);
}

static inline void put_number_or_null(struct text_buf *buf, const char *key, bool is_there,
				      uint64_t value)
{
	put_key(buf, key);
	if (is_there)
		text_put_uint(buf, value);
	else
		text_put_len(buf, "null", 4);
}

static inline void put_text(struct text_buf *buf, const char *key, const char *text)
{
	put_key(buf, key);
	text_put_json(buf, text);
}

/*
 * The SYN itself goes through a plain cursor into room for the longest there is: everything in it
 * has a bound, and one check at the end replaces forty.
 */
#define SYN_TEXT_MAX 1664 /* 27 keys of 30 bytes and numbers of 10, 3 addresses, 40 options of 7 */

static inline char *add(char *at, const char *text)
{
	size_t len = strlen(text);

	/* NOLINTNEXTLINE(bugprone-not-null-terminated-result): more is put behind it */
	memcpy(at, text, len);
	return at + len;
}

static inline char *add_number(char *at, const char *key, uint64_t value)
{
	return digits_put(add(at, key), value);
}

static inline char *add_number_or_null(char *at, const char *key, bool is_there, uint64_t value)
{
	at = add(at, key);
	return is_there ? digits_put(at, value) : add(at, "null");
}

static inline char *add_addr(char *at, const char *key, const struct addr *addr)
{
	at = add(at, key);
	return at + addr_format(addr, at);
}

static char *add_time(char *at, uint64_t now_ms)
{
	at = digits_put(at, now_ms / 1000);
	*at++ = '.';
	*at++ = (char)('0' + now_ms / 100 % 10);
	*at++ = (char)('0' + now_ms / 10 % 10);
	*at++ = (char)('0' + now_ms % 10);
	return at;
}

/* The article's way to write options: "M1412,S,T,N,W7,". */
static char *add_options(char *at, const struct syn *syn)
{
	at = add(at, ",\"tcp_options\":\"");
	for (unsigned i = 0; i < syn->opt_count; i++) {
		switch (syn->opt_kinds[i]) {
		case SYN_OPT_EOL: *at++ = 'E'; break;
		case SYN_OPT_NOP: *at++ = 'N'; break;
		case SYN_OPT_SACK_OK: *at++ = 'S'; break;
		case SYN_OPT_TS: *at++ = 'T'; break;
		case SYN_OPT_MSS: at = add_number(at, "M", syn->mss); break;
		case SYN_OPT_WSCALE: at = add_number(at, "W", syn->wscale); break;
		default: at = add_number(at, "U", syn->opt_kinds[i]);
		}
		*at++ = ',';
	}
	/* The article's data have an E for each zero that fills the header up. */
	for (unsigned i = 0; i < syn->opt_eol_pad && !(syn->quirks & QUIRK_OPT_TRAILING); i++)
		at = add(at, "E,");
	*at++ = '"';
	return at;
}

/* What the article leaves out and a signature does not show. */
static char *add_headers(char *at, const struct syn *syn)
{
	at = add_number(at, ",\"ip_version\":", syn->ip_version);
	at = add_number(at, ",\"ip_header_length\":", syn->ip_header_len);
	at = add_number(at, ",\"ip_total_length\":", syn->total_len);
	at = add_number(at, ",\"ip_tos\":", syn->tos);
	at = add_number(at, ",\"ip_id\":", syn->ip_id);
	at = add_number(at, ",\"ip_rf\":", syn->ip_reserved);
	at = add_number(at, ",\"ip_flow_label\":", syn->flow_label);
	return add_number(at, ",\"tcp_seq\":", syn->seq);
}

static char *add_syn(char *at, uint64_t now_ms, const struct syn *syn)
{
	at = add(at, ",\"syn\":{\"ts\":");
	at = add_time(at, now_ms);
	at = add_addr(at, ",\"src_ip\":\"", &syn->src);
	at = add_addr(at, "\",\"dst_ip\":\"", &syn->dst);
	at = add_number(at, "\",\"dst_port\":", syn->dst_port);
	at = add_number(at, ",\"ip_ttl\":", syn->ttl);
	at = add_number(at, ",\"ip_df\":", syn->df);
	at = add_number(at, ",\"ip_mf\":", syn->mf);
	at = add_number(at, ",\"tcp_window_size\":", syn->win);
	at = add_number(at, ",\"tcp_flags\":", syn->tcp_flags);
	at = add_number(at, ",\"tcp_ack\":", syn->ack);
	at = add_number(at, ",\"tcp_header_length\":", syn->tcp_header_len);
	at = add_number(at, ",\"tcp_urp\":", syn->urg_ptr);
	at = add_options(at, syn);
	at = add_number_or_null(at, ",\"tcp_window_scaling\":", syn->has_wscale, syn->wscale);
	at = add_number_or_null(at, ",\"tcp_timestamp\":", syn->has_ts, syn->ts_val);
	at = add_number_or_null(at, ",\"tcp_timestamp_echo_reply\":", syn->has_ts, syn->ts_ecr);
	at = add_number_or_null(at, ",\"tcp_mss\":", syn->has_mss, syn->mss);
	at = add_headers(at, syn);
	*at++ = '}';
	return at;
}

/* Which packet it was, and the connection's name to others. */
static char *add_connection(char *at, const struct report *report)
{
	char id[COMMUNITY_TEXT_MAX];

	at = add(at, syn_is_answer(report->syn) ? ",\"kind\":\"synack\"" : ",\"kind\":\"syn\"");
	at = add_syn(at, report->now_ms, report->syn);
	community_format(report->community_seed, report->syn, id);
	at = add(at, ",\"community_id\":\"");
	memcpy(at, id, COMMUNITY_TEXT_MAX - 1);
	at += COMMUNITY_TEXT_MAX - 1;
	*at++ = '"';
	return at;
}

void report_put_observed(const struct report *report, struct text_buf *buf)
{
	char text[SYN_TEXT_MAX], *at = text;

	at = add_addr(at, "\"ip\":\"", &report->addr);
	at = add_number(at, "\",\"port\":", report->port);
	at = report->syn ? add_connection(at, report) : add(at, ",\"syn\":null");
	*at = '\0';
	text_put_len(buf, text, (size_t)(at - text));
}

static void put_sig(struct text_buf *buf, const struct syn *syn)
{
	struct sig sig;

	if (!syn) {
		text_put(buf, ",\"sig\":null");
		return;
	}
	sig_from_syn(syn, &sig);
	text_put(buf, ",\"sig\":\"");
	sig_format(&sig, buf);
	text_put_char(buf, '"');
}

struct share {
	unsigned class_id, permille;
};

/* The classes that are at all likely, most likely first. */
static unsigned sort_classes(const struct match *match, struct share shares[VOCAB_CLASSES_MAX])
{
	unsigned count = 0;

	VOCAB_EACH_CLASS (id) {
		unsigned permille = (unsigned)(match->class_prob[id] * 1000 + 0.5f), at;

		if (permille < CLASS_MIN_PERMILLE)
			continue;
		for (at = count++; at && shares[at - 1].permille < permille; at--)
			shares[at] = shares[at - 1];
		shares[at] = (struct share){id, permille};
	}
	return count;
}

static void put_class(struct text_buf *buf, const struct vocab *vocab, unsigned class_id,
		      unsigned permille)
{
	text_put_json(buf, vocab_text(vocab, VOCAB_CLASS, class_id));
	text_put_char(buf, ':');
	text_put_permille(buf, permille);
}

static void put_classes(struct text_buf *buf, const struct report *report,
			const struct vocab *vocab)
{
	const struct verdict *verdict = &report->verdict;
	struct share shares[VOCAB_CLASSES_MAX];
	unsigned count = 0;

	text_put(buf, ",\"classes\":{");
	if (report->match && report->match->kind != MATCH_NONE)
		count = sort_classes(report->match, shares);
	else if (verdict->confidence_permille >= CLASS_MIN_PERMILLE) {
		shares[0] = (struct share){verdict->class_id, verdict->confidence_permille};
		count = 1;
	}
	for (unsigned i = 0; i < count; i++) {
		if (i)
			text_put_char(buf, ',');
		put_class(buf, vocab, shares[i].class_id, shares[i].permille);
	}
	text_put_char(buf, '}');
}

static void put_os(struct text_buf *buf, const struct report *report, const struct vocab *vocab)
{
	const struct verdict *verdict = &report->verdict;

	text_put(buf, ",\"os\":{\"class\":");
	text_put_json(buf, vocab_text(vocab, VOCAB_CLASS, verdict->class_id));
	put_text(buf, "family",
		 vocab_text(vocab, VOCAB_FAMILY, vocab_family_of(vocab, verdict->class_id)));
	put_text(buf, "label", vocab_text(vocab, VOCAB_LABEL, verdict->label));
	put_key(buf, "confidence");
	text_put_permille(buf, verdict->confidence_permille);
	put_key(buf, "family_confidence");
	text_put_permille(buf, verdict->family_permille);
	put_text(buf, "match", match_kind_name((enum match_kind)verdict->match));
	put_classes(buf, report, vocab);
	text_put_char(buf, '}');
}

static void put_link(struct text_buf *buf, const struct report *report, const struct vocab *vocab)
{
	const struct verdict *verdict = &report->verdict;
	unsigned headers = addr_is_v4(&report->addr) ? 40 : 60, mss = verdict->mss;
	unsigned mtu = report->link ? report->link->mtu : mss ? mss + headers : 0;

	text_put(buf, ",\"link\":{\"mss\":");
	if (mss)
		text_put_uint(buf, mss);
	else
		text_put_len(buf, "null", 4);
	put_number_or_null(buf, "mtu", mtu != 0, mtu);
	put_text(buf, "label", vocab_text(vocab, VOCAB_LINK, verdict->link));
	put_text(buf, "grade", link_grade_name((enum link_grade)verdict->grade));
	text_put_char(buf, '}');
}

void report_put_flags(const char *key, unsigned flags, struct text_buf *buf)
{
	bool is_first = true;

	put_key(buf, key);
	text_put_char(buf, '[');
	for (; flags; flags &= flags - 1) {
		text_put(buf, is_first ? "\"" : ",\"");
		text_put(buf, verdict_flag_name((enum verdict_flag)(flags & -flags)));
		text_put_char(buf, '"');
		is_first = false;
	}
	text_put_char(buf, ']');
}

static void put_reasons(struct text_buf *buf, uint64_t reasons)
{
	bool is_first = true;

	text_put(buf, ",\"reasons\":[");
	for (; reasons; reasons &= reasons - 1) {
		text_put(buf, is_first ? "\"" : ",\"");
		text_put(buf, reason_name((enum reason)__builtin_ctzll(reasons)));
		text_put_char(buf, '"');
		is_first = false;
	}
	text_put_char(buf, ']');
}

void report_put_judged(const struct report *report, const struct vocab *vocab, struct text_buf *buf)
{
	const struct verdict *verdict = &report->verdict;

	put_sig(buf, report->syn);
	put_os(buf, report, vocab);
	put_link(buf, report, vocab);
	put_number_or_null(buf, "dist_hops", verdict->dist_hops != VERDICT_DIST_UNKNOWN,
			   verdict->dist_hops);
	report_put_flags("flags", verdict->flags, buf);
	put_reasons(buf, verdict->reasons);
}

void report_put_members(const struct report *report, const struct vocab *vocab,
			struct text_buf *buf)
{
	report_put_observed(report, buf);
	report_put_judged(report, vocab, buf);
}
