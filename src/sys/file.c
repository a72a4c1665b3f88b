/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whatever happens: the old file or the new one, never a part. */
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 4096

static int write_whole(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* So that the new name is on the disk too. */
static void sync_directory(const char *path)
{
	char name[PATH_BYTES];
	int fd;

	snprintf(name, sizeof(name), "%s", path);
	fd = open(dirname(name), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

/* A device, a FIFO or a socket is nobody's to be renamed over: /dev/null would be gone for all. */
int file_may_replace(const char *path)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (S_ISDIR(status.st_mode))
		return -EISDIR;
	return S_ISREG(status.st_mode) ? 0 : -EINVAL;
}

bool file_is_same(const char *a, const char *b)
{
	struct stat here, there;

	if (strcmp(a, b) == 0)
		return true;
	return stat(a, &here) == 0 && stat(b, &there) == 0 && here.st_dev == there.st_dev &&
	       here.st_ino == there.st_ino;
}

const char *file_error_text(int rc)
{
	return rc == -EINVAL ? "it is no regular file" : strerror(-rc);
}

/*
 * Whatever stands at the temporary name goes: what is opened is a new regular file of our own, and
 * no FIFO of somebody's in which opening or writing would wait.
 */
static int open_new(const char *temporary, mode_t mode)
{
	int fd;

	if (unlink(temporary) < 0 && errno != ENOENT)
		return -errno;
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	return fd < 0 ? -errno : fd;
}

int file_replace(const char *path, const char *data, size_t len, bool is_durable)
{
	char temporary[PATH_BYTES];
	int fd, rc = file_may_replace(path);

	if (rc < 0)
		return rc;
	if ((size_t)snprintf(temporary, sizeof(temporary), "%s.new", path) >= sizeof(temporary))
		return -ENAMETOOLONG;
	fd = open_new(temporary, 0644);
	if (fd < 0)
		return fd;
	rc = write_whole(fd, data, len);
	/* What is only to be looked at is for everybody, whatever the umask. */
	if (rc == 0 && (is_durable ? fsync(fd) : fchmod(fd, 0644)) < 0)
		rc = -errno;
	if (close(fd) < 0 && rc == 0)
		rc = -errno;
	if (rc == 0 && rename(temporary, path) < 0)
		rc = -errno;
	if (rc < 0)
		unlink(temporary);
	else if (is_durable)
		sync_directory(path);
	return rc;
}

int file_begin(const char *path, struct file_writer *ret_writer)
{
	int rc = file_may_replace(path);

	if (rc < 0)
		return rc;
	snprintf(ret_writer->path, sizeof(ret_writer->path), "%s", path);
	if ((size_t)snprintf(ret_writer->temporary, sizeof(ret_writer->temporary), "%s.new",
			     path) >= sizeof(ret_writer->temporary))
		return -ENAMETOOLONG;
	ret_writer->fd = open_new(ret_writer->temporary, 0600);
	return ret_writer->fd < 0 ? ret_writer->fd : 0;
}

int file_write(struct file_writer *writer, const void *bytes, size_t len)
{
	return write_whole(writer->fd, bytes, len);
}

int file_end(struct file_writer *writer, int rc)
{
	if (rc == 0 && fsync(writer->fd) < 0)
		rc = -errno;
	if (close(writer->fd) < 0 && rc == 0)
		rc = -errno;
	if (rc == 0 && rename(writer->temporary, writer->path) < 0)
		rc = -errno;
	if (rc < 0)
		unlink(writer->temporary);
	else
		sync_directory(writer->path);
	return rc;
}

static int read_whole(int fd, char *data, size_t len)
{
	while (len) {
		ssize_t n = read(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

int file_read(const char *path, char **ret_bytes, size_t *ret_len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc = 0;
	struct stat status;
	char *bytes = NULL;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0)
		rc = -errno;
	else if (!S_ISREG(status.st_mode))
		rc = S_ISDIR(status.st_mode) ? -EISDIR : -EINVAL;
	else if ((uint64_t)status.st_size >= SIZE_MAX)
		rc = -EFBIG;
	if (rc == 0)
		bytes = malloc((size_t)status.st_size + 1);
	if (rc == 0)
		rc = bytes ? read_whole(fd, bytes, (size_t)status.st_size) : -ENOMEM;
	close(fd);
	if (rc != 0) {
		free(bytes);
		return rc;
	}
	bytes[status.st_size] = '\0';
	*ret_bytes = bytes;
	*ret_len = (size_t)status.st_size;
	return 0;
}

int file_put_aside(const char *path, char *ret_aside, size_t size)
{
	int rc = file_may_replace(path);

	if (rc < 0)
		return rc;
	snprintf(ret_aside, size, "%s.damaged", path);
	return rename(path, ret_aside) < 0 ? -errno : 0;
}

void file_make_directory(const char *path)
{
	char name[PATH_BYTES];

	snprintf(name, sizeof(name), "%s", path);
	if (mkdir(dirname(name), 0755) < 0)
		return; /* it is there, or writing will say what is wrong */
}

int file_make_open_directory(const char *path)
{
	char name[PATH_BYTES];
	const char *directory;

	snprintf(name, sizeof(name), "%s", path);
	directory = dirname(name);
	if (mkdir(directory, 0755) < 0)
		return errno == EEXIST ? 0 : -errno;
	return chmod(directory, 0755) < 0 ? -errno : 0;
}
