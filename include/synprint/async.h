/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libsynprint-client for programs with an event loop: many requests under way over one connection,
 * which is made again when it breaks. No call waits. A handle belongs to one thread at a time.
 */
#ifndef SYNPRINT_ASYNC_H
#define SYNPRINT_ASYNC_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

struct synprint_async;

/**
 * synprint_line_fn - what came for a request or a subscription.
 * @rc: 0; -ETIMEDOUT: no answer in time; -EPIPE, -errno: the connection broke; -ECANCELED:
 * synprint_async_free()
 * @line: one line of synprint-control(7), NUL-terminated, good during the call; NULL with @rc < 0
 */
typedef void synprint_line_fn(void *ctx, int rc, const char *line);

/**
 * synprint_async_new() - a handle; it connects with the first request.
 * @path: of the control socket; NULL for SYNPRINT_DEFAULT_SOCKET
 * @timeout_ms: for each answer; 0: five seconds
 * @ret_async: to be given back with synprint_async_free()
 * Return: 0; -ENAMETOOLONG; -ENOMEM; -errno.
 */
int synprint_async_new(const char *path, unsigned timeout_ms, struct synprint_async **ret_async);

/** synprint_async_free() - who still waits gets -ECANCELED. NULL is allowed. */
void synprint_async_free(struct synprint_async *async);

/** synprint_async_fd() - for epoll or poll: readable when there is something to dispatch; stays the same. */
int synprint_async_fd(const struct synprint_async *async);

/**
 * synprint_async_dispatch() - send what was asked for, and hand out what came in. To be called when
 * the descriptor is readable, and after requests. The functions called may ask anew, not free.
 */
void synprint_async_dispatch(struct synprint_async *async);

/**
 * synprint_async_request() - ask.
 * @request: one JSON object on one line, without a newline; copied
 * @fn: called once, from synprint_async_dispatch() or synprint_async_free(); only where 0 is returned
 * Return: 0; -EAGAIN: 4,096 requests wait, or an answer is overdue; -ENOENT, -ECONNREFUSED: no
 * daemon, which is tried anew ten times a second at most; -EACCES; -errno.
 */
int synprint_async_request(struct synprint_async *async, const char *request, synprint_line_fn *fn,
			   void *ctx);

/**
 * synprint_async_subscribe() - have events sent; the handle is then for events alone.
 * A connection that breaks is told to @fn once and made again, a try a second.
 * @options: members of the request as JSON, as for synprint_subscribe(); NULL: none; copied
 * @fn: called for each event; with -EINVAL and the reply where the daemon refuses the options
 * Return: 0; -EBUSY: the handle is in use; -ENOMEM. That there is no daemon now is told to @fn.
 */
int synprint_async_subscribe(struct synprint_async *async, const char *options,
			     synprint_line_fn *fn, void *ctx);

/**
 * synprint_async_pause() - hand out no more lines until further notice. The daemon keeps what fits
 * into its buffer; events that do not are told in a gap event.
 */
void synprint_async_pause(struct synprint_async *async, bool is_paused);

#ifdef __cplusplus
}
#endif

#endif
