/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Members of a reply as words for people: numbers with units, as large as can be read. Pure. */
#ifndef SYNPRINT_CLI_SCALE_H
#define SYNPRINT_CLI_SCALE_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#define SCALE_BYTES 32

/** scale_count() - "9999", "12.3 k", "1.23 M", ...: three digits at least, as large as it is. */
void scale_count(double number, char ret_text[SCALE_BYTES]);

/** scale_bytes() - "512 B", "1.50 MiB", ... */
void scale_bytes(double bytes, char ret_text[SCALE_BYTES]);

/** scale_seconds() - "45 s", "2:03:04", "3 d 02:03:04". */
void scale_seconds(double seconds, char ret_text[SCALE_BYTES]);

/** scale_us() - "80 us", "1.50 ms", "2.00 s". */
void scale_us(double us, char ret_text[SCALE_BYTES]);

/** scale_unit() - the unit that a name ends in, "_s", "_us" or "_bytes", which scale_member() writes; else "". */
const char *scale_unit(const char *name);

/**
 * scale_member() - a value by the unit that its name ends in (_s, _us, _bytes), or as a count; names of
 * things (pid, queue, ...) stay as they are.
 * @name: "burst_us" for the members of an object of that name
 * Return: the text: @buf, or the value's own where it is one.
 */
const char *scale_member(const char *name, const cJSON *value, char buf[SCALE_BYTES]);

#endif
