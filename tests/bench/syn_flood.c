/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * syn_flood INTERFACE MAC FIRST CLIENTS RATE SECONDS [4|6 [all]]: sends SYNs of a usual Linux through
 * an interface, from CLIENTS addresses in turn beginning with number FIRST (0 clients: each SYN has a
 * new one), RATE a second (0: as fast as one core can). 6: of IPv6, each address in another /64. all:
 * what is late on a busy machine is made up for, and the end waits until all are sent.
 * Prints how many were sent.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "syns.h"

#define BURST 64
#define ETHER_BYTES 14

static volatile sig_atomic_t must_stop;

struct flood {
	int fd;
	uint32_t first, clients, number;
	unsigned kind;
	struct sockaddr_ll to;
	struct mmsghdr headers[BURST];
	struct iovec vectors[BURST];
	uint8_t frames[BURST][ETHER_BYTES + SYNS_BYTES_MAX];
};

static void stop(int number)
{
	must_stop = number;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int flood_open(struct flood *flood, const char *interface, const char *mac)
{
	unsigned index = if_nametoindex(interface), byte[6];
	int on = 1;

	if (!index || sscanf(mac, "%x:%x:%x:%x:%x:%x", &byte[0], &byte[1], &byte[2], &byte[3],
			     &byte[4], &byte[5]) != 6)
		return -EINVAL;
	flood->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (flood->fd < 0)
		return -errno;
	setsockopt(flood->fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on));
	flood->to = (struct sockaddr_ll){.sll_family = AF_PACKET, .sll_ifindex = (int)index};
	for (unsigned i = 0; i < BURST; i++) {
		for (unsigned b = 0; b < 6; b++)
			flood->frames[i][b] = (uint8_t)byte[b];
		flood->frames[i][6] = 2; /* locally administered */
		flood->frames[i][12] =
			(uint8_t)(flood->kind ? ETHERTYPE_IPV6 >> 8 : ETHERTYPE_IP >> 8);
		flood->frames[i][13] = (uint8_t)(flood->kind ? ETHERTYPE_IPV6 : ETHERTYPE_IP);
		flood->vectors[i].iov_base = flood->frames[i];
		flood->headers[i].msg_hdr = (struct msghdr){.msg_name = &flood->to,
							    .msg_namelen = sizeof(flood->to),
							    .msg_iov = &flood->vectors[i],
							    .msg_iovlen = 1};
	}
	return 0;
}

static int send_burst(struct flood *flood, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		uint32_t number = flood->number + i;
		uint32_t src = flood->clients ? number % flood->clients : number;

		flood->vectors[i].iov_len =
			ETHER_BYTES + syns_make(flood->kind, flood->first + src, number,
						flood->frames[i] + ETHER_BYTES);
	}
	return sendmmsg(flood->fd, flood->headers, count, 0);
}

/* How many are due now; never more than a burst. @is_all: what is late is made up for */
static unsigned due(uint64_t *next_ns, unsigned rate, bool is_all)
{
	uint64_t now = now_ns(), step_ns = 1000000000ull * 8 / (rate ? rate : 1);

	if (!rate)
		return BURST;
	if (now < *next_ns) {
		struct timespec pause = {.tv_nsec = (long)(*next_ns - now)};

		nanosleep(&pause, NULL);
		return 0;
	}
	if (is_all) {
		unsigned steps = (unsigned)((now - *next_ns) / step_ns) + 1;

		steps = steps < BURST / 8 ? steps : BURST / 8;
		*next_ns += steps * step_ns;
		return steps * 8;
	}
	*next_ns = now - *next_ns > 10000000 ? now + step_ns : *next_ns + step_ns;
	return 8;
}

/* Return: whether more is to be sent. */
static bool is_going_on(const struct flood *flood, unsigned rate, uint64_t end_ns, double seconds,
			bool is_all)
{
	if (must_stop)
		return false;
	return is_all ? flood->number < (uint32_t)(rate * seconds) : now_ns() < end_ns;
}

int main(int argc, char **argv)
{
	static struct flood flood;
	uint64_t end_ns, next_ns = now_ns();
	bool is_all = argc == 9 && strcmp(argv[8], "all") == 0;
	double seconds;
	unsigned rate;
	int rc;

	if (argc < 7 || argc > 9) {
		fprintf(stderr,
			"usage: syn_flood INTERFACE MAC FIRST CLIENTS RATE SECONDS [4|6 [all]]\n");
		return 2;
	}
	flood.first = (uint32_t)strtoul(argv[3], NULL, 10);
	flood.clients = (uint32_t)strtoul(argv[4], NULL, 10);
	rate = (unsigned)strtoul(argv[5], NULL, 10);
	seconds = strtod(argv[6], NULL);
	end_ns = next_ns + (uint64_t)(seconds * 1e9);
	flood.kind = argc > 7 && argv[7][0] == '6' ? SYNS_SUBNETS | (SYNS_KINDS - 1) : 0;
	rc = flood_open(&flood, argv[1], argv[2]);
	if (rc < 0) {
		fprintf(stderr, "syn_flood: %s: %s\n", argv[1], strerror(-rc));
		return 1;
	}
	signal(SIGTERM, stop);
	while (is_going_on(&flood, rate, end_ns, seconds, is_all)) {
		unsigned count = due(&next_ns, rate, is_all);
		int sent = count ? send_burst(&flood, count) : 0;

		if (sent < 0 && errno != ENOBUFS && errno != EINTR) {
			perror("syn_flood");
			return 1;
		}
		flood.number += sent > 0 ? (uint32_t)sent : 0;
	}
	printf("%u\n", flood.number);
	return 0;
}
