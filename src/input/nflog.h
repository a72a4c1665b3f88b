/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the ruleset logs to a group of NFLOG: which connections are confirmed, as the server's first
 * answer of an accepted handshake; or copies of packets, with the time at which they came. What is
 * lost here is only not known. Nothing waits, and nothing grows: one buffer, and the socket's own, of
 * fixed size.
 */
#ifndef SYNPRINT_INPUT_NFLOG_H
#define SYNPRINT_INPUT_NFLOG_H

#include "core/base/addr.h"
#include "core/base/text.h"

#define NFLOG_TOGETHER 64 /* messages that the kernel sends at once, at the most */
#define NFLOG_EVENTS_MAX 256 /* of one nflog_receive() */

struct nflog;

/* A connection as its first packet had it, and what the server's answer acknowledges. */
struct nflog_event {
	struct addr client, server;
	uint16_t client_port, server_port;
	bool has_original; /* else these are of the answer: where there is NAT, they may be others */
	bool has_ack;
	uint32_t ack;
};

/* A copy of a packet. */
struct nflog_copy {
	const uint8_t *bytes; /* from the IP header on, as much as the rule copies; the log's */
	size_t len;
	uint64_t
		time_ns; /* Unix time at which the kernel got it; 0: it is not said, as of what goes out */
};

struct nflog_params {
	uint16_t group; /* 0 to 65535 */
	const char *key; /* of the configuration, that chooses another group */
	bool wants_connection; /* events; else copies */
};

struct nflog_stats {
	uint64_t received;
	uint64_t lost; /* logged by the kernel, and dropped before we could read it */
	uint64_t unreadable; /* no TCP answer in it, or no packet at all */
};

/**
 * nflog_open() - have a group's packets sent here, several at a time.
 * @ret_error: on failure says in words what to do
 * Return: 0; -EBUSY: another program has the group; -EPERM; -EOPNOTSUPP: the kernel has no NFLOG;
 * -errno.
 */
int nflog_open(const struct nflog_params *params, struct text_error *ret_error,
	       struct nflog **ret_nflog);
void nflog_close(struct nflog *nflog);

/** nflog_fd() - readable when nflog_receive() has something; owned by the log. */
int nflog_fd(const struct nflog *nflog);

/**
 * nflog_receive() - what has come in, without waiting; whole datagrams.
 * @ret_events: NFLOG_EVENTS_MAX entries
 * Return: how many, with at most NFLOG_EVENTS_MAX - NFLOG_TOGETHER nothing is left; -errno on a
 * failure of the socket.
 */
int nflog_receive(struct nflog *nflog, struct nflog_event *ret_events);

/**
 * nflog_next() - the next copy that has come in, without waiting.
 * @ret_copy: its bytes are valid until the next call
 * Return: 1, 0 where there is none, -errno on a failure of the socket.
 */
int nflog_next(struct nflog *nflog, struct nflog_copy *ret_copy);

/**
 * nflog_want_times() - have the kernel stamp packets as they come in. From Linux 6.6 on it says a copy's
 * time in any case; before, only while some socket asks for times, and then it stamps every packet of
 * the machine. What has come in until then has none.
 */
void nflog_want_times(struct nflog *nflog);

/**
 * nflog_ask() - have conntrack tell the original addresses of an event without them.
 * Return: 0, and the event has them; -ENOENT: the connection is gone; -errno.
 */
int nflog_ask(struct nflog *nflog, struct nflog_event *event);

void nflog_get_stats(const struct nflog *nflog, struct nflog_stats *ret_stats);

/**
 * nflog_parse() - take one message of the kernel apart.
 * @message, @len: a netlink message with its header
 * @ret_seq: its number within the group
 * Return: 0, or -EINVAL: no message of NFLOG, or no TCP packet in it.
 */
int nflog_parse(const void *message, size_t len, struct nflog_event *ret_event, uint32_t *ret_seq);

/** nflog_parse_copy() - the same for a copy; its bytes are the message's. */
int nflog_parse_copy(const void *message, size_t len, struct nflog_copy *ret_copy,
		     uint32_t *ret_seq);

#endif
