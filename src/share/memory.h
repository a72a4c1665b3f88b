/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much memory others can make us take: libmosquitto reads whatever a broker sends, up to 256 MB a
 * message and twice over, before anybody can say that it is too long.
 */
#ifndef SYNPRINT_SHARE_MEMORY_H
#define SYNPRINT_SHARE_MEMORY_H

#define MEMORY_SPARE_BYTES                                                                         \
	(128u << 20) /* threads of curl's, pages of clients, messages under way */

/**
 * memory_limit() - from here on at most MEMORY_SPARE_BYTES more than now; what is beyond fails, and
 * ends the connection that it came over. For when all tables are there.
 * Return: 0 or negative errno.
 */
int memory_limit(void);

#endif
