/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Observations as JSON, appended piece by piece: it is written for every SYN of a capture file
 * and for every event, so nothing here formats through printf. The keys under "syn" are those
 * of the article on passive fingerprinting that this project follows.
 */
#include "synprint/report.h"

#include "synprint/sig.h"

#define CLASS_MIN_PERMILLE 1

/* Inline, so that each key is a literal of known length: a seventh of the time of a report. */
static inline void put_key(struct text_buf *buf, const char *key)
{
	text_put(buf, ",\"");
	text_put(buf, key);
	text_put_len(buf, "\":", 2);
}

static inline void put_number(struct text_buf *buf, const char *key, uint64_t value)
{
	put_key(buf, key);
	text_put_uint(buf, value);
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

static void put_addr(struct text_buf *buf, const char *key, const struct addr *addr)
{
	char text[ADDR_TEXT_MAX];
	size_t len = addr_format(addr, text);

	put_key(buf, key);
	text_put_char(buf, '"');
	text_put_len(buf, text, len);
	text_put_char(buf, '"');
}

static void put_time(struct text_buf *buf, uint64_t now_ms)
{
	text_put_uint(buf, now_ms / 1000);
	text_put_char(buf, '.');
	text_put_char(buf, (char)('0' + now_ms / 100 % 10));
	text_put_char(buf, (char)('0' + now_ms / 10 % 10));
	text_put_char(buf, (char)('0' + now_ms % 10));
}

/* The article's way to write options: "M1412,S,T,N,W7,". */
static void put_options(struct text_buf *buf, const struct syn *syn)
{
	text_put(buf, ",\"tcp_options\":\"");
	for (unsigned i = 0; i < syn->opt_count; i++) {
		switch (syn->opt_kinds[i]) {
		case SYN_OPT_EOL: text_put_char(buf, 'E'); break;
		case SYN_OPT_NOP: text_put_char(buf, 'N'); break;
		case SYN_OPT_SACK_OK: text_put_char(buf, 'S'); break;
		case SYN_OPT_TS: text_put_char(buf, 'T'); break;
		case SYN_OPT_MSS:
			text_put_char(buf, 'M');
			text_put_uint(buf, syn->mss);
			break;
		case SYN_OPT_WSCALE:
			text_put_char(buf, 'W');
			text_put_uint(buf, syn->wscale);
			break;
		default: text_put_char(buf, 'U'); text_put_uint(buf, syn->opt_kinds[i]);
		}
		text_put_char(buf, ',');
	}
	text_put_char(buf, '"');
}

/* What the article leaves out and a signature does not show. */
static void put_headers(struct text_buf *buf, const struct syn *syn)
{
	put_number(buf, "ip_version", syn->ip_version);
	put_number(buf, "ip_header_length", syn->ip_header_len);
	put_number(buf, "ip_total_length", syn->total_len);
	put_number(buf, "ip_tos", syn->tos);
	put_number(buf, "ip_id", syn->ip_id);
	put_number(buf, "ip_rf", syn->ip_reserved);
	put_number(buf, "ip_flow_label", syn->flow_label);
	put_number(buf, "tcp_seq", syn->seq);
}

static void put_syn(struct text_buf *buf, const struct report *report)
{
	const struct syn *syn = report->syn;
	struct sig sig;

	text_put(buf, ",\"syn\":{\"ts\":");
	put_time(buf, report->now_ms);
	put_addr(buf, "src_ip", &syn->src);
	put_addr(buf, "dst_ip", &syn->dst);
	put_number(buf, "dst_port", syn->dst_port);
	put_number(buf, "ip_ttl", syn->ttl);
	put_number(buf, "ip_df", syn->df);
	put_number(buf, "ip_mf", syn->mf);
	put_number(buf, "tcp_window_size", syn->win);
	put_number(buf, "tcp_flags", syn->tcp_flags);
	put_number(buf, "tcp_ack", syn->ack);
	put_number(buf, "tcp_header_length", syn->tcp_header_len);
	put_number(buf, "tcp_urp", syn->urg_ptr);
	put_options(buf, syn);
	put_number_or_null(buf, "tcp_window_scaling", syn->has_wscale, syn->wscale);
	put_number_or_null(buf, "tcp_timestamp", syn->has_ts, syn->ts_val);
	put_number_or_null(buf, "tcp_timestamp_echo_reply", syn->has_ts, syn->ts_ecr);
	put_number_or_null(buf, "tcp_mss", syn->has_mss, syn->mss);
	put_headers(buf, syn);
	text_put(buf, "},\"sig\":\"");
	sig_from_syn(syn, &sig);
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

	for (unsigned id = 0; id < VOCAB_CLASSES_MAX; id++) {
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

static void put_flags(struct text_buf *buf, unsigned flags)
{
	bool is_first = true;

	text_put(buf, ",\"flags\":[");
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

void report_put_members(const struct report *report, const struct vocab *vocab,
			struct text_buf *buf)
{
	const struct verdict *verdict = &report->verdict;
	char ip[ADDR_TEXT_MAX];
	size_t len = addr_format(&report->addr, ip);

	text_put(buf, "\"ip\":\"");
	text_put_len(buf, ip, len);
	text_put_char(buf, '"');
	put_number(buf, "port", report->port);
	if (report->syn)
		put_syn(buf, report);
	else
		text_put(buf, ",\"syn\":null,\"sig\":null");
	put_os(buf, report, vocab);
	put_link(buf, report, vocab);
	put_number_or_null(buf, "dist_hops", verdict->dist_hops != VERDICT_DIST_UNKNOWN,
			   verdict->dist_hops);
	put_flags(buf, verdict->flags);
	put_reasons(buf, verdict->reasons);
}

void report_json(const struct report *report, const struct vocab *vocab, struct text_buf *buf)
{
	text_put_char(buf, '{');
	report_put_members(report, vocab, buf);
	text_put_char(buf, '}');
}
