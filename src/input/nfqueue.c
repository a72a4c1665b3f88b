/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NFQUEUE over libmnl: recvmmsg for a burst of packets (the kernel sends one datagram each), and
 * batch verdicts for them. Packet ids of a queue ascend and are handed out in order, so a batch
 * verdict for an id covers what was received up to it and nothing else; it may give all of these
 * packets one mark. A burst of packets that keep theirs is one message.
 */
#include "input/nfqueue.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define COPY_BYTES 2048 /* a whole SYN: all its extension headers, and data for the checksum */
/* The copy and its attributes; an odd number of cache lines, so that no two begin in the same places. */
#define MESSAGE_BYTES 3136
#define VERDICT_BYTES 64 /* headers of 20 bytes, a verdict of 12, a mark of 8 */
#define CONFIG_TIMEOUT_MS 2000
#define PENDING_MAX (2 * NFQUEUE_BURST_MAX) /* a burst, and one whose verdict was not taken */

struct nfqueue {
	struct mnl_socket *socket;
	uint32_t portid;
	uint16_t queue;
	int wake_fd; /* an eventfd */
	bool is_dry;
	unsigned pending_count; /* packets that wait for their verdict */
	struct pending {
		uint32_t id, mark;
		bool has_mark; /* it goes on with @mark; else with the one that it has */
	} pending[PENDING_MAX];
	struct mmsghdr headers[NFQUEUE_BURST_MAX];
	struct iovec vectors[NFQUEUE_BURST_MAX];
	char messages[NFQUEUE_BURST_MAX][MESSAGE_BYTES];
	_Alignas(8) char verdicts[PENDING_MAX * VERDICT_BYTES];
};

