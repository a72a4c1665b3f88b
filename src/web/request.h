/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One HTTP request as the rest of the program sees it: no connection, no library. */
#ifndef SYNPRINT_WEB_REQUEST_H
#define SYNPRINT_WEB_REQUEST_H

#include "core/base/addr.h"

#define REQUEST_ARGS_MAX 16
#define REQUEST_BODY_MAX 1024 /* bytes, of the form that is sent to /login */

enum request_method { REQUEST_GET, REQUEST_HEAD, REQUEST_POST, REQUEST_OTHER };

enum request_header {
	REQUEST_HOST,
	REQUEST_REAL_IP,
	REQUEST_REAL_PORT,
	REQUEST_FORWARDED_FOR,
	REQUEST_FORWARDED,
	REQUEST_FORWARDED_HOST,
	REQUEST_FORWARDED_PROTO,
	REQUEST_VIA,
	REQUEST_USER_AGENT,
	REQUEST_AUTHORIZATION,
	REQUEST_COOKIE,
	REQUEST_CONTENT_LENGTH,
	REQUEST_TRANSFER_ENCODING,
	REQUEST_HEADER_COUNT
};

/* The other end of the connection. */
struct request_peer {
	bool is_unix; /* a Unix socket: no address */
	struct addr addr;
	uint16_t port;
};

struct request_arg {
	const char *name, *value;
};

/* The texts belong to whoever fills it in. */
struct request {
	enum request_method method;
	const char *path; /* without what follows a question mark */
	bool is_http11;
	struct request_peer peer;
	const char *headers[REQUEST_HEADER_COUNT]; /* NULL: none; of several the last */
	uint8_t header_lines[REQUEST_HEADER_COUNT]; /* how often; 255: or more */
	struct request_arg args[REQUEST_ARGS_MAX];
	unsigned arg_count;
	char body[REQUEST_BODY_MAX + 1];
	size_t body_len;
};

/** request_set_method() - from its name; NULL is REQUEST_OTHER. */
void request_set_method(struct request *request, const char *name);

/** request_add_header() - one header line; what is not in the list above is passed over. */
void request_add_header(struct request *request, const char *name, const char *value);

/** request_add_arg() - one argument of the URL, decoded; what does not fit is left out. @value: NULL is "" */
void request_add_arg(struct request *request, const char *name, const char *value);

/** request_arg() - its value, "" without one; NULL: it is not there. */
const char *request_arg(const struct request *request, const char *name);

/** request_is_true() - whether an argument is "true", "1" or has no value. */
bool request_is_true(const struct request *request, const char *name);

/** request_add_body() - more of the body. Return: 0; -E2BIG: it is longer than any that we read. */
int request_add_body(struct request *request, const char *data, size_t len);

/**
 * request_refusal() - why the request is not taken at all: what two programs might read
 * differently (two lengths, a coded body, two hosts), or a body where none is read.
 * Return: NULL, or a text for the answer.
 */
const char *request_refusal(const struct request *request);

#endif
