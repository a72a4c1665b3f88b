/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pairs of sets; see target.h. */
#include "publish/target.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sys/clock.h"

static bool is_name(const char *name, size_t size)
{
	return !name || (*name && strlen(name) < size);
}

int target_init(struct target *target, const struct target_type *type,
		const struct target_params *params, const char *kind, size_t name_size)
{
	const char *name4 = params->name4 ? params->name4 : "";
	const char *name6 = params->name6 ? params->name6 : "";

	if ((!*name4 && !*name6) || !is_name(params->name4, name_size) ||
	    !is_name(params->name6, name_size) || params->timeout_s == 0)
		return -EINVAL;
	target->type = type;
	target->params = *params;
	target->params.name4 = target->params.name6 = target->params.table = NULL;
	if (!params->prefix6)
		target->params.prefix6 = 128;
	snprintf(target->sets[SETOPS_V4], sizeof(target->sets[0]), "%s", name4);
	snprintf(target->sets[SETOPS_V6], sizeof(target->sets[0]), "%s", name6);
	snprintf(target->name, sizeof(target->name), "%s %s%s%s", kind, name4,
		 *name4 && *name6 ? "/" : "", name6);
	return 0;
}

/* Whether there is such a set for us. */
static bool is_used(const struct target *target, enum setops_version version)
{
	return target->sets[version][0] && !target->is_out[version];
}

static int ensure_set(struct target *target, enum setops_version version, bool *is_created,
		      struct text_error *ret_error)
{
	int rc = target->type->find(target, version, ret_error);

	if (rc == -ENOENT && !target->params.is_foreign) {
		ret_error->what[0] = '\0';
		rc = target->type->make(target, version, ret_error);
		*is_created |= rc == 0;
	}
	*is_created |= target->is_out[version] && rc == 0;
	target->is_out[version] = rc < 0;
	if (rc < 0 && !ret_error->what[0])
		text_error_set(ret_error, 0, 0, "%s", target->type->explain(target, rc));
	return rc;
}

/* One good set is enough, the first bad one is told, and what is no fault of a set ends it. */
int target_ensure(struct target *target, bool *ret_created, struct text_error *ret_error)
{
	bool is_good = false, is_created = false;
	int first_rc = 0;

	for (int v = 0; v < SETOPS_VERSIONS; v++) {
		struct text_error error = {.what = ""};
		int rc;

		if (!target->sets[v][0])
			continue;
		rc = ensure_set(target, v, &is_created, &error);
		is_good |= rc == 0;
		if (rc < 0 && !first_rc && ret_error)
			*ret_error = error;
		if (rc < 0 && rc != -ENOENT && rc != -EINVAL)
			return rc;
		first_rc = first_rc ? first_rc : rc;
	}
	if (is_good)
		*ret_created = is_created;
	return is_good ? 0 : first_rc;
}

static void split(const struct target *target, const struct publish_op *ops, size_t count,
		  struct setops *ret)
{
	setops_split(ops, count, target->params.has_port, target->params.prefix6, ret);
	for (int v = 0; v < SETOPS_VERSIONS; v++)
		if (!is_used(target, v))
			ret->lists[v].count = 0;
}

int target_commit(struct target *target, const struct publish_op *ops, size_t count)
{
	int full_rc = 0;

	for (size_t done = 0; done < count; done += SETOPS_MAX) {
		size_t rest = count - done;
		struct setops setops;
		int rc;

		split(target, ops + done, rest < SETOPS_MAX ? rest : SETOPS_MAX, &setops);
		rc = target->type->commit(target, setops.lists);
		if (target_is_full(rc))
			full_rc = rc;
		else if (rc < 0)
			return rc;
	}
	return full_rc;
}

bool target_is_full(int rc)
{
	return rc == -ENFILE || rc == -ENOSPC;
}

/* One that was left out is to be taken in as soon as it fits, and one of ours is made where it is gone. */
static bool is_back(struct target *target, enum setops_version version)
{
	int rc = target->is_out[version] ? target->type->find(target, version, NULL) : -EINVAL;

	return rc == 0 || (rc == -ENOENT && !target->params.is_foreign);
}

static int look_at(struct target *target, enum setops_version version)
{
	struct witnesses *witnesses = &target->witnesses[version];
	struct publish_op ops[SETOPS_WITNESSES];
	unsigned count = witnesses_list(witnesses, clock_monotonic_ms(), ops);
	int rc = target->type->ask(target, version, ops, count);

	if (rc == 0 || rc == -ENOENT)
		witnesses_looked(witnesses, rc == 0);
	if (rc == 0 && target->type->expire)
		rc = target->type->expire(target, version);
	return rc;
}

int target_check(struct target *target, bool *ret_intact)
{
	bool is_intact = true;

	for (int v = 0; v < SETOPS_VERSIONS; v++) {
		int rc = is_used(target, v) ? look_at(target, v) : 0;

		if (rc == -ENOENT || is_back(target, v))
			is_intact = false;
		else if (rc < 0)
			return rc;
	}
	*ret_intact = is_intact;
	return 0;
}

void target_note(struct target *target, const struct publish_op *op)
{
	uint32_t timeout_s = target->params.timeout_s;
	uint64_t now_ms = clock_monotonic_ms();
	struct setops setops;

	split(target, op, 1, &setops);
	for (int v = 0; v < SETOPS_VERSIONS; v++) {
		const struct setops_list *list = &setops.lists[v];

		if (list->count && target->type->ask(target, v, list->ops, 1) == 0)
			witnesses_note(&target->witnesses[v], list, timeout_s - (timeout_s + 7) / 8,
				       now_ms);
	}
}

int target_walk(struct target *target, const struct target_visitor *visitor)
{
	int rc = 0;

	for (int v = 0; v < SETOPS_VERSIONS && rc == 0; v++)
		if (is_used(target, v))
			rc = target->type->walk(target, v, visitor);
	return rc;
}

int target_remove(struct target *target)
{
	int first_rc = 0;

	for (int v = 0; v < SETOPS_VERSIONS; v++) {
		int rc = target->sets[v][0] ? target->type->remove(target, v) : 0;

		if (rc < 0 && rc != -EBUSY && first_rc == 0)
			first_rc = rc;
	}
	return first_rc;
}
