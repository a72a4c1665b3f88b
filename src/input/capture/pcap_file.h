/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pcap format (draft-ietf-opsawg-pcap): both byte orders, microseconds and nanoseconds, and
 * the longer records of the patched libpcap of 1999. libpcap reads it too, but not a file that
 * grows, and not out of memory.
 */
#ifndef SYNPRINT_INPUT_CAPTURE_PCAP_FILE_H
#define SYNPRINT_INPUT_CAPTURE_PCAP_FILE_H

#include "input/capture/frame.h"

#define PCAP_FILE_HEADER 24

struct pcap_file {
	bool is_big, nanoseconds; /* as the magic says */
	bool is_open; /* the file's header was read */
	uint8_t record_header; /* bytes */
	int link_type;
};

/** pcap_file_is() - do bytes begin such a file? @len: 4 are enough */
bool pcap_file_is(const uint8_t *data, size_t len);

/** pcap_file_step() - read the next record. @file: begins as zeros. Return: what it was. */
enum format_result pcap_file_step(struct pcap_file *file, const uint8_t *data, size_t len,
				  struct text_error *ret_error, struct format_step *ret_step);

#endif
