/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long the kernel lets a thread run at a time: who asks for less is let in sooner, and gets no more. */
#ifndef SYNPRINT_SYS_SLICE_H
#define SYNPRINT_SYS_SLICE_H

#define SLICE_SHORTEST_NS                                                                          \
	100000 /* that the kernel gives (__setparam_fair() in kernel/sched/fair.c) */

/**
 * slice_shorten() - the calling thread gets the shortest slices from now on, so that it runs soon after
 * it woke up, beside others that use up theirs (Linux 6.12, PREEMPT_SHORT). Its share of the CPU stays,
 * and so do policy and nice value; it needs no right. Older kernels take it and change nothing. Where
 * somebody has given the thread a real-time policy nothing is asked for.
 * Return: 0, or -errno.
 */
int slice_shorten(void);

#endif
