/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Slices: shorter where the kernel has them, and nothing else of a thread changes. */
#include "sys/slice.h"

#include <criterion/criterion.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define sched_param sched_param_of_the_kernel /* of which libc has one, too */
#include <linux/sched/types.h>
#undef sched_param

static struct sched_attr attributes(void)
{
	struct sched_attr attr = {.size = 0};

	cr_assert_eq(syscall(SYS_sched_getattr, 0, &attr, sizeof(attr), 0), 0);
	return attr;
}

static void *shorten(void *ret_attr)
{
	cr_assert_eq(setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + 3), 0);
	cr_assert_eq(slice_shorten(), 0);
	*(struct sched_attr *)ret_attr = attributes();
	return NULL;
}

Test(slice, is_the_threads_alone)
{
	struct sched_attr before = attributes(), shortened, after;
	pthread_t thread;

	cr_assert_eq(pthread_create(&thread, NULL, shorten, &shortened), 0);
	cr_assert_eq(pthread_join(thread, NULL), 0);
	after = attributes();
	/* Before Linux 6.12 nobody has a slice of his own, and none is told. */
	cr_expect_eq(shortened.sched_runtime, before.sched_runtime ? SLICE_SHORTEST_NS : 0);
	cr_expect_eq(shortened.sched_policy, before.sched_policy);
	cr_expect_eq(shortened.sched_nice, before.sched_nice + 3);
	cr_expect_eq(after.sched_runtime, before.sched_runtime);
}

static void *shorten_batch(void *ret_attr)
{
	struct sched_attr attr = attributes();

	attr.sched_policy = SCHED_BATCH;
	cr_assert_eq(syscall(SYS_sched_setattr, 0, &attr, 0), 0);
	cr_assert_eq(slice_shorten(), 0);
	*(struct sched_attr *)ret_attr = attributes();
	return NULL;
}

Test(slice, keeps_the_policy)
{
	struct sched_attr before = attributes(), attr;
	pthread_t thread;

	cr_assert_eq(pthread_create(&thread, NULL, shorten_batch, &attr), 0);
	cr_assert_eq(pthread_join(thread, NULL), 0);
	cr_expect_eq(attr.sched_policy, SCHED_BATCH);
	cr_expect_eq(attr.sched_runtime, before.sched_runtime ? SLICE_SHORTEST_NS : 0);
}
