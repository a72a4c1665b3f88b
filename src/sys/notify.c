/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines for the service manager, on the socket that NOTIFY_SOCKET names (sd_notify(3)). */
#include "sys/notify.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MESSAGE_BYTES 512

/* A number from the environment; 0 where there is none. */
static uint64_t number_of(const char *name)
{
	const char *text = getenv(name);
	char *end;
	unsigned long long value = text ? strtoull(text, &end, 10) : 0;

	return text && *text && !*end ? value : 0;
}

/* A leading '@' stands for the zero byte of an abstract name (unix(7)). */
static int set_address(struct notify *notify, const char *name)
{
	size_t len = strlen(name);

	if ((name[0] != '/' && name[0] != '@') || len < 2 || len >= sizeof(notify->to.sun_path))
		return -1;
	notify->to.sun_family = AF_UNIX;
	memcpy(notify->to.sun_path, name, len);
	if (name[0] == '@')
		notify->to.sun_path[0] = '\0';
	notify->to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	return 0;
}

void notify_init(struct notify *ret_notify)
{
	const char *name = getenv("NOTIFY_SOCKET");
	uint64_t pid = number_of("WATCHDOG_PID");

	*ret_notify = (struct notify){.fd = -1};
	if (!name || set_address(ret_notify, name) < 0)
		return;
	ret_notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (pid == 0 || pid == (uint64_t)getpid())
		ret_notify->watchdog_ms = (unsigned)(number_of("WATCHDOG_USEC") / 1000);
}

void notify_done(struct notify *notify)
{
	if (notify->fd >= 0)
		close(notify->fd);
	notify->fd = -1;
}

void notify_send(const struct notify *notify, const char *fmt, ...)
{
	char message[MESSAGE_BYTES];
	va_list args;
	int len;

	if (notify->fd < 0)
		return;
	va_start(args, fmt);
	len = vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	if (len < 0)
		return;
	if ((size_t)len >= sizeof(message))
		len = sizeof(message) - 1;
	if (sendto(notify->fd, message, (size_t)len, MSG_NOSIGNAL,
		   (const struct sockaddr *)&notify->to, notify->to_len) < 0)
		return; /* the next one may come through */
}

int notify_send_fd(const struct notify *notify, int fd, const char *message)
{
	struct sockaddr_un to = notify->to;
	char text[MESSAGE_BYTES];
	struct iovec data = {.iov_base = text};
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)),
				.cmsg_level = SOL_SOCKET,
				.cmsg_type = SCM_RIGHTS}};
	struct msghdr whole = {.msg_name = &to,
			       .msg_namelen = notify->to_len,
			       .msg_iov = &data,
			       .msg_iovlen = 1,
			       .msg_control = &control,
			       .msg_controllen = sizeof(control.bytes)};

	if (notify->fd < 0)
		return -ENOENT;
	data.iov_len = (size_t)snprintf(text, sizeof(text), "%s", message);
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	return sendmsg(notify->fd, &whole, MSG_NOSIGNAL) < 0 ? -errno : 0;
}
