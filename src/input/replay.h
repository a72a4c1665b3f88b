/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Capture files, pcap and pcapng, through libpcap: one IP packet after the other, whatever link
 * layer it was captured on. Memory does not depend on the file's size.
 */
#ifndef SYNPRINT_INPUT_REPLAY_H
#define SYNPRINT_INPUT_REPLAY_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/text.h"

struct replay;

struct replay_packet {
	uint64_t now_ms; /* when it was captured, Unix time */
	const uint8_t *data; /* from the IP header on; valid until the next call */
	size_t len; /* bytes captured of it */
};

/**
 * replay_open() - open a capture file.
 * @path: "-" is standard input
 * @ret_error: why not: no such file, no capture, or a link type that is not known, by its name
 * Return: 0, -EINVAL where the file is no capture that we read, or -ENOMEM.
 */
int replay_open(const char *path, struct text_error *ret_error, struct replay **ret_replay);

/** replay_close() - NULL is allowed. */
void replay_close(struct replay *replay);

/**
 * replay_next() - the next IP packet; frames that carry none are passed over.
 * @ret_error: on failure says at which packet the file is damaged or cut off
 * Return: 1 for a packet, 0 at the end, -EIO where the file cannot be read on.
 */
int replay_next(struct replay *replay, struct text_error *ret_error,
		struct replay_packet *ret_packet);

/** replay_progress() - how far we are, 0 to 100, or -1 where the length is not known. */
int replay_progress(const struct replay *replay);

#endif
