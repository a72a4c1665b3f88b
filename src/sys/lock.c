/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A lock file whose name has the inode of the network namespace (namespaces(7)). */
#include "sys/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_DIRECTORY "/run/synprint"

static int lock_path(char *ret_path, size_t size)
{
	struct stat status;

	if (stat("/proc/self/ns/net", &status) < 0)
		return -errno;
	snprintf(ret_path, size, LOCK_DIRECTORY "/netns-%llu.lock",
		 (unsigned long long)status.st_ino);
	return 0;
}

/* The one who had the lock before us may have removed the file that we opened. */
static bool is_still_there(int fd, const char *path)
{
	struct stat ours, there;

	return fstat(fd, &ours) == 0 && stat(path, &there) == 0 && ours.st_ino == there.st_ino;
}

int lock_namespace(int *ret_fd)
{
	char path[96];
	int rc = lock_path(path, sizeof(path));

	if (rc < 0)
		return rc;
	if (mkdir(LOCK_DIRECTORY, 0755) < 0 && errno != EEXIST)
		return -errno;
	for (;;) {
		int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

		if (fd < 0)
			return -errno;
		if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
			rc = errno == EWOULDBLOCK ? -EBUSY : -errno;
			close(fd);
			return rc;
		}
		if (is_still_there(fd, path)) {
			*ret_fd = fd;
			return 0;
		}
		close(fd);
	}
}

void unlock_namespace(int fd)
{
	char path[96];

	if (fd < 0)
		return;
	if (lock_path(path, sizeof(path)) == 0)
		unlink(path);
	close(fd);
}
