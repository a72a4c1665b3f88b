/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that are replaced whole or not at all: regular ones, and no device, FIFO or socket. */
#ifndef SYNPRINT_SYS_FILE_H
#define SYNPRINT_SYS_FILE_H

#include <stdbool.h>
#include <stddef.h>

/**
 * file_may_replace() - whether @path is a regular file, or nothing yet; a link counts as what it
 * leads to.
 * Return: 0; -EISDIR; -EINVAL for a device, a FIFO or a socket; or -errno.
 */
int file_may_replace(const char *path);

/** file_is_same() - by name, or where both are there and one: "./a" and "a", a link and its file. */
bool file_is_same(const char *a, const char *b);

/**
 * file_replace() - write a file under a temporary name beside it (PATH.new), and rename it. What
 * somebody has at the temporary name is removed.
 * @is_durable: wait for the disk, so that the file outlives a power failure as well
 * or not: then it is one that everybody may read, whatever the umask
 * Return: 0, or -errno, also of file_may_replace(); then all is as it was.
 */
int file_replace(const char *path, const char *data, size_t len, bool is_durable);

/* A file that is written piece by piece and takes its place when it is whole. */
struct file_writer {
	int fd;
	char path[4096], temporary[4096];
};

/** file_begin() - under a temporary name beside @path. Return: 0 or -errno, as file_replace(). */
int file_begin(const char *path, struct file_writer *ret_writer);

/** file_write() - Return: 0 or -errno. */
int file_write(struct file_writer *writer, const void *bytes, size_t len);

/**
 * file_end() - put it in its place, after the disk has it.
 * @rc: 0, or what went wrong before: then the file is dropped
 * Return: @rc, or -errno; then the old file is as it was.
 */
int file_end(struct file_writer *writer, int rc);

/**
 * file_read() - all of a regular file, however large.
 * @ret_bytes: with a NUL behind them; to be freed, also where @ret_len is 0
 * Return: 0; -EISDIR or -EINVAL for what is no file; or -errno.
 */
int file_read(const char *path, char **ret_bytes, size_t *ret_len);

/** file_put_aside() - rename a damaged file to *.damaged. Return: 0 or -errno, as file_replace(). */
int file_put_aside(const char *path, char *ret_aside, size_t size);

/** file_error_text() - what a negative number of these functions says, in words. */
const char *file_error_text(int rc);

/** file_make_directory() - the folder that a file is to be in, where it is missing. */
void file_make_directory(const char *path);

/**
 * file_make_open_directory() - the same for a socket, whose own mode says who may use it: whatever
 * the umask, everybody may look into a folder that this makes. One that is there stays as it is.
 * Return: 0 or -errno.
 */
int file_make_open_directory(const char *path);

#endif
