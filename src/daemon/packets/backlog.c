/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A backlog that stands; see backlog.h. */
#include "daemon/packets/backlog.h"

#include <sys/param.h>

#define STANDS_MS 100 /* three times what a burst of 8,192 takes */
#define CALM_MS 5000

static bool stands(const struct backlog *backlog, uint64_t now_ms)
{
	return backlog->in_a_row > backlog->length && now_ms - backlog->since_ms >= STANDS_MS;
}

uint32_t backlog_note(struct backlog *backlog, unsigned count, bool is_dry, uint64_t now_ms)
{
	if (is_dry || !backlog->in_a_row)
		backlog->since_ms = now_ms;
	backlog->in_a_row = is_dry ? 0 : backlog->in_a_row + count;
	if (stands(backlog, now_ms)) {
		backlog->is_standing = true;
		backlog->stood_ms = now_ms;
	} else if (now_ms - backlog->stood_ms >= CALM_MS) {
		backlog->is_standing = false;
	}
	return backlog->is_standing ? MIN(backlog->length, BACKLOG_PLACES) : backlog->length;
}
