/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "share/words/peers.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "core/verdict/verdict.h"

#define MOST 65536

static struct message word(uint8_t last, uint64_t epoch, uint64_t seq)
{
	uint8_t bytes[4] = {192, 0, 2, last};

	return (struct message){.epoch = epoch,
				.seq = seq,
				.addr = addr_from_v4(bytes),
				.flags = VERDICT_VPN};
}

static enum peers_result say(struct peers *peers, uint64_t now_s, struct peers_saying saying,
			     struct peers_change *ret_change)
{
	return peers_take(peers, now_s, &saying, ret_change);
}

static enum peers_result take(struct peers *peers, uint64_t now_s, const char *origin,
			      uint16_t slot, struct message message,
			      struct peers_change *ret_change)
{
	return say(peers, now_s, (struct peers_saying){origin, slot, &message, 60, MOST, false},
		   ret_change);
}

static unsigned live(const struct peers *peers, uint64_t now_s)
{
	struct peers_word found;
	uint32_t cursor = 0;
	unsigned count = 0;

	while (peers_next(peers, now_s, &cursor, &found))
		count++;
	return count;
}

Test(peers, the_newest_word_of_a_slot_counts)
{
	static const struct {
		uint8_t last;
		uint64_t epoch, seq;
		bool is_gone;
		enum peers_result result;
		int dropped; /* the last byte of the address, 0: none */
	} steps[] = {
		{1, 5, 1, false, PEERS_NEWS, 0}, {1, 5, 1, false, PEERS_OLD, 0},
		{2, 5, 0, false, PEERS_OLD, 0},  {2, 4, 9, false, PEERS_OLD, 0},
		{1, 5, 2, false, PEERS_NEWS, 0}, {2, 5, 3, false, PEERS_NEWS, 1},
		{0, 5, 4, true, PEERS_NEWS, 2},  {2, 5, 3, false, PEERS_OLD, 0},
		{0, 5, 5, true, PEERS_NEWS, 0},  {3, 6, 0, false, PEERS_NEWS, 0},
	};
	struct peers *peers = peers_new(16, 1);

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct message message = word(steps[i].last, steps[i].epoch, steps[i].seq);
		struct peers_change change = {.has_dropped = false};

		message.is_gone = steps[i].is_gone;
		cr_expect_eq(take(peers, 100, "gw1", 7, message, &change), steps[i].result,
			     "step %zu", i);
		cr_expect_eq(change.has_dropped, steps[i].dropped != 0, "step %zu", i);
		if (change.has_dropped)
			cr_expect_eq(change.dropped.bytes[15], steps[i].dropped, "step %zu", i);
	}
	cr_expect_eq(live(peers, 100), 1);
	peers_free(peers);
}

Test(peers, slots_and_origins_are_apart)
{
	struct peers *peers = peers_new(16, 1);
	struct peers_change change;
	struct peers_word found;
	uint32_t cursor = 0;

	cr_expect_eq(take(peers, 100, "gw1", 7, word(1, 1, 1), &change), PEERS_NEWS);
	cr_expect_eq(take(peers, 100, "gw2", 7, word(1, 1, 1), &change), PEERS_NEWS);
	cr_expect_eq(take(peers, 100, "gw1", 8, word(1, 1, 1), &change), PEERS_NEWS);
	cr_expect_eq(peers_count(peers), 3);
	cr_assert(peers_next(peers, 130, &cursor, &found));
	cr_expect_eq(found.left_s, 30);
	peers_free(peers);
}

Test(peers, what_expired_is_not_believed_and_makes_room)
{
	struct peers *peers = peers_new(1, 1);
	struct peers_change change;

	take(peers, 100, "gw1", 7, word(1, 1, 1), &change);
	cr_expect_eq(take(peers, 100, "gw1", 8, word(2, 1, 2), &change), PEERS_FULL);
	cr_expect_eq(live(peers, 159), 1);
	cr_expect_eq(live(peers, 160), 0);
	peers_expire(peers, 159);
	cr_expect_eq(peers_count(peers), 1);
	peers_expire(peers, 160);
	cr_expect_eq(peers_count(peers), 0);
	cr_expect_eq(take(peers, 160, "gw2", 8, word(2, 1, 2), &change), PEERS_NEWS);
	peers_free(peers);
}

