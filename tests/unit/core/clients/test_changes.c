/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which changes of a client's verdict are told, when, and which together. */
#include "core/clients/changes.h"

#include "core/clients/table.h"

struct told {
	unsigned count;
	struct changes_item last;
};

static struct changes *changes;
static struct told told;

static void setup_changes(void)
{
	changes = changes_new(42);
	told = (struct told){0};
	cr_assert_not_null(changes);
}

static void teardown_changes(void)
{
	changes_free(changes);
}

TestSuite(changes, .init = setup_changes, .fini = teardown_changes);

static struct verdict old; /* of the one that was taken last */

static bool take(uint32_t client, unsigned after_ms, struct verdict verdict)
{
	struct addr addr = numbered(client);
	struct changes_item item = {.now_ms = NOW_MS + after_ms,
				    .syn = syn_from(addr, 1, after_ms),
				    .verdict = verdict,
				    .old_verdict = verdict_of(9, 0)};
	bool is_now = changes_take(changes, &addr, &item);

	old = item.old_verdict;
	return is_now;
}

static void note(void *ctx, const struct changes_item *item)
{
	struct told *is = ctx;

	is->count++;
	is->last = *item;
}

static unsigned settle(unsigned after_ms)
{
	told.count = 0;
	changes_settle(changes, NOW_MS + after_ms, note, &told);
	return told.count;
}

Test(changes, the_first_is_told_at_once_and_the_newest_later)
{
	cr_expect(take(1, 0, verdict_of(1, 0)));
	cr_expect_not(take(1, 1, verdict_of(2, 0)));
	cr_expect_not(take(1, CHANGES_QUIET_MS - 1, verdict_of(3, 0)));
	cr_expect_eq(changes_held(changes), 2);
	cr_expect_eq(settle(CHANGES_QUIET_MS - 1), 0);
	cr_expect_eq(settle(CHANGES_QUIET_MS), 1);
	cr_expect_eq(told.last.verdict.class_id, 3);
	cr_expect_eq(told.last.old_verdict.class_id, 1, "what was told before it");
	cr_expect_eq(told.last.syn.seq, CHANGES_QUIET_MS - 1);
	cr_expect_eq(settle(3 * CHANGES_QUIET_MS), 0, "once");
}

Test(changes, what_was_told_late_begins_another_while)
{
	take(1, 0, verdict_of(1, 0));
	take(1, 1, verdict_of(2, 0));
	settle(CHANGES_QUIET_MS);
	cr_expect_not(take(1, 2 * CHANGES_QUIET_MS - 1, verdict_of(1, 0)));
	cr_expect_eq(settle(2 * CHANGES_QUIET_MS), 1);
	cr_expect(take(1, 3 * CHANGES_QUIET_MS, verdict_of(2, 0)));
}

Test(changes, who_says_again_what_was_told_is_not_told_again)
{
	take(1, 0, verdict_of(1, 0));
	cr_expect_not(take(1, 1, verdict_of(2, 0)));
	cr_expect_not(take(1, 2, verdict_of(1, 0)));
	cr_expect_eq(settle(CHANGES_QUIET_MS), 0);
}

/* Else a SYN that is not worth a word would hide the one behind it. */
Test(changes, a_flag_or_a_grade_that_was_not_told_is_told)
{
	struct verdict graded = verdict_of(1, 0);

	cr_expect(take(1, 0, verdict_of(1, 0)));
	cr_expect_not(take(1, 1, verdict_of(2, 0)));
	cr_expect(take(1, 2, verdict_of(1, VERDICT_SCANNER)));
	cr_expect(take(1, 3, verdict_of(1, VERDICT_VPN | VERDICT_SCANNER)));
	cr_expect_not(take(1, 4, verdict_of(2, VERDICT_VPN)), "each once");
	graded.grade = LINK_POSSIBLE;
	cr_expect(take(1, 5, graded));
	graded.grade = LINK_ACCESS;
	cr_expect_not(take(1, 6, graded));
	cr_expect_eq(settle(CHANGES_QUIET_MS), 1);
	cr_expect_eq(told.last.verdict.grade, LINK_ACCESS);
	cr_expect(take(1, CHANGES_QUIET_MS + 1, verdict_of(1, VERDICT_SCANNER)), "and anew");
}

