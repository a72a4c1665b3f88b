/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SYN+ACKs of systems that cannot be run here, as published accounts show them (nmap's probes offer
 * everything, no SACK, no window scale, and ECN without timestamps), and gVisor's as it sent them
 * under Linux 6.1. tests/netns/test_servers.py has those that can.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "shipped_db.h"
#include "core/match/match_memo.h"
#include "core/sig/sigdb_write.h"

#define ALL (SYN_OFFER_WSCALE | SYN_OFFER_SACK | SYN_OFFER_TS | SYN_OFFER_KNOWN)
#define NO_SACK (SYN_OFFER_WSCALE | SYN_OFFER_TS | SYN_OFFER_KNOWN)
#define NO_SCALE (SYN_OFFER_SACK | SYN_OFFER_TS | SYN_OFFER_KNOWN)
#define NO_TIMES (SYN_OFFER_WSCALE | SYN_OFFER_SACK | SYN_OFFER_ECN | SYN_OFFER_KNOWN)

static struct vocab *vocab;
static struct sigdb *db;

static void setup(void)
{
	vocab = vocab_new();
	db = shipped_servers_load(vocab);
}

static void teardown(void)
{
	sigdb_free(db);
	vocab_free(vocab);
}

TestSuite(answers, .init = setup, .fini = teardown);

/* The SYN+ACK that a raw signature was made of. */
static struct syn syn_of(const char *text, uint8_t offers)
{
	struct syn syn = syn_of_text(text);

	syn.tcp_flags = SYN_TCP_SYN | SYN_TCP_ACK;
	syn.offers = offers;
	return syn;
}

