/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Field by field as p0f's add_observation_field() is called; the words are our databases'. */
#include "core/report/report_p0f.h"

#include "core/sig/sig.h"

#define DIST_MAX 35 /* from here on p0f calls a distance excessive */

/* Groups without leading zeros, none left out. */
static void put_addr(struct text_buf *buf, const struct addr *addr)
{
	char text[ADDR_TEXT_MAX];

	if (addr_is_v4(addr)) {
		addr_format(addr, text);
		text_put(buf, text);
		return;
	}
	for (unsigned i = 0; i < 16; i += 2)
		text_putf(buf, "%s%x", i ? ":" : "",
			  (unsigned)addr->bytes[i] << 8 | addr->bytes[i + 1]);
}

static void put_end(struct text_buf *buf, const char *key, const struct addr *addr, unsigned port)
{
	text_put(buf, key);
	put_addr(buf, addr);
	text_put_char(buf, '/');
	text_put_uint(buf, port);
}

static void put_head(const struct syn *syn, const char *when, const char *module,
		     struct text_buf *buf)
{
	bool is_answer = syn_is_answer(syn);

	text_put_char(buf, '[');
	text_put(buf, when);
	text_put(buf, "] mod=");
	text_put(buf, module);
	put_end(buf, "|cli=", is_answer ? &syn->dst : &syn->src,
		is_answer ? syn->dst_port : syn->src_port);
	put_end(buf, "|srv=", is_answer ? &syn->src : &syn->dst,
		is_answer ? syn->src_port : syn->dst_port);
	text_put(buf, is_answer ? "|subj=srv" : "|subj=cli");
}

static const char *put_param(struct text_buf *buf, const char *before, const char *param)
{
	text_put(buf, before);
	text_put(buf, param);
	return " ";
}

static void put_params(const struct report *report, struct text_buf *buf)
{
	const struct match *match = report->match;
	const char *before = "";

	if (match->kind == MATCH_GENERIC)
		before = put_param(buf, before, "generic");
	if (match->kind == MATCH_FUZZY)
		before = put_param(buf, before, "fuzzy");
	if (match->kind != MATCH_NONE && match->dist_hops == VERDICT_DIST_UNKNOWN)
		before = put_param(buf, before, "random_ttl");
	if (match->dist_hops > DIST_MAX && match->dist_hops != VERDICT_DIST_UNKNOWN)
		before = put_param(buf, before, "excess_dist");
	if (report->syn->tos >> 2)
		text_putf(buf, "%stos:0x%02x", before, report->syn->tos >> 2);
	else if (!*before)
		text_put(buf, "none");
}

static unsigned dist_of(const struct report *report)
{
	unsigned dist = report->verdict.dist_hops;

	return dist == VERDICT_DIST_UNKNOWN
		       ? (unsigned)(sig_initial_ttl(report->syn->ttl) - report->syn->ttl)
		       : dist;
}

/* The version and the TTL as observed; the rest as the signature has it. */
static void put_raw_sig(const struct report *report, struct text_buf *buf)
{
	char text[SIG_TEXT_MAX];
	const char *rest;
	struct text_buf sig_buf;
	struct sig sig;

	text_buf_init(&sig_buf, text, sizeof(text));
	sig_from_syn(report->syn, &sig);
	sig_format(&sig, &sig_buf);
	rest = strchr(text, ':');
	rest = rest ? strchr(rest + 1, ':') : NULL;
	text_put(buf, "|raw_sig=");
	text_put_uint(buf, report->syn->ip_version);
	text_put_char(buf, ':');
	text_put_uint(buf, report->syn->ttl);
	text_put_char(buf, '+');
	if (dist_of(report) > DIST_MAX)
		text_put_char(buf, '?');
	else
		text_put_uint(buf, dist_of(report));
	text_put(buf, rest ? rest : "");
	text_put_char(buf, '\n');
}

static void put_mtu(const struct report *report, const struct vocab *vocab, const char *when,
		    struct text_buf *buf)
{
	put_head(report->syn, when, "mtu", buf);
	text_put(buf, "|link=");
	text_put(buf, report->verdict.link ? vocab_text(vocab, VOCAB_LINK, report->verdict.link)
					   : "???");
	text_put(buf, "|raw_mtu=");
	text_put_uint(buf, report->link->mtu);
	text_put_char(buf, '\n');
}

void report_p0f(const struct report *report, const struct vocab *vocab, const char *when,
		struct text_buf *buf)
{
	const struct verdict *verdict = &report->verdict;
	bool is_known = report->match->kind != MATCH_NONE;

	put_head(report->syn, when, syn_is_answer(report->syn) ? "syn+ack" : "syn", buf);
	text_put(buf, report->match->tool ? "|app=" : "|os=");
	text_put(buf, is_known ? vocab_text(vocab, VOCAB_LABEL, verdict->label) : "???");
	text_put(buf, "|dist=");
	if (is_known && verdict->dist_hops == VERDICT_DIST_UNKNOWN)
		text_put(buf, "<= ");
	text_put_uint(buf, dist_of(report));
	text_put(buf, "|params=");
	put_params(report, buf);
	put_raw_sig(report, buf);
	if (report->syn->has_mss && report->link->mtu)
		put_mtu(report, vocab, when, buf);
}
