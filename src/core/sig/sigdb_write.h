/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A signature database back to text: in our own form, which loads as an equal one, or as p0f v3
 * reads it, without what p0f has no words for. */
#ifndef SYNPRINT_CORE_SIG_SIGDB_WRITE_H
#define SYNPRINT_CORE_SIG_SIGDB_WRITE_H

#include "core/sig/sigdb.h"

#define SIGDB_WRITE_MAX 4096 /* bytes that one call appends at the most */

/* What has been written so far; begins zeroed but for the first three. */
struct sigdb_writer {
	const struct sigdb *db;
	const struct vocab *vocab;
	bool for_p0f;
	bool has_label;
	struct sigdb_info last;
};

/** sigdb_put_class() - append the line of a class that has signatures; nothing for others. */
void sigdb_put_class(const struct sigdb_writer *writer, unsigned class_id, struct text_buf *buf);

/** sigdb_put_doubts() - append the lines that say how far each kind of match is doubted. */
void sigdb_put_doubts(const struct sigdb_writer *writer, struct text_buf *buf);

/** sigdb_put_section() - append the head of the section that signatures stand in. */
void sigdb_put_section(const struct sigdb_writer *writer, struct text_buf *buf);

/**
 * sigdb_put_sig() - append signature @index, and before it label, source and condition where they
 * are not those of the one before.
 */
void sigdb_put_sig(struct sigdb_writer *writer, size_t index, struct text_buf *buf);

/** sigdb_p0f_lacks() - what p0f has no words for in a signature, or NULL where it knows them all. */
const char *sigdb_p0f_lacks(const struct sigdb_info *info);

/** sigdb_name_len() - how much of "Mac OS X 10.5" is the system's name, and not its version. */
size_t sigdb_name_len(const char *label);

/**
 * sig_p0f_covers() - true where p0f 3.09b refuses a file in which @b stands behind a specific @a
 * (fp_tcp.c, tcp_find_match() on two signatures). Both have nothing that sigdb_p0f_lacks().
 */
bool sig_p0f_covers(const struct sig *a, const struct sig *b);

#endif
