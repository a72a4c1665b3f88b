/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What outlives a restart, as bytes: the client table and the baseline. The format is our own:
 * a magic number with a version, then chunks {name, version, length, bytes, checksum}, every
 * number little-endian, and an end chunk. Numbers of the vocabulary mean nothing to another
 * process, so the words come first. Time comes from the caller; so does every byte of I/O.
 */
#ifndef SYNPRINT_CORE_STATE_STATE_H
#define SYNPRINT_CORE_STATE_STATE_H

#include "core/baseline/baseline.h"
#include "core/clients/client_table.h"

/* Where the bytes of an export go. Return: 0, or -errno, which ends the export. */
struct state_sink {
	int (*write)(void *ctx, const void *bytes, size_t len);
	void *ctx;
};

struct state_tables {
	struct clients *clients;
	struct baseline *baseline; /* NULL for none */
	const struct vocab *vocab;
	int64_t shift_s; /* of an export: what is added to each time; 0 for an import */
};

struct state_counts {
	size_t clients; /* that are in the table now */
	size_t dropped; /* that it has no room for: the oldest */
	bool has_baseline;
};

/**
 * state_export() - everything that is to be kept. Clients are copied a page at a time, so nobody
 * waits for long; who comes or goes meanwhile may be missed.
 * Return: 0, -ENOMEM, or what the sink said.
 */
int state_export(const struct state_tables *tables, const struct state_sink *sink);

/**
 * state_import() - what was exported, into empty tables.
 * Everything is checked before anything is taken. A verdict with words that the vocabulary does
 * not have says "unknown"; times of the future count as now.
 * @tables: the vocabulary has the words of the databases that are loaded
 * @ret_error: what is wrong and at which byte
 * Return: 0; -EINVAL: damaged, or no such file; -ENOMEM. Then nothing was taken.
 */
int state_import(const struct state_tables *tables, uint32_t now_s, const uint8_t *bytes,
		 size_t len, struct text_error *ret_error, struct state_counts *ret_counts);

#endif
