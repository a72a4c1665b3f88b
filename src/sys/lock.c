/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A lock file whose name has the inode of the network namespace (namespaces(7)). */
#include "sys/lock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/file.h" /* NOLINT(readability-duplicate-include): the other one is flock(2)'s */

#define LOCK_DIRECTORY "/run/synprint"
#define PREFIX "netns-"
#define SWEEP_MAX 4096 /* files that one start looks at */

static int lock_name(char *ret_name, size_t size)
{
	struct stat status;

	if (stat("/proc/self/ns/net", &status) < 0)
		return -errno;
	snprintf(ret_name, size, PREFIX "%llu.lock", (unsigned long long)status.st_ino);
	return 0;
}

/* The one who had the lock before us may have removed the file that we opened. */
static bool is_still_there(int fd, int dir, const char *name)
{
	struct stat ours, there;

	return fstat(fd, &ours) == 0 && fstatat(dir, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	       ours.st_ino == there.st_ino;
}

/* Return: a descriptor with the lock, or -errno; -EBUSY where another process has it. */
static int take(int dir, const char *name, int flags)
{
	for (;;) {
		int fd = openat(dir, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | flags,
				0600);

		if (fd < 0)
			return -errno;
		if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
			int rc = errno == EWOULDBLOCK ? -EBUSY : -errno;

			close(fd);
			return rc;
		}
		if (is_still_there(fd, dir, name))
			return fd;
		close(fd);
	}
}

/* Files of namespaces whose synprintd was killed: nobody has their lock, so nobody needs them. */
static void sweep(DIR *dir, const char *own)
{
	const struct dirent *entry;

	for (unsigned i = 0; i < SWEEP_MAX && (entry = readdir(dir)) != NULL; i++) {
		int fd;

		if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) != 0 ||
		    strcmp(entry->d_name, own) == 0)
			continue;
		fd = take(dirfd(dir), entry->d_name, 0);
		if (fd < 0)
			continue;
		if (unlinkat(dirfd(dir), entry->d_name, 0) < 0)
			i = SWEEP_MAX; /* nor would the next one go */
		close(fd);
	}
}

int lock_namespace(int *ret_fd)
{
	char name[64];
	int rc = lock_name(name, sizeof(name));
	DIR *dir;

	if (rc < 0)
		return rc;
	rc = file_make_open_directory(LOCK_DIRECTORY "/any");
	if (rc < 0)
		return rc;
	dir = opendir(LOCK_DIRECTORY);
	if (!dir)
		return -errno;
	rc = take(dirfd(dir), name, O_CREAT);
	if (rc >= 0) {
		*ret_fd = rc;
		sweep(dir, name);
	}
	closedir(dir);
	return rc < 0 ? rc : 0;
}

void unlock_namespace(int fd)
{
	char name[64], path[128];

	if (fd < 0)
		return;
	if (lock_name(name, sizeof(name)) == 0) {
		snprintf(path, sizeof(path), LOCK_DIRECTORY "/%s", name);
		unlink(path);
	}
	close(fd);
}
