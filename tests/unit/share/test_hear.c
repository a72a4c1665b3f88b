/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "share/hear.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "core/verdict/verdict.h"

static struct share_config config;
static struct accept_own own;
static struct share_counts counts;
static struct hearer hearer;

static void begin(void)
{
	config = (struct share_config){
		.gateway = "me",
		.accept =
			{{.origin = "quiet", .flags = VERDICT_SCANNER, .most = 3, .expiry_s = 100},
			 {.origin = "gw*", .flags = 0, .most = 1, .expiry_s = 1},
			 {.origin = "gw1", .flags = VERDICT_VPN, .most = 2, .expiry_s = 50}},
		.accept_count = 3,
		.never_count = 1};
	addr_parse("203.0.113.0", &config.never[0].addr);
	config.never[0].bits = 24;
	own.count = 1;
	addr_parse("198.51.100.1", &own.addrs[0]);
	counts = (struct share_counts){.topics = 0};
	hearer = (struct hearer){.config = &config,
				 .own = &own,
				 .slots = slots_new(1),
				 .peers = peers_new(100, 1),
				 .counts = &counts};
}

static void end(void)
{
	slots_free(hearer.slots);
	peers_free(hearer.peers);
}

TestSuite(hear, .init = begin, .fini = end);

static struct letter letter_of(const char *topic, const char *payload, int left_s)
{
	struct letter letter = {.kind = LETTER_MESSAGE,
				.has_expiry = left_s >= 0,
				.left_s = left_s >= 0 ? (uint32_t)left_s : 0,
				.len = strlen(payload)};

	snprintf(letter.topic, sizeof(letter.topic), "%s", topic);
	memcpy(letter.payload, payload, letter.len);
	return letter;
}

static struct letter say(const char *gateway, unsigned slot, unsigned seq, const char *ip,
			 const char *flags)
{
	char topic[MESSAGE_TOPIC_MAX], payload[MESSAGE_PAYLOAD_MAX];

	snprintf(topic, sizeof(topic), "synprint/v1/%s/s/%04x", gateway, slot);
	snprintf(payload, sizeof(payload),
		 "{\"v\":1,\"epoch\":1,\"seq\":%u,\"ip\":\"%s\",\"flags\":[%s],\"label\":\"L\","
		 "\"confidence\":0.9}",
		 seq, ip, flags);
	return letter_of(topic, payload, 1000);
}

static struct heard heard_of(struct letter letter)
{
	struct heard heard;

	hear(&hearer, 10, &letter, &heard);
	return heard;
}

Test(hear, a_word_is_handed_on_under_the_topics_name_and_limited)
{
	struct heard heard = heard_of(say("gw1", 7, 1, "192.0.2.1", "\"vpn\",\"scanner\""));

	cr_assert_eq(heard.word_count, 1);
	cr_expect_str_eq(heard.words[0].origin, "gw1");
	cr_expect_eq(heard.words[0].message.flags, VERDICT_VPN, "the others are not believed");
	cr_expect_eq(heard.words[0].left_s, 50, "the rule's, not the message's 1000");
	cr_expect_eq(counts.taken[PEERS_NEWS], 1);
}

Test(hear, what_is_not_believed_is_counted_and_changes_nothing)
{
	static const struct {
		const char *gateway, *ip, *flags;
		enum accept_result result;
	} cases[] = {
		{"stranger", "192.0.2.1", "\"vpn\"", ACCEPT_FOREIGN},
		{"gw1", "192.0.2.1", "\"scanner\"", ACCEPT_FLAGS},
		{"gw1", "203.0.113.77", "\"vpn\"", ACCEPT_NEVER},
		{"gw1", "198.51.100.1", "\"vpn\"", ACCEPT_NEVER},
		{"gw1", "10.1.2.3", "\"vpn\"", ACCEPT_NEVER},
		{"gw1", "172.31.255.255", "\"vpn\"", ACCEPT_NEVER},
		{"gw1", "192.168.0.1", "\"vpn\"", ACCEPT_NEVER},
		{"gw1", "100.127.0.1", "\"vpn\"", ACCEPT_NEVER},
		{"gw1", "127.0.0.1", "\"vpn\"", ACCEPT_NEVER},
		{"gw1", "0.0.0.0", "\"vpn\"", ACCEPT_NEVER},
		{"gw1", "255.255.255.255", "\"vpn\"", ACCEPT_NEVER},
		{"gw1", "::", "\"vpn\"", ACCEPT_NEVER},
		{"gw1", "::1", "\"vpn\"", ACCEPT_NEVER},
		{"gw1", "fe80::1", "\"vpn\"", ACCEPT_NEVER},
		{"gw1", "fd00::1", "\"vpn\"", ACCEPT_NEVER},
		{"gw1", "ff02::1", "\"vpn\"", ACCEPT_NEVER},
		{"gw1", "::ffff:127.0.0.1", "\"vpn\"", ACCEPT_NEVER},
		{"gw1", "172.32.0.1", "\"vpn\"", ACCEPT_OK},
		{"gw1", "2001:db8::1", "\"vpn\"", ACCEPT_OK},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t before = counts.accepted[cases[i].result];
		struct heard heard = heard_of(
			say(cases[i].gateway, 7, (unsigned)i + 1, cases[i].ip, cases[i].flags));
		bool has_one = heard.word_count && heard.words[heard.word_count - 1].left_s;

		cr_expect_eq(counts.accepted[cases[i].result], before + 1, "case %zu", i);
		cr_expect_eq(has_one, cases[i].result == ACCEPT_OK, "case %zu", i);
	}
}

