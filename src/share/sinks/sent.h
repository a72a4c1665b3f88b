/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whom a sink has told somebody of, kept in a file over a restart: a line each, "ADDRESS UNIXTIME". */
#ifndef SYNPRINT_SHARE_SINKS_SENT_H
#define SYNPRINT_SHARE_SINKS_SENT_H

#include "share/words/slots.h"

/**
 * sent_read() - put those of the file whose time has not come into slots that have nobody.
 * @now_s: the slots' clock
 * Return: 0, also without a file; or -errno. Lines that make no sense are passed over.
 */
int sent_read(const char *path, uint64_t now_s, struct slots *slots);

/** sent_write() - replace the file by whom the slots have. Return: 0 or -errno. */
int sent_write(const char *path, uint64_t now_s, const struct slots *slots);

#endif
