/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket: a Unix stream socket on which requests come in lines and are answered
 * in order, and the subscriptions to events. It never blocks, and its memory is bounded
 * whatever the peers do: a peer that does not read is not read from, and a subscriber that
 * does not read misses events and is told how many. It has an epoll instance of its own, so
 * any event loop can drive it.
 */
#ifndef SYNPRINT_CONTROL_SERVER_H
#define SYNPRINT_CONTROL_SERVER_H

#include <sys/types.h>

#include "control/acceptor.h"
#include "control/peer.h"
#include "control/proto.h"

struct server;
struct server_snapshot;

/* Who asks. */
struct server_peer {
	struct peer who;
	bool may_claim; /* a User-Agent that he tells is kept with the client */
};

enum server_event_kind {
	SERVER_EVENT_SYN, /* one more SYN of a known client; only for subscribers with "syns" */
	SERVER_EVENT_NEW, /* the first SYN of a client */
	SERVER_EVENT_CHANGE, /* a client's verdict is another one now */
	SERVER_EVENT_CONFIRMED, /* a client's connection had a handshake */
};

enum server_readers {
	SERVER_READERS_ALL,
	SERVER_READERS_OF_SYNS, /* who asked for every SYN */
	SERVER_READERS_OF_CHANGES, /* all others */
};

/* What filters look at. */
struct server_event {
	enum server_event_kind kind;
	enum server_readers readers;
	struct addr addr;
	struct verdict verdict;
	bool has_changed; /* or is confirmed, as another connection was before */
	struct verdict old_verdict; /* only where it has changed: what it was before */
};

struct server_handler {
	/**
	 * request() - answer one request with one line without a newline.
	 * @req: valid during the call; never PROTO_SUBSCRIBE, and an op that changes something
	 * only from a peer who may, as `keep` is only true for one
	 * @reply: empty, of params.output_max bytes; if it overflows, the peer gets an error
	 */
	void (*request)(void *ctx, const struct proto_request *req, const struct server_peer *peer,
			struct text_buf *reply);

	/**
	 * begin() - start what takes long, and what server_finish() ends. The connection waits for
	 * it, and the others do not; then request() answers. NULL: nothing takes long.
	 * Return: the number of what was started, or 0: request() answers at once.
	 */
	uint64_t (*begin)(void *ctx, const struct proto_request *req);

	/**
	 * snapshot() - hand some clients to server_put_snapshot(), from a cursor on.
	 * @cursor: 0 to begin, then what the call before returned
	 * @max: at most so many clients are to be looked at, so that nobody waits for long
	 * Return: the next cursor, 0 after the last client.
	 */
	uint64_t (*snapshot)(void *ctx, uint64_t cursor, size_t max,
			     struct server_snapshot *snapshot);

	void *ctx;
};

struct server_params {
	struct acceptor_params where;
	unsigned conns_max; /* at least 1; some are kept for root (control/places.h) */
	enum peer_claims claims;
	gid_t claims_group; /* only with PEER_CLAIMS_GROUP */
	uid_t reports_uid; /* who may report besides root and our own user; (uid_t)-1: nobody */
	size_t output_max; /* bytes that wait for a peer before it is not read; 0: 256 KiB */
	size_t trusted_events_max; /* bytes of events that wait for who may report; 0: 4 MiB */
	const struct vocab *vocab; /* kept, not owned */
	struct server_handler handler;
};

struct server_stats {
	unsigned conns, subscribers;
	uint64_t accepted, refused; /* connections; refused: too many */
	uint64_t gave_way; /* connections closed for others to have a place */
	uint64_t requests, errors; /* lines; errors: refused before the handler saw them */
	uint64_t events_sent, events_missed;
};

/**
 * server_new() - listen.
 * A socket file on which nobody listens any more is replaced; any other file is left alone.
 * @ret_error: one line for the administrator on failure; may be NULL
 * Return: 0; -EADDRINUSE: another process listens on the path; -EEXIST: the path is no
 * socket; or -errno.
 */
int server_new(const struct server_params *params, struct text_error *ret_error,
	       struct server **ret_server);

/** server_free() - close all; the socket file goes where server_new() made it. NULL is allowed. */
void server_free(struct server *server);

/** server_fd() - readable when server_dispatch() has something to do. Owned by the server. */
int server_fd(const struct server *server);

/** server_dispatch() - do what is ready, a bounded amount for each peer, without waiting. */
void server_dispatch(struct server *server);

/** server_finish() - what begin() started is done: whoever waits for it is answered now. */
void server_finish(struct server *server, uint64_t number);

/**
 * server_tidy() - about once a second: a socket file that somebody deleted is made again, and
 * memory of many connections that are gone is given back.
 * @ret_error: what is wrong with the socket's file; may be NULL
 * Return: 0; 1: the file is there again; or -errno, once for each time that it is gone.
 */
int server_tidy(struct server *server, struct text_error *ret_error);

/**
 * server_has_subscribers() - whether somebody would be sent an event of this kind (before
 * filters). The only function here that any thread may call.
 */
bool server_has_subscribers(const struct server *server, enum server_event_kind kind);

/**
 * server_send_event() - send one event to all whose filter lets it through, as
 * `{"event":"new","seq":1,<members>}`. Copied into the peers' buffers and written by the next
 * server_dispatch(), for which server_fd() becomes readable.
 * @json, @len: a JSON object without "event" and "seq", on one line
 */
void server_send_event(struct server *server, const struct server_event *event, const char *json,
		       size_t len);

/**
 * server_note_missed() - events were lost before they got here: every subscriber is told, since
 * nobody knows any more whose filter they would have passed.
 */
void server_note_missed(struct server *server, uint64_t count);

/** server_put_snapshot() - as above, one client of a snapshot: `{"event":"client",<members>}`. */
void server_put_snapshot(struct server_snapshot *snapshot, const struct addr *addr,
			 bool is_confirmed, const struct verdict *verdict, const char *json,
			 size_t len);

void server_get_stats(const struct server *server, struct server_stats *ret_stats);

#endif
