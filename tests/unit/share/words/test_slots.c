/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "share/words/slots.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "core/verdict/verdict.h"

static struct message suspect(uint32_t number)
{
	uint8_t bytes[4] = {10, (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number};

	return (struct message){.addr = addr_from_v4(bytes),
				.flags = VERDICT_VPN,
				.confidence_permille = 900,
				.label = "Linux"};
}

static uint16_t put(struct slots *slots, uint64_t now_s, uint32_t number, uint32_t left_s)
{
	struct message message = suspect(number);
	uint16_t slot = 0xdead;

	slots_put(slots, now_s, &message, left_s, &slot);
	return slot;
}

static unsigned used(const struct slots *slots)
{
	struct slots_stats stats;

	slots_get_stats(slots, &stats);
	return stats.used;
}

Test(slots, a_suspect_keeps_its_slot_and_is_published_when_there_is_news)
{
	struct slots *slots = slots_new(1);
	struct message message = suspect(1), got;
	uint16_t slot, again;
	uint32_t left_s;

	slots_set_epoch(slots, 50);
	cr_expect_eq(slots_put(slots, 100, &message, 60, &slot), 1);
	cr_assert_eq(slots_get(slots, 100, slot, &got, &left_s), 0);
	cr_expect_eq(left_s, 60);
	cr_expect_eq(got.epoch, 50);
	cr_expect_eq(got.seq, 1);
	cr_expect_eq(slots_put(slots, 110, &message, 60, &again), 0, "50 of 60 s are left");
	cr_expect_eq(again, slot);
	cr_assert_eq(slots_get(slots, 110, slot, &got, &left_s), 0);
	cr_expect_eq(left_s, 50, "what is published ends when it was said to");
	cr_expect_eq(slots_put(slots, 130, &message, 60, &again), 1, "30 of 60 s are left");
	message.flags |= VERDICT_SCANNER;
	cr_expect_eq(slots_put(slots, 131, &message, 60, &again), 1, "other flags");
	message.confidence_permille = 901;
	cr_expect_eq(slots_put(slots, 131, &message, 60, &again), 1, "another confidence");
	strcpy(message.label, "Windows");
	cr_expect_eq(slots_put(slots, 131, &message, 60, &again), 1, "another label");
	cr_assert_eq(slots_get(slots, 131, slot, &got, &left_s), 0);
	cr_expect_eq(got.seq, 5);
	cr_expect_eq(used(slots), 1);
	slots_free(slots);
}

Test(slots, a_withdrawn_one_leaves_a_tombstone_as_long_as_it_would_have_lasted)
{
	struct slots *slots = slots_new(1);
	struct message message = suspect(1), got;
	uint16_t slot = put(slots, 100, 1, 60), gone;
	uint32_t left_s;

	cr_expect_eq(slots_withdraw(slots, 120, &message.addr, &gone), 0);
	cr_expect_eq(gone, slot);
	cr_assert_eq(slots_get(slots, 120, slot, &got, &left_s), 0);
	cr_expect(got.is_gone);
	cr_expect_eq(left_s, 40);
	cr_expect_eq(used(slots), 0);
	cr_expect_eq(slots_withdraw(slots, 120, &message.addr, &gone), -ENOENT);
	slots_expire(slots, 159);
	cr_expect_eq(slots_get(slots, 159, slot, &got, &left_s), 0);
	slots_expire(slots, 160);
	cr_expect_eq(slots_get(slots, 160, slot, &got, &left_s), -ENOENT);
	slots_free(slots);
}

Test(slots, what_expires_is_free_again)
{
	struct slots *slots = slots_new(1);
	struct message got;
	uint32_t left_s;
	uint16_t slot = put(slots, 100, 1, 60);

	slots_expire(slots, 159);
	cr_expect_eq(used(slots), 1);
	cr_expect_eq(slots_get(slots, 160, slot, &got, &left_s), -ENOENT, "before it is swept");
	slots_expire(slots, 160);
	cr_expect_eq(used(slots), 0);
	slots_free(slots);
}

/* A slot that was just left may still be known somewhere: others are taken first. */
Test(slots, the_slot_that_is_free_longest_is_taken)
{
	struct slots *slots = slots_new(1);
	struct message first = suspect(0);
	uint16_t slot = put(slots, 1, 0, 60), gone;

	slots_withdraw(slots, 1, &first.addr, &gone);
	for (uint32_t i = 1; i < MESSAGE_SLOTS; i++)
		cr_assert_neq(put(slots, 1, i, 60), slot, "suspect %u", i);
	cr_expect_eq(put(slots, 1, MESSAGE_SLOTS, 60), slot);
	slots_free(slots);
}

Test(slots, the_one_that_expires_first_gives_way)
{
	struct slots *slots = slots_new(1);
	struct slots_stats stats;
	uint16_t victim = 0;

	for (uint32_t i = 0; i < MESSAGE_SLOTS; i++) {
		uint16_t slot = put(slots, 1, i, i == 777 ? 50 : 100 + i % 1000);

		victim = i == 777 ? slot : victim;
	}
	cr_expect_eq(put(slots, 1, 100000, 500), victim);
	slots_get_stats(slots, &stats);
	cr_expect_eq(stats.evicted, 1);
	cr_expect_eq(stats.used, MESSAGE_SLOTS);
	slots_free(slots);
}

/* Every address stays findable while others come and go around it. */
Test(slots, churn_loses_nothing)
{
	struct slots *slots = slots_new(3);
	static uint16_t where[3000];

	for (uint32_t i = 0; i < 3000; i++)
		where[i] = put(slots, 1, i, 1000 + i);
	for (uint32_t round = 0; round < 20; round++)
		for (uint32_t i = round % 3; i < 3000; i += 3) {
			struct message message = suspect(i);
			uint16_t slot;

			cr_assert_eq(slots_withdraw(slots, 2, &message.addr, &slot), 0);
			cr_assert_eq(slot, where[i]);
			where[i] = put(slots, 2, i, 1000 + i);
		}
	for (uint32_t i = 0; i < 3000; i++)
		cr_assert_eq(put(slots, 2, i, 1000 + i), where[i], "suspect %u", i);
	cr_expect_eq(used(slots), 3000);
	slots_expire(slots, 1 + 1000 + 1499);
	cr_expect_geq(used(slots), 1499);
	cr_expect_leq(used(slots), 1501);
	slots_free(slots);
}

Test(slots, what_a_broker_still_holds_comes_back)
{
	struct slots *slots = slots_new(1);
	struct message message = suspect(1), gone = {.is_gone = true}, got;
	uint32_t left_s;
	uint16_t slot;

	message.epoch = 70;
	message.seq = 9;
	slots_set_epoch(slots, 60);
	cr_expect_eq(slots_restore(slots, 100, 1234, &message, 30), 1);
	cr_expect_eq(slots_epoch(slots), 71, "what is said from here on is newer");
	cr_expect_eq(slots_restore(slots, 100, 1234, &message, 30), 0, "nothing new");
	cr_expect_eq(slots_put(slots, 100, &message, 30, &slot), 0);
	cr_expect_eq(slot, 1234, "it keeps its slot");
	message.seq = 8;
	cr_expect_eq(slots_restore(slots, 100, 1234, &message, 30), 0, "older");
	gone.epoch = 70;
	gone.seq = 10;
	cr_expect_eq(slots_restore(slots, 100, 1234, &gone, 30), 1, "withdrawn meanwhile");
	cr_expect_eq(used(slots), 0);
	cr_assert_eq(slots_get(slots, 100, 1234, &got, &left_s), 0);
	cr_expect(got.is_gone);
	message.seq = 11;
	cr_expect_eq(slots_restore(slots, 100, 77, &message, 0), 0, "expired");
	slots_free(slots);
}

Test(slots, what_is_said_now_wins_over_what_was)
{
	struct slots *slots = slots_new(1);
	struct message before = suspect(2), now = suspect(1), got;
	uint16_t slot;
	uint32_t left_s;

	slots_set_epoch(slots, 10);
	slot = put(slots, 100, 1, 60);
	before.epoch = 99; /* the clock was ahead then */
	before.seq = 1;
	cr_expect_eq(slots_restore(slots, 100, slot, &before, 60), 1,
		     "said again, with a newer number");
	cr_assert_eq(slots_get(slots, 100, slot, &got, &left_s), 0);
	cr_expect(message_is_newer(&got, &before));
	cr_expect(addr_equal(&got.addr, &now.addr));
	slots_free(slots);
}

Test(slots, one_address_has_one_slot)
{
	struct slots *slots = slots_new(1);
	struct message message = suspect(1);

	put(slots, 100, 1, 60);
	message.epoch = message.seq = 5;
	cr_expect_eq(slots_restore(slots, 100, 999, &message, 60), 0);
	cr_expect_eq(used(slots), 1);
	slots_free(slots);
}
