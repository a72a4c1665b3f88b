/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mosquitto_loop() waits and writes; what else has come is read behind it. */
#include "share/mqtt_loop.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <mosquitto.h>
#include <openssl/ssl.h>

#include "sys/clock.h"

#define BURST 256 /* packets that are read before anything is written */
#define KEEPALIVE_S 10
#define BACK_AFTER_MOST_S 3 /* after several failures; after one it is a second */
#define COMES_ABOUT_MS                                                                             \
	5000 /* TCP, TLS and CONNACK: else the SYN of a long partition is sent too late */

/* With TLS, one read for many records. */
void mqtt_loop_came_up(struct mqtt_loop *loop)
{
	SSL *ssl = mosquitto_ssl_get(loop->mosq);

	loop->is_up = true;
	if (ssl)
		SSL_set_read_ahead(ssl, 1);
}

/* What is written meanwhile leaves in as few segments as it fits in. */
static void set_cork(int fd, int is_corked)
{
	if (fd >= 0)
		setsockopt(fd, IPPROTO_TCP, TCP_CORK, &is_corked, sizeof(is_corked));
}

/*
 * With TLS a burst may lie in OpenSSL's buffer, where no poll sees it: read until nothing whole is
 * left. EAGAIN may also be of libmosquitto's pipe to its own loop, which then does not wait.
 */
static int read_burst(struct mosquitto *mosq, bool *ret_is_more)
{
	int rc = MOSQ_ERR_SUCCESS;

	*ret_is_more = true;
	for (unsigned i = 0; i < BURST && rc == MOSQ_ERR_SUCCESS && *ret_is_more; i++) {
		errno = 0;
		rc = mosquitto_loop_read(mosq, 1);
		*ret_is_more = errno != EAGAIN;
	}
	return rc;
}

static int turn(struct mqtt_loop *loop, bool *is_more)
{
	int fd = mosquitto_socket(loop->mosq);
	int rc;

	set_cork(fd, 1);
	rc = mosquitto_loop(loop->mosq, *is_more ? 0 : -1, 1);
	if (mosquitto_socket(loop->mosq) == fd)
		set_cork(fd, 0);
	*is_more = false;
	if (rc == MOSQ_ERR_SUCCESS && loop->is_up)
		rc = read_burst(loop->mosq, is_more);
	return rc;
}

static bool must_stop(const struct mqtt_loop *loop)
{
	return __atomic_load_n(&loop->must_stop, __ATOMIC_ACQUIRE);
}

/* As long as the connection lasts, or may still come about. */
static void run_connection(struct mqtt_loop *loop)
{
	uint64_t until_ms = clock_monotonic_ms() + COMES_ABOUT_MS;
	bool is_more = false;

	while (loop->is_up || (!must_stop(loop) && clock_monotonic_ms() < until_ms))
		if (turn(loop, &is_more) != MOSQ_ERR_SUCCESS)
			return;
}

static int begin(struct mqtt_loop *loop, bool is_first)
{
	return is_first ? mosquitto_connect_async(loop->mosq, loop->host, loop->port, KEEPALIVE_S)
			: mosquitto_reconnect_async(loop->mosq);
}

void mqtt_loop_run(struct mqtt_loop *loop)
{
	bool is_first = true;
	unsigned wait_s = 0;

	while (!must_stop(loop)) {
		if (begin(loop, is_first) == MOSQ_ERR_SUCCESS)
			run_connection(loop);
		wait_s = loop->is_up ? 1 : wait_s + 1;
		loop->is_up = is_first = false;
		if (!must_stop(loop))
			sleep(wait_s < BACK_AFTER_MOST_S ? wait_s : BACK_AFTER_MOST_S);
	}
}
