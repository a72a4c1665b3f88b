/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "alloc.h"
#include "publish/channel.h"
#include "publish/publisher_turns.h"

Test(publisher, is_published_when_submit_returns)
{
	start(2, PATIENT_MS);
	for (unsigned i = 0; i < 50; i++) {
		cr_assert(submit(i % 2, i, i % 3 + 1));
		cr_assert_eq(committed(&harness.fakes[0]) + committed(&harness.fakes[1]),
			     stats().targets[0].added + stats().targets[1].added);
	}
	cr_expect_eq(committed(&harness.fakes[0]), 33);
	cr_expect_eq(committed(&harness.fakes[1]), 33);
	cr_expect_eq(stats().bursts, 50);
	cr_expect_eq(stats().late, 0);
	cr_expect_eq(stats().lost, 0);
}

Test(publisher, each_target_gets_its_own_operations)
{
	const struct publish_op *ops = harness.fakes[0].ops;
	const struct publish_burst burst = {.count = 3,
					    .items = {{.addr = numbered(1), .port = 7, .add = 1},
						      {.addr = numbered(2), .refresh = 3},
						      {.addr = numbered(3),
						       .remove = 1,
						       .add = 2}}};

	start(2, PATIENT_MS);
	cr_assert_eq(publisher_publish(harness.publisher, 0, &burst, true), 0);
	cr_assert_eq(committed(&harness.fakes[0]), 3);
	cr_expect_eq(ops[0].kind, PUBLISH_ADD);
	cr_expect_eq(ops[0].port, 7);
	cr_expect(addr_equal(&ops[0].addr, &burst.items[0].addr));
	cr_expect_eq(ops[1].kind, PUBLISH_REFRESH);
	cr_expect_eq(ops[2].kind, PUBLISH_REMOVE);
	cr_assert_eq(committed(&harness.fakes[1]), 2);
	cr_expect_eq(harness.fakes[1].ops[0].kind, PUBLISH_REFRESH);
	cr_expect_eq(harness.fakes[1].ops[1].kind, PUBLISH_ADD);
	cr_expect_eq(stats().targets[0].removed, 1);
	cr_expect_eq(stats().targets[1].refreshed, 1);
}

static uint64_t submit_timed(unsigned number)
{
	uint64_t before_ms = now_ms();

	cr_assert(submit(0, number, 1));
	return now_ms() - before_ms;
}

Test(publisher, nobody_waits_beyond_the_deadline)
{
	const unsigned deadline_ms = 5 * DEADLINE_MS;
	uint64_t took_ms, shortest_ms = UINT64_MAX;

	start(1, deadline_ms);
	set(&harness.fakes[0], &harness.fakes[0].is_shut, 1);
	took_ms = submit_timed(1);
	cr_expect_geq(took_ms, deadline_ms);
	cr_expect_lt(took_ms, 10 * deadline_ms);
	cr_expect_eq(stats().late, 1);
	for (unsigned i = 2; i < 5; i++) {
		took_ms = submit_timed(i);
		shortest_ms = took_ms < shortest_ms ? took_ms : shortest_ms;
	}
	cr_expect_lt(shortest_ms, deadline_ms, "a slow commit holds up one burst only");
	cr_expect_eq(stats().late, 4);
	set(&harness.fakes[0], &harness.fakes[0].is_shut, 0);
	WAIT_FOR(committed(&harness.fakes[0]) == 4);
	cr_expect_eq(stats().targets[0].failed, 0, "late is not lost");
}

Test(publisher, bursts_without_room_are_lost_and_counted)
{
	const struct publish_burst removal = {.count = 1,
					      .items = {{.addr = numbered(9), .remove = 1}}};
	unsigned taken = 0;

	start(1, DEADLINE_MS);
	set(&harness.fakes[0], &harness.fakes[0].is_shut, 1);
	while (taken < 100 && submit(0, taken, 1))
		taken++;
	cr_expect_lt(taken, 100);
	cr_expect_eq(publisher_publish(harness.publisher, 0, &removal, true), -EAGAIN);
	cr_expect_eq(stats().lost, 2);
	cr_expect_eq(stats().targets[0].waiting, 1, "what was to go goes later");
	cr_expect(submit(1, 200, 1), "another worker has room of its own");
	set(&harness.fakes[0], &harness.fakes[0].is_shut, 0);
	WAIT_FOR(committed(&harness.fakes[0]) == taken + 2);
	cr_expect_eq(stats().targets[0].waiting, 0);
	cr_expect(submit(0, 201, 1));
}

