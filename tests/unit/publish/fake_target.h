/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A target that does as it is told, for tests of who gives it something to do. */
#ifndef SYNPRINT_TESTS_UNIT_PUBLISH_FAKE_TARGET_H
#define SYNPRINT_TESTS_UNIT_PUBLISH_FAKE_TARGET_H

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "numbered.h"
#include "nap.h"
#include "publish/publisher.h"

#define OPS_MAX 4096

/* A target that does as it is told and keeps what was committed to it. */
struct fake {
	struct target target;
	pthread_mutex_t lock;
	int ensure_rc, commit_rc; /* commit_rc: as long as it is not 0 */
	int commit_once_rc; /* for the next commit alone */
	int delay_ms; /* of a commit */
	int is_shut; /* commits do not end */
	bool is_created, is_intact;
	bool is_half; /* one set of its pair is left out */
	bool keeps_all; /* what is removed is there all the same */
	unsigned ensures, commits;
	unsigned refusals; /* commits that were told that it is full */
	unsigned asked; /* for so many elements by the last question */
	size_t op_count;
	struct publish_op ops[OPS_MAX]; /* of commits that succeeded */
	unsigned walks,
		element_count; /* that a walk shows, the oldest first, without what was removed */
	unsigned next_walk_max; /* as many are shown by the next one alone */
	int next_walk_rc;
	unsigned dropped, entered, first_dropped; /* by drop() */
	struct addr last_entered;
};

static inline struct fake *fake_of(struct target *target)
{
	return (struct fake *)target;
}

static inline int fake_find(struct target *target, enum setops_version version,
			    struct text_error *ret_error)
{
	struct fake *fake = fake_of(target);
	int rc;

	pthread_mutex_lock(&fake->lock);
	fake->ensures++;
	rc = fake->is_created ? -ENOENT : fake->ensure_rc;
	fake->is_created = false;
	if (fake->ensure_rc < 0)
		text_error_set(ret_error, 0, 0, "%s", strerror(-fake->ensure_rc));
	if (version == SETOPS_V6 && fake->is_half) {
		text_error_set(ret_error, 0, 0, "there is no set vpn6");
		rc = -EINVAL;
	}
	pthread_mutex_unlock(&fake->lock);
	return rc;
}

static inline int fake_make(struct target *target, enum setops_version version,
			    struct text_error *ret_error)
{
	(void)target;
	(void)version;
	(void)ret_error;
	return 0;
}

/* With the lock held. */
static inline bool fake_has_removed(const struct fake *fake, const struct addr *addr)
{
	bool is_removed = false;

	for (size_t i = 0; i < fake->op_count; i++)
		if (addr_equal(&fake->ops[i].addr, addr))
			is_removed = fake->ops[i].kind == PUBLISH_REMOVE && !fake->keeps_all;
	return is_removed;
}

static inline bool fake_is_shut(struct fake *fake)
{
	bool is_shut;

	pthread_mutex_lock(&fake->lock);
	is_shut = fake->is_shut;
	pthread_mutex_unlock(&fake->lock);
	return is_shut;
}

/* What it is tested with is IPv4. */
static inline int fake_commit(struct target *target,
			      const struct setops_list lists[SETOPS_VERSIONS])
{
	const struct publish_op *ops = lists[SETOPS_V4].ops;
	size_t count = lists[SETOPS_V4].count;
	struct fake *fake = fake_of(target);
	unsigned delay_ms;
	int rc;

	pthread_mutex_lock(&fake->lock);
	delay_ms = (unsigned)fake->delay_ms;
	pthread_mutex_unlock(&fake->lock);
	sleep_ms(delay_ms);
	while (fake_is_shut(fake))
		sleep_ms(5);
	pthread_mutex_lock(&fake->lock);
	fake->commits++;
	rc = fake->commit_once_rc ? fake->commit_once_rc : fake->commit_rc;
	fake->commit_once_rc = 0;
	fake->refusals += target_is_full(rc);
	if (rc == 0 && fake->op_count + count <= OPS_MAX) {
		memcpy(fake->ops + fake->op_count, ops, count * sizeof(*ops));
		fake->op_count += count;
	}
	pthread_mutex_unlock(&fake->lock);
	return rc;
}

static inline int fake_ask(struct target *target, enum setops_version version,
			   const struct publish_op *ops, unsigned count)
{
	struct fake *fake = fake_of(target);
	bool is_intact;

	(void)ops;
	pthread_mutex_lock(&fake->lock);
	if (version == SETOPS_V4)
		fake->asked = count;
	is_intact = fake->is_intact;
	fake->is_intact = true;
	pthread_mutex_unlock(&fake->lock);
	return is_intact ? 0 : -ENOENT;
}

static inline int fake_walk(struct target *target, enum setops_version version,
			    const struct target_visitor *visitor)
{
	struct fake *fake = fake_of(target);
	struct target_element elements[OPS_MAX];
	unsigned count = 0, max;
	int rc;

	if (version == SETOPS_V6)
		return 0;
	pthread_mutex_lock(&fake->lock);
	max = fake->next_walk_max ? fake->next_walk_max : OPS_MAX;
	rc = fake->next_walk_rc;
	fake->next_walk_max = 0;
	fake->next_walk_rc = 0;
	for (unsigned i = 0; i < fake->element_count && count < max; i++) {
		elements[count] =
			(struct target_element){.addr = numbered(i), .left_ms = 10000 + i};
		count += !fake_has_removed(fake, &elements[count].addr);
	}
	fake->walks++;
	pthread_mutex_unlock(&fake->lock);
	for (unsigned i = 0; i < count; i++)
		visitor->visit(visitor->ctx, &elements[i]);
	return rc;
}

static inline int fake_drop(struct target *target, const struct publish_op *ops, size_t count)
{
	struct fake *fake = fake_of(target);

	pthread_mutex_lock(&fake->lock);
	fake->first_dropped = ops[0].addr.bytes[15];
	fake->last_entered = ops[count - 1].addr;
	for (size_t i = 0; i < count; i++)
		++*(ops[i].kind == PUBLISH_REMOVE ? &fake->dropped : &fake->entered);
	pthread_mutex_unlock(&fake->lock);
	return 0;
}

static inline const char *fake_explain(const struct target *target, int rc)
{
	(void)target;
	return strerror(-rc);
}

static inline int fake_remove(struct target *target, enum setops_version version)
{
	(void)target;
	(void)version;
	return 0;
}

static inline void fake_free(struct target *target)
{
	(void)target;
}

static const struct target_type fake_type = {
	.find = fake_find,
	.make = fake_make,
	.commit = fake_commit,
	.ask = fake_ask,
	.walk = fake_walk,
	.drop = fake_drop,
	.explain = fake_explain,
	.remove = fake_remove,
	.free = fake_free,
};

static inline void fake_init(struct fake *fake, const char *name4, const char *name6)
{
	const struct target_params params = {.name4 = name4,
					     .name6 = name6,
					     .has_port = true,
					     .timeout_s = 600};

	cr_assert_eq(target_init(&fake->target, &fake_type, &params, "fake", 16), 0);
	fake->is_intact = true;
	pthread_mutex_init(&fake->lock, NULL);
}

#endif
