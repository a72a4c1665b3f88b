/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/privs.h"

#include <cap-ng.h>
#include <errno.h>
#include <sys/prctl.h>

bool privs_has_net_admin(void)
{
	return capng_get_caps_process() == 0 &&
	       capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN);
}

int privs_drop(void)
{
	if (!privs_has_net_admin())
		return -EPERM;
	capng_clear(CAPNG_SELECT_BOTH);
	capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_NET_ADMIN);
	/* The bounding set needs CAP_SETPCAP to shrink; a process that never had it has no use of it. */
	if (capng_apply(CAPNG_SELECT_BOTH) != 0 && capng_apply(CAPNG_SELECT_CAPS) != 0)
		return -EPERM;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	return 0;
}
