/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Standard input, output and error, as whoever started us left them. */
#ifndef SYNPRINT_SYS_STANDARD_H
#define SYNPRINT_SYS_STANDARD_H

/**
 * standard_hold() - before anything is opened: those of descriptors 0 to 2 that are closed get /dev/null,
 * the wrong way round. So no socket or file takes such a number, and no text goes there; reading and
 * writing fail with EBADF as before.
 */
void standard_hold(void);

#endif