Test(publisher, does_not_wait_where_it_need_not)
{
	const struct publish_burst burst = {.count = 1,
					    .items = {{.addr = numbered(1), .refresh = 1}}};
	uint64_t before;

	start(1, PATIENT_MS);
	set(&harness.fakes[0], &harness.fakes[0].is_shut, 1);
	before = now_ms();
	cr_assert_eq(publisher_publish(harness.publisher, 0, &burst, false), 0);
	cr_expect_lt(now_ms() - before, PATIENT_MS);
	cr_expect_eq(stats().late, 0);
	set(&harness.fakes[0], &harness.fakes[0].is_shut, 0);
	WAIT_FOR(committed(&harness.fakes[0]) == 1);
}

Test(publisher, a_failing_target_harms_no_other)
{
	start(2, PATIENT_MS);
	set(&harness.fakes[0], &harness.fakes[0].commit_rc, -EPERM);
	set(&harness.fakes[0], &harness.fakes[0].ensure_rc,
	    -EPERM); /* nor is it repaired meanwhile */
	for (unsigned i = 0; i < 10; i++)
		cr_assert(submit(0, i, 3));
	cr_expect_eq(committed(&harness.fakes[0]), 0);
	cr_expect_eq(committed(&harness.fakes[1]), 10);
	cr_expect(stats().targets[0].is_quarantined);
	cr_expect_not(stats().targets[1].is_quarantined);
	cr_expect_eq(stats().targets[0].failed, 10);
	cr_expect_eq(harness.fakes[0].commits, 1, "nothing is sent to it in quarantine");
	cr_expect_eq(events_of(PUBLISHER_FAILED), 1, "told once");
	cr_expect_str_eq(harness.events.what, strerror(EPERM));
	cr_expect_str_eq(stats().targets[0].reason, strerror(EPERM));
	cr_expect_str_eq(stats().targets[1].reason, "");
}

Test(publisher, recovers_and_is_filled_again)
{
	harness.live_count = 1300; /* more than two steps of a repair */
	start(1, PATIENT_MS);
	WAIT_FOR(committed(&harness.fakes[0]) == 1300);
	set(&harness.fakes[0], &harness.fakes[0].commit_once_rc, -EIO);
	set(&harness.fakes[0], &harness.fakes[0].ensure_rc, -EPERM);
	cr_assert(submit(0, 5000, 1));
	cr_expect(stats().targets[0].is_quarantined);
	set(&harness.fakes[0], &harness.fakes[0].ensure_rc, 0);
	WAIT_FOR(events_of(PUBLISHER_RECOVERED) == 1);
	cr_expect_eq(committed(&harness.fakes[0]), 2600);
	cr_expect_not(stats().targets[0].is_quarantined);
	cr_expect_eq(stats().targets[0].refills, 2);
	cr_expect_eq(harness.fakes[0].ops[2599].timeout_s, 9, "with the timeout that is left");
	cr_assert(submit(0, 5001, 1));
	cr_expect_eq(committed(&harness.fakes[0]), 2601);
}

Test(publisher, a_target_that_is_gone_is_made_and_committed_again)
{
	harness.live_count = 3;
	start(1, PATIENT_MS);
	WAIT_FOR(committed(&harness.fakes[0]) == 3);
	pthread_mutex_lock(&harness.fakes[0].lock);
	harness.fakes[0].is_created = true;
	harness.fakes[0].commit_once_rc = -ENOENT;
	pthread_mutex_unlock(&harness.fakes[0].lock);
	cr_assert(submit(0, 100, 1));
	cr_expect_geq(committed(&harness.fakes[0]), 4, "the burst itself is not lost");
	cr_expect_eq(stats().targets[0].failed, 0);
	cr_expect_not(stats().targets[0].is_quarantined);
	WAIT_FOR(committed(&harness.fakes[0]) == 7);
	cr_expect_eq(events_of(PUBLISHER_DRIFTED), 1);
	cr_expect_eq(events_of(PUBLISHER_FAILED), 0);
}

