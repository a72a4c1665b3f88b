/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Full sets, by what their rules refused. */
#include "input/rules_full.h"

#include <string.h>
#include <sys/param.h>

#define REFUSED_MIN 4 /* more than are between two counters in two looks */

_Static_assert(2 * RULES_SETS_MAX <= 64, "a bit for each set");

static uint64_t refused_by(const struct rules_set_counts *set)
{
	return set->tried > set->filled ? set->tried - set->filled : 0;
}

static bool note(struct rules_refusals *set, uint64_t refused, uint64_t now_ms)
{
	uint64_t both = MIN(refused, set->last);

	set->settled = MIN(set->settled, refused); /* fewer: the rules were made anew */
	if (both >= set->settled + REFUSED_MIN) {
		set->settled = both;
		set->full_ms = now_ms;
	}
	set->last = refused;
	return set->full_ms && now_ms - set->full_ms < RULES_FULL_MS;
}

/* What rules refused before they were looked at is nobody's news. */
static void begin(struct rules_full *full, const struct rules_status *status)
{
	memset(full, 0, sizeof(*full));
	full->fingerprint = status->fingerprint;
	for (unsigned i = 0; i < status->set_count; i++)
		full->sets[i].settled = full->sets[i].last = refused_by(&status->sets[i]);
}

uint64_t rules_full_note(struct rules_full *full, const struct rules_status *status,
			 uint64_t now_ms)
{
	uint64_t bits = 0, before;

	if (full->fingerprint != status->fingerprint)
		begin(full, status);
	for (unsigned i = 0; i < status->set_count; i++)
		if (note(&full->sets[i], refused_by(&status->sets[i]), now_ms))
			bits |= UINT64_C(1) << i;
	before = full->bits;
	full->bits = bits;
	return bits & ~before;
}

uint64_t rules_full_refused(const struct rules_status *status, uint64_t full, const char *name,
			    bool *ret_is_full)
{
	size_t len = strlen(name);
	uint64_t refused = 0;

	*ret_is_full = false;
	for (unsigned i = 0; i < status->set_count; i++) {
		const struct rules_set_counts *set = &status->sets[i];

		if (strncmp(set->name, name, len) != 0 || strlen(set->name) != len + 1)
			continue;
		refused += refused_by(set);
		*ret_is_full |= full >> i & 1;
	}
	return refused;
}
