/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The comparison: packets as real systems and tools sent them over our own wire, p0f's order of
 * precedence, evidence that adds up, and what is known to contradict itself.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "packet.h"
#include "shipped_db.h"
#include "core/learn/ua.h"
#include "core/match/match.h"
#include "core/base/reason.h"

#define TS "080a 0000000a 00000000"
#define LINUX "020405b4 0402 " TS " 01 030307"
#define WINDOWS "020405b4 01 030308 01 01 0402"
#define APPLE "020405b4 01 030306 01 01 " TS " 0402 0000"

static struct vocab *vocab;
static struct sigdb *db;

static void setup(void)
{
	vocab = vocab_new();
	db = shipped_db_load(vocab);
}

static void setup_empty(void)
{
	vocab = vocab_new();
	db = sigdb_new(vocab);
}

static void teardown(void)
{
	sigdb_free(db);
	vocab_free(vocab);
}

static void load(const char *text)
{
	struct text_error error = {0};

	cr_assert_eq(sigdb_load(db, text, strlen(text), &error), 0, "%u:%u: %s", error.line,
		     error.column, error.what);
	cr_assert_eq(sigdb_build(db), 0);
}

static const char *class_of(const struct match *match)
{
	return vocab_text(vocab, VOCAB_CLASS, match->class_id);
}

static const char *label_of(const struct match *match)
{
	return vocab_text(vocab, VOCAB_LABEL, match->label);
}

static bool has(const struct match *match, enum reason reason)
{
	return match->reasons >> reason & 1;
}

static struct match match_bytes(const uint8_t *bytes, size_t len)
{
	struct match match;
	struct syn syn;

	cr_assert_eq(syn_parse(bytes, len, &syn), SYN_OK);
	match_syn(db, &syn, &match);
	return match;
}

static struct match match_hex(const char *hex)
{
	struct packet packet = {.len = 0};

	packet_put(&packet, hex);
	return match_bytes(packet.bytes, packet.len);
}

/* A SYN with an IP ID that is not zero. */
static struct syn make_syn(const char *options, uint16_t win, uint8_t ttl)
{
	struct packet packet = packet_v4("", options, "");
	struct syn syn;

	packet.bytes[8] = ttl;
	packet_set16(&packet, 4, 4711);
	packet_set16(&packet, packet.tcp_at + 14, win);
	cr_assert_eq(syn_parse(packet.bytes, packet.len, &syn), SYN_OK);
	return syn;
}

static struct match match_made(const char *options, uint16_t win, uint8_t ttl)
{
	struct syn syn = make_syn(options, win, ttl);
	struct match match;

	match_syn(db, &syn, &match);
	return match;
}