/* The broker that was away brings a word that would have lasted longer than its successor. */
Test(peers, a_short_word_does_not_make_room_for_an_older_long_one)
{
	struct message old = word(1, 1, 1), next = word(2, 1, 2);
	struct peers *peers = peers_new(4, 1);
	struct peers_change change;

	cr_expect_eq(say(peers, 100, (struct peers_saying){"gw1", 7, &old, 3600, MOST, false},
			 &change),
		     PEERS_NEWS);
	cr_expect_eq(say(peers, 100, (struct peers_saying){"gw1", 7, &next, 10, MOST, false},
			 &change),
		     PEERS_NEWS);
	peers_expire(peers, 200);
	cr_expect_eq(live(peers, 200), 0);
	cr_expect_eq(say(peers, 200, (struct peers_saying){"gw1", 7, &old, 3500, MOST, false},
			 &change),
		     PEERS_OLD);
	peers_free(peers);
}

Test(peers, an_origin_has_a_share)
{
	struct peers *peers = peers_new(100, 1);
	struct message message = word(1, 1, 1);
	struct peers_change change;

	for (uint16_t slot = 0; slot < 10; slot++)
		cr_expect_eq(say(peers, 1,
				 (struct peers_saying){"gw1", slot, &message, 60, 10, false},
				 &change),
			     PEERS_NEWS);
	cr_expect_eq(say(peers, 1, (struct peers_saying){"gw1", 10, &message, 60, 10, false},
			 &change),
		     PEERS_FULL);
	message.seq = 2;
	cr_expect_eq(say(peers, 1, (struct peers_saying){"gw1", 9, &message, 60, 10, false},
			 &change),
		     PEERS_NEWS, "what is there can still change");
	cr_expect_eq(say(peers, 1, (struct peers_saying){"gw2", 10, &message, 60, 10, false},
			 &change),
		     PEERS_NEWS);
	peers_free(peers);
}

Test(peers, origins_are_bounded_and_given_back)
{
	struct peers *peers = peers_new(PEERS_ORIGINS_MAX + 10, 1);
	struct peers_change change;
	char name[MESSAGE_GATEWAY_MAX];

	for (int i = 0; i < PEERS_ORIGINS_MAX; i++) {
		snprintf(name, sizeof(name), "gw%d", i);
		cr_assert_eq(take(peers, 1, name, 0, word(1, 1, 1), &change), PEERS_NEWS);
	}
	cr_expect_eq(take(peers, 1, "more", 0, word(1, 1, 1), &change), PEERS_TOO_MANY);
	peers_expire(peers, 100);
	cr_expect_eq(take(peers, 100, "more", 0, word(1, 1, 1), &change), PEERS_NEWS);
	peers_free(peers);
}

Test(peers, a_refused_word_ends_the_one_before_and_takes_no_room)
{
	struct message old = word(1, 1, 1), next = word(2, 1, 2);
	struct peers *peers = peers_new(1, 1);
	struct peers_change change = {.has_dropped = false};

	next.is_gone = true;
	cr_expect_eq(say(peers, 1, (struct peers_saying){"gw1", 9, &next, 60, MOST, true}, &change),
		     PEERS_OLD);
	cr_expect_eq(peers_count(peers), 0);
	cr_expect_eq(say(peers, 1, (struct peers_saying){"gw1", 9, &old, 60, MOST, false}, &change),
		     PEERS_NEWS);
	cr_expect_eq(say(peers, 1, (struct peers_saying){"gw1", 9, &next, 60, MOST, true}, &change),
		     PEERS_NEWS);
	cr_expect(change.has_dropped);
	cr_expect_eq(live(peers, 1), 0);
	peers_free(peers);
}

Test(peers, many_come_and_go)
{
	struct peers *peers = peers_new(5000, 9);
	struct peers_change change;

	for (uint16_t slot = 0; slot < 5000; slot++) {
		struct message message = word(1, 1, 1);

		cr_assert_eq(say(peers, 0,
				 (struct peers_saying){"gw1", slot, &message, slot % 2 ? 10 : 20,
						       MOST, false},
				 &change),
			     PEERS_NEWS);
	}
	peers_expire(peers, 10);
	cr_expect_eq(peers_count(peers), 2500);
	for (uint16_t slot = 0; slot < 5000; slot++)
		cr_assert_eq(take(peers, 10, "gw1", slot, word(1, 1, 1), &change),
			     slot % 2 ? PEERS_NEWS : PEERS_OLD, "slot %u", slot);
	peers_free(peers);
}
