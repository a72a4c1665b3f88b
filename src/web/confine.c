/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shorter than synprintd's list: once it serves, this program opens no file and starts no thread. It
 * makes its Unix socket again where somebody deletes that.
 */
#include "web/confine.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sys/sanitizer.h"

/* Names that a machine does not have are left out there. */
static const char *const allowed[] = {
	"accept",
	"accept4",
	"bind", /* of Unix sockets: no others can be made */
	"brk",
	"chmod",
	"clock_gettime",
	"clock_gettime64",
	"close",
	"connect",
	"epoll_create1",
	"epoll_ctl",
	"epoll_pwait",
	"epoll_pwait2",
	"epoll_wait",
	"eventfd2",
	"exit",
	"exit_group",
	"fchmodat",
	"fchmodat2",
	"fcntl",
	"fcntl64",
	"fstat",
	"fstatat64",
	"futex",
	"futex_time64",
	"getpeername",
	"getpid",
	"getrandom",
	"getsockname",
	"getsockopt",
	"gettid",
	"gettimeofday",
	"inotify_add_watch",
	"listen",
	"lseek",
	"lstat",
	"lstat64",
	"madvise",
	"mremap",
	"munmap",
	"newfstatat",
	"poll",
	"ppoll",
	"ppoll_time64",
	"read",
	"readv",
	"recv",
	"recvfrom",
	"recvmsg",
	"restart_syscall",
	"rt_sigaction",
	"rt_sigprocmask",
	"rt_sigreturn",
	"sched_yield",
	"send",
	"sendfile",
	"sendfile64",
	"sendmsg",
	"sendto",
	"setsockopt",
	"shutdown",
	"sigaltstack",
	"statx",
	"time",
	"timerfd_create",
	"timerfd_settime",
	"timerfd_settime64",
	"unlink",
	"unlinkat",
	"write",
	"writev",
};

static int become(const char *user)
{
	const struct passwd *entry;

	errno = 0;
	entry = getpwnam(user);
	if (!entry)
		return errno ? -errno : -ENOENT;
	if (getuid() == entry->pw_uid)
		return 0;
	if (initgroups(user, entry->pw_gid) < 0 || setgid(entry->pw_gid) < 0 ||
	    setuid(entry->pw_uid) < 0)
		return -errno;
	return 0;
}

/* As a service manager starts us; its filter of system calls has no capset(2). */
static bool has_capabilities(void)
{
	return capng_get_caps_process() < 0 || capng_have_permitted_capabilities() != CAPNG_NONE;
}

static int drop_capabilities(void)
{
	if (!has_capabilities())
		return 0;
	capng_clear(CAPNG_SELECT_BOTH);
	/* Without the right to change the bounding set, what is dropped is enough. */
	return capng_apply(CAPNG_SELECT_BOTH) < 0 && capng_apply(CAPNG_SELECT_CAPS) < 0 ? -EPERM
											: 0;
}

int confine_become(const char *user)
{
	const struct rlimit no_core = {0, 0};
	int rc = *user ? become(user) : 0;

	if (rc == 0)
		rc = drop_capabilities();
	if (rc < 0)
		return rc;
	setrlimit(RLIMIT_CORE, &no_core);
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

static int allow(scmp_filter_ctx filter, const char *name, const struct scmp_arg_cmp *arg)
{
	int number = seccomp_syscall_resolve_name(name);

	if (number == __NR_SCMP_ERROR)
		return 0;
	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, arg ? 1 : 0, arg);
}

/* No sockets to anywhere but this machine, no memory that can be executed. */
static int add_conditions(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp unix_only = {0, SCMP_CMP_EQ, AF_UNIX, 0};
	const struct scmp_arg_cmp no_code = {2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0};
	const struct scmp_arg_cmp ourselves = {0, SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0};
	int rc = allow(filter, "socket", &unix_only);

	if (rc == 0)
		rc = allow(filter, "mmap", &no_code);
	if (rc == 0)
		rc = allow(filter, "mmap2", &no_code);
	if (rc == 0)
		rc = allow(filter, "mprotect", &no_code);
	if (rc == 0)
		rc = allow(filter, "tgkill", &ourselves); /* abort(3) */
	return rc;
}

int confine_enter(void)
{
	scmp_filter_ctx filter;
	int rc = 0;

	if (HAS_SANITIZER)
		return -EOPNOTSUPP;
	filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (!filter)
		return -ENOMEM;
	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1);
	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_SSB, 1);
	for (size_t i = 0; rc == 0 && i < sizeof(allowed) / sizeof(allowed[0]); i++)
		rc = allow(filter, allowed[i], NULL);
	if (rc == 0)
		rc = add_conditions(filter);
	if (rc == 0)
		rc = seccomp_load(filter);
	seccomp_release(filter);
	return rc;
}
