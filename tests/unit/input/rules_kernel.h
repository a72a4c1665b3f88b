/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Our rules in a namespace of its own, with connections through them. */
#ifndef SYNPRINT_TESTS_UNIT_INPUT_RULES_KERNEL_H
#define SYNPRINT_TESTS_UNIT_INPUT_RULES_KERNEL_H

#include "input/nfqueue.h"
#include "input/rules.h"
#include "input/rules_heartbeat.h"
#include "kernel.h"
#include "nl/nft_ask.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#define LIST "nft list ruleset 2>/dev/null"

static struct nl *nl;

static inline void setup(void)
{
	kernel_enter();
	cr_assert_eq(nl_open(&nl), 0);
}

static inline void teardown(void)
{
	nl_close(nl);
}

TestSuite(rules_kernel, .init = setup, .fini = teardown, .timeout = 120);

static const char *const lo_and_eth[] = {"lo", "eth*"};
#define DIVERTED 0x01000000
#define MARKS                                                                                      \
	{                                                                                          \
		.field = 0x7f000000, .diverted = DIVERTED, .judged = 0x02000000                    \
	}

static const struct rules_params everywhere = {.queue_count = 1, .marks = MARKS};
static const struct rules_params four_on_two = {.queue_first = 3,
						.queue_count = 4,
						.interfaces = lo_and_eth,
						.interface_count = 2,
						.marks = MARKS};

static inline void apply(const struct rules_params *params)
{
	struct text_error error = {.what = ""};
	int rc = rules_apply(nl, params, NULL, &error);

	cr_assert_eq(rc, 0, "%d: %s", rc, error.what);
}

static inline struct rules_status get_status(void)
{
	struct rules_status status;

	cr_assert_eq(rules_get_status(nl, &status), 0);
	return status;
}

static inline uint32_t generation(void)
{
	uint32_t generation = 0;

	cr_assert_eq(nft_generation(nl, &generation), 0);
	return generation;
}

/* A listening socket on a free port of loopback; the port in @ret_port. */
static inline int listen_on(int family, struct sockaddr_storage *ret_addr, socklen_t *ret_len)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*ret_len = family == AF_INET ? sizeof(v4) : sizeof(v6);
	memcpy(ret_addr, family == AF_INET ? (const void *)&v4 : (const void *)&v6, *ret_len);
	cr_assert_eq(bind(fd, (struct sockaddr *)ret_addr, *ret_len), 0);
	cr_assert_eq(listen(fd, 16), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)ret_addr, ret_len), 0);
	return fd;
}

/* Begins a connection; its SYN is sent when this returns. */
static inline int begin_connect(int family, const struct sockaddr_storage *addr, socklen_t len)
{
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	connect(fd, (const struct sockaddr *)addr, len);
	return fd;
}

static inline bool is_connected(int fd, int timeout_ms)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLOUT};
	int error = -1;
	socklen_t len = sizeof(error);

	if (poll(&pollfd, 1, timeout_ms) <= 0)
		return false;
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
	return error == 0;
}

static const struct rules_params with_sets = {
	.queue_count = 1,
	.marks = {.field = 0x7f000000,
		  .diverted = DIVERTED,
		  .judged = 0x02000000,
		  .sets = {0x04000000, 0x08000000, 0x10000000}},
	.set_count = 3,
	.sets = {{.name = "vpn", .prefix6 = 64, .timeout_s = 3600, .size = 8, .bit = 0x04000000},
		 {.name = "conns",
		  .has_port = true,
		  .prefix6 = 128,
		  .timeout_s = 60,
		  .size = 8,
		  .bit = 0x08000000,
		  .removes = true},
		 {.name = "class",
		  .is_map = true,
		  .value = 0x10,
		  .prefix6 = 128,
		  .timeout_s = 60,
		  .size = 8,
		  .bit = 0x10000000}},
};

#endif