static const struct {
	const char *class, *family;
	uint8_t offers;
	const char *sig;
} cases[] = {
	{"Windows", "Windows", ALL, "4:128:0:1460:65535,8:mss,nop,ws,nop,nop,sok:df,id+:0"},
	{"Windows", "Windows", NO_SACK, "4:128:0:1460:65535,8:mss,nop,ws:df,id+:0"},
	{"Windows", "Windows", NO_SCALE, "4:128:0:1460:65392,0:mss,nop,nop,sok:df,id+:0"},
	{"Windows", "Windows", NO_TIMES, "4:128:0:1460:65535,8:mss,nop,ws,nop,nop,sok:df,id+:0"},
	{"Windows", "Windows", ALL, "4:128:0:1460:65535,8:mss,nop,ws,sok,ts:df,id+:0"},
	{"Windows", "Windows", ALL, "4:128:0:1460:8192,8:mss,nop,ws,sok,ts:df,id+:0"},
	{"Windows", "Windows", NO_SACK, "4:128:0:1460:8192,8:mss,nop,ws,nop,nop,ts:df,id+:0"},
	{"Windows", "Windows", NO_SCALE, "4:128:0:1460:8192,0:mss,sok,ts:df,id+:0"},
	{"Windows", "Windows", NO_TIMES, "4:128:0:1460:8192,8:mss,nop,ws,nop,nop,sok:df,id+,ecn:0"},
	{"FreeBSD", "BSD", ALL, "4:64:0:1460:65535,6:mss,nop,ws,sok,ts:df:0"},
	{"FreeBSD", "BSD", NO_SACK, "4:64:0:1460:65535,6:mss,nop,ws,nop,nop,ts:df:0"},
	{"FreeBSD", "BSD", NO_SCALE, "4:64:0:1460:65535,0:mss,sok,ts:df:0"},
	{"FreeBSD", "BSD", NO_TIMES, "4:64:0:1460:65535,6:mss,nop,ws,sok,eol+1:df,ecn:0"},
	{"OpenBSD", "BSD", ALL, "4:64:0:1460:16384,6:mss,nop,nop,sok,nop,ws,nop,nop,ts:df,id+:0"},
	{"OpenBSD", "BSD", NO_SACK, "4:64:0:1460:16384,6:mss,nop,ws,nop,nop,ts:df,id+:0"},
	{"OpenBSD", "BSD", NO_SCALE, "4:64:0:1460:16384,0:mss,nop,nop,sok,nop,nop,ts:df,id+:0"},
	{"OpenBSD", "BSD", NO_TIMES, "4:64:0:1460:16384,6:mss,nop,nop,sok,nop,ws:df,id+:0"},
	{"NetBSD", "BSD", ALL, "4:64:0:1460:32768,3:mss,nop,ws,nop,nop,ts,sok,nop,nop:df:0"},
	{"NetBSD", "BSD", NO_SACK, "4:64:0:1460:32768,3:mss,nop,ws,nop,nop,ts:df:0"},
	{"macOS", "Apple", ALL, "4:64:0:1460:65535,6:mss,nop,ws,nop,nop,ts,sok,eol+1:df:0"},
	{"macOS", "Apple", NO_SCALE, "4:64:0:1460:65535,0:mss,nop,nop,ts,sok,eol+1:df:0"},
	{"macOS", "Apple", NO_TIMES, "4:64:0:1460:65535,6:mss,nop,ws,sok,eol+1:df,ecn:0"},
	{"macOS", "Apple", NO_SACK, "4:64:0:1460:65535,6:mss,nop,ws,nop,nop,ts:df:0"},
	{"Solaris", "Unix", ALL, "4:64:0:1460:64436,1:sok,ts,mss,nop,ws:df,id+:0"},
	{"AIX", "Unix", ALL, "4:64:0:1460:65535,2:mss,nop,ws,nop,nop,ts:df,id+:0"},
	{"HP-UX", "Unix", ALL, "4:64:0:1460:32768,0:mss,nop,nop,sok,ws,nop,nop,nop,ts:df,id+:0"},
	{"Cisco", "Network", ALL, "4:255:0:1460:4128,0:mss::0"},
	{"NetScaler", "Network", ALL, "4:255:0:1460:8190,0:mss::0"},
	{"Juniper", "Network", ALL, "4:64:0:1460:65535,1:mss,nop,ws,nop,nop,ts,sok,eol+1:df,id+:0"},
	{"FortiGate", "Network", ALL, "4:64:0:1460:5792,1:mss,sok,ts,nop,ws:df,id+:0"},
	{"Printer", "Embedded", ALL, "4:64:0:1460:5840,0:mss,nop,ws,nop,nop,ts::0"},
	{"lwIP", "Embedded", ALL, "4:255:0:1460:2920,0:mss::0"},
	{"gVisor", "Linux", ALL, "4:64:0:1460:29184,7:mss,sok,ts,nop,ws::0"},
	{"gVisor", "Linux", NO_SACK, "4:64:0:1460:29184,7:mss,nop,nop,ts,nop,ws::0"},
	{"gVisor", "Linux", NO_SCALE, "4:64:0:1460:29184,0:mss,sok,ts::0"},
	{"gVisor", "Linux", NO_TIMES, "4:64:0:1460:29184,7:mss,nop,nop,sok,nop,ws::0"},
	{"gVisor", "Linux", SYN_OFFER_KNOWN, "4:64:0:1460:29184,0:mss::0"},
	{"Linux", "Linux", ALL, "4:64:0:1460:28960,7:mss,sok,ts,nop,ws:df:0"},
	{"Linux", "Linux", NO_TIMES, "4:64:0:1340:65000,7:mss,nop,nop,sok,nop,ws:df,ecn:0"},
	{"Linux", "Linux", ALL, "6:64:0:1440:64260,7:mss,sok,ts,nop,ws:flow:0"},
};

/* The true class is among those named, and no other family is likelier than not. */
Test(answers, of_each_system)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct syn syn = syn_of(cases[i].sig, cases[i].offers);
		int class_id =
			vocab_find(vocab, VOCAB_CLASS, cases[i].class, strlen(cases[i].class));
		struct match match;
		const char *family;

		match_syn(db, &syn, &match);
		family = vocab_text(vocab, VOCAB_FAMILY, match.family_id);
		cr_assert_gt(class_id, 0, "%s", cases[i].class);
		cr_expect_gt(match.class_prob[class_id], 0.01f, "%s is not named: %s",
			     cases[i].class, cases[i].sig);
		cr_expect(strcmp(family, cases[i].family) == 0 || match.family_confidence <= 0.5f,
			  "%s is %s with %.3f", cases[i].sig, family,
			  (double)match.family_confidence);
	}
}

