/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One of each kind of call that the daemon makes once it is set up, through the C library, which
 * decides what system calls they are. In a child, because a filter is not undone.
 */
#include "sys/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BIG_BYTES ((size_t)4 << 20) /* malloc takes it from mmap and gives it back */
#define NOWHERE "/proc/self/no-such-file"

/* Each returns whether it was refused; any other failure is the machine's business. */
struct call {
	const char *name;
	bool (*is_refused)(void);
};

static bool refused(long rc)
{
	return rc < 0 && (errno == EPERM || errno == ENOSYS);
}

/* An error number, as of pthread functions. */
static bool is_refusal(int error)
{
	return error == EPERM || error == ENOSYS;
}

static bool receive_many(void)
{
	struct mmsghdr header = {.msg_len = 0};
	int fd = socket(AF_NETLINK, SOCK_RAW, 12 /* NETLINK_NETFILTER */);

	return refused(fd) || refused(recvmmsg(fd, &header, 1, MSG_DONTWAIT, NULL)) ||
	       refused(sendto(fd, "", 0, MSG_DONTWAIT, NULL, 0)) || refused(close(fd));
}

static bool message(void)
{
	struct msghdr header = {.msg_iovlen = 0};
	char byte = 0;
	int fds[2];

	return refused(socketpair(AF_UNIX, SOCK_STREAM, 0, fds)) ||
	       refused(sendmsg(fds[0], &header, MSG_DONTWAIT)) ||
	       refused(send(fds[0], &byte, 1, MSG_DONTWAIT)) ||
	       refused(recv(fds[1], &byte, 1, MSG_DONTWAIT)) ||
	       refused(recvmsg(fds[1], &header, MSG_DONTWAIT)) ||
	       refused(shutdown(fds[0], SHUT_WR));
}

static bool connection(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), value;
	struct sockaddr address = {.sa_family = AF_UNIX};
	socklen_t len = sizeof(value), size = sizeof(address);

	return refused(fd) || refused(bind(fd, &address, sizeof(address.sa_family))) ||
	       refused(listen(fd, 1)) || refused(accept4(fd, NULL, NULL, SOCK_CLOEXEC)) ||
	       refused(getsockopt(fd, SOL_SOCKET, SO_ERROR, &value, &len)) ||
	       refused(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &value, len)) ||
	       refused(getsockname(fd, &address, &size)) || refused(connect(fd, &address, 0)) ||
	       refused(fcntl(fd, F_GETFL));
}

static bool waiting(void)
{
	struct epoll_event event = {.events = EPOLLIN};
	int fd = epoll_create1(EPOLL_CLOEXEC), ready = eventfd(1, EFD_CLOEXEC);
	struct pollfd pollfd = {.fd = ready, .events = POLLIN};
	uint64_t value;

	return refused(fd) || refused(ready) ||
	       refused(epoll_ctl(fd, EPOLL_CTL_ADD, ready, &event)) ||
	       refused(epoll_wait(fd, &event, 1, 0)) || refused(poll(&pollfd, 1, 0)) ||
	       refused(ppoll(&pollfd, 1, &(struct timespec){.tv_nsec = 1}, NULL)) ||
	       refused(read(ready, &value, sizeof(value)));
}

static bool timers(void)
{
	struct itimerspec spec = {.it_value.tv_nsec = 1};
	struct timespec pause = {.tv_nsec = 1}, now;
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

	return refused(fd) || refused(timerfd_settime(fd, 0, &spec, NULL)) ||
	       refused(timerfd_gettime(fd, &spec)) || refused(usleep(1)) ||
	       refused(nanosleep(&pause, NULL)) || refused(clock_gettime(CLOCK_MONOTONIC, &now)) ||
	       refused(clock_gettime(CLOCK_BOOTTIME, &now)) || refused(time(NULL));
}

static bool signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return refused(fd) || refused(sigprocmask(SIG_BLOCK, &set, NULL)) ||
	       signal(SIGPIPE, SIG_IGN) == SIG_ERR;
}

