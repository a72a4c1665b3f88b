/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mosquitto_loop() waits and writes; what else has come is read behind it. */
#include "share/mqtt_loop.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <mosquitto.h>
#include <openssl/ssl.h>

#include "sys/clock.h"
#include "sys/log.h"

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
	loop->told[0] = '\0';
	if (ssl)
		SSL_set_read_ahead(ssl, 1);
}

void mqtt_loop_note(struct mqtt_loop *loop, const char *why)
{
	if (!loop->why[0])
		snprintf(loop->why, sizeof(loop->why), "%s", why);
}

/* "certificate verify failed" may be an authority, a date or a name. */
void mqtt_loop_note_error(struct mqtt_loop *loop, const char *line)
{
	const SSL *ssl = mosquitto_ssl_get(loop->mosq);
	long verified = ssl ? SSL_get_verify_result(ssl) : X509_V_OK;
	char why[MQTT_LOOP_WHY_MAX];

	snprintf(why, sizeof(why), "its certificate: %s", X509_verify_cert_error_string(verified));
	mqtt_loop_note(loop, verified == X509_V_OK ? line : why);
}

static void note_result(struct mqtt_loop *loop, int rc)
{
	if (rc != MOSQ_ERR_SUCCESS)
		mqtt_loop_note(loop,
			       rc == MOSQ_ERR_ERRNO ? strerror(errno) : mosquitto_strerror(rc));
}

/* With TLS libmosquitto takes a refused connection for one that is still to come (2.0.11). */
static const char *silence_of(int fd)
{
	struct tcp_info info = {.tcpi_state = TCP_SYN_SENT};
	socklen_t len = sizeof(info);

	if (fd >= 0)
		getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len);
	return info.tcpi_state == TCP_CLOSE      ? strerror(ECONNREFUSED)
	       : info.tcpi_state == TCP_SYN_SENT ? "it does not answer"
						 : "it takes connections, and then says nothing";
}

/* A broker that stays away is no news. */
static void tell_why(struct mqtt_loop *loop)
{
	mqtt_loop_note(loop, silence_of(mosquitto_socket(loop->mosq)));
	if (strcmp(loop->why, loop->told) == 0)
		return;
	memcpy(loop->told, loop->why, sizeof(loop->told));
	log_line(LOG_LEVEL_WARNING, "broker %s:%d: no connection, it is tried again: %s",
		 loop->host, loop->port, loop->why);
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
	note_result(loop, rc);
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
	int rc;

	loop->why[0] = '\0';
	rc = is_first ? mosquitto_connect_async(loop->mosq, loop->host, loop->port, KEEPALIVE_S)
		      : mosquitto_reconnect_async(loop->mosq);
	note_result(loop, rc);
	return rc;
}

void mqtt_loop_run(struct mqtt_loop *loop)
{
	bool is_first = true;
	unsigned wait_s = 0;

	while (!must_stop(loop)) {
		if (begin(loop, is_first) == MOSQ_ERR_SUCCESS)
			run_connection(loop);
		if (!loop->is_up && !must_stop(loop))
			tell_why(loop);
		wait_s = loop->is_up ? 1 : wait_s + 1;
		loop->is_up = is_first = false;
		if (!must_stop(loop))
			sleep(wait_s < BACK_AFTER_MOST_S ? wait_s : BACK_AFTER_MOST_S);
	}
}
