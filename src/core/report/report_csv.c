/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part that SYNs of one shape share comes last, so that a caller may keep its text. */
#include "core/report/report_csv.h"

#include "core/base/digits.h"
#include "core/sig/sig.h"

#define NUMBERS_MAX 192 /* two addresses, a time, ports and a TTL */

void report_csv_header(struct text_buf *buf)
{
	text_put(buf, "time,kind,src_ip,src_port,dst_ip,dst_port,ttl,hops,mss,mtu,link,grade,class,"
		      "family,label,confidence,family_confidence,match,flags,signature\r\n");
}

/* Quoted only where the form asks for it (RFC 4180 section 2). */
static void put_text(struct text_buf *buf, const char *text)
{
	if (!strpbrk(text, ",\"\r\n")) {
		text_put(buf, text);
		return;
	}
	text_put_char(buf, '"');
	for (; *text; text++) {
		if (*text == '"')
			text_put_char(buf, '"');
		text_put_char(buf, *text);
	}
	text_put_char(buf, '"');
}

static char *add_addr(char *at, const struct addr *addr)
{
	at += addr_format(addr, at);
	*at++ = ',';
	return at;
}

static char *add_number(char *at, uint64_t number)
{
	at = digits_put(at, number);
	*at++ = ',';
	return at;
}

void report_csv_put_observed(const struct report *report, struct text_buf *buf)
{
	const struct syn *syn = report->syn;
	char text[NUMBERS_MAX], *at = digits_put(text, report->now_ms / 1000);

	*at++ = '.';
	*at++ = (char)('0' + report->now_ms / 100 % 10);
	*at++ = (char)('0' + report->now_ms / 10 % 10);
	*at++ = (char)('0' + report->now_ms % 10);
	at = stpcpy(at, syn_is_answer(syn) ? ",synack," : ",syn,");
	at = add_addr(at, &syn->src);
	at = add_number(at, syn->src_port);
	at = add_addr(at, &syn->dst);
	at = add_number(at, syn->dst_port);
	at = add_number(at, syn->ttl);
	text_put_len(buf, text, (size_t)(at - text));
}

static void put_flags(struct text_buf *buf, unsigned flags)
{
	for (const char *before = ""; flags; flags &= flags - 1, before = " ") {
		text_put(buf, before);
		text_put(buf, verdict_flag_name((enum verdict_flag)(flags & -flags)));
	}
}

static void put_os(const struct verdict *verdict, const struct vocab *vocab, struct text_buf *buf)
{
	put_text(buf, vocab_text(vocab, VOCAB_CLASS, verdict->class_id));
	text_put_char(buf, ',');
	put_text(buf, vocab_text(vocab, VOCAB_FAMILY, vocab_family_of(vocab, verdict->class_id)));
	text_put_char(buf, ',');
	put_text(buf, vocab_text(vocab, VOCAB_LABEL, verdict->label));
	text_put_char(buf, ',');
	text_put_permille(buf, verdict->confidence_permille);
	text_put_char(buf, ',');
	text_put_permille(buf, verdict->family_permille);
	text_put_char(buf, ',');
	text_put(buf, match_kind_name((enum match_kind)verdict->match));
	text_put_char(buf, ',');
}

static void put_link(const struct report *report, const struct vocab *vocab, struct text_buf *buf)
{
	const struct verdict *verdict = &report->verdict;

	if (verdict->dist_hops != VERDICT_DIST_UNKNOWN)
		text_put_uint(buf, verdict->dist_hops);
	text_put_char(buf, ',');
	if (verdict->mss)
		text_put_uint(buf, verdict->mss);
	text_put_char(buf, ',');
	if (report->link->mtu)
		text_put_uint(buf, report->link->mtu);
	text_put_char(buf, ',');
	put_text(buf, vocab_text(vocab, VOCAB_LINK, verdict->link));
	text_put_char(buf, ',');
	text_put(buf, link_grade_name((enum link_grade)verdict->grade));
	text_put_char(buf, ',');
}

void report_csv_put_judged(const struct report *report, const struct vocab *vocab,
			   struct text_buf *buf)
{
	char signature[SIG_TEXT_MAX];
	struct text_buf text;
	struct sig sig;

	put_link(report, vocab, buf);
	put_os(&report->verdict, vocab, buf);
	put_flags(buf, report->verdict.flags);
	text_put_char(buf, ',');
	text_buf_init(&text, signature, sizeof(signature));
	sig_from_syn(report->syn, &sig);
	sig_format(&sig, &text);
	put_text(buf, signature);
	text_put(buf, "\r\n");
}

void report_csv(const struct report *report, const struct vocab *vocab, struct text_buf *buf)
{
	report_csv_put_observed(report, buf);
	report_csv_put_judged(report, vocab, buf);
}
