/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nfnetlink over libmnl. libmnl's own mnl_cb_run() refuses answers whose sequence number is not
 * the one expected; after a timeout the late answer would spoil the next request, so the walk
 * through the answers is done here and skips them.
 */
#include "nl/nl.h"
#include "sys/clock.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#define ANSWER_BYTES 32768 /* the kernel fills no datagram of a dump beyond (af_netlink.c) */
#define TIMEOUT_MS 2000
#define IDLE_MAX 64

struct nl {
	struct mnl_socket *socket;
	uint32_t seq;
	_Alignas(8) char answer[ANSWER_BYTES];
};

/* One exchange: messages first to last were sent. */
struct exchange {
	uint32_t first, last;
	mnl_cb_t cb;
	void *ctx;
	bool is_done;
	int rc;
	uint32_t failed;
};

/*
 * Connections that nobody needs are kept for whoever opens one next. When a netfilter socket is
 * closed, nf_tables waits for RCU under the mutex that every commit needs (nf_tables_api.c:
 * nft_rcv_nl_event): up to 1.4 s were measured on a busy machine, in which the switch lapses.
 */
static struct {
	pthread_mutex_t lock;
	struct nl *connections[IDLE_MAX];
	unsigned count;
} idle = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct nl *take_idle(void)
{
	struct nl *nl = NULL;

	pthread_mutex_lock(&idle.lock);
	if (idle.count)
		nl = idle.connections[--idle.count];
	pthread_mutex_unlock(&idle.lock);
	return nl;
}

static bool keep_idle(struct nl *nl)
{
	bool is_kept;

	pthread_mutex_lock(&idle.lock);
	is_kept = nl->socket && idle.count < IDLE_MAX;
	if (is_kept)
		idle.connections[idle.count++] = nl;
	pthread_mutex_unlock(&idle.lock);
	return is_kept;
}

int nl_open(struct nl **ret_nl)
{
	struct nl *nl = take_idle();
	int on = 1, rc;

	if (nl) {
		*ret_nl = nl;
		return 0;
	}
	nl = calloc(1, sizeof(*nl));
	if (!nl)
		return -ENOMEM;
	nl->seq = (uint32_t)time(NULL);
	nl->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!nl->socket || mnl_socket_bind(nl->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		rc = -errno;
		nl_close(nl);
		return rc;
	}
	/* Else a failure comes back with the whole message that it is about. */
	mnl_socket_setsockopt(nl->socket, NETLINK_CAP_ACK, &on, sizeof(on));
	*ret_nl = nl;
	return 0;
}

void nl_close(struct nl *nl)
{
	if (!nl || keep_idle(nl))
		return;
	if (nl->socket)
		mnl_socket_close(nl->socket);
	free(nl);
}

struct nlmsghdr *nl_header(void *buf, uint16_t type, uint8_t family, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nfg->nfgen_family = family;
	nfg->version = NFNETLINK_V0;
	nfg->res_id = 0;
	return nlh;
}

uint32_t nl_next_seq(struct nl *nl)
{
	return ++nl->seq;
}

/* The code in an error message or at the end of a dump; 0 is an acknowledgement. */
static int answer_code(const struct nlmsghdr *nlh)
{
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(int))
		return nlh->nlmsg_type == NLMSG_DONE ? 0 : -EBADMSG;
	return *(const int *)mnl_nlmsg_get_payload(nlh);
}

static void note_failure(struct exchange *ex, int rc, uint32_t seq)
{
	if (rc < 0 && ex->rc == 0) {
		ex->rc = rc;
		ex->failed = seq;
	}
}

static void take_message(struct exchange *ex, const struct nlmsghdr *nlh)
{
	if (nlh->nlmsg_seq - ex->first > ex->last - ex->first)
		return;
	if (nlh->nlmsg_type == NLMSG_ERROR || nlh->nlmsg_type == NLMSG_DONE) {
		int code = answer_code(nlh);

		note_failure(ex, code, nlh->nlmsg_seq);
		if (nlh->nlmsg_seq == ex->last || (nlh->nlmsg_seq == ex->first && code < 0))
			ex->is_done = true;
	} else if (nlh->nlmsg_type >= NLMSG_MIN_TYPE && ex->cb && ex->rc == 0) {
		if (ex->cb(nlh, ex->ctx) < 0)
			note_failure(ex, -errno, nlh->nlmsg_seq);
	}
}

/* Waits for a datagram until @deadline_ms. Returns its length or -errno. */
static ssize_t receive(struct nl *nl, uint64_t deadline_ms)
{
	struct pollfd pollfd = {.fd = mnl_socket_get_fd(nl->socket), .events = POLLIN};
	ssize_t len;

	for (;;) {
		uint64_t now_ms = clock_monotonic_ms();
		int rc = poll(&pollfd, 1, now_ms < deadline_ms ? (int)(deadline_ms - now_ms) : 0);

		if (rc == 0)
			return -ETIMEDOUT;
		if (rc > 0) {
			len = mnl_socket_recvfrom(nl->socket, nl->answer, sizeof(nl->answer));
			if (len >= 0)
				return len;
		}
		if (errno != EINTR)
			return -errno;
	}
}

static int run_exchange(struct nl *nl, const void *buf, size_t len, struct exchange *ex)
{
	uint64_t deadline_ms;

	while (mnl_socket_sendto(nl->socket, buf, len) < 0)
		if (errno != EINTR)
			return -errno;
	deadline_ms = clock_monotonic_ms() + TIMEOUT_MS;
	while (!ex->is_done) {
		ssize_t received = receive(nl, deadline_ms);
		const struct nlmsghdr *nlh = (const void *)nl->answer;
		int rest = (int)received;

		if (received < 0)
			return rest;
		for (; mnl_nlmsg_ok(nlh, rest); nlh = mnl_nlmsg_next(nlh, &rest))
			take_message(ex, nlh);
	}
	return ex->rc;
}

int nl_request(struct nl *nl, struct nlmsghdr *nlh, mnl_cb_t cb, void *ctx)
{
	uint32_t seq = nl_next_seq(nl);
	struct exchange ex = {.first = seq, .last = seq, .cb = cb, .ctx = ctx};

	nlh->nlmsg_seq = seq;
	return run_exchange(nl, nlh, nlh->nlmsg_len, &ex);
}

int nl_send_batch(struct nl *nl, const void *buf, size_t len, uint32_t first_seq, uint32_t last_seq,
		  uint32_t *ret_failed_seq)
{
	struct exchange ex = {.first = first_seq, .last = last_seq, .failed = first_seq};
	int rc = run_exchange(nl, buf, len, &ex);

	if (rc < 0 && ret_failed_seq)
		*ret_failed_seq = ex.failed;
	return rc;
}