Test(publisher, a_flushed_target_is_filled_again)
{
	harness.live_count = 2;
	start(1, PATIENT_MS);
	WAIT_FOR(committed(&harness.fakes[0]) == 2);
	pthread_mutex_lock(&harness.fakes[0].lock);
	harness.fakes[0].is_intact = false;
	pthread_mutex_unlock(&harness.fakes[0].lock);
	WAIT_FOR(committed(&harness.fakes[0]) == 4);
	cr_expect_eq(events_of(PUBLISHER_DRIFTED), 1);
}

/* It went by a packet, which tells nobody. */
Test(publisher, who_left_by_a_packet_gives_no_flush_away)
{
	struct publisher_params params = {.targets = harness.targets,
					  .target_count = 1,
					  .marked = 1,
					  .emptied = 1,
					  .ctx = &harness.events,
					  .belongs = belongs,
					  .event = on_event};
	struct publish_op ops[1] = {{.port = 0}};
	struct channel channel = {.number = 0};
	bool is_retired = false;

	channel_init(&channel, &params, 0, ops, &is_retired);
	for (unsigned number = 7; number <= 8; number++)
		target_note(harness.targets[0], &(struct publish_op){.addr = numbered(number),
								     .port = 40000,
								     .kind = PUBLISH_ADD});
	channel_reconcile(&channel);
	cr_expect_eq(harness.fakes[0].asked, 1, "who belongs there");
	params.emptied = 0;
	target_note(harness.targets[0],
		    &(struct publish_op){.addr = numbered(7), .port = 40000, .kind = PUBLISH_ADD});
	channel_reconcile(&channel);
	cr_expect_eq(harness.fakes[0].asked, 2, "and where nobody takes any out, both");
	channel_done(&channel);
}

Test(publisher, one_that_cannot_be_made_is_tried_again)
{
	harness.live_count = 2;
	harness.fakes[0].ensure_rc = -EPERM;
	start(2, PATIENT_MS);
	cr_expect_eq(events_of(PUBLISHER_FAILED), 1);
	cr_expect_str_eq(harness.events.what, strerror(EPERM));
	cr_assert(submit(0, 1, 3));
	WAIT_FOR(committed(&harness.fakes[1]) == 3);
	cr_expect_eq(committed(&harness.fakes[0]), 0);
	set(&harness.fakes[0], &harness.fakes[0].ensure_rc, 0);
	WAIT_FOR(events_of(PUBLISHER_RECOVERED) == 1);
	cr_expect_eq(committed(&harness.fakes[0]), 2);
}

Test(publisher, half_a_pair_is_told_and_filled)
{
	harness.live_count = 2;
	harness.fakes[0].is_half = true;
	start(1, PATIENT_MS);
	WAIT_FOR(committed(&harness.fakes[0]) == 2);
	cr_expect_eq(events_of(PUBLISHER_HALF), 1);
	cr_expect_not(stats().targets[0].is_quarantined);
	cr_expect_str_eq(stats().targets[0].reason, "there is no set vpn6");
	pthread_mutex_lock(&harness.fakes[0].lock);
	harness.fakes[0].is_half = harness.fakes[0].is_intact = false;
	harness.fakes[0].is_created = true;
	pthread_mutex_unlock(&harness.fakes[0].lock);
	WAIT_FOR(committed(&harness.fakes[0]) == 4);
	cr_expect_str_eq(stats().targets[0].reason, "");
	cr_expect_eq(events_of(PUBLISHER_HALF), 1);
	cr_expect_eq(events_of(PUBLISHER_RECOVERED), 1);
	cr_expect_eq(events_of(PUBLISHER_DRIFTED), 0);
}

