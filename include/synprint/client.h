/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libsynprint-client: asking synprintd from C. A handle is one connection to its control socket
 * and belongs to one thread at a time; there is no state beside it. Every call comes back within
 * the handle's timeout, whatever the daemon does. Functions return 0 or a negative errno, and
 * synprint_error() says the same in words. The wire format is in synprint-control(7).
 */
#ifndef SYNPRINT_CLIENT_H
#define SYNPRINT_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SYNPRINT_DEFAULT_SOCKET "/run/synprint/control.sock"
#define SYNPRINT_WORD_MAX 64 /* bytes of a class, family, label or link, with the NUL */

struct synprint;

enum synprint_flag {
	SYNPRINT_VPN = 1 << 0,
	SYNPRINT_TUNNEL = 1 << 1,
	SYNPRINT_SCANNER = 1 << 2,
	SYNPRINT_OS_MISMATCH = 1 << 3,
	SYNPRINT_INCONSISTENT = 1 << 4,
	SYNPRINT_SHARED = 1 << 5,
	SYNPRINT_MSS_CLAMPED = 1 << 6,
	SYNPRINT_UNKNOWN = 1 << 7,
	SYNPRINT_MALFORMED = 1 << 8,
	SYNPRINT_PROXY = 1 << 9,
	SYNPRINT_OTHER_FLAG = 1 << 15, /* of a later daemon */
	/* No words of the verdict: what stands behind it. */
	SYNPRINT_CONFIRMED = 1 << 16, /* it had a handshake; else anybody may have sent the SYN */
	SYNPRINT_NEWER_DIFFERS = 1 << 17 /* a newer SYN, not confirmed, says something else */
};

enum synprint_grade {
	SYNPRINT_GRADE_NONE,
	SYNPRINT_GRADE_ACCESS,
	SYNPRINT_GRADE_POSSIBLE,
	SYNPRINT_GRADE_LIKELY
};

enum synprint_answer { SYNPRINT_NOT_KNOWN = -1, SYNPRINT_NO = 0, SYNPRINT_YES = 1 };

/* What is known of a connection, or of the newest confirmed one of an address. */
struct synprint_verdict {
	bool is_found; /* the address is known; else only `ip` is set */
	bool is_exact; /* it is about the port that was asked for, or none was */
	char ip[46];
	uint16_t port;
	char os_class[SYNPRINT_WORD_MAX], os_family[SYNPRINT_WORD_MAX], os_label[SYNPRINT_WORD_MAX];
	unsigned confidence_permille; /* of the class */
	unsigned family_permille;
	int distance; /* hops; -1: not known */
	unsigned mss, mtu; /* bytes; 0: not known */
	char link[SYNPRINT_WORD_MAX];
	enum synprint_grade grade;
	unsigned flags; /* enum synprint_flag, or-ed */
	char reasons[1024]; /* codes with spaces between them */
	enum synprint_answer is_lie; /* the User-Agent, where one was given */
	uint32_t syn_count; /* connections of the address; 0 in events */
};

enum synprint_event_kind {
	SYNPRINT_EVENT_NEW, /* the first SYN of a client */
	SYNPRINT_EVENT_CHANGE, /* another verdict about a known one */
	SYNPRINT_EVENT_SYN, /* one more SYN; only where asked for */
	SYNPRINT_EVENT_CLIENT, /* of the snapshot */
	SYNPRINT_EVENT_SNAPSHOT_END,
	SYNPRINT_EVENT_GAP, /* this reader was too slow: `missed` events are lost */
	SYNPRINT_EVENT_CONFIRMED /* a connection had its handshake: nobody has forged its SYN */
};

struct synprint_event {
	enum synprint_event_kind kind;
	uint64_t seq, missed;
	struct synprint_verdict verdict; /* not for SNAPSHOT_END and GAP */
};

/**
 * synprint_connect() - connect to a daemon.
 * @path: NULL for SYNPRINT_DEFAULT_SOCKET
 * @timeout_ms: for connecting and for each answer; 0: five seconds
 * @ret_synprint: to be closed with synprint_close()
 * Return: 0; -ENOENT, -ECONNREFUSED: no daemon; -EACCES: not allowed; -ENOMEM; -errno.
 */
int synprint_connect(const char *path, unsigned timeout_ms, struct synprint **ret_synprint);

/** synprint_close() - NULL is allowed. */
void synprint_close(struct synprint *synprint);

/** synprint_error() - the last failure of this handle, one line; good until the next call. */
const char *synprint_error(const struct synprint *synprint);

/** synprint_fd() - readable when something may have come in; for poll(2) alone. */
int synprint_fd(const struct synprint *synprint);

/**
 * synprint_verdict() - ask about an address.
 * @ip: as text, IPv4 or IPv6
 * @port: the connection's source port, 0 for the newest confirmed one
 * @user_agent: what the client says it is, or NULL; a lie is remembered by the daemon
 * Return: 0, also where nothing is known (is_found); -EINVAL: the daemon refused the request;
 * -ETIMEDOUT; -EPIPE: closed; -EPROTO: the answer makes no sense. After the last three the
 * connection is of no use any more: close it and connect again.
 */
int synprint_verdict(struct synprint *synprint, const char *ip, uint16_t port,
		     const char *user_agent, struct synprint_verdict *ret_verdict);

/**
 * synprint_send_verdict(), synprint_receive_verdict() - the two halves of it, so that many
 * requests can be under way; answers come in the order of the requests.
 */
int synprint_send_verdict(struct synprint *synprint, const char *ip, uint16_t port,
			  const char *user_agent);
int synprint_receive_verdict(struct synprint *synprint, struct synprint_verdict *ret_verdict);

/**
 * synprint_request() - any request of synprint-control(7).
 * @request: one JSON object on one line, without a newline
 * @ret_reply: the reply's line, NUL-terminated; owned by the handle, good until the next call
 * Return: as synprint_verdict().
 */
int synprint_request(struct synprint *synprint, const char *request, const char **ret_reply);

/**
 * synprint_subscribe() - have events sent from now on; the handle is then for events alone.
 * @options: members of the request as JSON, such as "\"flags\":[\"vpn\"],\"snapshot\":true"; NULL: none
 * Return: as synprint_verdict().
 */
int synprint_subscribe(struct synprint *synprint, const char *options);

/**
 * synprint_next_event() - the next event.
 * @timeout_ms: how long to wait for one; 0: not at all; -1: for ever
 * Return: 1; 0: none came in time; -EPIPE, -EPROTO, -errno as above.
 */
int synprint_next_event(struct synprint *synprint, int timeout_ms,
			struct synprint_event *ret_event);

/**
 * synprint_send_line(), synprint_receive_line() - the lines themselves, for other protocols over
 * the same connection.
 * @line: NUL-terminated, without its newline; a received one is good until the next call
 * Return: 0; -ETIMEDOUT; -EPIPE; -EMSGSIZE: a line over 16 MiB; -errno.
 */
int synprint_send_line(struct synprint *synprint, const char *line);
int synprint_receive_line(struct synprint *synprint, int timeout_ms, const char **ret_line);

#ifdef __cplusplus
}
#endif

#endif
