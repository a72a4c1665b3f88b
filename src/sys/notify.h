/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Telling a service manager how we do: sd_notify(3)'s protocol, one datagram of NAME=value lines
 * to the socket in $NOTIFY_SOCKET. It is older than our needs and promised to stay, and libsystemd
 * would be a large library to bring into a process that faces the network, for one sendto().
 */
#ifndef SYNPRINT_SYS_NOTIFY_H
#define SYNPRINT_SYS_NOTIFY_H

#include <sys/socket.h>
#include <sys/un.h>

struct notify {
	int fd; /* -1: nobody wants to know */
	struct sockaddr_un to;
	socklen_t to_len;
	unsigned
		watchdog_ms; /* within which WATCHDOG=1 is expected again and again; 0: it is not */
};

/** notify_init() - from the environment. Without a service manager, or on failure, nobody is told. */
void notify_init(struct notify *ret_notify);
void notify_done(struct notify *notify);

/** notify_send() - lines with '\n' between them, at most 512 bytes; never waits, never fails. */
void notify_send(const struct notify *notify, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * notify_send_fd() - the same with a descriptor, such as one that the manager is to store and give to
 * the next process. Return: 0; -ENOENT: there is no manager; or -errno.
 */
int notify_send_fd(const struct notify *notify, int fd, const char *message);

#endif