static unsigned refusals(struct fake *fake)
{
	unsigned count;

	pthread_mutex_lock(&fake->lock);
	count = fake->refusals;
	pthread_mutex_unlock(&fake->lock);
	return count;
}

/* It goes on with what is in it; who had no room is tried again. */
Test(publisher, a_full_set_is_not_broken)
{
	static const int full[] = {-ENFILE, -ENOSPC};

	harness.live_count = 5;
	start(2, PATIENT_MS);
	WAIT_FOR(committed(&harness.fakes[0]) == 5 && committed(&harness.fakes[1]) == 5);
	for (unsigned i = 0; i < 2; i++) {
		set(&harness.fakes[i], &harness.fakes[i].commit_rc, full[i]);
		cr_assert(submit(0, i, 1u << i));
		cr_expect_not(stats().targets[i].is_quarantined);
		cr_expect(stats().targets[i].is_full);
		/* It is tried again each second. */
		WAIT_FOR(stats().targets[i].refused == refusals(&harness.fakes[i]));
		set(&harness.fakes[i], &harness.fakes[i].commit_rc, 0);
		cr_assert(submit(0, i, 1u << i));
		cr_expect_geq(committed(&harness.fakes[i]), 6, "the next commit is tried at once");
	}
	cr_expect_eq(events_of(PUBLISHER_FAILED), 0);
	cr_expect_eq(events_of(PUBLISHER_FULL), 2, "told once each");
	WAIT_FOR(committed(&harness.fakes[0]) >= 11 && committed(&harness.fakes[1]) >= 11);
	WAIT_FOR(!stats().targets[0].is_full);
}

/* Who is tried again in vain is no news; and where packets fill the set, nobody is. */
Test(publisher, a_set_that_stays_full_is_told_once)
{
	harness.marked = 2;
	harness.live_count = 5;
	start(2, PATIENT_MS);
	WAIT_FOR(committed(&harness.fakes[0]) == 5 && committed(&harness.fakes[1]) == 5);
	for (unsigned i = 0; i < 2; i++)
		set(&harness.fakes[i], &harness.fakes[i].commit_rc, -ENFILE);
	cr_assert(submit(0, 1, 3));
	WAIT_FOR(stats().targets[0].refused >= 3);
	cr_expect(stats().targets[0].is_full);
	cr_expect_eq(events_of(PUBLISHER_FULL), 2);
	cr_expect_eq(stats().targets[1].refused, 1);
	WAIT_FOR(!stats().targets[1].is_full);
}

/* What was to be removed while a set was left alone goes when it is back; who came again stays. */
Test(publisher, removals_are_not_lost)
{
	const struct publish_burst burst = {.count = 3,
					    .items = {{.addr = numbered(7), .remove = 1},
						      {.addr = numbered(8), .remove = 1},
						      {.addr = numbered(9), .remove = 1}}};

	start(1, PATIENT_MS);
	set(&harness.fakes[0], &harness.fakes[0].commit_rc, -EPERM);
	set(&harness.fakes[0], &harness.fakes[0].ensure_rc, -EPERM);
	cr_assert(submit(0, 1, 1));
	cr_expect(stats().targets[0].is_quarantined);
	cr_assert_eq(publisher_publish(harness.publisher, 0, &burst, true), 0);
	cr_expect_eq(stats().targets[0].waiting, 3);
	set(&harness.fakes[0], &harness.fakes[0].commit_rc, 0);
	set(&harness.fakes[0], &harness.fakes[0].ensure_rc, 0);
	WAIT_FOR(stats().targets[0].waiting == 0 && committed(&harness.fakes[0]) == 2);
	for (unsigned i = 0; i < 2; i++) {
		cr_expect_eq(harness.fakes[0].ops[i].kind, PUBLISH_REMOVE);
		cr_expect_eq(harness.fakes[0].ops[i].addr.bytes[15], i ? 9 : 7);
	}
}

