/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sockets that policy components ask on: made, or taken over from the service manager. */
#include <grp.h>
#include <string.h>
#include <sys/resource.h>

#include "listen/listener.h"
#include "daemon/wiring.h"
#include "sys/file.h"
#include "sys/log.h"

#define CONNS_MAX 1024 /* of each socket */
#define CONNS_MIN 8
#define DESCRIPTORS_KEPT 64 /* for queues, sets, rules, files that a reload reads */

/*
 * How many may connect to one of @sockets sockets, so that they never use up the descriptors that
 * the daemon needs itself. The soft limit is for programs that use select(2), which we do not.
 */
static unsigned find_conns_max(unsigned sockets)
{
	struct rlimit limit;
	rlim_t share;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return CONNS_MAX;
	if (limit.rlim_cur < limit.rlim_max) {
		rlim_t soft = limit.rlim_cur;

		limit.rlim_cur = limit.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
			limit.rlim_cur = soft;
	}
	if (limit.rlim_cur < DESCRIPTORS_KEPT + CONNS_MIN * sockets)
		return CONNS_MIN;
	share = (limit.rlim_cur - DESCRIPTORS_KEPT) / sockets;
	return share < CONNS_MAX ? (unsigned)share : CONNS_MAX;
}

/* Whose the socket file becomes: the named group's, or that of the user whom we become. */
static enum daemon_exit find_group(const struct daemon *daemon, const char *key, const char *name,
				   gid_t *ret_group)
{
	const struct group *group = name ? getgrnam(name) : NULL;

	if (name && !group) {
		log_line(LOG_LEVEL_ERROR, "%s: %s: there is no group '%s'", daemon->boot->path, key,
			 name);
		return DAEMON_EXIT_INPUT;
	}
	if (group)
		privs_join_group(
			group->gr_gid); /* to make the file again, as long as we are root */
	*ret_group = group ? group->gr_gid : daemon->has_user ? daemon->user.gid : (gid_t)-1;
	return DAEMON_EXIT_OK;
}

/* Where to listen at @path, which the service manager may do already. */
static struct acceptor_params place(struct daemon *daemon, const char *path, int mode, gid_t group)
{
	int fd = inherit_take(&daemon->service.inherited, path);

	(void)file_make_open_directory(path); /* else the socket's own error says what is wrong */
	return (struct acceptor_params){.path = fd < 0 ? path : NULL,
					.listen_fd = fd,
					.mode = mode,
					.group = group};
}

/* Whose claims are believed: a word, or a group's name. */
static enum daemon_exit find_claims(const struct daemon *daemon, struct server_params *params)
{
	const char *claims = daemon->boot->claims;
	const struct group *group;

	if (strcmp(claims, "root") == 0) {
		params->claims = PEER_CLAIMS_OWN;
		return DAEMON_EXIT_OK;
	}
	if (strcmp(claims, "everybody") == 0) {
		params->claims = PEER_CLAIMS_ALL;
		return DAEMON_EXIT_OK;
	}
	group = getgrnam(claims);
	if (!group) {
		log_line(LOG_LEVEL_ERROR,
			 "%s: control.claims is \"root\", \"everybody\" or a group; there is no "
			 "group '%s'",
			 daemon->boot->path, claims);
		return DAEMON_EXIT_INPUT;
	}
	params->claims = PEER_CLAIMS_GROUP;
	params->claims_group = group->gr_gid;
	return DAEMON_EXIT_OK;
}

/* The default names a user who is there only where synprint-share is installed. */
static uid_t reporter(const struct daemon *daemon)
{
	const char *name = daemon->boot->reports_user;
	struct privs_user user;

	if (privs_find_user(name, &user) == 0)
		return user.uid;
	if (strcmp(name, CONFIG_DEFAULT_REPORTS_USER) != 0)
		log_line(LOG_LEVEL_WARNING,
			 "control.reports: there is no user '%s': only root may report", name);
	return (uid_t)-1;
}

