/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of system calls, through libseccomp, which knows their numbers on each machine. */
#include "sys/sandbox.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sys/sanitizer.h"

/*
 * Names that a machine does not have (arm64 has no open, poll, ...) are left out there. 32-bit
 * machines have some under names of their own: with wider times, offsets or user numbers.
 */
static const char *const allowed[] = {
	/* the packets' way: queues, sets, rules */
	"recvmmsg",
	"recvmmsg_time64",
	"recvmsg",
	"recvfrom",
	"recv",
	"sendmsg",
	"sendmmsg",
	"sendto",
	"send",
	"poll",
	"ppoll",
	"ppoll_time64",
	"futex",
	"futex_time64",
	/* control sockets, subscribers, the service manager */
	"accept",
	"accept4",
	"bind",
	"connect",
	"listen",
	"shutdown",
	"getsockname",
	"getpeername",
	"getsockopt",
	"setsockopt",
	"read",
	"readv",
	"write",
	"writev",
	"close",
	"fcntl",
	"fcntl64",
	/* the event loop */
	"epoll_create1",
	"epoll_create",
	"epoll_ctl",
	"epoll_wait",
	"epoll_pwait",
	"epoll_pwait2",
	"eventfd2",
	"eventfd",
	"signalfd4",
	"signalfd",
	"timerfd_create",
	"timerfd_settime",
	"timerfd_settime64",
	"timerfd_gettime",
	"timerfd_gettime64",
	"pipe2",
	"pipe",
	"select",
	"_newselect",
	"pselect6",
	"pselect6_time64",
	/* a reload reads configuration and databases; state is replaced by rename */
	"open",
	"openat",
	"stat",
	"stat64",
	"fstat",
	"fstat64",
	"lstat",
	"lstat64",
	"newfstatat",
	"fstatat64",
	"statx",
	"access",
	"faccessat",
	"faccessat2",
	"readlink",
	"readlinkat",
	"getdents64",
	"getdents",
	"lseek",
	"_llseek",
	"pread64",
	"pwrite64",
	"fsync",
	"fdatasync",
	"ftruncate",
	"ftruncate64",
	"fallocate",
	"flock",
	"rename",
	"renameat",
	"renameat2",
	"unlink",
	"unlinkat",
	"mkdir",
	"mkdirat",
	"rmdir",
	"chmod",
	"fchmod",
	"fchmodat",
	"chown",
	"chown32",
	"lchown",
	"lchown32",
	"fchownat",
	"fchmodat2",
	"umask",
	"getcwd",
	"dup",
	"dup2",
	"dup3",
	/* memory and threads; mmap, mprotect and clone have conditions, below */
	"brk",
	"munmap",
	"mremap",
	"madvise",
	"membarrier",
	"set_robust_list",
	"rseq",
	"set_thread_area",
	"cacheflush",
	"riscv_flush_icache",
	"sched_yield",
	"sched_getaffinity",
	"sched_getattr",
	"gettid",
	"exit",
	"exit_group",
	/* time, signals, and what a process may know of itself */
	"clock_gettime",
	"clock_gettime64",
	"clock_getres",
	"clock_getres_time64",
	"clock_nanosleep",
	"clock_nanosleep_time64",
	"nanosleep",
	"gettimeofday",
	"time",
	"rt_sigaction",
	"rt_sigprocmask",
	"rt_sigreturn",
	"sigreturn",
	"rt_sigtimedwait",
	"rt_sigtimedwait_time64",
	"sigaltstack",
	"restart_syscall",
	"getpid",
	"getppid",
	"getuid",
	"getuid32",
	"geteuid",
	"geteuid32",
	"getgid",
	"getgid32",
	"getegid",
	"getegid32",
	"getrandom",
	"getrusage",
	"getrlimit",
	"ugetrlimit",
	"sysinfo",
	"uname",
};

struct condition {
	const char *name;
	struct scmp_arg_cmp arg;
};