/* Without timestamps: of nobody who has them switched on, where they were offered. */
Test(answers, are_held_against_what_was_offered)
{
	const char *text = "4:128:0:1460:8192,8:mss,nop,ws,nop,nop,sok:df,id+:0";
	struct syn offered = syn_of(text, ALL), not_offered = syn_of(text, NO_TIMES);
	struct match match;

	match_syn(db, &not_offered, &match);
	cr_expect_eq(match.kind, MATCH_SPECIFIC);
	match_syn(db, &offered, &match);
	cr_expect_eq(match.kind, MATCH_FUZZY, "timestamps were offered, and are in that signature");
	offered.offers = 0;
	match_syn(db, &offered, &match);
	cr_expect_eq(match.kind, MATCH_SPECIFIC, "nobody knows what was offered");
}

Test(answers, are_kept_with_what_was_offered)
{
	struct match_memo *memo = match_memo_new(db);

	for (unsigned round = 0; round < 2; round++)
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
			for (unsigned offers = 0; offers < 8; offers++) {
				struct syn syn = syn_of(cases[i].sig, offers ? offers | 0x80 : 0);
				const struct match *kept = match_memo_syn(memo, &syn);
				struct match match;

				match_syn(db, &syn, &match);
				cr_assert_eq(kept->kind, match.kind, "%s %u", cases[i].sig, offers);
				cr_assert_eq(kept->label, match.label, "%s %u", cases[i].sig,
					     offers);
			}
	match_memo_free(memo);
}

static struct sigdb *load(const char *text, struct text_error *ret_error)
{
	struct sigdb *loaded = sigdb_new(vocab);

	sigdb_read_answers(loaded);
	if (sigdb_load(loaded, text, strlen(text), ret_error) == 0)
		return loaded;
	sigdb_free(loaded);
	return NULL;
}

Test(answers, does_is_read_and_written)
{
	static const char text[] = "[tcp:request]\nlabel = s:unix:Linux:x\nnonsense\n"
				   "[tcp:response]\nlabel = s:unix:Linux:y\ndoes = ws,ts\n"
				   "sig = 4:64:0:*:1024,0:mss:df:0\nlabel = s:unix:Linux:z\n"
				   "does = none\nsig = 4:64:0:*:1024,0:mss:df:0\n";
	struct text_error error = {0};
	struct sigdb *loaded = load(text, &error);
	struct sigdb_writer writer = {.db = loaded, .vocab = vocab};
	char data[1024];
	struct text_buf buf;

	cr_assert_not_null(loaded, "%u: %s", error.line, error.what);
	cr_expect_eq(sigdb_info(loaded, 0).does, SYN_OFFER_KNOWN | SYN_OFFER_WSCALE | SYN_OFFER_TS);
	cr_expect_eq(sigdb_info(loaded, 1).does, SYN_OFFER_KNOWN);
	text_buf_init(&buf, data, sizeof(data));
	sigdb_put_sig(&writer, 0, &buf);
	sigdb_put_sig(&writer, 1, &buf);
	cr_expect(strstr(data, "does = ws,ts\nsig"), "%s", data);
	cr_expect(strstr(data, "does = none\nsig"), "%s", data);
	sigdb_free(loaded);
}

Test(answers, does_is_refused_where_it_says_nothing)
{
	static const char *const bad[] = {"ws,", "ecn", "none,ws", "ws ts"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct text_error error = {0};
		char text[128];

		snprintf(text, sizeof(text), "[tcp:response]\nlabel = s:unix:Linux:y\ndoes = %s\n",
			 bad[i]);
		cr_expect_null(load(text, &error), "%s", bad[i]);
		cr_expect_eq(error.line, 3);
	}
}
