/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Answers to requests on the sockets, and events for subscribers. They see the parts of the daemon
 * that they speak of; what only the whole can do is asked of it.
 */
#ifndef SYNPRINT_DAEMON_ANSWERS_ANSWERS_H
#define SYNPRINT_DAEMON_ANSWERS_ANSWERS_H

#include "control/p0f_server.h"
#include "control/server.h"
#include "core/baseline/baseline.h"
#include "core/clients/changes.h"
#include "core/learn/tally.h"
#include "core/reported/reported.h"
#include "daemon/answers/figures.h"
#include "daemon/packets/generation.h"
#include "knowledge/learned.h"
#include "publish/feed.h"

/* Each part outlives the answers. One thread gives them, the one that replaces the generation. */
struct answers {
	struct generation *const *generation; /* the newest */
	const struct vocab *vocab;
	struct clients *clients;
	struct clients *servers; /* NULL where no SYN+ACK is looked at */
	struct baseline *baseline; /* NULL where none is kept */
	struct tally *unknown;
	struct reported *reported;
	struct changes *changes; /* what was told of them of late */
	struct learned *learned; /* NULL where nothing is learned */
	struct server *server; /* whose subscribers are told; set once it is there */
	uint64_t (*reload)(void *daemon); /* answers_reloaded() is called with what it returns */
	const char *refused; /* why the reload that is answered failed; "": it did not */
	void (*gather)(const void *daemon, struct figures *ret_figures);
	void *daemon;
};

/**
 * answers_reloaded() - a reload has ended: who asked for it is answered.
 * @refused: why it failed; "": it did not
 */
void answers_reloaded(struct answers *answers, uint64_t number, const char *refused);

/** answers_handler() - how the control socket's requests are answered. */
struct server_handler answers_handler(struct answers *answers);

/** answers_p0f() - how the p0f socket's queries are answered; where it listens is left open. */
struct p0f_server_params answers_p0f(struct answers *answers);

/**
 * answers_find_clocks() - what the clocks of an address say now, and its verdict's flag by it.
 * @syn: of the connection, whose shape is meant; NULL: the shape with the strongest evidence
 * Return: whether any of its connections was measured.
 */
bool answers_find_clocks(const struct answers *answers, const struct addr *addr,
			 const struct syn *syn, struct verdict *verdict,
			 struct evidence *ret_evidence);

/** answers_tell_confirmed() - a client's connection from @port is confirmed. */
void answers_tell_confirmed(const struct answers *answers, const struct client_confirmed *confirmed,
			    uint16_t port);

/** answers_tell() - send an event of the workers to the subscribers. @answers: struct answers */
void answers_tell(void *answers, const struct feed_event *event);

/** answers_settle() - once a second: the changes that waited (changes_settle()). */
void answers_settle(struct answers *answers);

#endif