#define MASKED(number, mask, value)                                                                \
	{                                                                                          \
		number, SCMP_CMP_MASKED_EQ, (mask), (value)                                        \
	}
#define EQUAL(number, value)                                                                       \
	{                                                                                          \
		number, SCMP_CMP_EQ, (value), 0                                                    \
	}

static int allow(scmp_filter_ctx filter, const char *name, const struct scmp_arg_cmp *arg)
{
	int number = seccomp_syscall_resolve_name(name);

	if (number == __NR_SCMP_ERROR)
		return 0;
	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, arg ? 1 : 0, arg);
}

static int add_plain(scmp_filter_ctx filter)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof(allowed) / sizeof(allowed[0]); i++)
		rc = allow(filter, allowed[i], NULL);
	return rc;
}

/* Where clone has its flags, and whether mmap has its arguments in registers (clone(2), mmap(2)). */
#ifdef __s390__
#define CLONE_FLAGS 1
#define HAS_MMAP_REGISTERS 0
#else
#define CLONE_FLAGS 0
#define HAS_MMAP_REGISTERS 1
#endif

/*
 * No memory that can be executed, threads but no processes, signals to ourselves alone. Where libc
 * makes sockets through socketcall (i386, s390x) their families are in memory too, and all are let
 * through; without CAP_NET_RAW and with nothing to execute that is little.
 */
static int add_conditions(scmp_filter_ctx filter)
{
	const struct condition conditions[] = {
		{"socket", EQUAL(0, AF_UNIX)},
		{"socket", EQUAL(0, AF_NETLINK)},
		{"socketpair", EQUAL(0, AF_UNIX)},
		{"mmap2", MASKED(2, PROT_EXEC, 0)},
		{"mprotect", MASKED(2, PROT_EXEC, 0)},
		{"clone", MASKED(CLONE_FLAGS, CLONE_THREAD, CLONE_THREAD)},
		{"tgkill", EQUAL(0, (scmp_datum_t)getpid())}, /* abort(3) */
		{"prctl", EQUAL(0, PR_SET_NAME)},
		{"prlimit64", EQUAL(0, 0)},
		{"sched_setattr", EQUAL(0, 0)},
		{"ioctl", EQUAL(1, TCGETS)}, /* isatty(3), of stdio */
	};
	const struct scmp_arg_cmp not_executable = MASKED(2, PROT_EXEC, 0);
	int rc = allow(filter, "clone3", NULL); /* as far as hide_clone3() lets it */

	if (rc == 0)
		rc = allow(filter, "mmap", HAS_MMAP_REGISTERS ? &not_executable : NULL);
	for (size_t i = 0; rc == 0 && i < sizeof(conditions) / sizeof(conditions[0]); i++)
		rc = allow(filter, conditions[i].name, &conditions[i].arg);
	return rc;
}

/*
 * The flags of clone3 are in memory, where a filter cannot look. Where it seems to be missing, libc
 * goes on with clone. In a filter of its own, because that is nothing to be logged.
 */
static int hide_clone3(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int rc;

	if (!filter)
		return -ENOMEM;
	rc = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0, NULL);
	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_SSB, 1);
	if (rc == 0)
		rc = seccomp_load(filter);
	seccomp_release(filter);
	return rc;
}

/* Each of these may be more than an older kernel or library can; the filter holds without. */
static void set_attributes(scmp_filter_ctx filter)
{
	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1);
	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree, not a walk */
	/* We run nobody's code but our own: branch prediction stays as fast as it was. */
	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_SSB, 1);
}

int sandbox_enter(void)
{
	scmp_filter_ctx filter;
	int rc;

	if (HAS_SANITIZER)
		return -EOPNOTSUPP;
	filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (!filter)
		return -ENOMEM;
	set_attributes(filter);
	rc = add_plain(filter);
	if (rc == 0)
		rc = add_conditions(filter);
	if (rc == 0)
		rc = hide_clone3();
	if (rc == 0)
		rc = seccomp_load(filter);
	seccomp_release(filter);
	return rc;
}
