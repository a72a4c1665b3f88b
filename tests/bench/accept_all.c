/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * accept_all batch|single FIRST COUNT [BITS]: the reference of the queue benchmark. Each queue has a
 * thread that accepts every packet and looks at none. "batch" receives and answers exactly as
 * synprintd does, with its own nfqueue.c; "single" is the loop of most NFQUEUE programs: one
 * recv(), one verdict. BITS are set in the mark of every packet that "batch" accepts: then the rules
 * behind the queue do all that they do for synprintd.
 */
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "input/nfqueue.h"

#define QUEUES_MAX 16

static uint32_t bits;

static void *accept_bursts(void *arg)
{
	struct nfqueue_packet packets[NFQUEUE_BURST_MAX];

	for (;;) {
		int n = nfqueue_receive(arg, 100, packets);

		for (int i = 0; bits && i < n; i++)
			nfqueue_mark(arg, &packets[i], packets[i].mark | bits);
		if (n > 0)
			nfqueue_accept(arg);
	}
	return NULL;
}

static void start_batch(uint16_t queue)
{
	struct nfqueue_params params = {.queue = queue, .length = 8192, .receive_buffer = 8388608};
	struct text_error error = {0};
	struct nfqueue *nfq;
	pthread_t thread;

	if (nfqueue_open(&params, &error, &nfq) < 0 ||
	    pthread_create(&thread, NULL, accept_bursts, nfq) != 0) {
		fprintf(stderr, "accept_all: %s\n", error.what);
		exit(1);
	}
}

struct single {
	struct mnl_socket *socket;
	uint16_t queue;
};

static int accept_one(const struct nlmsghdr *nlh, void *arg)
{
	struct nlattr *attr[NFQA_MAX + 1] = {NULL};
	const struct nfqnl_msg_packet_hdr *header;
	struct single *single = arg;
	char buf[256];

	if (nfq_nlmsg_parse(nlh, attr) < 0 || !attr[NFQA_PACKET_HDR])
		return MNL_CB_OK;
	header = mnl_attr_get_payload(attr[NFQA_PACKET_HDR]);
	nlh = nfq_nlmsg_put(buf, NFQNL_MSG_VERDICT, single->queue);
	nfq_nlmsg_verdict_put((struct nlmsghdr *)buf, (int)ntohl(header->packet_id), NF_ACCEPT);
	mnl_socket_sendto(single->socket, buf, ((struct nlmsghdr *)buf)->nlmsg_len);
	return MNL_CB_OK;
}

static void *accept_singly(void *arg)
{
	struct single *single = arg;
	unsigned portid = mnl_socket_get_portid(single->socket);
	char buf[65536];

	for (;;) {
		ssize_t len = mnl_socket_recvfrom(single->socket, buf, sizeof(buf));

		if (len > 0)
			mnl_cb_run(buf, (size_t)len, 0, portid, accept_one, single);
	}
	return NULL;
}

static void start_single(uint16_t queue)
{
	struct single *single = calloc(1, sizeof(*single));
	char buf[1024];
	struct nlmsghdr *nlh = nfq_nlmsg_put(buf, NFQNL_MSG_CONFIG, queue);
	int on = 1, size = 8388608;
	pthread_t thread;

	single->queue = queue;
	single->socket = mnl_socket_open(NETLINK_NETFILTER);
	if (!single->socket || mnl_socket_bind(single->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		exit(1);
	mnl_socket_setsockopt(single->socket, NETLINK_NO_ENOBUFS, &on, sizeof(on));
	setsockopt(mnl_socket_get_fd(single->socket), SOL_SOCKET, SO_RCVBUFFORCE, &size,
		   sizeof(size));
	nfq_nlmsg_cfg_put_cmd(nlh, AF_UNSPEC, NFQNL_CFG_CMD_BIND);
	nfq_nlmsg_cfg_put_params(nlh, NFQNL_COPY_PACKET, 192);
	nfq_nlmsg_cfg_put_qmaxlen(nlh, 8192);
	mnl_attr_put_u32(nlh, NFQA_CFG_FLAGS, htonl(NFQA_CFG_F_FAIL_OPEN | NFQA_CFG_F_GSO));
	mnl_attr_put_u32(nlh, NFQA_CFG_MASK, htonl(NFQA_CFG_F_FAIL_OPEN | NFQA_CFG_F_GSO));
	if (mnl_socket_sendto(single->socket, nlh, nlh->nlmsg_len) < 0 ||
	    pthread_create(&thread, NULL, accept_singly, single) != 0) {
		perror("accept_all");
		exit(1);
	}
}

int main(int argc, char **argv)
{
	unsigned first, count;

	if (argc != 4 && argc != 5) {
		fprintf(stderr, "usage: accept_all batch|single FIRST COUNT [BITS]\n");
		return 2;
	}
	bits = argc == 5 ? (uint32_t)strtoul(argv[4], NULL, 0) : 0;
	first = (unsigned)strtoul(argv[2], NULL, 10);
	count = (unsigned)strtoul(argv[3], NULL, 10);
	for (unsigned i = 0; i < count && i < QUEUES_MAX; i++) {
		if (strcmp(argv[1], "single") == 0)
			start_single((uint16_t)(first + i));
		else
			start_batch((uint16_t)(first + i));
	}
	for (;;)
		pause();
}
