/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * make_pcap COUNT FILE: a capture of COUNT SYNs, of every shape in turn, from 50,000 clients. Raw
 * Ethernet frames in a little-endian pcap file of microseconds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "syns.h"

#define CLIENTS 50000
#define ETHER_BYTES 14

struct record {
	uint32_t sec, usec, kept, len;
};

int main(int argc, char **argv)
{
	const uint32_t header[6] = {0xa1b2c3d4, 2 | 4 << 16, 0, 0, 262144, 1};
	uint8_t frame[ETHER_BYTES + SYNS_BYTES_MAX] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
	uint32_t count = argc == 3 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
	FILE *file = count ? fopen(argv[2], "wb") : NULL;

	if (!file) {
		fprintf(stderr, "usage: make_pcap COUNT FILE\n");
		return 2;
	}
	fwrite(header, sizeof(header), 1, file);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t client = i * 7919 % CLIENTS, kind = client % SYNS_KINDS;
		uint32_t len = ETHER_BYTES + syns_make(kind, client, i, frame + ETHER_BYTES);
		struct record record = {1700000000 + i / 10000, i % 10000 * 100, len, len};

		memcpy(frame + 12, kind == SYNS_KINDS - 1 ? "\x86\xdd" : "\x08\x00", 2);
		fwrite(&record, sizeof(record), 1, file);
		fwrite(frame, len, 1, file);
	}
	return fclose(file) == 0 ? 0 : 1;
}
