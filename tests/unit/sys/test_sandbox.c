/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is left to a process in the sandbox, and what is not; each in a child, as it is not undone. */
#include "sys/sandbox.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/file.h"
#include "sys/sanitizer.h"
#include "sys/slice.h"

#define MUST_WORK 0
/* libc's socket() is a socketcall there, whose arguments no filter sees. */
#if defined(__i386__) || defined(__s390__)
#define INET_IS 0
#else
#define INET_IS EPERM
#endif
#define CANNOT_ENTER 100

struct attempt {
	const char *what;
	int (*run)(void); /* 0, or the errno it failed with */
	int expected;
};

static int result(long rc)
{
	return rc < 0 ? errno : 0;
}

static int inet_socket(void)
{
	return result(socket(AF_INET, SOCK_STREAM, 0));
}

static int packet_socket(void)
{
	return result(socket(AF_PACKET, SOCK_RAW, 0));
}

static int unix_socket(void)
{
	return result(socket(AF_UNIX, SOCK_STREAM, 0));
}

static int netlink_socket(void)
{
	return result(socket(AF_NETLINK, SOCK_RAW, 12 /* NETLINK_NETFILTER */));
}

static int new_process(void)
{
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	return result(child);
}

static int execute(void)
{
	return result(execl("/bin/true", "true", (char *)NULL));
}

static int executable_memory(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
			       MAP_FAILED
		       ? errno
		       : 0;
}

static int made_executable(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return page == MAP_FAILED ? errno : result(mprotect(page, 4096, PROT_READ | PROT_EXEC));
}

static int trace_parent(void)
{
	return result(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
}

static int new_namespace(void)
{
	return result(syscall(SYS_unshare, 0x10000000 /* CLONE_NEWUSER */));
}

static int signal_parent(void)
{
	return result(syscall(SYS_tgkill, getppid(), getppid(), 0));
}

static void *nothing(void *arg)
{
	return arg;
}

static int thread(void)
{
	pthread_t id;
	int rc = pthread_create(&id, NULL, nothing, NULL);

	return rc ? rc : pthread_join(id, NULL);
}

static int files(void)
{
	char path[] = "/tmp/test_sandbox-0000000000";
	int rc;

	snprintf(path, sizeof(path), "/tmp/test_sandbox-%d", (int)getpid());
	rc = file_replace(path, "text", 4, true);
	unlink(path);
	return -rc;
}

static int event_loop(void)
{
	struct epoll_event event;
	int fd = epoll_create1(EPOLL_CLOEXEC);

	return fd < 0 ? errno : result(epoll_wait(fd, &event, 1, 0));
}

static int shorter_slices(void)
{
	return -slice_shorten();
}

static int in_sandbox(int (*run)(void))
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || sandbox_enter() < 0)
			_exit(CANNOT_ENTER);
		_exit(run());
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status), "the filter killed: status %d", status);
	return WEXITSTATUS(status);
}

Test(sandbox, leaves_what_is_needed)
{
	static const struct attempt attempts[] = {
		{"a Unix socket", unix_socket, MUST_WORK},
		{"a netlink socket", netlink_socket, MUST_WORK},
		{"a thread", thread, MUST_WORK},
		{"a file replaced", files, MUST_WORK},
		{"an event loop", event_loop, MUST_WORK},
		{"shorter slices", shorter_slices, MUST_WORK},
		{"an internet socket", inet_socket, INET_IS},
		{"a packet socket", packet_socket, INET_IS},
		{"a process", new_process, EPERM},
		{"a program", execute, EPERM},
		{"executable memory", executable_memory, EPERM},
		{"memory made executable", made_executable, EPERM},
		{"tracing", trace_parent, EPERM},
		{"a namespace", new_namespace, EPERM},
		{"a signal to another process", signal_parent, EPERM},
	};

	if (HAS_SANITIZER)
		return; /* sandbox_enter() refuses; the next test */
	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
		int rc = in_sandbox(attempts[i].run);

		cr_expect_eq(rc, attempts[i].expected, "%s: errno %d instead of %d",
			     attempts[i].what, rc, attempts[i].expected);
	}
}

static int already_in(void)
{
	return 0;
}

Test(sandbox, sanitizers_need_more)
{
	cr_expect_eq(in_sandbox(already_in), HAS_SANITIZER ? CANNOT_ENTER : 0);
}

Test(sandbox, is_tried_before)
{
	const char *call = "nothing";

	cr_expect_eq(sandbox_try(&call), 0, "%s", call);
}
