/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a request is answered with, before any of it is sent. */
#ifndef SYNPRINT_WEB_REPLY_H
#define SYNPRINT_WEB_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#define REPLY_HEADERS_MAX 10
#define REPLY_VALUE_MAX 192

struct reply_header {
	const char *name;
	char value[REPLY_VALUE_MAX];
};

struct reply {
	unsigned status; /* 0: not made yet */
	const char *type; /* of the body */
	const char *body; /* the reply's own, from malloc(), unless is_static */
	size_t len;
	bool is_static; /* the body lives as long as the process, and may be cached for an hour */
	bool closes; /* the connection is of no use afterwards */
	char *stream; /* from malloc(): members of the request "subscribe" whose events follow */
	struct reply_header headers[REPLY_HEADERS_MAX];
	unsigned header_count;
};

/** reply_done() - give back what it holds. */
void reply_done(struct reply *reply);

/**
 * reply_set() - a status and a body of text.
 * @body: copied; what was there before is given back. Without memory: 500 and no body.
 */
void reply_set(struct reply *reply, unsigned status, const char *type, const char *body,
	       size_t len);

/** reply_set_static() - likewise, not copied. */
void reply_set_static(struct reply *reply, const char *type, const char *body, size_t len);

/** reply_refuse() - {"ok":false,"error":{"code":...,"message":...}}, as the control socket says it. */
void reply_refuse(struct reply *reply, unsigned status, const char *code, const char *message);

/** reply_add_header() - at most REPLY_HEADERS_MAX; all but printable ASCII in the value becomes '?'. */
void reply_add_header(struct reply *reply, const char *name, const char *value);

#endif