Test(hear, private_networks_can_be_allowed_and_special_ones_not)
{
	config.accepts_private = true;
	cr_expect_eq(heard_of(say("gw1", 1, 1, "10.0.0.1", "\"vpn\"")).word_count, 1);
	cr_expect_eq(heard_of(say("gw1", 2, 1, "127.0.0.1", "\"vpn\"")).word_count, 0);
}

Test(hear, a_word_that_is_not_believed_ends_the_one_before)
{
	struct heard heard;

	heard_of(say("gw1", 7, 1, "192.0.2.1", "\"vpn\""));
	heard = heard_of(say("gw1", 7, 2, "203.0.113.1", "\"vpn\""));
	cr_assert_eq(heard.word_count, 1);
	cr_expect_eq(heard.words[0].left_s, 0);
	cr_expect_eq(heard.words[0].message.addr.bytes[15], 1);
}

Test(hear, a_slot_that_changes_hands_withdraws_and_tells)
{
	struct heard heard;

	heard_of(say("gw1", 7, 1, "192.0.2.1", "\"vpn\""));
	heard = heard_of(say("gw1", 7, 2, "192.0.2.2", "\"vpn\""));
	cr_assert_eq(heard.word_count, 2);
	cr_expect_eq(heard.words[0].left_s, 0);
	cr_expect_eq(heard.words[0].message.addr.bytes[15], 1);
	cr_expect_eq(heard.words[1].message.addr.bytes[15], 2);
}

Test(hear, an_origin_that_talks_without_end_is_limited)
{
	for (unsigned slot = 0; slot < 10; slot++)
		heard_of(say("gw1", slot, 1, "192.0.2.1", "\"vpn\""));
	cr_expect_eq(counts.taken[PEERS_NEWS], 2);
	cr_expect_eq(counts.taken[PEERS_FULL], 8);
}

Test(hear, a_word_without_an_end_is_refused)
{
	struct letter letter = say("gw1", 7, 1, "192.0.2.1", "\"vpn\"");

	letter.has_expiry = false;
	cr_expect_eq(heard_of(letter).word_count, 0);
	cr_expect_eq(counts.accepted[ACCEPT_NO_EXPIRY], 1);
}

Test(hear, nonsense_is_counted_by_what_it_is)
{
	static const char topic[] = "synprint/v1/gw1/s/0001";
	struct letter letter = letter_of(topic, "{\"v\":1}", 10);

	heard_of(letter_of("other/topic", "{}", 10));
	heard_of(letter_of("synprint/v1/gw1/s/1", "{}", 10));
	cr_expect_eq(counts.topics, 2);
	heard_of(letter_of(topic, "no", 10));
	cr_expect_eq(counts.parsed[MESSAGE_NOT_JSON], 1);
	heard_of(letter_of(topic, "{\"v\":9,\"epoch\":1,\"seq\":1}", 10));
	cr_expect_eq(counts.parsed[MESSAGE_OTHER_VERSION], 1);
	letter.len = MESSAGE_PAYLOAD_MAX + 1;
	heard_of(letter);
	cr_expect_eq(counts.parsed[MESSAGE_TOO_LONG], 1);
	cr_expect_eq(peers_count(hearer.peers), 0);
}

Test(hear, what_is_ours_comes_back_and_the_mark_is_known)
{
	struct heard heard = heard_of(say("me", 9, 4, "192.0.2.9", "\"vpn\""));

	cr_expect(heard.is_restored);
	cr_expect_eq(heard.slot, 9);
	cr_expect_eq(heard.word_count, 0, "what we say ourselves is no report");
	cr_expect(heard_of(letter_of("synprint/v1/me/sync", "1", -1)).is_mark);
	cr_expect_not(heard_of(letter_of("synprint/v1/gw1/sync", "1", -1)).is_mark);
}
