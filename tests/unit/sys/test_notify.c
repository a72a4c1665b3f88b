/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The datagrams to a service manager, and what its variables may hold. */
#include "sys/notify.h"

#include <criterion/criterion.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MESSAGE_MAX 1024

/* A manager's end at $NOTIFY_SOCKET; '@' begins an abstract name. */
static int listen_at(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	size_t len = strlen(name);

	memcpy(address.sun_path, name, len);
	if (*name == '@')
		address.sun_path[0] = '\0';
	cr_assert_eq(bind(fd, (const struct sockaddr *)&address,
			  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
		     0, "%s", name);
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

static void expect_message(int fd, const char *expected)
{
	char message[MESSAGE_MAX];
	ssize_t len = recv(fd, message, sizeof(message) - 1, 0);

	cr_assert_geq(len, 0, "nothing came");
	message[len] = '\0';
	cr_expect_str_eq(message, expected);
}

Test(notify, file_and_abstract_name)
{
	char names[2][64];

	snprintf(names[0], sizeof(names[0]), "/tmp/test_notify-%d", (int)getpid());
	snprintf(names[1], sizeof(names[1]), "@test_notify-%d", (int)getpid());
	for (int i = 0; i < 2; i++) {
		int fd = listen_at(names[i]);
		struct notify notify;

		notify_init(&notify);
		notify_send(&notify, "READY=1\nSTATUS=%d", 7);
		expect_message(fd, "READY=1\nSTATUS=7");
		notify_done(&notify);
		notify_send(&notify, "READY=1"); /* to nobody */
		close(fd);
	}
	unlink(names[0]);
}

Test(notify, a_long_message_is_cut)
{
	char name[64], text[MESSAGE_MAX] = {0}, expected[512] = {0};
	struct notify notify;
	int fd;

	snprintf(name, sizeof(name), "@test_notify_long-%d", (int)getpid());
	fd = listen_at(name);
	memset(text, 'x', sizeof(text) - 1);
	memset(expected, 'x', sizeof(expected) - 1);
	notify_init(&notify);
	notify_send(&notify, "%s", text);
	expect_message(fd, expected);
	notify_done(&notify);
	close(fd);
}

Test(notify, nobody_wants_to_know)
{
	static const char *const names[] = {NULL, "", "relative", "@", "/no/such/socket"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct notify notify;

		unsetenv("NOTIFY_SOCKET");
		if (names[i])
			setenv("NOTIFY_SOCKET", names[i], 1);
		notify_init(&notify);
		notify_send(&notify, "READY=1");
		notify_done(&notify);
		cr_expect_eq(notify.fd, -1);
	}
}

Test(notify, watchdog)
{
	static const struct {
		const char *usec, *pid;
		unsigned expected_ms;
	} cases[] = {
		{"10000000", NULL, 10000},
		{NULL, NULL, 0},
		{"soon", NULL, 0},
		{"10000000", "1", 0},
	};
	char name[64];
	int fd;

	snprintf(name, sizeof(name), "@test_notify_watchdog-%d", (int)getpid());
	fd = listen_at(name);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct notify notify;

		unsetenv("WATCHDOG_USEC");
		unsetenv("WATCHDOG_PID");
		if (cases[i].usec)
			setenv("WATCHDOG_USEC", cases[i].usec, 1);
		if (cases[i].pid)
			setenv("WATCHDOG_PID", cases[i].pid, 1);
		notify_init(&notify);
		cr_expect_eq(notify.watchdog_ms, cases[i].expected_ms, "case %zu: %u", i,
			     notify.watchdog_ms);
		notify_done(&notify);
	}
	close(fd);
}