static enum daemon_exit open_control(struct daemon *daemon, unsigned conns_max)
{
	const struct config *config = daemon->boot;
	struct server_params params = {.conns_max = conns_max,
				       .vocab = daemon->vocab,
				       .handler = answers_handler(&daemon->answers)};
	struct text_error error = {.what = "out of memory"};
	gid_t group;
	enum daemon_exit code = find_group(daemon, "control.group", config->socket_group, &group);

	code = code ? code : find_claims(daemon, &params);
	params.reports_uid = reporter(daemon);
	if (code != DAEMON_EXIT_OK)
		return code;
	params.where = place(daemon, config->socket, config->socket_mode, group);
	if (server_new(&params, &error, &daemon->server) < 0) {
		log_line(LOG_LEVEL_ERROR, "%s", error.what);
		return DAEMON_EXIT_SOCKET;
	}
	daemon->answers.server = daemon->server;
	return DAEMON_EXIT_OK;
}

static enum daemon_exit open_p0f(struct daemon *daemon, unsigned conns_max)
{
	const struct config *config = daemon->boot;
	struct p0f_server_params params = answers_p0f(&daemon->answers);
	struct text_error error = {.what = "out of memory"};
	gid_t group;
	enum daemon_exit code = find_group(daemon, "p0f.group", config->p0f_group, &group);

	if (code != DAEMON_EXIT_OK)
		return code;
	params.conns_max = conns_max;
	params.where = place(daemon, config->p0f_socket, config->p0f_mode, group);
	if (p0f_server_new(&params, &error, &daemon->p0f) == 0)
		return DAEMON_EXIT_OK;
	log_line(LOG_LEVEL_ERROR, "%s", error.what);
	return DAEMON_EXIT_SOCKET;
}

enum daemon_exit daemon_open_sockets(struct daemon *daemon)
{
	const struct config *config = daemon->boot;
	bool wants_p0f =
		config->p0f_enabled || inherit_has(&daemon->service.inherited, config->p0f_socket);
	unsigned conns_max = find_conns_max(daemon->boot->p0f_enabled ? 2 : 1);
	enum daemon_exit code = open_control(daemon, conns_max);

	if (code == DAEMON_EXIT_OK && wants_p0f)
		code = open_p0f(daemon, conns_max);
	else if (code == DAEMON_EXIT_OK) /* of one that was killed: who connects is to be told */
		listener_remove_dead(config->p0f_socket);
	return code;
}

static void on_control(void *ctx)
{
	struct daemon *daemon = ctx;

	server_dispatch(daemon->server);
}

static void on_p0f(void *ctx)
{
	struct daemon *daemon = ctx;

	p0f_server_dispatch(daemon->p0f);
}

int daemon_watch_sockets(struct daemon *daemon)
{
	int rc = loop_add_fd(daemon->loop, server_fd(daemon->server), on_control, daemon);

	if (rc == 0 && daemon->p0f)
		rc = loop_add_fd(daemon->loop, p0f_server_fd(daemon->p0f), on_p0f, daemon);
	return rc;
}

static void say_tidied(int rc, const char *path, const struct text_error *error)
{
	if (rc > 0)
		log_line(LOG_LEVEL_WARNING, "somebody deleted %s; it is there again", path);
	else if (rc < 0)
		log_line(LOG_LEVEL_WARNING,
			 "somebody deleted %s, and it cannot be made again (%s): nobody can "
			 "connect until a restart",
			 path, error->what);
}

void daemon_tidy_sockets(struct daemon *daemon)
{
	struct text_error error = {.what = "out of memory"};

	say_tidied(server_tidy(daemon->server, &error), daemon->boot->socket, &error);
	if (daemon->p0f)
		say_tidied(p0f_server_tidy(daemon->p0f, &error), daemon->boot->p0f_socket, &error);
}

void daemon_close_sockets(struct daemon *daemon)
{
	server_free(daemon->server);
	p0f_server_free(daemon->p0f);
}
