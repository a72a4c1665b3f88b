/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * clock_load turns CLIENT SERVER ADDRESS PORT COUNT: COUNT connections that speak as TLS does, one
 * after the other, from one network namespace (a path) to a server in another.
 * clock_load bulk CLIENT SERVER ADDRESS PORT COUNT INTERFACE MAC: a connection, and COUNT frames of
 * 1,000 bytes of it with the flag URG, which whoever measures drops behind the rules.
 * Both ends are this one process, and what a veth brings is handled by who sends it: so the process's
 * CPU time is that of the way between them, too. Prints it, in nanoseconds for each.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BURST 64
#define WARM                                                                                       \
	20 /* bursts before the measurement: the counter is far beyond its first packets then */
#define HEADERS (14 + 20 + 20)
#define PAYLOAD 1000

struct ends {
	const char *client, *server; /* namespaces */
	struct sockaddr_in to;
	int listener;
};

static void need(bool is_so, const char *what)
{
	if (is_so)
		return;
	perror(what);
	exit(1);
}

static uint64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void enter(const char *namespace)
{
	int fd = open(namespace, O_RDONLY | O_CLOEXEC);

	need(fd >= 0 && setns(fd, CLONE_NEWNET) == 0, namespace);
	close(fd);
}

static void listen_there(struct ends *ends)
{
	int on = 1;

	enter(ends->server);
	ends->listener = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(ends->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	need(bind(ends->listener, (struct sockaddr *)&ends->to, sizeof(ends->to)) == 0 &&
		     listen(ends->listener, 16) == 0,
	     "listen");
	enter(ends->client);
}

static void open_both(const struct ends *ends, int *ret_client, int *ret_server)
{
	int on = 1;

	*ret_client = socket(AF_INET, SOCK_STREAM, 0);
	need(connect(*ret_client, (const struct sockaddr *)&ends->to, sizeof(ends->to)) == 0,
	     "connect");
	*ret_server = accept(ends->listener, NULL, NULL);
	need(*ret_server >= 0, "accept");
	setsockopt(*ret_client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(*ret_server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static void pass(int from, int to, size_t len)
{
	static char buf[4096];

	need(send(from, buf, len, 0) == (ssize_t)len, "send");
	need(recv(to, buf, len, MSG_WAITALL) == (ssize_t)len, "recv");
}

static void turn(const struct ends *ends)
{
	struct linger linger = {.l_onoff = 1};
	int client, server;

	open_both(ends, &client, &server);
	pass(client, server, 500);
	pass(server, client, 3000);
	pass(client, server, 80);
	pass(server, client, 200);
	pass(client, server, 100);
	pass(server, client, 400);
	/* A reset leaves no state behind, so there are always ports. */
	setsockopt(client, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(client);
	close(server);
}

static double turns(const struct ends *ends, unsigned count)
{
	uint64_t start_ns;

	for (unsigned i = 0; i < count / 10; i++)
		turn(ends);
	start_ns = cpu_ns();
	for (unsigned i = 0; i < count; i++)
		turn(ends);
	return (double)(cpu_ns() - start_ns) / count;
}

static uint16_t checksum(const uint8_t *bytes, size_t len, uint32_t sum)
{
	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

/* ACK, PSH and URG, with numbers that only a liberal conntrack takes. */
static void make_frame(uint8_t *frame, const char *mac, const struct sockaddr_in *from,
		       const struct sockaddr_in *to)
{
	static const uint8_t ip[] =
		{0x45, 0, (20 + 20 + PAYLOAD) >> 8, (20 + 20 + PAYLOAD) & 255, 0, 0, 0x40, 0,
		 64,   6};
	uint8_t *tcp = frame + 34;
	unsigned byte[6];
	uint16_t sum;

	memset(frame, 0, HEADERS + PAYLOAD);
	need(sscanf(mac, "%x:%x:%x:%x:%x:%x", &byte[0], &byte[1], &byte[2], &byte[3], &byte[4],
		    &byte[5]) == 6,
	     "MAC");
	for (unsigned i = 0; i < 6; i++)
		frame[i] = (uint8_t)byte[i];
	frame[6] = 2;
	frame[12] = ETHERTYPE_IP >> 8;
	memcpy(frame + 14, ip, sizeof(ip));
	memcpy(frame + 26, &from->sin_addr, 4);
	memcpy(frame + 30, &to->sin_addr, 4);
	sum = checksum(frame + 14, 20, 0);
	memcpy(frame + 24, &sum, 2);
	memcpy(tcp, &from->sin_port, 2);
	memcpy(tcp + 2, &to->sin_port, 2);
	tcp[12] = 0x50;
	tcp[13] = 0x38;
	tcp[14] = 0xff;
	sum = checksum(frame + 26, 8 + 20 + PAYLOAD, 6 + 20 + PAYLOAD);
	memcpy(tcp + 16, &sum, 2);
}

static void send_bursts(int fd, struct sockaddr_ll *to, uint8_t *frame, unsigned bursts)
{
	struct iovec vector = {frame, HEADERS + PAYLOAD};
	struct mmsghdr headers[BURST];

	for (unsigned i = 0; i < BURST; i++)
		headers[i] = (struct mmsghdr){.msg_hdr = {.msg_name = to,
							  .msg_namelen = sizeof(*to),
							  .msg_iov = &vector,
							  .msg_iovlen = 1}};
	while (bursts--)
		need(sendmmsg(fd, headers, BURST, 0) > 0, "sendmmsg");
}

static double bulk(const struct ends *ends, unsigned count, const char *interface, const char *mac)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
				 .sll_ifindex = (int)if_nametoindex(interface)};
	int client, server, fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), on = 1;
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	uint8_t frame[HEADERS + PAYLOAD];
	uint64_t start_ns;

	need(fd >= 0 && to.sll_ifindex, interface);
	setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on));
	open_both(ends, &client, &server);
	pass(client, server, 500);
	need(getsockname(client, (struct sockaddr *)&from, &len) == 0, "getsockname");
	make_frame(frame, mac, &from, &ends->to);
	send_bursts(fd, &to, frame, WARM);
	start_ns = cpu_ns();
	send_bursts(fd, &to, frame, count / BURST);
	return (double)(cpu_ns() - start_ns) / (count / BURST * BURST);
}

int main(int argc, char **argv)
{
	struct ends ends;
	unsigned count;

	if (argc < 7 || (strcmp(argv[1], "bulk") == 0 && argc < 9)) {
		fprintf(stderr, "usage: clock_load turns|bulk CLIENT SERVER ADDRESS PORT COUNT "
				"[INTERFACE MAC]\n");
		return 2;
	}
	ends = (struct ends){.client = argv[2],
			     .server = argv[3],
			     .to = {.sin_family = AF_INET,
				    .sin_addr.s_addr = inet_addr(argv[4]),
				    .sin_port = htons((uint16_t)atoi(argv[5]))}};
	count = (unsigned)atoi(argv[6]);
	listen_there(&ends);
	printf("%.1f\n", strcmp(argv[1], "bulk") == 0 ? bulk(&ends, count, argv[7], argv[8])
						      : turns(&ends, count));
	return 0;
}