/* Sends a configuration message and returns what the kernel answers: 0 or -errno. */
static int request(struct nfqueue *nfq, struct nlmsghdr *nlh)
{
	struct pollfd pollfd = {.fd = mnl_socket_get_fd(nfq->socket), .events = POLLIN};
	char *buf = nfq->messages[0];
	ssize_t len;
	int rc;

	nlh->nlmsg_flags |= NLM_F_ACK;
	if (mnl_socket_sendto(nfq->socket, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	for (;;) {
		rc = poll(&pollfd, 1, CONFIG_TIMEOUT_MS);
		if (rc == 0)
			return -ETIMEDOUT;
		if (rc < 0 && errno == EINTR)
			continue;
		len = rc < 0 ? -1 : mnl_socket_recvfrom(nfq->socket, buf, MESSAGE_BYTES);
		if (len < 0)
			return -errno;
		if (((const struct nlmsghdr *)buf)->nlmsg_type == NLMSG_ERROR)
			return mnl_cb_run(buf, (size_t)len, 0, nfq->portid, NULL, NULL) < 0 ? -errno
											    : 0;
	}
}

static int request_command(struct nfqueue *nfq, uint8_t command)
{
	char buf[MESSAGE_BYTES];
	struct nlmsghdr *nlh = nfq_nlmsg_put(buf, NFQNL_MSG_CONFIG, nfq->queue);

	nfq_nlmsg_cfg_put_cmd(nlh, AF_UNSPEC, command);
	return request(nfq, nlh);
}

/* In one message: between two, packets that are diverted already would be dropped. */
static int request_bind(struct nfqueue *nfq, uint32_t length)
{
	const uint32_t flags = NFQA_CFG_F_FAIL_OPEN | NFQA_CFG_F_GSO;
	char buf[MESSAGE_BYTES];
	struct nlmsghdr *nlh = nfq_nlmsg_put(buf, NFQNL_MSG_CONFIG, nfq->queue);

	nfq_nlmsg_cfg_put_cmd(nlh, AF_UNSPEC, NFQNL_CFG_CMD_BIND);
	nfq_nlmsg_cfg_put_params(nlh, NFQNL_COPY_PACKET, COPY_BYTES);
	nfq_nlmsg_cfg_put_qmaxlen(nlh, length);
	mnl_attr_put_u32(nlh, NFQA_CFG_FLAGS, htonl(flags));
	mnl_attr_put_u32(nlh, NFQA_CFG_MASK, htonl(flags));
	return request(nfq, nlh);
}

/* The program behind a netlink port id, where /proc tells: port ids are mostly process ids. */
static void name_owner(uint16_t queue, char *ret_name, size_t size)
{
	FILE *file = fopen("/proc/net/netfilter/nfnetlink_queue", "re");
	char line[256], path[64];
	unsigned number, portid = 0;

	snprintf(ret_name, size, "another program");
	while (file && fgets(line, sizeof(line), file)) {
		char *end;

		number = (unsigned)strtoul(line, &end, 10);
		if (number == queue)
			portid = (unsigned)strtoul(end, NULL, 10);
	}
	if (file)
		fclose(file);
	snprintf(path, sizeof(path), "/proc/%u/comm", portid);
	file = portid ? fopen(path, "re") : NULL;
	if (file && fgets(line, 64, file))
		snprintf(ret_name, size, "process %u (%.*s)", portid, (int)strcspn(line, "\n"),
			 line);
	if (file)
		fclose(file);
}

/*
 * The kernel answers EPERM both to a queue number that another socket holds and to a caller
 * without CAP_NET_ADMIN. PF_BIND does nothing since Linux 3.8 but still needs the capability.
 */
static int explain_bind(struct nfqueue *nfq, int rc, struct text_error *ret_error)
{
	char owner[128];

	if (rc != -EPERM) {
		text_error_set(ret_error, 0, 0, "cannot bind to NFQUEUE %u: %s", nfq->queue,
			       strerror(-rc));
		return rc;
	}
	if (request_command(nfq, NFQNL_CFG_CMD_PF_BIND) == -EPERM) {
		text_error_set(
			ret_error, 0, 0,
			"no permission to read NFQUEUE %u: CAP_NET_ADMIN is missing; run as root",
			nfq->queue);
		return -EPERM;
	}
	name_owner(nfq->queue, owner, sizeof(owner));
	text_error_set(
		ret_error, 0, 0,
		"queue number %u is in use by %s: end it, or choose other numbers with queue.first",
		nfq->queue, owner);
	return -EBUSY;
}

static void set_socket_options(struct nfqueue *nfq, uint32_t receive_buffer)
{
	int fd = mnl_socket_get_fd(nfq->socket), on = 1, size = (int)receive_buffer;

	mnl_socket_setsockopt(nfq->socket, NETLINK_NO_ENOBUFS, &on, sizeof(on));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

static void prepare_vectors(struct nfqueue *nfq)
{
	for (unsigned i = 0; i < NFQUEUE_BURST_MAX; i++) {
		nfq->vectors[i] = (struct iovec){nfq->messages[i], MESSAGE_BYTES};
		nfq->headers[i].msg_hdr.msg_iov = &nfq->vectors[i];
		nfq->headers[i].msg_hdr.msg_iovlen = 1;
	}
}

int nfqueue_open(const struct nfqueue_params *params, struct text_error *ret_error,
		 struct nfqueue **ret_nfq)
{
	struct nfqueue *nfq = calloc(1, sizeof(*nfq));
	int rc;

	if (!nfq)
		return -ENOMEM;
	nfq->queue = params->queue;
	nfq->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	nfq->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (nfq->wake_fd < 0 || !nfq->socket ||
	    mnl_socket_bind(nfq->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		rc = -errno;
		text_error_set(ret_error, 0, 0, "cannot open a netfilter netlink socket: %s",
			       strerror(-rc));
		goto fail;
	}
	nfq->portid = mnl_socket_get_portid(nfq->socket);
	rc = request_bind(nfq, params->length);
	if (rc < 0) {
		rc = explain_bind(nfq, rc, ret_error);
		goto fail;
	}
	set_socket_options(nfq, params->receive_buffer);
	prepare_vectors(nfq);
	*ret_nfq = nfq;
	return 0;
fail:
	nfqueue_close(nfq);
	return rc;
}

void nfqueue_close(struct nfqueue *nfq)
{
	if (!nfq)
		return;
	if (nfq->socket)
		mnl_socket_close(nfq->socket);
	if (nfq->wake_fd >= 0)
		close(nfq->wake_fd);
	free(nfq);
}

/* Nobody waits for the kernel's answer, which would come among the packets. */
int nfqueue_set_length(struct nfqueue *nfq, uint32_t length)
{
	char buf[VERDICT_BYTES];
	struct nlmsghdr *nlh = nfq_nlmsg_put(buf, NFQNL_MSG_CONFIG, nfq->queue);

	nfq_nlmsg_cfg_put_qmaxlen(nlh, length);
	return mnl_socket_sendto(nfq->socket, nlh, nlh->nlmsg_len) < 0 ? -errno : 0;
}

static uint32_t u32_of(const struct nlattr *attr)
{
	return ntohl(mnl_attr_get_u32(attr));
}

/* The place of one more packet that waits; the last one's, which covers it, where all are taken. */
static uint32_t hold(struct nfqueue *nfq, uint32_t id)
{
	if (nfq->pending_count < PENDING_MAX)
		nfq->pending_count++;
	nfq->pending[nfq->pending_count - 1] = (struct pending){.id = id};
	return nfq->pending_count - 1;
}

/* True and the packet, where the message carries one. The kernel gives attributes the lengths they have. */
static bool parse_message(struct nfqueue *nfq, const struct nlmsghdr *nlh,
			  struct nfqueue_packet *ret_packet)
{
	const struct nlattr *attr, *header = NULL;

	if (nlh->nlmsg_type != (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET))
		return false;
	*ret_packet = (struct nfqueue_packet){.data = NULL};
	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
	{
		switch (mnl_attr_get_type(attr)) {
		case NFQA_PACKET_HDR: header = attr; break;
		case NFQA_MARK: ret_packet->mark = u32_of(attr); break;
		case NFQA_IFINDEX_INDEV: ret_packet->in_ifindex = u32_of(attr); break;
		case NFQA_SKB_INFO:
			ret_packet->needs_sum = u32_of(attr) & NFQA_SKB_CSUM_NOTVERIFIED;
			break;
		case NFQA_PAYLOAD:
			ret_packet->data = mnl_attr_get_payload(attr);
			ret_packet->len = mnl_attr_get_payload_len(attr);
			break;
		}
	}
	if (header)
		ret_packet->place = hold(nfq, u32_of(header)); /* nfqnl_msg_packet_hdr.packet_id */
	return header;
}

/* Return: whether there is something to receive. */
static bool wait_for_packets(struct nfqueue *nfq, int timeout_ms)
{
	struct pollfd fds[] = {{.fd = mnl_socket_get_fd(nfq->socket), .events = POLLIN},
			       {.fd = nfq->wake_fd, .events = POLLIN}};
	eventfd_t count;

	if (poll(fds, timeout_ms < 0 ? 2 : 1, timeout_ms) <= 0)
		return false;
	if (fds[1].revents)
		eventfd_read(nfq->wake_fd, &count);
	return fds[0].revents;
}

void nfqueue_wake(struct nfqueue *nfq)
{
	eventfd_write(nfq->wake_fd, 1);
}

int nfqueue_receive(struct nfqueue *nfq, int timeout_ms, struct nfqueue_packet *ret_packets)
{
	int fd = mnl_socket_get_fd(nfq->socket), packets = 0;
	int count = recvmmsg(fd, nfq->headers, NFQUEUE_BURST_MAX, MSG_DONTWAIT, NULL);

	nfq->is_dry = count < NFQUEUE_BURST_MAX;
	if (count < 0 && errno == EAGAIN) {
		if (!wait_for_packets(nfq, timeout_ms))
			return 0;
		count = recvmmsg(fd, nfq->headers, NFQUEUE_BURST_MAX, MSG_DONTWAIT, NULL);
	}
	if (count < 0)
		return errno == EAGAIN || errno == EINTR || errno == ENOBUFS ? 0 : -errno;
	for (int i = 0; i < count; i++) {
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)nfq->messages[i];

		if (mnl_nlmsg_ok(nlh, (int)nfq->headers[i].msg_len) &&
		    parse_message(nfq, nlh, &ret_packets[packets]))
			packets++;
	}
	return packets;
}

bool nfqueue_is_dry(const struct nfqueue *nfq)
{
	return nfq->is_dry;
}

void nfqueue_mark(struct nfqueue *nfq, const struct nfqueue_packet *packet, uint32_t mark)
{
	nfq->pending[packet->place].mark = mark;
	nfq->pending[packet->place].has_mark = true;
}

/* A verdict for all up to a packet, in the buffer at @at; how many bytes it takes. */
static size_t put_verdict(struct nfqueue *nfq, size_t at, const struct pending *last)
{
	struct nlmsghdr *nlh =
		nfq_nlmsg_put(nfq->verdicts + at, NFQNL_MSG_VERDICT_BATCH, nfq->queue);

	nfq_nlmsg_verdict_put(nlh, (int)last->id, NF_ACCEPT);
	if (last->has_mark)
		nfq_nlmsg_verdict_put_mark(nlh, last->mark);
	return MNL_ALIGN(nlh->nlmsg_len);
}

static bool is_same_run(const struct pending *a, const struct pending *b)
{
	return a->has_mark == b->has_mark && a->mark == b->mark;
}

int nfqueue_accept(struct nfqueue *nfq)
{
	const struct pending *pending = nfq->pending;
	size_t len = 0;

	if (!nfq->pending_count)
		return 0;
	for (unsigned i = 0; i < nfq->pending_count; i++)
		if (i + 1 == nfq->pending_count || !is_same_run(&pending[i], &pending[i + 1]))
			len += put_verdict(nfq, len, &pending[i]);
	if (mnl_socket_sendto(nfq->socket, nfq->verdicts, len) < 0)
		return -errno;
	nfq->pending_count = 0;
	return 0;
}

bool nfqueue_must_accept(const struct nfqueue *nfq)
{
	return nfq->pending_count > 0;
}
