/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sockets that the service manager made: LISTEN_FDS of sd_listen_fds(3). */
#include "sys/inherit.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/un.h>
#include <unistd.h>

#define FIRST_FD 3 /* sd_listen_fds(3): SD_LISTEN_FDS_START */
#define PATH_BYTES (sizeof(((struct sockaddr_un *)0)->sun_path) + 1)

static bool is_for_us(void)
{
	const char *pid = getenv("LISTEN_PID");

	return pid && atoll(pid) == (long long)getpid();
}

void inherit_init(struct inherited *ret_inherited)
{
	const char *count = getenv("LISTEN_FDS");
	int fds = count && is_for_us() ? atoi(count) : 0;

	ret_inherited->count = 0;
	for (int fd = FIRST_FD; fd < FIRST_FD + fds && ret_inherited->count < INHERIT_MAX; fd++)
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) == 0)
			ret_inherited->fds[ret_inherited->count++] = fd;
}

/* "" for what is no Unix socket, or has an abstract name or none. */
static void path_of(int fd, char ret_path[PATH_BYTES])
{
	struct sockaddr_un address = {0};
	socklen_t len = sizeof(address);

	ret_path[0] = '\0';
	if (getsockname(fd, (struct sockaddr *)&address, &len) < 0 || address.sun_family != AF_UNIX)
		return;
	memcpy(ret_path, address.sun_path, sizeof(address.sun_path));
	ret_path[PATH_BYTES - 1] = '\0';
}

/* One file can have two names: /var/run is /run. */
static bool is_same_file(const char *a, const char *b)
{
	struct stat status_a, status_b;

	if (strcmp(a, b) == 0)
		return true;
	return stat(a, &status_a) == 0 && stat(b, &status_b) == 0 &&
	       status_a.st_dev == status_b.st_dev && status_a.st_ino == status_b.st_ino;
}

/* Its place, or -1. */
static int find(const struct inherited *inherited, const char *path)
{
	for (unsigned i = 0; i < inherited->count; i++) {
		char bound[PATH_BYTES];

		if (inherited->fds[i] < 0)
			continue;
		path_of(inherited->fds[i], bound);
		if (*bound && is_same_file(bound, path))
			return (int)i;
	}
	return -1;
}

bool inherit_has(const struct inherited *inherited, const char *path)
{
	return find(inherited, path) >= 0;
}

int inherit_take(struct inherited *inherited, const char *path)
{
	int at = find(inherited, path);
	int fd = at < 0 ? -1 : inherited->fds[at];

	if (at >= 0)
		inherited->fds[at] = -1;
	return fd;
}

int inherit_take_proc(struct inherited *inherited)
{
	for (unsigned i = 0; i < inherited->count; i++) {
		int fd = inherited->fds[i];
		struct statfs status;

		if (fd < 0 || fstatfs(fd, &status) < 0 || status.f_type != PROC_SUPER_MAGIC)
			continue;
		inherited->fds[i] = -1;
		return fd;
	}
	return -1;
}

void inherit_done(struct inherited *inherited, void (*fn)(const char *path))
{
	for (unsigned i = 0; i < inherited->count; i++) {
		char path[PATH_BYTES];

		if (inherited->fds[i] < 0)
			continue;
		path_of(inherited->fds[i], path);
		if (fn)
			fn(path);
		close(inherited->fds[i]);
	}
	inherited->count = 0;
}
