/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pcapng format (draft-ietf-opsawg-pcapng): sections of either byte order, interfaces of
 * different link types, lengths and clocks, which libpcap refuses. Of its blocks, those that hold
 * packets are read and every other one is passed.
 */
#ifndef SYNPRINT_INPUT_CAPTURE_PCAPNG_H
#define SYNPRINT_INPUT_CAPTURE_PCAPNG_H

#include "input/capture/frame.h"

#define PCAPNG_INTERFACES_MAX 1024 /* of one section */

struct pcapng_interface {
	uint64_t offset_s; /* added to times */
	uint32_t snap_len; /* 0: no limit */
	uint16_t link_type;
	uint8_t resolution; /* if_tsresol: ticks are 10^-n s, or 2^-n with the highest bit */
};

struct pcapng {
	bool is_open, is_big; /* a section was begun; its byte order */
	unsigned interface_count;
	uint64_t last_ns; /* for packets without a time */
	struct pcapng_interface interfaces[PCAPNG_INTERFACES_MAX];
};

/** pcapng_is() - do bytes begin such a file? @len: 4 are enough */
bool pcapng_is(const uint8_t *data, size_t len);

/** pcapng_step() - read the next block. @file: begins as zeros. Return: what it was. */
enum format_result pcapng_step(struct pcapng *file, const uint8_t *data, size_t len,
			       struct text_error *ret_error, struct format_step *ret_step);

#endif
