/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NFLOG over libmnl. The kernel collects messages and sends them together, after LINGER_CS at the
 * latest, so that a confirmed connection costs little more than its line in the log.
 */
#include "input/nflog.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "input/nflog_tuple.h"
#include "nl/nl.h"

#define COPY_BYTES 128 /* an IPv6 header and a whole TCP header; the rule's snaplen is no more */
#define LINGER_CS 10 /* hundredths of a second that a message waits for others */
#define KERNEL_BYTES 32768 /* of the kernel's datagram: 64 messages of 450 bytes */
#define RECEIVE_BYTES (1 << 21) /* of the socket: a burst of 10,000 confirmations */
#define DATAGRAM_BYTES 65536
#define CONFIG_TIMEOUT_MS 2000

struct nflog {
	struct mnl_socket *socket;
	uint32_t portid, next_seq;
	bool has_seq;
	struct nl *nl; /* for questions to conntrack; opened with the first one */
	struct nflog_stats stats;
	const struct nlmsghdr *at; /* the next message of the datagram */
	int left; /* its bytes that are left */
	_Alignas(8) char datagram[DATAGRAM_BYTES];
};

static struct nlmsghdr *begin_config(void *buf, uint16_t group)
{
	struct nlmsghdr *nlh =
		nl_header(buf, NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG, AF_UNSPEC, NLM_F_ACK);
	struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);

	nfg->res_id = htons(group);
	return nlh;
}

static void put_command(struct nlmsghdr *nlh, uint8_t command)
{
	struct nfulnl_msg_config_cmd cmd = {.command = command};

	mnl_attr_put(nlh, NFULA_CFG_CMD, sizeof(cmd), &cmd);
}

/* What the kernel answers: 0 or -errno. Messages of the log that come before it are passed over. */
static int wait_for_answer(struct nflog *nflog)
{
	struct pollfd pollfd = {.fd = mnl_socket_get_fd(nflog->socket), .events = POLLIN};

	for (;;) {
		int rc = poll(&pollfd, 1, CONFIG_TIMEOUT_MS);
		ssize_t len;

		if (rc == 0)
			return -ETIMEDOUT;
		if (rc < 0 && errno == EINTR)
			continue;
		len = rc < 0 ? -1
			     : mnl_socket_recvfrom(nflog->socket, nflog->datagram, DATAGRAM_BYTES);
		if (len < 0)
			return -errno;
		if (((const struct nlmsghdr *)nflog->datagram)->nlmsg_type != NLMSG_ERROR)
			continue;
		return mnl_cb_run(nflog->datagram, (size_t)len, 0, nflog->portid, NULL, NULL) < 0
			       ? -errno
			       : 0;
	}
}

