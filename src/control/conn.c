/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes between one peer and us. A line is looked for only in bytes that were not searched yet. */
#include "control/conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_BYTES 16384 /* a dispatch's share of one peer: some 400 requests */

struct conn *conn_new(int fd)
{
	struct conn *conn = calloc(1, sizeof(*conn));

	if (conn)
		conn->fd = fd;
	return conn;
}

void conn_free(struct conn *conn)
{
	close(conn->fd);
	bytes_done(&conn->in);
	bytes_done(&conn->out);
	free(conn->begun);
	free(conn);
}

static bool is_for_later(int error)
{
	return error == EAGAIN || error == EINTR;
}

int conn_read(struct conn *conn)
{
	char *end = bytes_reserve(&conn->in, READ_BYTES);
	ssize_t n;

	if (!end)
		return -ENOMEM;
	n = recv(conn->fd, end, READ_BYTES, MSG_DONTWAIT);
	if (n < 0)
		return is_for_later(errno) ? 0 : -errno;
	conn->in.len += (size_t)n;
	conn->eof = n == 0;
	return 0;
}

int conn_next_line(struct conn *conn, char **ret_line, size_t *ret_len)
{
	char *line = bytes_front(&conn->in);
	size_t waiting = conn->in.len, len;
	char *newline;

	if (waiting == 0) {
		bytes_trim(&conn->in);
		return 0;
	}
	newline = memchr(line + conn->scanned, '\n', waiting - conn->scanned);
	len = newline ? (size_t)(newline - line) : waiting;
	if (len > PROTO_LINE_MAX)
		return -E2BIG;
	if (!newline && !conn->eof) {
		conn->scanned = waiting;
		return 0;
	}
	line[len] = '\0'; /* the newline, or the spare byte of bytes_reserve() */
	conn->scanned = 0;
	bytes_consume(&conn->in, newline ? len + 1 : len);
	*ret_line = line;
	*ret_len = len;
	return 1;
}

int conn_flush(struct conn *conn)
{
	while (conn->out.len) {
		ssize_t n = send(conn->fd, bytes_front(&conn->out), conn->out.len,
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0)
			return is_for_later(errno) ? 0 : -errno;
		bytes_consume(&conn->out, (size_t)n);
	}
	bytes_trim(&conn->out);
	return 0;
}

int conn_put_line(struct conn *conn, const char *line, size_t len)
{
	char *end = bytes_reserve(&conn->out, len + 1);

	if (!end)
		return -ENOMEM;
	memcpy(end, line, len);
	end[len] = '\n';
	conn->out.len += len + 1;
	return 0;
}