Test(publisher, stop_publishes_what_was_handed_over)
{
	start(1, DEADLINE_MS);
	set(&harness.fakes[0], &harness.fakes[0].delay_ms, 300);
	cr_assert(submit(0, 1, 1));
	cr_assert(submit(0, 2, 1));
	publisher_stop(harness.publisher, NULL);
	harness.publisher = NULL;
	cr_expect_eq(committed(&harness.fakes[0]), 2);
}

static void submit_removal(unsigned number, uint32_t bits)
{
	const struct publish_burst burst = {.count = 1,
					    .items = {{.addr = numbered(number), .remove = bits}}};

	cr_assert_eq(publisher_publish(harness.publisher, 0, &burst, true), 0);
}

/* Who came back meanwhile stays, which the successor's own rules decide. */
Test(publisher, removals_outlive_a_reload)
{
	struct publisher *old;

	start(2, PATIENT_MS);
	set(&harness.fakes[0], &harness.fakes[0].commit_rc, -EPERM);
	submit_removal(7, 1);
	submit_removal(8, 1);
	WAIT_FOR(stats().targets[0].waiting > 0);
	old = harness.publisher;
	start(2, PATIENT_MS);
	cr_expect_eq(stats().targets[0].waiting, 0);
	publisher_stop(old, harness.publisher);
	/* One is enough: the successor may have found out already that the other one came back. */
	WAIT_FOR(stats().targets[0].waiting > 0);
	cr_expect_eq(stats().targets[1].waiting, 0, "it is another target's");
	set(&harness.fakes[0], &harness.fakes[0].commit_rc, 0);
	WAIT_FOR(committed(&harness.fakes[0]) == 1);
	cr_expect_eq(harness.fakes[0].ops[0].kind, PUBLISH_REMOVE);
	cr_expect_eq(harness.fakes[0].ops[0].addr.bytes[15], 7);
}

/* What the old one could not take, or had no place for, may have come behind the successor's filling. */
Test(publisher, what_is_lost_in_a_reload_is_filled_again)
{
	struct publisher *old, *next;

	for (unsigned is_slow = 0; is_slow < 2; is_slow++) {
		struct fake *fake = &harness.fakes[0];

		harness.live_calls = 0;
		start(2, 1);
		old = harness.publisher;
		start(2, 1);
		next = harness.publisher;
		WAIT_FOR(__atomic_load_n(&harness.live_calls, __ATOMIC_RELAXED) == 4);
		publisher_retire(old);
		harness.publisher = old;
		set(fake, is_slow ? &fake->delay_ms : &fake->commit_rc, is_slow ? 200 : -EPERM);
		while (submit(0, 1, 1) && is_slow)
			continue;
		WAIT_FOR(is_slow || stats().targets[0].is_quarantined);
		set(fake, &fake->commit_rc, 0);
		set(fake, &fake->delay_ms, 0);
		publisher_stop(old, next);
		cr_expect_eq(events_of(PUBLISHER_FAILED), 0, "the next one takes elements");
		harness.publisher = next;
		WAIT_FOR(stats().targets[0].refills == 2 &&
			 stats().targets[1].refills == 1 + is_slow);
		publisher_stop(next, NULL);
		harness.publisher = NULL;
	}
}

/* It does not begin, or goes on without places for what is noted, which get theirs later. */
Test(publisher, without_memory)
{
	struct addr addr = numbered(7);
	unsigned failures = 0;

	for (bool has_failed = true; has_failed; failures++) {
		int rc;

		alloc_fail_after(failures);
		rc = try_to_start(2, DEADLINE_MS);
		has_failed = alloc_has_failed();
		cr_assert_eq(rc, failures < 2 ? -ENOMEM : 0, "allocation %u", failures);
		if (has_failed && rc == 0)
			publisher_stop(harness.publisher, NULL);
	}
	alloc_fail_after(0);
	publisher_note(harness.publisher, PUBLISHER_LOOK_AGAIN, 1, &addr, 0);
	cr_expect(alloc_has_failed());
	publisher_note(harness.publisher, PUBLISHER_LOOK_AGAIN, 1, &addr, 0);
	WAIT_FOR(committed(&harness.fakes[0]) == 1);
}
