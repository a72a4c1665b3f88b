/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whatever happens: the old file or the new one, never a part. */
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
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

int file_replace(const char *path, const char *data, size_t len, bool is_durable)
{
	char temporary[PATH_BYTES];
	int fd, rc;

	snprintf(temporary, sizeof(temporary), "%s.new", path);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return -errno;
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
	snprintf(ret_writer->path, sizeof(ret_writer->path), "%s", path);
	if ((size_t)snprintf(ret_writer->temporary, sizeof(ret_writer->temporary), "%s.new",
			     path) >= sizeof(ret_writer->temporary))
		return -ENAMETOOLONG;
	ret_writer->fd = open(ret_writer->temporary,
			      O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	return ret_writer->fd < 0 ? -errno : 0;
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

int file_put_aside(const char *path, char *ret_aside, size_t size)
{
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
