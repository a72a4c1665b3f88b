/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A backlog that stands; see backlog.h. */
#include "daemon/packets/backlog.h"

#include <sys/param.h>

#define CALM_MS 5000

uint32_t backlog_note(struct backlog *backlog, unsigned count, bool is_dry, uint64_t now_ms)
{
	backlog->in_a_row = is_dry ? 0 : backlog->in_a_row + count;
	if (backlog->in_a_row > 2 * (uint64_t)backlog->length) {
		backlog->is_standing = true;
		backlog->stood_ms = now_ms;
	} else if (now_ms - backlog->stood_ms >= CALM_MS) {
		backlog->is_standing = false;
	}
	return backlog->is_standing ? MIN(backlog->length, BACKLOG_PLACES) : backlog->length;
}
