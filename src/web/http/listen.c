/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TCP and Unix listeners. A stale Unix socket is replaced, a living one never. */
#include "web/http/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "sys/file.h"
#include "sys/inherit.h"

#define BACKLOG 1024
#define UNIX_MODE 0660

static int fail(int rc, const char *what, struct text_error *ret_error)
{
	text_error_set(ret_error, 0, 0, "cannot listen on %s: %s", what, strerror(-rc));
	return rc;
}

static int open_tcp(const char *text, struct listen_socket *sock)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct addr addr;
	uint16_t port;
	int on = 1, rc;
	bool is_v4;

	if (visitor_parse_node(text, strlen(text), &addr, &port) < 0)
		return -EINVAL;
	is_v4 = addr_is_v4(&addr);
	v4.sin_port = v6.sin6_port = htons(port);
	memcpy(&v6.sin6_addr, addr.bytes, 16);
	memcpy(&v4.sin_addr, addr.bytes + 12, 4);
	sock->fd =
		socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sock->fd < 0)
		return -errno;
	setsockopt(sock->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (!is_v4)
		setsockopt(sock->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	rc = is_v4 ? bind(sock->fd, (struct sockaddr *)&v4, sizeof(v4))
		   : bind(sock->fd, (struct sockaddr *)&v6, sizeof(v6));
	return rc < 0 || listen(sock->fd, BACKLOG) < 0 ? -errno : 0;
}

/* Whether somebody listens there can only be told by connecting. */
static bool is_alive(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool alive =
		fd >= 0 && (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
			    errno == EAGAIN);

	if (fd >= 0)
		close(fd);
	return alive;
}

static int bind_unix(int fd, const struct sockaddr_un *address, const char *group)
{
	struct stat status;
	const struct group *entry = *group ? getgrnam(group) : NULL;

	if (lstat(address->sun_path, &status) == 0) {
		if (!S_ISSOCK(status.st_mode))
			return -EEXIST;
		if (is_alive(address))
			return -EADDRINUSE;
		unlink(address->sun_path);
	}
	if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
		return -errno;
	/* Where we may not give it away it stays ours, as the mode says. */
	if (entry && chown(address->sun_path, (uid_t)-1, entry->gr_gid) < 0 && errno != EPERM)
		return -errno;
	return chmod(address->sun_path, UNIX_MODE) < 0 || listen(fd, BACKLOG) < 0 ? -errno : 0;
}

static int open_unix(const char *path, const char *group, struct listen_socket *sock)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	mode_t mask = umask(0177);
	int rc;

	sock->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (strlen(path) >= sizeof(address.sun_path)) {
		rc = -ENAMETOOLONG;
	} else if (sock->fd < 0) {
		rc = -errno;
	} else {
		memcpy(address.sun_path, path, strlen(path) + 1);
		rc = bind_unix(sock->fd, &address, group);
	}
	umask(mask);
	if (rc == 0)
		memcpy(sock->path, path, strlen(path) + 1);
	return rc;
}

static int open_one(const struct web_config *config, const char *text, struct listen_socket *sock)
{
	sock->path[0] = '\0';
	sock->fd = -1;
	sock->is_unix = strncmp(text, "unix:", 5) == 0;
	if (!sock->is_unix) {
		snprintf(sock->text, sizeof(sock->text), "http://%.200s/", text);
		return open_tcp(text, sock);
	}
	memcpy(sock->text, text + 5, strlen(text + 5) + 1);
	umask(022);
	file_make_directory(text + 5);
	return open_unix(text + 5, config->group, sock);
}

static int open_configured(const struct web_config *config, struct text_error *ret_error,
			   struct listen_socket *sockets)
{
	for (unsigned i = 0; i < config->listen_count; i++) {
		int rc = open_one(config, config->listen[i], &sockets[i]);

		if (rc < 0) {
			listen_close(sockets, i + 1);
			return fail(rc, config->listen[i], ret_error);
		}
	}
	return (int)config->listen_count;
}

static int take_inherited(const struct inherited *inherited, struct listen_socket *sockets)
{
	unsigned count = inherited->count < WEB_LISTEN_MAX ? inherited->count : WEB_LISTEN_MAX;

	for (unsigned i = 0; i < count; i++) {
		struct sockaddr_storage address = {0};
		socklen_t len = sizeof(address);

		getsockname(inherited->fds[i], (struct sockaddr *)&address, &len);
		sockets[i] = (struct listen_socket){.fd = inherited->fds[i],
						    .is_unix = address.ss_family == AF_UNIX,
						    .text = "a socket of the service manager's"};
	}
	return (int)count;
}

int listen_open(const struct web_config *config, struct text_error *ret_error,
		struct listen_socket ret_sockets[WEB_LISTEN_MAX])
{
	struct inherited inherited;

	inherit_init(&inherited);
	if (inherited.count)
		return take_inherited(&inherited, ret_sockets);
	return open_configured(config, ret_error, ret_sockets);
}

void listen_close(struct listen_socket *sockets, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (sockets[i].fd >= 0)
			close(sockets[i].fd);
		if (sockets[i].path[0])
			unlink(sockets[i].path);
	}
}
