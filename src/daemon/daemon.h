/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon: everything wired together, in the order in which it starts and the reverse in
 * which it stops. The one place that knows all stages.
 */
#ifndef SYNPRINT_DAEMON_DAEMON_H
#define SYNPRINT_DAEMON_DAEMON_H

#include "control/p0f_server.h"
#include "control/server.h"
#include "daemon/packets/generation.h"
#include "daemon/packets/keeper.h"
#include "knowledge/learned.h"
#include "input/nfqueue_proc.h"
#include "daemon/service.h"
#include "daemon/packets/worker.h"
#include "sys/loop.h"
#include "sys/privs.h"

#define DAEMON_RETIRED_MAX 4

/* Exit codes of synprintd and, where they apply, of synprint; documented in synprintd(8). */
enum daemon_exit {
	DAEMON_EXIT_OK = 0,
	DAEMON_EXIT_FAILED = 1, /* something else; the log says what */
	DAEMON_EXIT_USAGE = 2,
	DAEMON_EXIT_UNREACHABLE = 3, /* synprint only: no daemon answers */
	DAEMON_EXIT_INPUT = 4, /* configuration, database or capture file */
	DAEMON_EXIT_PRIVILEGES = 5,
	DAEMON_EXIT_QUEUE_BUSY = 6,
	DAEMON_EXIT_SOCKET = 7, /* the control socket cannot be made, or another daemon serves it */
	DAEMON_EXIT_RULES = 8, /* the diversion rules cannot be made */
};

struct state;

struct daemon {
	struct config *boot; /* the first configuration: what only a restart changes */
	struct generation *generation; /* the newest; workers read it atomically */
	struct generation *retired[DAEMON_RETIRED_MAX]; /* replaced, and maybe still in use */
	struct vocab *vocab;
	struct pipeline pipeline;
	struct loop *loop;
	struct privs_user user; /* whom to become */
	bool has_user; /* else we stay who we are */
	int lock_rc; /* of lock_namespace() */
	int lock_fd; /* of this network namespace; -1 without */
	struct service service;
	struct server *server;
	int proc_fd; /* nfqueue_proc_open(); -1 where it may not be read */
	struct p0f_server *p0f; /* NULL where it is off */
	struct worker *workers[CONFIG_QUEUES_MAX];
	struct keeper *keeper;
	struct learned *learned; /* NULL where nothing is learned */
	struct state *state; /* NULL where none is kept */
	uint64_t started_s; /* daemon_clock_s() */
	uint64_t reloads;
	unsigned seconds; /* of the housekeeping */
};

/**
 * daemon_start() - from the control socket to the first diverted SYN.
 * @vocab: kept, not owned
 * @generation: loaded; becomes the daemon's
 * @user: whom to become; NULL: as configured
 * Return: DAEMON_EXIT_OK, or the code to exit with after daemon_stop(); the reason is logged.
 */
enum daemon_exit daemon_start(struct daemon *daemon, struct vocab *vocab,
			      struct generation *generation, const char *user);

/** daemon_find_user() - before anything is made, so that it can be made for them; NULL: nobody. */
enum daemon_exit daemon_find_user(struct daemon *daemon, const char *name);

/**
 * daemon_confine() - become the user, with CAP_NET_ADMIN and the system calls that are needed from
 * here on; their directories are handed over first. Every thread is started after it.
 */
enum daemon_exit daemon_confine(const struct daemon *daemon);

/** daemon_clock_s() - seconds of a clock that nobody sets, for uptimes. */
uint64_t daemon_clock_s(void);

/** daemon_run() - until SIGINT or SIGTERM. */
enum daemon_exit daemon_run(struct daemon *daemon);

/** daemon_stop() - rules away, queues drained, sets removed, threads ended; also after a failed start. */
void daemon_stop(struct daemon *daemon);

/**
 * daemon_reload() - read configuration and databases again. What only a restart can change stays,
 * and is named in the new generation's notes.
 * Return: 0, or -EINVAL with the reason; then all stays.
 */
int daemon_reload(struct daemon *daemon, struct text_error *ret_error);

/**
 * daemon_open_sockets() - listen where the configuration says; what is wrong is logged.
 * daemon_watch_sockets() - have the loop serve them. Return: 0 or -errno.
 */
enum daemon_exit daemon_open_sockets(struct daemon *daemon);
int daemon_watch_sockets(struct daemon *daemon);

/** daemon_tidy_sockets() - once a second: files that somebody deleted, memory of many that left. */
void daemon_tidy_sockets(struct daemon *daemon);
void daemon_close_sockets(struct daemon *daemon);

/** answers_p0f() - how the p0f socket's queries are answered; where it listens is left open. */
struct p0f_server_params answers_p0f(struct daemon *daemon);

/** answers_handler() - how the control socket's requests are answered. */
struct server_handler answers_handler(struct daemon *daemon);

/** answers_pair() - what @req->also adds, as the member "pair" with a comma before it. */
void answers_pair(struct daemon *daemon, const struct proto_request *req, struct text_buf *reply);

/** answers_explain(), ..., answers_baseline() - each puts the whole reply to its request. */
void answers_explain(struct daemon *daemon, const struct proto_request *req,
		     struct text_buf *reply);
void answers_unknown(struct daemon *daemon, const struct proto_request *req,
		     struct text_buf *reply);
void answers_learn(struct daemon *daemon, const struct proto_request *req, struct text_buf *reply);
void answers_baseline(struct daemon *daemon, const struct proto_request *req,
		      struct text_buf *reply);

/** answers_tell() - send an event of the workers to the subscribers. */
void answers_tell(void *daemon, const struct feed_event *event);

/** status_put() - the members of a status reply, each with a comma before it. */
void status_put(struct daemon *daemon, struct text_buf *reply);

#endif
