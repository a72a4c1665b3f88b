/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Learning: who is counted, who is not, and that what was learned loads again. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "alloc.h"
#include "shipped_db.h"
#include "core/learn/learn.h"

static struct vocab *vocab;
static struct sigdb *base;
static struct learn *learn;
static char text[1 << 20];

static void setup(void)
{
	struct learn_params params = {.max_shapes = 64, .seed = 3};

	vocab = vocab_new();
	base = shipped_db_load(vocab);
	params.vocab = vocab;
	learn = learn_new(&params);
	cr_assert_not_null(learn);
}

static void teardown(void)
{
	learn_free(learn);
	sigdb_free(base);
	vocab_free(vocab);
}

TestSuite(learn, .init = setup, .fini = teardown);

static struct ua_claim claim_of(const char *class)
{
	int id = vocab_find(vocab, VOCAB_CLASS, class, strlen(class));

	cr_assert_gt(id, 0);
	return (struct ua_claim){.name = class, .class_id = (unsigned)id, .classes = 1ull << id};
}

/* Each of 256 numbers has a network of its own. */
static struct addr client(unsigned number)
{
	return addr_from_v4((const uint8_t[]){198, 18, (uint8_t)number, (uint8_t)(number >> 8)});
}

/* Windows 10 as conf/signatures.db has it first. */
static struct syn windows(unsigned number)
{
	static const uint8_t kinds[] = {SYN_OPT_MSS, SYN_OPT_NOP, SYN_OPT_WSCALE,
					SYN_OPT_NOP, SYN_OPT_NOP, SYN_OPT_SACK_OK};
	struct syn syn = {.ip_version = 4,
			  .ttl = 120,
			  .seq = 77,
			  .ip_id = 99,
			  .win = 64240,
			  .mss = 1460,
			  .wscale = 8,
			  .has_mss = true,
			  .has_wscale = true,
			  .has_sack_ok = true,
			  .quirks = QUIRK_DF | QUIRK_ID_NONZERO,
			  .opt_count = sizeof(kinds),
			  .src = client(number)};

	memcpy(syn.opt_kinds, kinds, sizeof(kinds));
	return syn;
}

/* Nothing in the database looks like it; one for each number. */
static struct syn unknown(unsigned number)
{
	struct syn syn = {.ip_version = 4,
			  .ttl = 60,
			  .seq = 77,
			  .ip_id = 99,
			  .win = (uint16_t)number,
			  .opt_count = 3,
			  .opt_kinds = {252, 251, 250},
			  .quirks = QUIRK_URG_PTR,
			  .src = client(1)};

	return syn;
}

static enum learn_result add(const struct syn *syn, const char *class)
{
	struct ua_claim claim = claim_of(class);

	return learn_add(learn, base, 1000, syn, &claim);
}

static void expect(const struct syn *syn, const char *class, enum learn_result expected)
{
	enum learn_result result = add(syn, class);

	cr_assert_eq(result, expected, "%s instead of %s", learn_result_name(result),
		     learn_result_name(expected));
}

static size_t used(void)
{
	struct tally_stats stats;

	learn_get_stats(learn, &stats);
	return stats.used;
}

static const char *written(void)
{
	struct text_buf buf;

	text_buf_init(&buf, text, sizeof(text));
	cr_assert_eq(learn_put_text(learn, &buf), 0);
	cr_assert_not(buf.overflow);
	return text;
}

Test(learn, honest_claims_count_and_lies_do_not)
{
	struct syn syn = windows(1);
	struct ua_claim none = {0};

	expect(&syn, "Linux", LEARN_LIE);
	expect(&syn, "macOS", LEARN_LIE);
	cr_assert_eq(learn_add(learn, base, 0, &syn, &none), LEARN_NO_CLAIM);
	cr_assert_eq(used(), 0);
	expect(&syn, "Windows", LEARN_COUNTED);
	cr_assert_eq(used(), 1);
}

Test(learn, what_nothing_is_known_of_may_be_claimed)
{
	struct syn syn = unknown(1);

	expect(&syn, "NetBSD", LEARN_COUNTED);
}