Test(changes, a_confirmation_ends_what_waited)
{
	struct addr addr = numbered(1);
	struct verdict confirmed = verdict_of(1, VERDICT_VPN);

	take(1, 0, verdict_of(3, 0));
	take(1, 1, verdict_of(2, 0));
	changes_note(changes, &addr, &confirmed);
	cr_expect_eq(settle(CHANGES_QUIET_MS), 0);
	take(2, 0, verdict_of(3, 0));
	changes_note(changes, &addr, &confirmed);
	cr_expect_not(take(2, 1, verdict_of(1, 0)));
	cr_expect_eq(settle(CHANGES_QUIET_MS), 1, "of others it says nothing");
}

/* Whoever was told the one waits to hear that it is over, though another one came between. */
Test(changes, what_was_told_before_is_said)
{
	cr_expect(take(1, 0, verdict_of(1, VERDICT_VPN)));
	cr_expect_eq(old.class_id, 9);
	cr_expect_not(take(1, 1, verdict_of(2, 0)));
	cr_expect(take(1, 2, verdict_of(3, VERDICT_SCANNER)));
	cr_expect_eq(old.class_id, 1);
	cr_expect_eq(old.flags, VERDICT_VPN);
	cr_expect_not(take(1, 3, verdict_of(4, 0)));
	cr_expect_not(take(1, 2 + CHANGES_QUIET_MS, verdict_of(5, 0)), "in the place of the other");
	cr_expect_eq(settle(2 + CHANGES_QUIET_MS), 1);
	cr_expect_eq(told.last.old_verdict.class_id, 3);
}

/* Such as one that was forgotten: what it was before is no news by which it could seem the same. */
Test(changes, a_new_client_is_told)
{
	struct addr addr = numbered(1);
	struct verdict first = verdict_of(1, 0);

	take(1, 0, verdict_of(2, 0));
	changes_note(changes, &addr, &first);
	cr_expect_not(take(1, 1, verdict_of(2, 0)));
	cr_expect_eq(settle(CHANGES_QUIET_MS), 1);
	cr_expect_eq(told.last.old_verdict.class_id, 1);
}

Test(changes, clients_do_not_wait_for_each_other)
{
	unsigned told_now = 0, again = 0;

	for (uint32_t i = 0; i < 2 * CHANGES_CLIENTS; i++)
		told_now += take(i, 0, verdict_of(1, 0));
	cr_expect_eq(told_now, 2 * CHANGES_CLIENTS);
	for (uint32_t i = 0; i < 2 * CHANGES_CLIENTS; i++)
		again += take(i, 1, verdict_of(2, 0));
	cr_expect_eq(again + changes_held(changes), 2 * CHANGES_CLIENTS);
	cr_expect_geq(changes_held(changes), CHANGES_CLIENTS * 3 / 4, "most have a place");
	cr_expect_eq(settle(CHANGES_QUIET_MS), changes_held(changes), "and nobody is forgotten");
}

Test(changes, what_waits_gives_its_place_to_nobody)
{
	struct addr first = numbered(1);

	take(1, 0, verdict_of(1, 0));
	take(1, 1, verdict_of(2, 0));
	for (uint32_t other = 2; other < 8 * CHANGES_CLIENTS; other++)
		cr_assert(take(other, CHANGES_QUIET_MS, verdict_of(1, 0)));
	cr_expect_eq(settle(CHANGES_QUIET_MS), 1);
	cr_expect(addr_equal(&told.last.syn.src, &first));
}

Test(changes, no_memory_is_said)
{
	alloc_fail_after(0);
	cr_expect_null(changes_new(1));
	cr_expect(alloc_has_failed());
	changes_free(NULL);
}
