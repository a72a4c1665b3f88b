/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames of an interface as they come, through libpcap: a copy of each SYN, which nothing waits
 * for. Needs CAP_NET_RAW.
 */
#ifndef SYNPRINT_INPUT_CAPTURE_LIVE_H
#define SYNPRINT_INPUT_CAPTURE_LIVE_H

#include "input/capture/frame.h"

struct live;

struct live_params {
	const char *interface; /* or "any" */
	const char *expression; /* pcap-filter(7); NULL: SYNs */
	const char *write_path; /* pcap file that keeps every frame that was seen; NULL: none */
	bool is_promiscuous;
	bool decaps; /* tunnels are wanted too: the kernel cannot tell what is in them */
};

struct live_stats {
	uint64_t received, dropped; /* by the kernel, which had no room; since the begin */
};

/**
 * live_open() - begin to listen.
 * @ret_error: why not, and what to do about it
 * Return: 0, -EPERM, -ENODEV, -EINVAL for a bad expression, -EIO, -ENOMEM.
 */
int live_open(const struct live_params *params, struct text_error *ret_error,
	      struct live **ret_live);

/** live_close() - also completes the file. NULL is allowed. */
void live_close(struct live *live);

/**
 * live_next() - a frame that is there.
 * @ret_frame: valid until the next call
 * Return: 1 for a frame, 0 where there is none now, -EINTR, -EIO where the interface went away
 * or the file cannot be written.
 */
int live_next(struct live *live, struct text_error *ret_error, struct frame *ret_frame);

/** live_fd() - readable when live_next() may have a frame. */
int live_fd(const struct live *live);

void live_get_stats(struct live *live, struct live_stats *ret_stats);

#endif
