/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket's language: one JSON object a line, both ways. Pure: a request's text
 * becomes a struct that is checked to the last member, and a reply becomes text. It knows
 * neither sockets nor the daemon's state.
 */
#ifndef SYNPRINT_CONTROL_PROTO_H
#define SYNPRINT_CONTROL_PROTO_H

#include "core/reported/reported.h"
#include "core/verdict/filter.h"

#define PROTO_LINE_MAX 65536 /* bytes of a request, without its newline */
#define PROTO_LIMIT_MAX 1000 /* clients in one reply at the most */
#define PROTO_LIMIT_DEFAULT 100
#define PROTO_USER_AGENT_MAX 4096 /* bytes of a User-Agent, with its NUL */
#define PROTO_ID_MAX 400 /* bytes of an id as JSON text, with its NUL: 64 bytes escaped as \uXXXX */

enum proto_op {
	PROTO_VERDICT,
	PROTO_STATUS,
	PROTO_SUBSCRIBE, /* answered by the server itself */
	PROTO_CLIENTS,
	PROTO_FORGET,
	PROTO_RELOAD,
	PROTO_EXPLAIN,
	PROTO_UNKNOWN,
	PROTO_LEARN,
	PROTO_BASELINE,
	PROTO_METRICS,
	PROTO_REPORT,
	PROTO_OP_COUNT
};

enum proto_code {
	PROTO_BAD_JSON, /* not one JSON object */
	PROTO_UNKNOWN_OP,
	PROTO_UNKNOWN_MEMBER,
	PROTO_MISSING_MEMBER,
	PROTO_BAD_VALUE, /* a member of the wrong type or out of range */
	PROTO_TOO_LONG, /* the request's line; the connection is closed */
	PROTO_BUSY, /* too many connections */
	PROTO_FORBIDDEN,
	PROTO_NOT_FOUND,
	PROTO_NOT_SUPPORTED,
	PROTO_FAILED, /* the daemon could not do it; the message says why */
	PROTO_CODE_COUNT
};

/* Of a report: one word, or where the telling of all of them begins and ends. */
enum proto_round { PROTO_ROUND_NONE, PROTO_ROUND_BEGIN, PROTO_ROUND_END };

struct proto_request {
	enum proto_op op;
	char id[PROTO_ID_MAX]; /* as JSON text, to be echoed; "" for none */
	struct addr addr; /* verdict, explain, learn, report; forget without `net` */
	struct addr also; /* verdict, explain: the client's address of the other version */
	bool has_also;
	uint16_t port; /* verdict, explain, learn; 0: not given */
	char user_agent[PROTO_USER_AGENT_MAX]; /* verdict, learn; "" for none */
	bool keep; /* verdict: what the User-Agent says is kept with the client */
	struct filter filter; /* subscribe, clients; baseline, forget: `net`; report: `flags` */
	bool confirmed; /* clients: only those who are; subscribe: only what says so */
	bool servers; /* clients: those who answer, in place of those who ask */
	bool baseline; /* forget: what is usual in the network, and nothing else */
	bool syns; /* subscribe: every SYN, not only new clients and changes */
	bool snapshot; /* subscribe: all known clients first */
	bool leaves; /* subscribe: also the change of who does not meet the filter any more */
	uint64_t cursor; /* clients, baseline, forget; 0: from the beginning */
	struct reported_word word; /* report; all but address and flags */
	enum proto_round round; /* report */
	unsigned limit; /* clients, unknown, baseline; 1 to PROTO_LIMIT_MAX */
};

struct proto_error {
	enum proto_code code;
	char id[PROTO_ID_MAX]; /* of the request, where it could be read */
	char message[200];
};

/**
 * proto_parse() - read one request.
 * @line, @len: the line without its newline; line[len] is NUL
 * @vocab: the words that a filter may name
 * @ret_req: on success every member is set; on failure its contents mean nothing
 * @ret_error: on failure the code and which member was expected to be what
 * Return: 0 or -EINVAL.
 */
int proto_parse(const char *line, size_t len, const struct vocab *vocab,
		struct proto_request *ret_req, struct proto_error *ret_error);

/** proto_op_name() - the op as requests write it, such as "verdict". */
const char *proto_op_name(enum proto_op op);

/** proto_code_name() - the code as replies write it, such as "bad_value". */
const char *proto_code_name(enum proto_code code);

/** proto_op_changes() - true where only root and the daemon's own user may ask. */
bool proto_op_changes(enum proto_op op);

/**
 * proto_begin_reply() - put `{"ok":true` and the id where there is one.
 * The caller goes on with `,"name":value` and the closing brace; no newline.
 */
void proto_begin_reply(const struct proto_request *req, struct text_buf *reply);

/**
 * proto_put_error() - make @reply a whole error reply; what was in it is dropped.
 * @id: as JSON text, "" for none
 */
void proto_put_error(struct text_buf *reply, const char *id, enum proto_code code, const char *fmt,
		     ...) __attribute__((format(printf, 4, 5)));

#endif