static int send_config(struct nflog *nflog, struct nlmsghdr *nlh)
{
	if (mnl_socket_sendto(nflog->socket, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	return wait_for_answer(nflog);
}

static int set_flags(struct nflog *nflog, uint16_t group, uint16_t flags)
{
	char buf[NL_MESSAGE_BYTES];
	struct nlmsghdr *nlh = begin_config(buf, group);

	mnl_attr_put_u16(nlh, NFULA_CFG_FLAGS, htons(flags));
	return send_config(nflog, nlh);
}

static int bind_group(struct nflog *nflog, const struct nflog_params *params)
{
	uint16_t group = params->group;
	struct nfulnl_msg_config_mode mode = {.copy_range = htonl(COPY_BYTES),
					      .copy_mode = NFULNL_COPY_PACKET};
	char buf[NL_MESSAGE_BYTES];
	struct nlmsghdr *nlh = begin_config(buf, group);
	uint16_t more = params->wants_connection ? NFULNL_CFG_F_CONNTRACK : 0;
	int rc;

	put_command(nlh, NFULNL_CFG_CMD_BIND);
	mnl_attr_put(nlh, NFULA_CFG_MODE, sizeof(mode), &mode);
	mnl_attr_put_u32(nlh, NFULA_CFG_NLBUFSIZ, htonl(KERNEL_BYTES));
	mnl_attr_put_u32(nlh, NFULA_CFG_TIMEOUT, htonl(LINGER_CS));
	mnl_attr_put_u32(nlh, NFULA_CFG_QTHRESH, htonl(NFLOG_TOGETHER));
	rc = send_config(nflog, nlh);
	if (rc < 0)
		return rc;
	/* Kernels without CONFIG_NETFILTER_NETLINK_GLUE_CT have the flag not: nflog_ask(). */
	rc = set_flags(nflog, group, NFULNL_CFG_F_SEQ | more);
	return rc == -EOPNOTSUPP ? set_flags(nflog, group, NFULNL_CFG_F_SEQ) : rc;
}

/* A group that another socket holds is EPERM, as is a missing capability (nfnetlink_log.c). */
static int explain(int rc, const struct nflog_params *params, struct text_error *ret_error)
{
	unsigned group = params->group;

	if (rc == -EPERM || rc == -EBUSY) {
		text_error_set(ret_error, 0, 0,
			       "NFLOG group %u is in use by another program: choose another with "
			       "%s",
			       group, params->key);
		return -EBUSY;
	}
	if (rc == -EINVAL || rc == -EOPNOTSUPP) {
		text_error_set(ret_error, 0, 0,
			       "this kernel has no NFLOG (CONFIG_NETFILTER_NETLINK_LOG)");
		return -EOPNOTSUPP;
	}
	text_error_set(ret_error, 0, 0, "cannot bind to NFLOG group %u: %s", group, strerror(-rc));
	return rc;
}

int nflog_open(const struct nflog_params *params, struct text_error *ret_error,
	       struct nflog **ret_nflog)
{
	struct nflog *nflog = calloc(1, sizeof(*nflog));
	int on = 1, size = RECEIVE_BYTES, rc = 0;

	if (!nflog)
		return explain(-ENOMEM, params, ret_error);
	nflog->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!nflog->socket || mnl_socket_bind(nflog->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		rc = -errno;
	if (rc == 0) {
		nflog->portid = mnl_socket_get_portid(nflog->socket);
		rc = bind_group(nflog, params);
	}
	if (rc < 0) {
		nflog_close(nflog);
		return explain(rc, params, ret_error);
	}
	mnl_socket_setsockopt(nflog->socket, NETLINK_NO_ENOBUFS, &on, sizeof(on));
	if (setsockopt(nflog_fd(nflog), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(nflog_fd(nflog), SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	*ret_nflog = nflog;
	return 0;
}

void nflog_close(struct nflog *nflog)
{
	if (!nflog)
		return;
	if (nflog->socket)
		mnl_socket_close(nflog->socket);
	nl_close(nflog->nl);
	free(nflog);
}

int nflog_fd(const struct nflog *nflog)
{
	return mnl_socket_get_fd(nflog->socket);
}

static void note_seq(struct nflog *nflog, uint32_t seq)
{
	if (nflog->has_seq)
		nflog->stats.lost += seq - nflog->next_seq;
	nflog->has_seq = true;
	nflog->next_seq = seq + 1;
}

/* Return: whether the next message of the datagram is an event. */
static bool take_message(struct nflog *nflog, struct nflog_event *ret_event)
{
	const struct nlmsghdr *nlh = nflog->at;
	uint32_t seq = nflog->next_seq;
	bool is_event;

	nflog->at = mnl_nlmsg_next(nlh, &nflog->left);
	if (nlh->nlmsg_type < NLMSG_MIN_TYPE)
		return false;
	is_event = nflog_parse(nlh, nlh->nlmsg_len, ret_event, &seq) == 0;
	note_seq(nflog, seq);
	if (is_event)
		nflog->stats.received++;
	else
		nflog->stats.unreadable++;
	return is_event;
}

/* Return: bytes of the next datagram, 0: there is none now, or -errno. */
static int next_datagram(struct nflog *nflog)
{
	ssize_t len = recv(nflog_fd(nflog), nflog->datagram, sizeof(nflog->datagram), MSG_DONTWAIT);

	if (len < 0)
		return errno == EAGAIN || errno == EINTR || errno == ENOBUFS ? 0 : -errno;
	nflog->at = (const struct nlmsghdr *)nflog->datagram;
	nflog->left = (int)len;
	return (int)len;
}

int nflog_receive(struct nflog *nflog, struct nflog_event *ret_events)
{
	int count = 0;

	while (count < NFLOG_EVENTS_MAX) {
		int rc;

		if (mnl_nlmsg_ok(nflog->at, nflog->left)) {
			count += take_message(nflog, &ret_events[count]);
			continue;
		}
		if (count > NFLOG_EVENTS_MAX - NFLOG_TOGETHER)
			break;
		rc = next_datagram(nflog);
		if (rc <= 0)
			return count ? count : rc;
	}
	return count;
}

/* Return: whether it is a copy. */
static bool take_copy(struct nflog *nflog, struct nflog_copy *ret_copy)
{
	const struct nlmsghdr *nlh = nflog->at;
	uint32_t seq = nflog->next_seq;
	bool is_copy;

	nflog->at = mnl_nlmsg_next(nlh, &nflog->left);
	if (nlh->nlmsg_type < NLMSG_MIN_TYPE)
		return false;
	is_copy = nflog_parse_copy(nlh, nlh->nlmsg_len, ret_copy, &seq) == 0;
	note_seq(nflog, seq);
	if (is_copy)
		nflog->stats.received++;
	else
		nflog->stats.unreadable++;
	return is_copy;
}

int nflog_next(struct nflog *nflog, struct nflog_copy *ret_copy)
{
	for (;;) {
		int rc;

		if (mnl_nlmsg_ok(nflog->at, nflog->left)) {
			if (take_copy(nflog, ret_copy))
				return 1;
			continue;
		}
		rc = next_datagram(nflog);
		if (rc <= 0)
			return rc;
	}
}

/* net/core/sock.c: sock_enable_timestamp; net/netfilter/nfnetlink_log.c. */
void nflog_want_times(struct nflog *nflog)
{
	int on = 1;

	setsockopt(nflog_fd(nflog), SOL_SOCKET, SO_TIMESTAMP, &on, sizeof(on));
}

static int take_answer(const struct nlmsghdr *nlh, void *ctx)
{
	const struct nlattr *attr;
	struct nflog_event *event = ctx;

	mnl_attr_for_each(attr, nlh,
			  sizeof(struct nfgenmsg)) if (mnl_attr_get_type(attr) == CTA_TUPLE_ORIG)
		event->has_original = nflog_take_tuple(attr, event);
	return MNL_CB_OK;
}

/* The answer's own addresses: from the server to whom it believes to be the client. */
static void put_reply_tuple(struct nlmsghdr *nlh, const struct nflog_event *event)
{
	struct nlattr *tuple = mnl_attr_nest_start(nlh, CTA_TUPLE_REPLY), *part;
	bool is_v4 = addr_is_v4(&event->client);
	size_t len = is_v4 ? 4 : 16, at = 16 - len;

	part = mnl_attr_nest_start(nlh, CTA_TUPLE_IP);
	mnl_attr_put(nlh, is_v4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, len, event->server.bytes + at);
	mnl_attr_put(nlh, is_v4 ? CTA_IP_V4_DST : CTA_IP_V6_DST, len, event->client.bytes + at);
	mnl_attr_nest_end(nlh, part);
	part = mnl_attr_nest_start(nlh, CTA_TUPLE_PROTO);
	mnl_attr_put_u8(nlh, CTA_PROTO_NUM, IPPROTO_TCP);
	mnl_attr_put_u16(nlh, CTA_PROTO_SRC_PORT, htons(event->server_port));
	mnl_attr_put_u16(nlh, CTA_PROTO_DST_PORT, htons(event->client_port));
	mnl_attr_nest_end(nlh, part);
	mnl_attr_nest_end(nlh, tuple);
}

int nflog_ask(struct nflog *nflog, struct nflog_event *event)
{
	uint8_t family = addr_is_v4(&event->client) ? AF_INET : AF_INET6;
	struct nflog_event answer = *event;
	char buf[NL_MESSAGE_BYTES];
	struct nlmsghdr *nlh =
		nl_header(buf, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET, family, NLM_F_ACK);
	int rc = nflog->nl ? 0 : nl_open(&nflog->nl);

	if (rc < 0)
		return rc;
	put_reply_tuple(nlh, event);
	rc = nl_request(nflog->nl, nlh, take_answer, &answer);
	if (rc == 0 && !answer.has_original)
		rc = -ENOENT;
	if (rc == 0)
		*event = answer;
	return rc;
}

void nflog_get_stats(const struct nflog *nflog, struct nflog_stats *ret_stats)
{
	*ret_stats = nflog->stats;
}