Test(learn, a_client_has_one_vote_for_a_shape)
{
	struct syn syn = windows(1), other = windows(2);

	expect(&syn, "Windows", LEARN_COUNTED);
	syn.ttl = 110; /* the same shape */
	syn.src_port = 5;
	expect(&syn, "Windows", LEARN_VOTED);
	syn.wscale = 7;
	syn.win = 64000;
	expect(&syn, "Windows", LEARN_COUNTED);
	expect(&other, "Windows", LEARN_COUNTED);
}

/*
 * Of a vote for each second place, in groups of four: as many are remembered as Poisson's law says
 * are followed by less than four others in their group, 85.7 %.
 */
Test(learn, votes_are_forgotten)
{
	struct learn_params params = {.max_shapes = 4096, .vocab = vocab};
	unsigned voted = 0, votes = 4096 * 16 / 2;

	learn_free(learn);
	learn = learn_new(&params);
	for (unsigned number = 0; number < 2 * votes; number++) {
		struct syn syn = unknown(number % 64);

		syn.src = client(number % votes);
		voted += add(&syn, "HP-UX") == LEARN_VOTED;
	}
	cr_expect(voted > votes * 0.851 && voted < votes * 0.863, "%u of %u", voted, votes);
}

Test(learn, an_ipv6_subnet_is_one_client)
{
	struct syn syn = unknown(1);

	syn.ip_version = 6;
	syn.src = addr_from_v6((const uint8_t[16]){0x20, 1, 0xd, 0xb8, 0, 1, 0, 1, 1});
	expect(&syn, "Linux", LEARN_COUNTED);
	syn.src = addr_from_v6((const uint8_t[16]){0x20, 1, 0xd, 0xb8, 0, 1, 0, 1, 2});
	expect(&syn, "Linux", LEARN_VOTED);
	syn.src = addr_from_v6((const uint8_t[16]){0x20, 1, 0xd, 0xb8, 0, 1, 0, 2, 1});
	expect(&syn, "Linux", LEARN_COUNTED);
}

Test(learn, shapes_are_bounded_and_confirmed_ones_stay)
{
	for (unsigned number = 1; number <= LEARN_VOTERS_MIN; number++) {
		struct syn syn = windows(number);

		expect(&syn, "Windows", LEARN_COUNTED);
	}
	for (unsigned number = 1; number < 5000; number++) {
		struct syn syn = unknown(number);

		add(&syn, "Linux");
	}
	cr_assert_eq(used(), 64);
	cr_assert_not_null(strstr(written(), " @ 4\n"), "%s", text);
}

Test(learn, what_is_written_loads_and_counts_the_same)
{
	struct learn_params params = {.max_shapes = 64, .seed = 9, .vocab = vocab};
	struct sigdb *db = sigdb_new(vocab);
	struct text_error error = {0};
	char first[4096];

	for (unsigned number = 1; number < 31; number++) {
		struct syn a = windows(number), b = unknown(number / 15 + 1);

		b.src = a.src;
		add(&a, "Windows");
		add(&b, "HP-UX");
	}
	snprintf(first, sizeof(first), "%s", written());
	cr_assert_not_null(strstr(first, " @ 12\n"), "%s", first);
	cr_assert_eq(sigdb_load(db, first, strlen(first), &error), 0, "%u: %s\n%s", error.line,
		     error.what, first);
	learn_free(learn);
	learn = learn_new(&params);
	learn_take(learn, 5000, db);
	cr_assert_str_eq(written(), first);
	cr_assert_eq(sigdb_build(db), 0);
	sigdb_free(db);
}

static unsigned count_of(const char *word)
{
	unsigned count = 0;

	for (const char *at = strstr(text, word); at; at = strstr(at + 1, word))
		count++;
	return count;
}

Test(learn, a_class_has_one_label_for_all_its_shapes)
{
	for (unsigned shape = 1; shape <= 3; shape++)
		for (unsigned number = 0; number < 10; number++) {
			struct syn syn = unknown(shape);

			syn.src = client(number);
			expect(&syn, shape == 3 ? "AIX" : "HP-UX", LEARN_COUNTED);
		}
	written();
	cr_expect_eq(count_of("sig ="), 3);
	cr_expect_eq(count_of("label ="), 2);
	cr_expect_eq(count_of(":HP-UX:learned"), 1);
}

