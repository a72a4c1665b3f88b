/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events as lines of a file: one write each, at its end (O_APPEND), so that lines of several
 * writers do not mix; a line that did not fit on the disk is cut off again. Rotated by size, and
 * opened anew where somebody else renamed or removed it, on SIGHUP at once. Never synced: the disk is
 * nobody's to wait for.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "share/sinks/forms.h"
#include "share/sinks/sink.h"
#include "sys/log.h"

#define LINE_MAX_BYTES 65536
#define TRY_AGAIN_S 5

struct file_sink {
	struct sink sink;
	const struct sink_config *config;
	int fd; /* -1: it could not be opened */
	off_t size;
	uint64_t retry_s;
	char line[LINE_MAX_BYTES];
};

static struct file_sink *file_of(struct sink *sink)
{
	return (struct file_sink *)sink;
}

/* Regular files only: a pipe that nobody reads would stop every sink. */
static int open_file(struct file_sink *file)
{
	struct stat st;
	int fd = open(file->config->path,
		      O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0640);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return -EINVAL;
	}
	file->fd = fd;
	file->size = st.st_size;
	return 0;
}

static void close_file(struct file_sink *file)
{
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
}

/* PATH.1 is the newest of the old ones. */
static void rotate(struct file_sink *file)
{
	const char *path = file->config->path;
	char from[4096], to[4096];

	for (int i = file->config->keep; i > 1; i--) {
		snprintf(from, sizeof(from), "%s.%d", path, i - 1);
		snprintf(to, sizeof(to), "%s.%d", path, i);
		rename(from, to);
	}
	snprintf(to, sizeof(to), "%s.1", path);
	if (file->config->keep)
		rename(path, to);
	else
		unlink(path);
	close_file(file);
}

static void note_failure(struct file_sink *file, uint64_t now_s, int error)
{
	static struct log_limit limit;

	file->sink.failed++;
	log_limited(&limit, LOG_LEVEL_WARNING, "%s cannot be written, events are left out: %s",
		    file->config->path, strerror(error));
	close_file(file);
	file->retry_s = now_s + TRY_AGAIN_S;
}

static bool is_open(struct file_sink *file, uint64_t now_s)
{
	int rc = 0;

	if (file->fd < 0 && now_s < file->retry_s)
		file->sink.failed++;
	else if (file->fd < 0)
		rc = open_file(file);
	if (rc < 0)
		note_failure(file, now_s, -rc);
	return file->fd >= 0;
}

static void append(struct file_sink *file, uint64_t now_s, size_t len)
{
	ssize_t n = write(file->fd, file->line, len);

	if (n == (ssize_t)len) {
		file->size += n;
		file->sink.taken++;
		return;
	}
	if (n > 0 && ftruncate(file->fd, file->size) < 0)
		n = -1; /* half a line stays; it is told like any other failure */
	note_failure(file, now_s, n < 0 ? errno : ENOSPC);
}

static int file_open(const struct sink_config *config, struct text_error *ret_error,
		     struct sink **ret_sink)
{
	struct file_sink *file = calloc(1, sizeof(*file));
	int rc;

	if (!file)
		return text_error_set(ret_error, 0, 0, "out of memory");
	file->sink.type = &sink_file;
	file->config = config;
	rc = open_file(file);
	if (rc < 0) {
		free(file);
		return text_error_set(ret_error, 0, 0, "sink %s: %s", config->path,
				      rc == -EINVAL ? "is no regular file" : strerror(-rc));
	}
	*ret_sink = &file->sink;
	return 0;
}

static void file_take(struct sink *sink, uint64_t now_s, const struct sink_event *event)
{
	struct file_sink *file = file_of(sink);
	struct text_buf buf;

	if (!sink_wants(file->config, event))
		return;
	if (!is_open(file, now_s))
		return;
	text_buf_init(&buf, file->line, sizeof(file->line));
	form_put(file->config->form, event, &buf);
	text_put_char(&buf, '\n');
	if (buf.overflow) {
		file->sink.failed++;
		return;
	}
	if (file->size && file->size + (off_t)buf.len > (off_t)file->config->max_mb << 20)
		rotate(file);
	if (is_open(file, now_s))
		append(file, now_s, buf.len);
}

/* What was renamed is somebody's archive, what was removed is nobody's; it may also have been cut. */
static void file_tick(struct sink *sink, uint64_t now_s)
{
	struct file_sink *file = file_of(sink);
	struct stat ours, there;

	(void)now_s;
	if (file->fd < 0 || fstat(file->fd, &ours) < 0)
		return;
	file->size = ours.st_size;
	if (lstat(file->config->path, &there) == 0 && ours.st_ino == there.st_ino &&
	    ours.st_dev == there.st_dev)
		return;
	close_file(file);
	open_file(file); /* else the next event says why not */
}

static void file_reopen(struct sink *sink)
{
	struct file_sink *file = file_of(sink);

	close_file(file);
	file->retry_s = 0;
	open_file(file);
}

static void file_free(struct sink *sink)
{
	close_file(file_of(sink));
	free(sink);
}

const struct sink_type sink_file = {.open = file_open,
				    .take = file_take,
				    .tick = file_tick,
				    .reopen = file_reopen,
				    .free = file_free};
