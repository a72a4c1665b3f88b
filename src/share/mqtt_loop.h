/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The loop of one connection over libmosquitto, in the thread of the caller. libmosquitto's own asks
 * the kernel three times for each message and sends an acknowledgement at a time; this one takes a
 * burst and answers it together. A connection that does not come about is begun anew.
 */
#ifndef SYNPRINT_SHARE_MQTT_LOOP_H
#define SYNPRINT_SHARE_MQTT_LOOP_H

#include <stdbool.h>

#define MQTT_LOOP_WHY_MAX 200

struct mosquitto;

struct mqtt_loop {
	struct mosquitto *mosq; /* told to be threaded, and not yet connected */
	const char *host;
	int port;
	bool is_up; /* in the thread: the broker has taken us */
	bool must_stop; /* atomic */
	/* In the thread: why there is no connection, and what of it was logged last. */
	char why[MQTT_LOOP_WHY_MAX], told[MQTT_LOOP_WHY_MAX];
};

/** mqtt_loop_came_up() - for the callback that is told so. */
void mqtt_loop_came_up(struct mqtt_loop *loop);

/** mqtt_loop_note() - for callbacks: why the connection does not come about; the first word counts. */
void mqtt_loop_note(struct mqtt_loop *loop, const char *why);

/** mqtt_loop_note_error() - the same for a line of libmosquitto's log, which does not say enough. */
void mqtt_loop_note_error(struct mqtt_loop *loop, const char *line);

/**
 * mqtt_loop_run() - connect, and after a lost connection wait a little and come back; until
 * must_stop, and then until the connection that is up has said goodbye. Why it does not come about is
 * logged, each reason once.
 */
void mqtt_loop_run(struct mqtt_loop *loop);

#endif
