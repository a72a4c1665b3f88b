/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What looks through a whole target: room in a set that is nearly full, and networks that go. */
#include "publish/publisher_turns.h"

/* As many as the fake's walk shows; what packets bring is counted until a look is due. */
static void bring(unsigned element_count, unsigned brought)
{
	struct fake *fake = &harness.fakes[0];

	pthread_mutex_lock(&fake->lock);
	fake->element_count = element_count;
	pthread_mutex_unlock(&fake->lock);
	for (unsigned i = 0; i < brought; i++)
		publisher_count_marked(harness.publisher, i % 2, (i + 1) % 2);
}

static unsigned read_locked(struct fake *fake, const unsigned *field)
{
	unsigned value;

	pthread_mutex_lock(&fake->lock);
	value = *field;
	pthread_mutex_unlock(&fake->lock);
	return value;
}

Test(publisher, a_tenth_is_kept_free)
{
	struct fake *fake = &harness.fakes[0];

	start(2, PATIENT_MS);
	hold(true); /* else it looks again a second later */
	bring(899, 899);
	sleep_ms(1500);
	cr_expect_eq(read_locked(fake, &fake->walks), 0, "nobody looks at what cannot be full");
	bring(899, 1);
	WAIT_FOR(read_locked(fake, &fake->walks) >= 1);
	sleep_ms(100);
	cr_expect_eq(read_locked(fake, &fake->dropped), 0);
	bring(900, 1);
	WAIT_FOR(events_of(PUBLISHER_RELIEVED) == 1); /* it is told when all is done */
	cr_expect_eq(read_locked(fake, &fake->dropped), 50, "a twentieth");
	cr_expect_eq(read_locked(fake, &fake->first_dropped), 1,
		     "the oldest, but who is confirmed");
	cr_expect_eq(stats().targets[0].relieved, 50);
	cr_expect_eq(publisher_freed(harness.publisher, 0), 50);
	cr_expect_eq(publisher_crowded(harness.publisher), 1);
	bring(100, 0);
	hold(false);
	WAIT_FOR(publisher_crowded(harness.publisher) == 0);
	cr_expect_eq(harness.fakes[1].walks, 0, "the other one has no size");
}

/* Where somebody found no room, those who were seen once make some, and he is tried again. */
Test(publisher, who_found_no_room_is_tried_again)
{
	struct fake *fake = &harness.fakes[0];
	struct addr back = numbered(8), stranger = numbered(9);

	start(2, PATIENT_MS);
	bring(300, 0);
	publisher_note(harness.publisher, PUBLISHER_NO_ROOM, 3, &back, 1);
	publisher_note(harness.publisher, PUBLISHER_NO_ROOM, 3, &stranger, 1);
	WAIT_FOR(events_of(PUBLISHER_RELIEVED) == 1);
	cr_expect_eq(read_locked(fake, &fake->dropped), 50);
	cr_expect_eq(read_locked(fake, &fake->entered), 1, "only who belongs there");
	cr_expect_eq(publisher_freed(harness.publisher, 0), 49);
	bring(100, 0);
	publisher_note(harness.publisher, PUBLISHER_NO_ROOM, 1, &back, 1);
	WAIT_FOR(read_locked(fake, &fake->entered) == 2);
	cr_expect_eq(read_locked(fake, &fake->dropped), 100);
	cr_expect_eq(harness.fakes[1].dropped, 0);
}

/* A set of prefixes has no other elements. */
Test(publisher, who_found_no_room_enters_with_his_prefix)
{
	struct fake *fake = &harness.fakes[0];
	struct addr addr, prefix;

	cr_assert_eq(addr_parse("2001:db8:1:2:3::4", &addr), 0);
	fake->target.params.prefix6 = 64;
	start(1, PATIENT_MS);
	publisher_note(harness.publisher, PUBLISHER_NO_ROOM, 1, &addr, 1);
	WAIT_FOR(read_locked(fake, &fake->entered) == 1);
	prefix = addr_mask(&addr, 64);
	cr_expect(addr_equal(&fake->last_entered, &prefix));
}

/* Of 40 elements, whoever remembers them: those of the network 10.0.0.0/28. */
static void sweep(void)
{
	struct addr_net net;

	cr_assert_eq(addr_net_parse("10.0.0.0/28", &net), 0);
	bring(40, 0);
	publisher_note(harness.publisher, PUBLISHER_SWEEP, UINT32_MAX, &net.addr, net.bits);
}

/* All of it goes; who came back stays. */
Test(publisher, a_network_is_swept_out)
{
	bool gone[256] = {false};

	start(1, PATIENT_MS);
	sweep();
	WAIT_FOR(read_locked(&harness.fakes[0], &harness.fakes[0].walks) == 2);
	cr_assert_eq(committed(&harness.fakes[0]), 15);
	for (unsigned i = 0; i < 15; i++) {
		cr_expect_eq(harness.fakes[0].ops[i].kind, PUBLISH_REMOVE);
		gone[harness.fakes[0].ops[i].addr.bytes[15]] = true;
	}
	for (unsigned i = 0; i < 256; i++)
		cr_expect_eq(gone[i], i < 16 && i != 8, "%u", i);
}

/* The kernel's table grew meanwhile, or somebody's commit ended the walk. */
Test(publisher, a_walk_that_missed_some_is_followed_by_others)
{
	struct fake *fake = &harness.fakes[0];

	for (int rc = 0; rc >= -EINTR; rc -= EINTR) {
		start(1, PATIENT_MS);
		fake->op_count = 0;
		fake->next_walk_max = 5;
		fake->next_walk_rc = rc;
		sweep();
		WAIT_FOR(committed(fake) == 15);
		publisher_stop(harness.publisher, NULL);
		harness.publisher = NULL;
	}
}

/* Each has its own rounds, however many networks are forgotten at once. */
Test(publisher, several_networks_are_swept_out_one_after_the_other)
{
	struct fake *fake = &harness.fakes[0];
	unsigned removals[256] = {0};

	fake->keeps_all = true;
	start(1, PATIENT_MS);
	bring(40, 0);
	for (unsigned i = 0; i < 3; i++) {
		struct addr addr = numbered(i);

		publisher_note(harness.publisher, PUBLISHER_SWEEP, 1, &addr, 32);
	}
	WAIT_FOR(committed(fake) == 24);
	for (unsigned i = 0; i < 24; i++)
		removals[fake->ops[i].addr.bytes[15]]++;
	for (unsigned i = 0; i < 3; i++)
		cr_expect_eq(removals[numbered(i).bytes[15]], 8, "%u: %u", i,
			     removals[numbered(i).bytes[15]]);
}

Test(publisher, what_cannot_be_swept_out_is_not_tried_for_ever)
{
	struct fake *fake = &harness.fakes[0];

	fake->keeps_all = true;
	start(1, PATIENT_MS);
	sweep();
	WAIT_FOR(read_locked(fake, &fake->walks) == 8);
	sleep_ms(100);
	cr_expect_eq(read_locked(fake, &fake->walks), 8);
}
