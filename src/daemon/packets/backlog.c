/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A backlog that stands; see backlog.h. */
#include "daemon/packets/backlog.h"

#include <sys/param.h>

#define STANDS_MS 100 /* three times what a burst of 8,192 takes */
#define CALM_MS 5000

uint32_t backlog_note(struct backlog *backlog, bool is_dry, uint64_t now_ms)
{
	if (is_dry)
		backlog->since_ms = 0;
	else if (!backlog->since_ms)
		backlog->since_ms = now_ms;
	if (backlog->since_ms && now_ms - backlog->since_ms >= STANDS_MS) {
		backlog->is_standing = true;
		backlog->stood_ms = now_ms;
	} else if (now_ms - backlog->stood_ms >= CALM_MS) {
		backlog->is_standing = false;
	}
	return backlog->is_standing ? MIN(backlog->length, BACKLOG_PLACES) : backlog->length;
}
