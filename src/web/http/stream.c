/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Server-sent events (HTML Living Standard, section 9.2). Each reader has a subscription of its own:
 * filters are synprintd's, and a reader that is slow is not read for, so that synprintd drops events
 * and tells how many. Memory is one buffer for each reader.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "web/http/server_impl.h"

#define STREAM_BYTES 65536
#define EVENT_BYTES 16384 /* synprintd's events have 8 KiB at the most */
#define CHUNK_BYTES 16384
#define SILENCE_S                                                                                  \
	15 /* then a comment: proxies and we ourselves see whether the other end is there */

struct stream {
	struct upstream upstream; /* first: epoll's data points here */
	struct http_listener *listener;
	struct MHD_Connection *connection;
	bool is_asleep, is_paused, is_ending;
	int64_t last_s; /* something was put */
	size_t start, end; /* of what waits in data */
	char data[STREAM_BYTES];
	LIST_ENTRY(stream) entry;
};

static void wake(struct stream *stream)
{
	if (!stream->is_asleep)
		return;
	stream->is_asleep = false;
	stream->listener->has_more = true;
	MHD_resume_connection(stream->connection);
}

static size_t room(struct stream *stream)
{
	if (stream->start) {
		memmove(stream->data, stream->data + stream->start, stream->end - stream->start);
		stream->end -= stream->start;
		stream->start = 0;
	}
	return STREAM_BYTES - stream->end;
}

static void set_paused(struct stream *stream, bool is_paused)
{
	if (stream->is_paused == is_paused)
		return;
	stream->is_paused = is_paused;
	synprint_async_pause(stream->upstream.async, is_paused);
}

static void put(struct stream *stream, const char *before, const char *line, const char *after)
{
	size_t len = strlen(before) + strlen(line) + strlen(after);

	if (len >= room(stream))
		return;
	stream->end += (size_t)sprintf(stream->data + stream->end, "%s%s%s", before, line, after);
	stream->last_s = stream->listener->server->site->now_s;
	set_paused(stream, STREAM_BYTES - stream->end < EVENT_BYTES);
	wake(stream);
}

static void take_event(void *ctx, int rc, const char *line)
{
	struct stream *stream = ctx;

	if (rc == 0) {
		put(stream, "data: ", line, "\n\n");
	} else if (rc != -ECANCELED) {
		put(stream, "event: down\ndata: ", "{\"event\":\"down\"}", "\n\n");
		stream->is_ending |= rc == -EINVAL;
	}
}

static ssize_t read_stream(void *ctx, uint64_t pos, char *buf, size_t max)
{
	struct stream *stream = ctx;
	size_t len = stream->end - stream->start;

	(void)pos;
	stream->listener->is_active = true;
	if (len > max)
		len = max;
	if (len) {
		memcpy(buf, stream->data + stream->start, len);
		stream->start += len;
		if (stream->start == stream->end)
			stream->start = stream->end = 0;
		set_paused(stream, STREAM_BYTES - (stream->end - stream->start) < EVENT_BYTES);
		return (ssize_t)len;
	}
	if (stream->is_ending)
		return MHD_CONTENT_READER_END_OF_STREAM;
	stream->is_asleep = true;
	MHD_suspend_connection(stream->connection);
	return 0;
}

static void close_stream(void *ctx)
{
	struct stream *stream = ctx;

	LIST_REMOVE(stream, entry);
	stream->listener->server->site->figures->streams--;
	synprint_async_free(stream->upstream.async);
	stream->upstream.async = NULL;
	LIST_INSERT_HEAD(&stream->listener->server->closed, stream, entry);
}

void stream_free_closed(struct http_server *server)
{
	struct stream *stream;

	while ((stream = LIST_FIRST(&server->closed))) {
		LIST_REMOVE(stream, entry);
		free(stream);
	}
}

static struct stream *stream_new(struct http_listener *listener, const char *members)
{
	struct http_server *server = listener->server;
	struct stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return NULL;
	stream->listener = listener;
	stream->last_s = server->site->now_s;
	if (upstream_open(server, 0, &stream->upstream) < 0 ||
	    synprint_async_subscribe(stream->upstream.async, members, take_event, stream) < 0) {
		synprint_async_free(stream->upstream.async);
		free(stream);
		return NULL;
	}
	return stream;
}

/* What waits for a reader waits with synprintd, which tells him how much he missed. */
static void limit_kernel(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	int bytes = STREAM_BYTES;

	if (info)
		setsockopt(info->connect_fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

struct MHD_Response *stream_open(struct http_listener *listener, struct MHD_Connection *connection,
				 const char *members)
{
	struct http_server *server = listener->server;
	struct MHD_Response *response;
	struct stream *stream;

	if (server->site->figures->streams >= (unsigned)server->site->config->streams)
		return NULL;
	stream = stream_new(listener, members);
	if (!stream)
		return NULL;
	stream->connection = connection;
	limit_kernel(connection);
	LIST_INSERT_HEAD(&server->streams, stream, entry);
	server->site->figures->streams++;
	/* The first bytes go at once: an EventSource is open when its headers are there. */
	put(stream, ": synprint\n\n", "", "");
	response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, CHUNK_BYTES, read_stream,
						     stream, close_stream);
	if (!response)
		close_stream(stream);
	return response;
}

void stream_tick(struct http_server *server)
{
	struct stream *stream;

	LIST_FOREACH (stream, &server->streams, entry)
		if (server->site->now_s - stream->last_s >= SILENCE_S)
			put(stream, ":", "", "\n\n");
}

void stream_close_all(struct http_server *server)
{
	struct stream *stream;

	LIST_FOREACH (stream, &server->streams, entry) {
		stream->is_ending = true;
		wake(stream);
	}
}
