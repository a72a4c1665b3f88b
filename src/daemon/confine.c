/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a process that can do anything to one that can do its work: user, capabilities, calls. */
#include <errno.h>
#include <stdio.h>
#include <libgen.h>
#include <string.h>
#include <unistd.h>

#include "daemon/wiring.h"
#include "sys/log.h"
#include "sys/sandbox.h"

#define PATH_BYTES 4096

enum daemon_exit daemon_find_user(struct daemon *daemon, const char *name)
{
	int rc;

	if (!name)
		return DAEMON_EXIT_OK;
	rc = privs_find_user(name, &daemon->user);
	if (rc < 0) {
		log_line(LOG_LEVEL_ERROR,
			 rc == -ENOENT ? "there is no user '%s'" : "cannot look up user '%s': %s",
			 name, strerror(-rc));
		return DAEMON_EXIT_INPUT;
	}
	if (!privs_can_become(&daemon->user)) {
		log_line(LOG_LEVEL_ERROR, "only root can become user '%s'", name);
		return DAEMON_EXIT_PRIVILEGES;
	}
	daemon->has_user = true;
	return DAEMON_EXIT_OK;
}

/* The user is to write there: the lock, the sockets' removal, what is kept over a restart. */
static void give_directory(const struct daemon *daemon, const char *path)
{
	int rc;

	if (!daemon->has_user && access(path, F_OK) < 0)
		return;
	rc = privs_give_directory(path, &daemon->user); /* root, where nobody is named */
	if (rc < 0)
		log_line(LOG_LEVEL_WARNING, "%s cannot be given to the user: %s", path,
			 strerror(-rc));
}

static void give_directory_of(const struct daemon *daemon, const char *file)
{
	char path[PATH_BYTES];

	snprintf(path, sizeof(path), "%s", file);
	give_directory(daemon, dirname(path));
}

static void give_directories(const struct daemon *daemon)
{
	const struct config *config = daemon->boot;

	give_directory(daemon, "/run/synprint");
	if (daemon->has_user && daemon->lock_fd >= 0 &&
	    fchown(daemon->lock_fd, daemon->user.uid, daemon->user.gid) < 0)
		log_line(LOG_LEVEL_WARNING, "the lock file stays root's: %s", strerror(errno));
	give_directory_of(daemon, config->socket);
	if (config->p0f_enabled)
		give_directory_of(daemon, config->p0f_socket);
	if (config->state_enabled)
		give_directory_of(daemon, config->state_file);
	if (config->learn_enabled)
		give_directory_of(daemon, config->learn_file);
}

static enum daemon_exit drop_privileges(const struct daemon *daemon)
{
	int rc = privs_drop(daemon->has_user ? &daemon->user : NULL);

	if (rc < 0)
		log_line(LOG_LEVEL_ERROR, "cannot give up privileges: %s", strerror(-rc));
	return rc < 0 ? DAEMON_EXIT_PRIVILEGES : DAEMON_EXIT_OK;
}

/* Without the filter the daemon is less confined, but it works; the traffic comes first. */
static void enter_sandbox(void)
{
	const char *call = "";
	int rc = sandbox_try(&call);

	if (rc == -EPERM)
		log_line(
			LOG_LEVEL_WARNING,
			"system calls are not filtered: on this machine the filter refuses what is "
			"needed (%s); please report it",
			call);
	if (rc == -EPERM)
		return;
	if (rc == 0)
		rc = sandbox_enter();
	if (rc == -EOPNOTSUPP)
		log_line(LOG_LEVEL_INFO, "system calls are not filtered: this build has "
					 "sanitizers, which need more");
	else if (rc < 0)
		log_line(LOG_LEVEL_WARNING, "system calls are not filtered: %s", strerror(-rc));
}

enum daemon_exit daemon_confine(const struct daemon *daemon)
{
	enum daemon_exit code;

	/* Who was another user's before is ours, unless he is at work. */
	if (daemon->has_user || (geteuid() == 0 && daemon->lock_rc == 0))
		give_directories(daemon);
	code = drop_privileges(daemon);
	if (code == DAEMON_EXIT_OK)
		enter_sandbox();
	return code;
}
