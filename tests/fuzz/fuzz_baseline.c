/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a kept baseline: refused with nothing added, or taken and written again as a
 * baseline that is taken, too. Any text as names of networks.
 */
#include <stdlib.h>

#include "core/baseline/baseline.h"

#define NOW 1700000000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct baseline *make(void)
{
	struct baseline_params params = {.prefixes = 64,
					 .v4_prefix_bits = 16,
					 .v6_prefix_bits = 32,
					 .half_life_s = 86400};
	struct baseline *baseline = baseline_new(&params);

	if (!baseline)
		abort();
	return baseline;
}

static size_t used(struct baseline *baseline)
{
	struct baseline_stats stats;

	baseline_get_stats(baseline, &stats);
	return stats.used;
}

static void check_again(struct baseline *baseline)
{
	struct baseline *again = make();
	uint8_t *bytes;
	size_t len;

	if (baseline_export(baseline, 0, &bytes, &len) < 0 ||
	    baseline_import(again, NOW, bytes, len) < 0 || used(again) > used(baseline))
		abort();
	free(bytes);
	baseline_free(again);
}

static void check_names(const uint8_t *data, size_t size)
{
	struct text_error err = {.line = 0};
	struct netnames *names = netnames_new();
	struct addr addr = addr_from_v4((const uint8_t[]){198, 51, 100, 7});

	if (!names)
		abort();
	if (netnames_load(names, (const char *)data, size, &err) == 0) {
		const char *name = netnames_find(names, &addr);

		if (name && (strlen(name) == 0 || strlen(name) > NETNAMES_NAME_MAX))
			abort();
	} else if (err.line == 0 || err.column == 0 || err.what[0] == '\0') {
		abort();
	}
	netnames_free(names);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct baseline *baseline = make();

	if (baseline_import(baseline, NOW, data, size) == 0)
		check_again(baseline);
	else if (used(baseline) != 0)
		abort();
	baseline_free(baseline);
	check_names(data, size);
	return 0;
}
