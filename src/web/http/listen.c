/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TCP and Unix listeners. */
#include "web/http/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/file.h"
#include "sys/inherit.h"
#include "sys/privs.h"

#define BACKLOG 1024
#define UNIX_MODE 0660

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
	sock->listener.fd =
		socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sock->listener.fd < 0)
		return -errno;
	setsockopt(sock->listener.fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (!is_v4)
		setsockopt(sock->listener.fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	rc = is_v4 ? bind(sock->listener.fd, (struct sockaddr *)&v4, sizeof(v4))
		   : bind(sock->listener.fd, (struct sockaddr *)&v6, sizeof(v6));
	return rc < 0 || listen(sock->listener.fd, BACKLOG) < 0 ? -errno : 0;
}

/* Who may not give the file away leaves it his own, as the mode says. */
static gid_t group_for(const char *name)
{
	const struct group *entry = *name ? getgrnam(name) : NULL;

	if (!entry || (geteuid() && getegid() != entry->gr_gid && !group_member(entry->gr_gid)))
		return (gid_t)-1;
	privs_join_group(entry->gr_gid); /* to make the file again, as long as we are root */
	return entry->gr_gid;
}

static int open_unix(const struct web_config *config, const char *path,
		     struct text_error *ret_error, struct listen_socket *sock)
{
	memcpy(sock->text, path, strlen(path) + 1);
	umask(022);
	file_make_directory(path);
	return listener_open(path, UNIX_MODE, group_for(config->group), ret_error, &sock->listener);
}

static int open_one(const struct web_config *config, const char *text, struct text_error *ret_error,
		    struct listen_socket *sock)
{
	int rc;

	*sock = (struct listen_socket){.listener.fd = -1,
				       .is_unix = strncmp(text, "unix:", 5) == 0};
	if (sock->is_unix)
		return open_unix(config, text + 5, ret_error, sock);
	snprintf(sock->text, sizeof(sock->text), "http://%.200s/", text);
	rc = open_tcp(text, sock);
	return rc < 0 ? text_error_set(ret_error, 0, 0, "cannot listen on %s: %s", text,
				       strerror(-rc))
		      : 0;
}

static int open_configured(const struct web_config *config, struct text_error *ret_error,
			   struct listen_socket *sockets)
{
	for (unsigned i = 0; i < config->listen_count; i++) {
		int rc = open_one(config, config->listen[i], ret_error, &sockets[i]);

		if (rc < 0) {
			listen_close(sockets, i + 1);
			return rc;
		}
	}
	return (int)config->listen_count;
}

static int take_one(int fd, struct text_error *ret_error, struct listen_socket *sock)
{
	struct sockaddr_storage address = {0};
	socklen_t len = sizeof(address);

	getsockname(fd, (struct sockaddr *)&address, &len);
	*sock = (struct listen_socket){.listener.fd = fd,
				       .is_unix = address.ss_family == AF_UNIX,
				       .text = "a socket of the service manager's"};
	return sock->is_unix ? listener_adopt(fd, ret_error, &sock->listener) : 0;
}

static int take_inherited(const struct inherited *inherited, struct text_error *ret_error,
			  struct listen_socket *sockets)
{
	unsigned count = inherited->count < WEB_LISTEN_MAX ? inherited->count : WEB_LISTEN_MAX;

	for (unsigned i = 0; i < count; i++) {
		int rc = take_one(inherited->fds[i], ret_error, &sockets[i]);

		if (rc < 0)
			return rc;
	}
	return (int)count;
}

int listen_open(const struct web_config *config, struct text_error *ret_error,
		struct listen_socket ret_sockets[WEB_LISTEN_MAX])
{
	struct inherited inherited;

	inherit_init(&inherited);
	if (inherited.count)
		return take_inherited(&inherited, ret_error, ret_sockets);
	return open_configured(config, ret_error, ret_sockets);
}

void listen_close(struct listen_socket *sockets, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (sockets[i].listener.fd >= 0)
			listener_close(&sockets[i].listener);
}
