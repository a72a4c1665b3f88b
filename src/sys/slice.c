/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Slices of the fair scheduler, by sched_setattr(2), for which Debian 12's libc has no function. */
#include "sys/slice.h"

#include <errno.h>
#include <linux/sched.h>
#include <linux/sched/types.h>
#include <sys/syscall.h>
#include <unistd.h>

int slice_shorten(void)
{
	struct sched_attr attr = {.size = sizeof(attr)};

	if (syscall(SYS_sched_getattr, 0, &attr, sizeof(attr), 0) < 0)
		return -errno;
	if (attr.sched_policy != SCHED_NORMAL && attr.sched_policy != SCHED_BATCH)
		return 0;
	attr.sched_runtime = SLICE_SHORTEST_NS;
	return syscall(SYS_sched_setattr, 0, &attr, 0) < 0 ? -errno : 0;
}