/* Where every place is a shape that enough clients confirmed, there is none for another. */
Test(learn, full)
{
	for (unsigned shape = 0; shape < 64; shape++)
		for (unsigned number = 0; number < LEARN_VOTERS_MIN; number++) {
			struct syn syn = unknown(100 + shape);

			syn.src = client(number);
			expect(&syn, "HP-UX", LEARN_COUNTED);
		}
	for (unsigned i = 0; i < 16; i++) {
		struct syn syn = unknown(1000 + i);

		expect(&syn, "HP-UX", LEARN_FULL);
	}
}

/* One voter less, and they give way. */
Test(learn, nearly_full)
{
	for (unsigned shape = 0; shape < 64 + 8; shape++)
		for (unsigned number = 0; number < LEARN_VOTERS_MIN - 1; number++) {
			struct syn syn = unknown(100 + shape);

			syn.src = client(number);
			expect(&syn, "HP-UX", LEARN_COUNTED);
		}
}

Test(learn, out_of_memory)
{
	struct learn_params params = {.max_shapes = 64, .vocab = vocab};
	struct text_buf buf;
	unsigned failures = 0;
	struct learn *again;

	for (;; failures++) {
		alloc_fail_after(failures);
		again = learn_new(&params);
		if (!alloc_has_failed())
			break;
		cr_expect_null(again, "%u", failures);
	}
	cr_expect_geq(failures, 3);
	learn_free(again);
	learn_free(NULL);
	text_buf_init(&buf, text, sizeof(text));
	alloc_fail_after(0);
	cr_expect_eq(learn_put_text(learn, &buf), -ENOMEM);
	cr_expect(alloc_has_failed());
	cr_expect_eq(buf.len, 0);
}

Test(learn, results_have_names)
{
	static const char *const names[] = {"counted", "no claim", "lie", "voted", "full"};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		cr_expect_str_eq(learn_result_name((enum learn_result)i), names[i]);
}

Test(learn, counts_end_where_the_format_does)
{
	for (unsigned number = 0; number < 3000; number++) {
		struct syn syn = windows(number);

		add(&syn, "Windows");
	}
	cr_assert_not_null(strstr(written(), " @ 1000\n"), "%s", text);
}

static void vote(unsigned clients, unsigned networks, unsigned first)
{
	for (unsigned i = 0; i < clients; i++) {
		struct syn syn = unknown(7);

		syn.src = client((first + i % networks) | i / networks << 8);
		expect(&syn, "HP-UX", LEARN_COUNTED);
	}
}

Test(learn, a_liar_is_not_heard)
{
	vote(9, 9, 0);
	cr_assert_null(strstr(written(), "sig ="), "nine voters are too few: %s", text);
	vote(1, 1, 100);
	cr_assert_not_null(strstr(written(), " @ 4\n"), "%s", text);
}

Test(learn, four_networks_are_too_few)
{
	vote(200, 4, 0);
	cr_assert_null(strstr(written(), "sig ="), "%s", text);
}

Test(learn, a_network_counts_for_ten_at_the_most)
{
	float permille;

	vote(900, 9, 0);
	cr_assert_not_null(strstr(written(), ":0 @ "), "%s", text);
	cr_assert_eq(sscanf(strstr(text, ":0 @ "), ":0 @ %f", &permille), 1);
	cr_assert_leq(permille, 10 * LEARN_NETWORK_MAX * 0.4f, "%s", text);
	cr_assert_geq(permille, LEARN_NETWORKS_MIN * LEARN_NETWORK_MAX * 0.4f, "%s", text);
}

