/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gives up what the daemon never needs: every capability but CAP_NET_ADMIN, and core dumps. */
#ifndef SYNPRINT_SYS_PRIVS_H
#define SYNPRINT_SYS_PRIVS_H

#include <stdbool.h>

/** privs_has_net_admin() - whether this process has CAP_NET_ADMIN, without which nothing works. */
bool privs_has_net_admin(void);

/**
 * privs_drop() - keep CAP_NET_ADMIN alone and forbid new privileges, for this thread and those it
 * starts from here on. Without CAP_NET_ADMIN to begin with nothing is changed.
 * Return: 0, -EPERM where CAP_NET_ADMIN is missing, or -errno.
 */
int privs_drop(void);

#endif
