/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Waiting for workers; see turns.h. */
#include "daemon/packets/turns.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "input/rules.h"
#include "sys/log.h"

#define TURNS 2 /* of a worker's loop, after which its verdicts are sent */
#define DRY_MS 1000 /* that queues get to run dry */
#define STEP_MS 5

void turns_note(struct worker *const *workers, unsigned count, uint64_t *ret_ticks)
{
	for (unsigned i = 0; i < count; i++)
		ret_ticks[i] = worker_ticks(workers[i]);
}

bool turns_are_over(struct worker *const *workers, unsigned count, const uint64_t *ticks)
{
	bool are_over = true;

	for (unsigned i = 0; i < count; i++)
		if (worker_ticks(workers[i]) < ticks[i] + TURNS) {
			worker_wake(workers[i]);
			are_over = false;
		}
	return are_over;
}

uint32_t turns_stalled(struct worker *const *workers, unsigned count, uint64_t *ticks)
{
	uint32_t stalled = 0;

	for (unsigned i = 0; i < count; i++) {
		uint64_t now = worker_ticks(workers[i]);

		if (now == ticks[i])
			stalled |= UINT32_C(1) << i;
		ticks[i] = now;
		worker_wake(workers[i]);
	}
	return stalled;
}

void turns_remove_clocks(struct nl *nl, struct worker *const *workers, unsigned count)
{
	uint64_t ticks[CONFIG_QUEUES_MAX];
	int rc = rules_undivert(nl);

	turns_note(workers, count, ticks);
	for (unsigned ms = 0; ms < DRY_MS && !turns_are_over(workers, count, ticks); ms += STEP_MS)
		usleep(STEP_MS * 1000);
	if (rc == 0 && !turns_are_over(workers, count, ticks))
		rc = -EBUSY;
	if (rc == 0)
		rc = rules_remove_clocks(nl);
	if (rc < 0)
		log_line(LOG_LEVEL_WARNING, "the chains of the clocks stay, empty: %s",
			 strerror(-rc));
}