/* Headers as tcpdump wrote them down; masscan 1.3.2, zmap 2.1.1, hping3 3.a2, nmap 7.93. */
Test(match, tools_on_the_wire, .init = setup, .fini = teardown)
{
	static const struct {
		const char *name, *hex, *class;
		bool tool;
	} cases[] = {
		{"masscan",
		 "450000283555 0000 ff0663b20a6307010a630702 d4bc0050 1bb53207 00000000 "
		 "5002040066510000",
		 "masscan", true},
		{"masscan, other port",
		 "4500002821a8 0000 ff06775f0a6307010a630702 d4bc0051 ef6526fb 00000000 "
		 "500204009dab0000",
		 "masscan", true},
		{"zmap",
		 "45000028d431 0000 ff06c4d50a6307010a630702 ebd30050 0e7bf8a3 00000000 "
		 "5002ffff99d70000",
		 "zmap", true},
		{"hping3",
		 "45000028a71f 0000 4006b0e80a6307010a630702 09be0050 1fb431bd 1c18c378 "
		 "50020200500a0000",
		 "hping", true},
		{"nmap -sS",
		 "4500002c01c5 0000 280600000a6307010a630702 cda50050 9a8c46dd 00000000 "
		 "60020400aa7e0000"
		 "020405b4",
		 "nmap", true},
		{"nmap -6 -sS",
		 "60000000 0018 06ff "
		 "fd990007000000000000000000000001fd990007000000000000000000000002"
		 "889a0050 94da0ea9 00000000 60020400ae960000 020405b4",
		 "nmap", true},
		{"nmap -O, first probe",
		 "4500003c29bf 0000 2f0600000a6307010a630702 b4ca0050 9353ab13 651e07a7 "
		 "a002000122360000"
		 "03030a01020405b4080affffffff000000000402",
		 "nmap", true},
		{"nmap -sT is the host's own stack",
		 "4500003c9a84 4000 40067d6f0a6307010a630702 b8ec0050 b7db596c 00000000 "
		 "a002faf022f70000"
		 "020405b40402080af3f878c8000000000103030a",
		 "Linux", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct match match = match_hex(cases[i].hex);

		cr_expect_str_eq(class_of(&match), cases[i].class, "%s: %s", cases[i].name,
				 class_of(&match));
		cr_expect_eq(match.tool, cases[i].tool, "%s", cases[i].name);
		cr_expect_eq(has(&match, REASON_TOOL), cases[i].tool);
		cr_expect_geq(match.confidence, 0.9f, "%s: %f", cases[i].name,
			      (double)match.confidence);
	}
}

Test(match, mirai_whatever_else_it_sends, .init = setup, .fini = teardown)
{
	struct syn syn = make_syn("", 14321, 50);
	struct match match;

	match_syn(db, &syn, &match);
	cr_expect_str_eq(class_of(&match), "bare");
	syn.seq = 0xc0000201; /* 192.0.2.1, its destination */
	match_syn(db, &syn, &match);
	cr_expect(match.tool && has(&match, REASON_SEQ_IS_DST));
	cr_expect_str_eq(class_of(&match), "Mirai");
	syn = make_syn(LINUX, 64240, 60);
	syn.seq = 0xc0000201;
	match_syn(db, &syn, &match);
	cr_expect_str_eq(class_of(&match), "Mirai");
}

/* Behind a 1:1 NAT the packet has another destination than the one that the tool wrote down. */
Test(match, addresses_that_stand_for_this_host)
{
	static const char text[] =
		"[tcp:request]\n"
		"label = s:!:Mirai:\nwhen = seq=dst\nsig = 4:255-:*:*:*,*:*:*:*\n"
		"label = s:!:masscan:\nwhen = ip_id=dst^port^seq\n"
		"sig = 4:255-:*:*:1024,*:*:*:*\n";
	struct vocab *words = vocab_new();
	struct sigdb *small = sigdb_new(words);
	struct syn syn = make_syn("", 14321, 50);
	struct match match;

	cr_assert_eq(sigdb_load(small, text, sizeof(text) - 1, NULL), 0);
	cr_assert_eq(sigdb_stand_for(small, 0xcb007108), 0);
	cr_assert_eq(sigdb_stand_for(small, 0xcb007109), 0);
	cr_assert_eq(sigdb_build(small), 0);
	syn.seq = 0xcb007107; /* 203.0.113.7 */
	match_syn(small, &syn, &match);
	cr_expect_eq(match.kind, MATCH_NONE, "a number that stands for nothing");
	syn.seq = 0xcb007109;
	match_syn(small, &syn, &match);
	cr_expect(match.tool && has(&match, REASON_SEQ_IS_DST));
	syn.seq = 0x12345678;
	syn.win = 1024;
	syn.ip_id = (uint16_t)(0xcb007108 ^ syn.dst_port ^ syn.seq);
	match_syn(small, &syn, &match);
	cr_expect_str_eq(vocab_text(words, VOCAB_CLASS, match.class_id), "masscan");
	for (unsigned i = 2; i < SIGDB_ADDRESSES_MAX; i++)
		cr_assert_eq(sigdb_stand_for(small, i), 0);
	cr_expect_eq(sigdb_stand_for(small, 1), -ENOSPC);
	sigdb_free(small);
	vocab_free(words);
}

Test(match, systems, .init = setup, .fini = teardown)
{
	static const struct {
		const char *options;
		uint16_t win;
		uint8_t ttl;
		const char *class, *family;
		float least;
		uint8_t dist_hops;
	} cases[] = {
		{LINUX, 64240, 52, "Linux", "Linux", 0.85f, 12},
		{LINUX, 29200, 64, "Linux", "Linux", 0.65f, 0},
		{"020405b4 0402 " TS " 01 030308", 65535, 50, "Android", "Linux", 0.85f, 14},
		{"020405b4 0402 " TS " 01 03030a", 65535, 50, "Android", "Linux", 0.8f, 14},
		{"020405b4 0402 " TS " 01 03030a", 64240, 50, "Linux", "Linux", 0.6f, 14},
		{WINDOWS, 64240, 116, "Windows", "Windows", 0.95f, 12},
		{WINDOWS, 64240, 60, "Windows", "Windows", 0.95f, 4},
		{WINDOWS, 8192, 128, "Windows", "Windows", 0.95f, 0},
		{"020405b4 01 01 0402", 65535, 110, "Windows", "Windows", 0.9f, 18},
		{APPLE, 65535, 55, "macOS", "Apple", 0.5f, 9},
		{"020405b4 01 030307 01 01 " TS " 0402 0000", 65535, 55, "iOS", "Apple", 0.8f, 9},
		{"020405b4 01 030306 0402 " TS, 65535, 60, "FreeBSD", "BSD", 0.8f, 4},
		{"020405b4 01 01 0402 01 030306 01 01 " TS, 16384, 64, "OpenBSD", "BSD", 0.8f, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct match match = match_made(cases[i].options, cases[i].win, cases[i].ttl);

		cr_expect_str_eq(class_of(&match), cases[i].class, "%zu: %s", i, class_of(&match));
		cr_expect_str_eq(vocab_text(vocab, VOCAB_FAMILY, match.family_id), cases[i].family);
		cr_expect_geq(match.confidence, cases[i].least, "%zu: %f", i,
			      (double)match.confidence);
		cr_expect_geq(match.family_confidence, match.confidence - 1e-5f);
		cr_expect_eq(match.dist_hops, cases[i].dist_hops, "%zu: %u", i, match.dist_hops);
		cr_expect_not(match.tool || match.inconsistent, "%zu", i);
	}
}

Test(match, distances, .init = setup, .fini = teardown)
{
	static const struct {
		uint8_t ttl, initial_ttl, dist_hops;
		enum reason reason;
	} cases[] = {
		{64, 64, 0, REASON_SIG_SPECIFIC},    {34, 64, 30, REASON_SIG_SPECIFIC},
		{33, 64, 31, REASON_TTL_FAR},        {29, 64, 35, REASON_TTL_FAR},
		{22, 64, 42, REASON_TTL_FAR},        {2, 32, 30, REASON_TTL_OTHER},
		{100, 128, 28, REASON_SIG_SPECIFIC},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct match match = match_made(LINUX, 64240, cases[i].ttl);

		cr_expect_eq(match.initial_ttl, cases[i].initial_ttl, "TTL %u", cases[i].ttl);
		cr_expect_eq(match.dist_hops, cases[i].dist_hops, "TTL %u: %u", cases[i].ttl,
			     match.dist_hops);
		cr_expect(has(&match, cases[i].reason), "TTL %u", cases[i].ttl);
		cr_expect_str_eq(class_of(&match), "Linux");
		cr_expect_geq(match.family_confidence, 0.8f);
	}
}

/* Liars are seen among the visitors who have such a SYN; their claim must still be called a lie. */
Test(match, a_linux_that_claims_windows_is_a_lie, .init = setup, .fini = teardown)
{
	static const uint16_t wins[] = {64240, 29200, 14600};
	int windows = vocab_find(vocab, VOCAB_CLASS, "Windows", 7);

	for (size_t i = 0; i < sizeof(wins) / sizeof(wins[0]); i++) {
		struct match match = match_made(LINUX, wins[i], 60);

		cr_expect_leq(match.class_prob[windows], 1 - UA_LIE_PERMILLE / 1000.0f, "%u: %f",
			      wins[i], (double)match.class_prob[windows]);
		cr_expect_geq(match.family_confidence, UA_CLEAR_PERMILLE / 1000.0f);
	}
}

Test(match, shared_shapes_are_told_as_such, .init = setup, .fini = teardown)
{
	struct match match = match_made(APPLE, 65535, 55);

	cr_expect(has(&match, REASON_CLASSES_SHARE));
	cr_expect_geq(match.class_prob[vocab_find(vocab, VOCAB_CLASS, "iOS", 3)], 0.25f);
	match = match_made(WINDOWS, 64240, 116);
	cr_expect_not(has(&match, REASON_CLASSES_SHARE));
}

Test(match, probabilities_sum_to_one, .init = setup, .fini = teardown)
{
	struct match match;
	struct syn syn;
	double sum;

	for (size_t i = 0; i < shipped_db_count(db); i++) {
		if (!syn_from_sig(db, i, 5, &syn))
			continue;
		match_syn(db, &syn, &match);
		sum = 0;
		for (unsigned id = 0; id < VOCAB_CLASSES_MAX; id++) {
			cr_expect_geq(match.class_prob[id], 0);
			sum += (double)match.class_prob[id];
		}
		cr_expect_lt(fabs(sum - 1), 1e-3, "signature %zu: %f", i, sum);
		cr_expect_gt(match.class_prob[sigdb_info(db, i).class_id], 0.0005f,
			     "signature %zu is nobody's", i);
	}
}

/* Every signature of the database is found by the SYN it describes. */
Test(match, finds_every_signature, .init = setup, .fini = teardown)
{
	struct match match;
	struct syn syn;

	for (size_t i = 0; i < shipped_db_count(db); i++) {
		if (!syn_from_sig(db, i, 0, &syn))
			continue;
		match_syn(db, &syn, &match);
		cr_expect(match.kind == MATCH_SPECIFIC ||
				  (match.kind == MATCH_GENERIC && sigdb_info(db, i).generic),
			  "signature %zu: %s", i, match_kind_name(match.kind));
		cr_expect_eq(match.contradiction, 0, "signature %zu", i);
	}
}

Test(match, unknown, .init = setup, .fini = teardown)
{
	struct match match = match_made("fd08 010203040506 fe02", 4711, 60);

	cr_expect_eq(match.kind, MATCH_NONE);
	cr_expect_eq(match.class_id, 0);
	cr_expect_eq(match.confidence, 0);
	cr_expect(has(&match, REASON_SIG_UNKNOWN));
	cr_expect_eq(match.initial_ttl, 64);
	cr_expect_eq(match.dist_hops, 4);
}

Test(match, contradictions, .init = setup, .fini = teardown)
{
	struct syn syn = make_syn(WINDOWS, 64240, 60);
	struct match match;

	/* A Windows client behind a gateway that rewrites TTLs, asking for ECN: ordinary. */
	syn.quirks |= QUIRK_ECN;
	match_syn(db, &syn, &match);
	cr_expect(has(&match, REASON_ECN_CHANGED));
	cr_expect_lt(match.contradiction, 0.5f);
	/* Options of Windows with window and scale of Android: odd, but proxies exist. */
	match = match_made("020405b4 01 03030a 01 01 0402", 65535, 120);
	cr_expect(has(&match, REASON_CONTRADICTION) && !match.inconsistent, "%f",
		  (double)match.contradiction);
	/* An echoed timestamp and an urgent pointer in a first packet. */
	syn = make_syn(LINUX, 64240, 60);
	syn.quirks |= QUIRK_TS_ECHO | QUIRK_URG_PTR | QUIRK_PUSH;
	match_syn(db, &syn, &match);
	cr_expect(match.inconsistent);
	cr_expect_lt(match.confidence, 0.9f);
}

#define P0F                                                                                        \
	"[tcp:request]\nlabel = s:unix:Linux:first\n"                                              \
	"sig = *:64:0:*:mss*20,7:mss,sok,ts,nop,ws:df,id+:0\n"                                     \
	"label = s:win:Windows:second\nsig = *:64:0:*:29200,7:mss,sok,ts,nop,ws:df,id+:0\n"        \
	"label = g:unix:FreeBSD:catch-all\nsig = *:64:0:*:*,*:mss,sok,ts,nop,ws:df,id+:0\n"        \
	"label = s:unix:Solaris:modulus\nsig = *:64:0:*:%1111,3:mss,sok,ts,nop,ws:df,id+:0\n"      \
	"label = s:unix:AIX:mtu\nsig = *:64:0:*:mtu*2,4:mss,sok,ts,nop,ws:df,id+:0\n"              \
	"label = s:unix:QNX:max\nsig = *:64:0:*:mss*max,5:mss,sok,ts,nop,ws:df,id+:0\n"            \
	"label = s:unix:HP-UX:payload\nsig = *:60:4:1400:9,0:mss:df,id+:+\n"

Test(match, p0f_precedence, .init = setup_empty, .fini = teardown)
{
	static const struct {
		const char *options;
		uint16_t win;
		uint8_t ttl;
		const char *label;
		enum match_kind kind;
	} cases[] = {
		{LINUX, 29200, 60, "Linux first", MATCH_SPECIFIC},
		{"02040578 0402 " TS " 01 030307", 29200, 60, "Linux first", MATCH_SPECIFIC},
		{"02040578 0402 " TS " 01 030307", 28000, 60, "Linux first", MATCH_SPECIFIC},
		{LINUX, 29200, 29, "Linux first", MATCH_SPECIFIC}, /* 35 hops */
		{LINUX, 29200, 28, NULL, MATCH_FUZZY}, /* 36 */
		{LINUX, 29200, 65, NULL, MATCH_FUZZY},
		{LINUX, 12345, 60, "FreeBSD catch-all", MATCH_GENERIC},
		{"020405b4 0402 " TS " 01 030303", 5555, 60, "Solaris modulus", MATCH_SPECIFIC},
		{"020405b4 0402 " TS " 01 030303", 5556, 60, "FreeBSD catch-all", MATCH_GENERIC},
		{"02040400 0402 " TS " 01 030304", 2 * (1024 + 40), 60, "AIX mtu", MATCH_SPECIFIC},
		{"02040564 0402 " TS " 01 030305", 64860, 60, "QNX max", MATCH_SPECIFIC},
	};

	load(P0F);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct match match = match_made(cases[i].options, cases[i].win, cases[i].ttl);

		if (cases[i].label)
			cr_expect_str_eq(label_of(&match), cases[i].label, "%zu: %s", i,
					 label_of(&match));
		cr_expect_eq(match.kind, cases[i].kind, "%zu: %s", i, match_kind_name(match.kind));
	}
}

Test(match, every_field_counts, .init = setup_empty, .fini = teardown)
{
	struct match match;
	struct syn syn, other;

	load(P0F);
	cr_assert(syn_from_sig(db, 6, 3, &syn));
	syn.ip_opt_len = 4;
	match_syn(db, &syn, &match);
	cr_expect_eq(match.kind, MATCH_SPECIFIC);
	other = syn;
	other.payload_len = 0;
	match_syn(db, &other, &match);
	cr_expect_neq(match.kind, MATCH_SPECIFIC);
	other = syn;
	other.ip_opt_len = 0;
	match_syn(db, &other, &match);
	cr_expect_neq(match.kind, MATCH_SPECIFIC);
	other = syn;
	other.quirks |= QUIRK_SEQ_ZERO;
	match_syn(db, &other, &match);
	cr_expect_neq(match.kind, MATCH_SPECIFIC);
	other = syn;
	other.mss = 1399;
	match_syn(db, &other, &match);
	cr_expect_neq(match.kind, MATCH_SPECIFIC);
}

Test(match, version_decides_which_quirks_count, .init = setup_empty, .fini = teardown)
{
	struct match match;
	struct syn syn;

	load("[tcp:request]\nlabel = s:unix:Linux:both\nsig = *:64:0:*:1,0:mss:df,id+,flow:0\n"
	     "label = s:unix:Linux:four\nsig = 4:64:0:*:2,0:mss:df,id+:0\n");
	cr_assert(syn_from_sig(db, 0, 3, &syn));
	cr_expect_eq(syn.quirks, QUIRK_DF | QUIRK_ID_NONZERO);
	match_syn(db, &syn, &match);
	cr_expect_eq(match.kind, MATCH_SPECIFIC);
	syn.ip_version = 6;
	syn.quirks = QUIRK_FLOW;
	match_syn(db, &syn, &match);
	cr_expect_eq(match.kind, MATCH_SPECIFIC);
	syn.win = 2;
	match_syn(db, &syn, &match);
	cr_expect_neq(match.kind, MATCH_SPECIFIC);
}

Test(match, rates_and_priors_decide, .init = setup_empty, .fini = teardown)
{
	static const char text[] =
		"[tcp:request]\nlabel = s:unix:A:\nsig = *:64:0:*:1,0:mss,sok:df:0 @ 300\n"
		"label = s:unix:B:\nsig = *:64:0:*:1,0:mss,sok:df:0 @ 100\n";
	struct match match;
	struct syn syn;

	load(text);
	cr_assert(syn_from_sig(db, 0, 3, &syn));
	match_syn(db, &syn, &match);
	cr_expect_str_eq(class_of(&match), "A");
	cr_expect_float_eq(match.confidence, 0.75f, 0.01f);
	cr_assert_eq(sigdb_set_prior(db, (unsigned)vocab_find(vocab, VOCAB_CLASS, "B", 1), 9), 0);
	cr_assert_eq(sigdb_build(db), 0);
	match_syn(db, &syn, &match);
	cr_expect_str_eq(class_of(&match), "B");
	cr_expect_float_eq(match.confidence, 0.75f, 0.02f);
}

Test(match, explanations_add_up, .init = setup, .fini = teardown)
{
	struct match_explanation explanation;
	const struct match_step *last;
	struct match match;
	struct syn syn;

	for (size_t i = 0; i < shipped_db_count(db); i++) {
		if (!syn_from_sig(db, i, 40 % sigdb_info(db, i).sig->initial_ttl, &syn))
			continue;
		syn.quirks ^= i & 1 ? QUIRK_ECN : 0;
		syn.win = (uint16_t)(syn.win + (i % 3 == 0));
		syn.opt_kinds[0] = i % 5 ? syn.opt_kinds[0] : SYN_OPT_NOP;
		match_syn(db, &syn, &match);
		match_explain(db, &syn, &explanation);
		cr_expect_eq(explanation.match.class_id, match.class_id);
		if (match.kind == MATCH_NONE) {
			cr_expect_eq(explanation.step_count, 0);
			continue;
		}
		cr_assert_geq(explanation.step_count, 2);
		cr_assert_lt(explanation.step_count, MATCH_STEPS_MAX);
		last = &explanation.steps[explanation.step_count - 1];
		cr_expect_float_eq(explanation.steps[0].class_prob, sigdb_prior(db, match.class_id),
				   1e-5f);
		cr_expect_float_eq(last->class_prob, match.confidence, 1e-4f, "signature %zu", i);
		cr_expect_float_eq(last->family_prob, match.family_confidence, 1e-3f);
	}
}

Test(match, guesses_and_scores, .init = setup, .fini = teardown)
{
	struct syn syn = make_syn(WINDOWS, 64240, 116);
	struct match_guess guesses[MATCH_BEST_MAX];
	struct match_average averages[VOCAB_CLASSES_MAX];
	unsigned count = match_guesses(db, &syn, guesses);

	cr_assert_geq(count, 3);
	cr_expect_float_eq(guesses[0].score, 10, 1e-5f);
	cr_expect_str_eq(vocab_text(vocab, VOCAB_LABEL, guesses[0].label),
			 "Windows 10 1709 or newer");
	for (unsigned i = 1; i < count; i++) {
		cr_expect_leq(guesses[i].score, guesses[i - 1].score);
		cr_expect_neq(guesses[i].label, guesses[i - 1].label);
	}
	match_averages(db, &syn, averages);
	for (unsigned id = 0; id < VOCAB_CLASSES_MAX; id++) {
		cr_expect(averages[id].score >= 0 && averages[id].score <= 10);
		cr_expect(!averages[id].sigs || averages[id].sigs >= MATCH_AVERAGE_SIGS_MIN);
	}
	cr_expect_gt(averages[vocab_find(vocab, VOCAB_CLASS, "Windows", 7)].score,
		     averages[vocab_find(vocab, VOCAB_CLASS, "Linux", 5)].score);
	cr_expect_eq(averages[vocab_find(vocab, VOCAB_CLASS, "Mirai", 5)].sigs, 0);
	cr_expect_eq(averages[0].sigs, 0);
}