/* A share that not one voter makes is no shape. */
Test(learn, takes_nothing_of_nothing)
{
	struct sigdb *db = sigdb_new(vocab);
	char least[4096], *share;

	vote(50, 5, 0);
	snprintf(least, sizeof(least), "%s", written());
	share = strstr(least, ":0 @ ");
	cr_assert_not_null(share);
	memcpy(share, ":0 @ 0.1\n", 10);
	cr_assert_eq(sigdb_load(db, least, strlen(least), NULL), 0);
	teardown();
	setup();
	learn_take(learn, 5000, db);
	cr_expect_eq(used(), 0);
	sigdb_free(db);
	db = sigdb_new(vocab);
	memcpy(share, ":0 @ 0.4\n", 10);
	cr_assert_eq(sigdb_load(db, least, strlen(least), NULL), 0);
	learn_take(learn, 5000, db);
	cr_expect_eq(used(), 1, "one voter");
	sigdb_free(db);
}

/* What was written counts for as many networks again as it takes, and one more is one more. */
Test(learn, networks_of_what_was_written)
{
	struct sigdb *db = sigdb_new(vocab);
	char first[4096];

	vote(51, 6, 0);
	snprintf(first, sizeof(first), "%s", written());
	cr_expect_not_null(strstr(first, " @ 20.4\n"), "%s", first);
	cr_assert_eq(sigdb_load(db, first, strlen(first), NULL), 0);
	teardown();
	setup();
	learn_take(learn, 5000, db);
	cr_expect_str_eq(written(), first);
	vote(100, 1, 100);
	cr_expect_not_null(strstr(written(), " @ 28\n"), "%s", text);
	sigdb_free(db);
}

/* With what was learned of one shape: how sure is a SYN that is like it, but not the same? */
static struct match judge(const char *learned, const struct syn *syn)
{
	struct vocab *words = vocab_new();
	struct sigdb *db = shipped_db_load(words);
	struct text_error error = {0};
	struct match match;

	cr_assert_eq(sigdb_load(db, learned, strlen(learned), &error), 0, "%s", error.what);
	cr_assert_eq(sigdb_build(db), 0);
	match_syn(db, syn, &match);
	sigdb_free(db);
	vocab_free(words);
	return match;
}

Test(learn, a_claim_says_nothing_of_other_shapes)
{
	static const char nothing[] = "[tcp:request]\nfrom = learned\n";
	struct syn near = unknown(8), learned = unknown(7);
	struct match match;

	vote(200, 200, 0);
	cr_assert_eq(judge(nothing, &near).kind, MATCH_NONE);
	cr_assert_eq(judge(written(), &near).kind, MATCH_NONE, "one window is learned, not all");
	match = judge(text, &learned);
	cr_assert_neq(match.kind, MATCH_NONE);
	cr_assert_gt(match.class_prob[match.class_id], 0.8f);
}

static void claim_many(const char *class, unsigned clients, uint16_t window)
{
	struct ua_claim claim = claim_of(class);

	for (unsigned i = 0; i < clients; i++) {
		struct syn syn = unknown(window);

		syn.src = client(i);
		learn_add(learn, base, 1000, &syn, &claim);
	}
}

Test(learn, what_classes_weigh_at_this_site)
{
	struct vocab *words = vocab_new();
	struct sigdb *db = shipped_db_load(words);
	unsigned ios, macos;

	claim_many("iOS", 150, 1);
	claim_many("macOS", 50, 2);
	cr_assert_null(strstr(written(), "class ="), "two classes are no site");
	claim_many("Windows", 100, 3);
	cr_assert_not_null(strstr(written(), "class = iOS, Apple, 1.5\n"), "%s", text);
	cr_assert_not_null(strstr(text, "class = macOS, Apple, 0.5\n"), "%s", text);
	cr_assert_not_null(strstr(text, "class = Windows, Windows, 1\n"), "%s", text);
	claim_many("Android", 20, 4);
	cr_assert_not_null(strstr(written(), "class = Android, Linux, 0.2\n"), "a rare class: %s",
			   text);
	cr_assert_eq(sigdb_load(db, text, strlen(text), NULL), 0);
	cr_assert_eq(sigdb_build(db), 0);
	ios = (unsigned)vocab_find(words, VOCAB_CLASS, "iOS", 3);
	macos = (unsigned)vocab_find(words, VOCAB_CLASS, "macOS", 5);
	cr_expect_float_eq(sigdb_prior(db, ios), 3 * sigdb_prior(db, macos), 1e-4f);
	sigdb_free(db);
	vocab_free(words);
}
