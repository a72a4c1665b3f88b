/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * set_rate nft|ipset ELEMENTS COMMIT: puts ELEMENTS new addresses into a set through the
 * publisher's own target, COMMIT at a time. Prints elements a second.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "publish/ipset.h"
#include "publish/nftset.h"

#define COMMIT_MAX 4096

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int make(const char *what, struct target **ret_target)
{
	struct target_params params = {.name4 = "bench4",
				       .name6 = "bench6",
				       .timeout_s = 3600,
				       .size = 1 << 20};

	return strcmp(what, "nft") == 0 ? nftset_new(&params, ret_target)
					: ipset_new(&params, ret_target);
}

int main(int argc, char **argv)
{
	static struct publish_op ops[COMMIT_MAX];
	uint32_t count = argc == 4 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0, done = 0;
	uint32_t size = argc == 4 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0;
	struct text_error error = {0};
	struct target *target;
	bool created;
	double start_s;

	if (!count || !size || size > COMMIT_MAX) {
		fprintf(stderr, "usage: set_rate nft|ipset ELEMENTS COMMIT\n");
		return 2;
	}
	if (make(argv[1], &target) < 0 || target_ensure(target, &created, &error) < 0) {
		fprintf(stderr, "set_rate: %s\n", error.what);
		return 1;
	}
	for (start_s = now_s(); done < count; done += size) {
		for (uint32_t i = 0; i < size; i++) {
			uint8_t addr[4] = {10, (uint8_t)((done + i) >> 16),
					   (uint8_t)((done + i) >> 8), (uint8_t)(done + i)};

			ops[i] = (struct publish_op){.addr = addr_from_v4(addr),
						     .kind = PUBLISH_ADD};
		}
		if (target_commit(target, ops, size) < 0)
			return 1;
	}
	printf("%.0f\n", done / (now_s() - start_s));
	target_remove(target);
	target->type->free(target);
	return 0;
}
