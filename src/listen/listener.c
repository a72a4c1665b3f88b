/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a socket file is in use cannot be read from the file. A connection would tell, but it would
 * also start the service for which systemd listens there. So a socket of another type asks: it is refused
 * as the wrong one, or, where the file's process is gone, as nobody's (unix(7)).
 */
#include "listen/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int new_socket(int type)
{
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 ? -errno : fd;
}

/* 0: it is nobody's; -EADDRINUSE: somebody has it. */
static int probe(const struct sockaddr_un *address)
{
	int fd = new_socket(SOCK_DGRAM);
	int r;

	if (fd < 0)
		return fd;
	r = connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? -errno : 0;
	close(fd);
	if (r == -ECONNREFUSED || r == -ENOENT)
		return 0;
	return r == 0 || r == -EPROTOTYPE ? -EADDRINUSE : r;
}

static int clear_path(const struct sockaddr_un *address, struct text_error *ret_error)
{
	const char *path = address->sun_path;
	struct stat st;
	int r;

	if (lstat(path, &st) < 0)
		return 0; /* bind() will say what is wrong, if anything is */
	if (!S_ISSOCK(st.st_mode)) {
		text_error_set(ret_error, 0, 0, "%s exists and is not a socket: remove it", path);
		return -EEXIST;
	}
	r = probe(address);
	if (r == -EADDRINUSE)
		text_error_set(ret_error, 0, 0,
			       "%s is in use: somebody listens there already, which may be "
			       "systemd for a stopped service ('systemctl list-sockets')",
			       path);
	else if (r < 0)
		text_error_set(ret_error, 0, 0, "cannot tell whether %s is in use: %s", path,
			       strerror(-r));
	else if (unlink(path) < 0 && errno != ENOENT) {
		r = -errno;
		text_error_set(ret_error, 0, 0, "cannot replace %s: %s", path, strerror(-r));
	}
	return r;
}

/* Until listen(), whoever connects is refused: so the file's mode is right before it matters. */
static int bind_and_listen(int fd, const struct sockaddr_un *address, mode_t mode, gid_t group,
			   struct stat *ret_stat)
{
	const char *path = address->sun_path;
	int r;

	if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
		return -errno;
	/* A service manager's filter may refuse lchown, even where there is nothing to change. */
	if (lstat(path, ret_stat) == 0 &&
	    (group == (gid_t)-1 || ret_stat->st_gid == group ||
	     lchown(path, (uid_t)-1, group) == 0) &&
	    chmod(path, mode) == 0 && listen(fd, SOMAXCONN) == 0)
		return 0;
	r = -errno;
	unlink(path);
	return r;
}

int listener_open(const char *path, mode_t mode, gid_t group, struct text_error *ret_error,
		  struct listener *ret_listener)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len = strlen(path);
	struct stat st;
	int fd, r;

	if (len == 0 || len >= sizeof(address.sun_path)) {
		text_error_set(ret_error, 0, 0, "a socket's path has 1 to %zu bytes, not %zu",
			       sizeof(address.sun_path) - 1, len);
		return -ENAMETOOLONG;
	}
	memcpy(address.sun_path, path, len);
	r = clear_path(&address, ret_error);
	if (r < 0)
		return r;
	fd = new_socket(SOCK_STREAM);
	r = fd < 0 ? fd : bind_and_listen(fd, &address, mode, group, &st);
	if (r < 0) {
		text_error_set(ret_error, 0, 0, "cannot make %s: %s", path, strerror(-r));
		if (fd >= 0)
			close(fd);
		return r;
	}
	*ret_listener = (struct listener){.fd = fd,
					  .dev = st.st_dev,
					  .ino = st.st_ino,
					  .mode = mode,
					  .group = group};
	memcpy(ret_listener->path, path, len);
	return 0;
}

void listener_remove_dead(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct text_error error;
	size_t len = strlen(path);

	if (len && len < sizeof(address.sun_path)) {
		memcpy(address.sun_path, path, len);
		clear_path(&address, &error); /* what is alive, or no socket, stays */
	}
}

static int socket_option(int fd, int option)
{
	socklen_t len = sizeof(int);
	int value;

	return getsockopt(fd, SOL_SOCKET, option, &value, &len) < 0 ? -errno : value;
}

/*
 * The file of a socket that was handed over, and what one in its place is to be like. A dead one is
 * ours, which listener_renew() made: the service manager's own was deleted before that, and leads to
 * nobody any more. Where there is none, who connects may see another file system than we do.
 */
static void find_file(struct listener *listener)
{
	struct sockaddr_un address = {.sun_family = AF_UNSPEC};
	socklen_t len = sizeof(address);
	struct stat st;

	getsockname(listener->fd, (struct sockaddr *)&address, &len);
	if (*address.sun_path != '/' || lstat(address.sun_path, &st) < 0)
		return;
	memcpy(listener->path, address.sun_path, sizeof(listener->path));
	listener->mode = st.st_mode & 07777;
	listener->group = st.st_gid;
	listener_remove_dead(listener->path);
}

int listener_adopt(int fd, struct text_error *ret_error, struct listener *ret_listener)
{
	int flags = fcntl(fd, F_GETFL);

	if (socket_option(fd, SO_DOMAIN) != AF_UNIX || socket_option(fd, SO_TYPE) != SOCK_STREAM ||
	    socket_option(fd, SO_ACCEPTCONN) != 1) {
		text_error_set(ret_error, 0, 0,
			       "inherited descriptor %d is no listening Unix stream socket", fd);
		return -ENOTSOCK;
	}
	if (fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return -errno;
	*ret_listener = (struct listener){.fd = fd, .is_adopted = true};
	find_file(ret_listener);
	return 0;
}

bool listener_is_there(const struct listener *listener)
{
	struct stat st;

	return !*listener->path || lstat(listener->path, &st) == 0 || errno != ENOENT;
}

int listener_renew(const struct listener *listener, struct text_error *ret_error,
		   struct listener *ret_again)
{
	int r = listener_open(listener->path, listener->mode, listener->group, ret_error,
			      ret_again);

	if (r == 0)
		ret_again->is_adopted = listener->is_adopted; /* then it tells the next one */
	return r;
}

void listener_close(struct listener *listener)
{
	struct stat st;

	if (*listener->path && !listener->is_adopted && lstat(listener->path, &st) == 0 &&
	    st.st_dev == listener->dev && st.st_ino == listener->ino)
		unlink(listener->path);
	close(listener->fd);
}