static void *nothing(void *arg)
{
	return arg;
}

static bool threads(void)
{
	pthread_t thread;
	int error = pthread_create(&thread, NULL, nothing, NULL);

	if (error == 0)
		pthread_setname_np(thread, "try");
	return is_refusal(error) || (error == 0 && is_refusal(pthread_join(thread, NULL)));
}

static bool waiting_threads(void)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t wake = PTHREAD_COND_INITIALIZER;
	const struct timespec until = {.tv_sec = 1}; /* long ago */
	sem_t sem;
	bool is_refused;

	sem_init(&sem, 0, 0);
	pthread_mutex_lock(&lock);
	is_refused = is_refusal(pthread_cond_timedwait(&wake, &lock, &until)) ||
		     refused(sem_clockwait(&sem, CLOCK_MONOTONIC, &(struct timespec){1, 0})) ||
		     refused(sem_timedwait(&sem, &until));
	pthread_mutex_unlock(&lock);
	return is_refused;
}

static bool memory(void)
{
	char *bytes = malloc(BIG_BYTES), *bigger = bytes ? realloc(bytes, 2 * BIG_BYTES) : NULL;
	bool is_refused = !bigger && is_refusal(errno);

	if (!bigger)
		free(bytes);
	free(bigger);
	return is_refused;
}

static bool files(void)
{
	FILE *file = fopen("/proc/self/status", "re");
	struct stat status;
	char line[64];
	bool is_refused = !file && is_refusal(errno);

	if (file && !fgets(line, sizeof(line), file))
		is_refused = is_refusal(errno);
	if (file)
		fclose(file);
	return is_refused || refused(stat("/", &status)) || refused(lstat("/", &status)) ||
	       refused(access("/", R_OK)) || refused(rename(NOWHERE, NOWHERE)) ||
	       refused(unlink(NOWHERE)) || refused(chmod(NOWHERE, 0600)) ||
	       refused(mkdir(NOWHERE "/x", 0755));
}

static bool descriptors(void)
{
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	struct stat status;
	char byte;

	return refused(fd) || refused(fstat(fd, &status)) || refused(lseek(fd, 0, SEEK_SET)) ||
	       refused(pread(fd, &byte, 1, 0)) || (fsync(fd) < 0 && errno == EPERM) ||
	       refused(fcntl(fd, F_SETFL, O_RDONLY)) || refused(close(fd));
}

static bool itself(void)
{
	char bytes[4];

	return refused(getrandom(bytes, sizeof(bytes), 0)) ||
	       refused(sysconf(_SC_NPROCESSORS_ONLN)) || refused((long)getpid()) ||
	       refused(isatty(STDERR_FILENO) - 1);
}

static const struct call calls[] = {
	{"receiving from a netlink socket", receive_many},
	{"messages", message},
	{"connections", connection},
	{"waiting for descriptors", waiting},
	{"timers and clocks", timers},
	{"signals", signals},
	{"threads", threads},
	{"threads that wait", waiting_threads},
	{"memory", memory},
	{"files by name", files},
	{"open files", descriptors},
	{"what a process knows of itself", itself},
};

#define CALL_COUNT (sizeof(calls) / sizeof(calls[0]))
#define CANNOT_ENTER (CALL_COUNT + 1)

static int first_refused(void)
{
	if (sandbox_enter() < 0)
		return (int)CANNOT_ENTER;
	for (size_t i = 0; i < CALL_COUNT; i++)
		if (calls[i].is_refused())
			return (int)i + 1;
	return 0;
}

int sandbox_try(const char **ret_call)
{
	int status;
	pid_t child = fork();

	if (child < 0)
		return -errno;
	if (child == 0)
		_exit(first_refused());
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	*ret_call = "a call that ended the process";
	if (!WIFEXITED(status))
		return -EPERM;
	if (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == (int)CANNOT_ENTER)
		return 0; /* whoever enters is told by sandbox_enter() why he cannot */
	*ret_call = calls[WEXITSTATUS(status) - 1].name;
	return -EPERM;
}
