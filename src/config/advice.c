/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks, and changes nothing. */
#include "config/advice.h"

#include <errno.h>
#include <grp.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "sys/privs.h"

#define PATH_BYTES 4096

void advice_add(struct advice_list *list, enum advice_level level, const char *about,
		const char *fmt, ...)
{
	struct advice *advice = &list->list[list->count];
	va_list args;

	if (list->count == ADVICE_MAX)
		return;
	list->count++;
	advice->level = level;
	snprintf(advice->about, sizeof(advice->about), "%s", about);
	va_start(args, fmt);
	vsnprintf(advice->text, sizeof(advice->text), fmt, args);
	va_end(args);
}

bool advice_has(const struct advice_list *list, const struct advice *advice)
{
	for (unsigned i = 0; i < list->count; i++)
		if (strcmp(list->list[i].text, advice->text) == 0)
			return true;
	return false;
}

/* A pattern is for what comes and goes; a name that is not there is a mistake, or was renamed. */
static void say_missing(const char *pattern, bool is_any_seen, struct advice_list *list)
{
	bool is_pattern = pattern[0] && pattern[strlen(pattern) - 1] == '*';

	if (is_pattern)
		advice_add(list, is_any_seen ? ADVICE_NOTE : ADVICE_FAULT, "interfaces",
			   "no interface matches '%s' of rules.interfaces now, so no SYN is "
			   "diverted by it ('ip -br link' lists them)",
			   pattern);
	else
		advice_add(
			list, ADVICE_FAULT, "interfaces",
			"there is no interface '%s' now: no SYN that comes in there is diverted. "
			"Was it renamed? 'ip -br link' lists them; correct rules.interfaces and "
			"reload",
			pattern);
}

static void say_unseen(const char *pattern, enum netdevs_sight sight, const struct netdev *device,
		       const char *other, struct advice_list *list)
{
	bool has_other = other[0] != '\0';

	if (sight == NETDEVS_VRF)
		advice_add(
			list, ADVICE_FAULT, "interfaces",
			"'%s' (rules.interfaces: '%s') is a VRF: its SYNs are diverted where they "
			"come in. Name its members instead%s%s",
			device->name, pattern, has_other ? ", such as " : "", other);
	else
		advice_add(
			list, ADVICE_FAULT, "interfaces",
			"'%s' (rules.interfaces: '%s') is a member of '%s', and its SYNs come in "
			"as that one's: name '%s' instead",
			device->name, pattern, other, other);
}

void advice_interfaces(const struct config *config, const struct netdevs *netdevs,
		       struct advice_list *list)
{
	enum netdevs_sight sights[CONFIG_INTERFACES_MAX];
	struct netdev devices[CONFIG_INTERFACES_MAX];
	char others[CONFIG_INTERFACES_MAX][IF_NAMESIZE];
	bool is_any_seen = false;

	if (config->engine == RULES_NONE)
		return;
	for (unsigned i = 0; i < config->interface_count; i++) {
		sights[i] = netdevs_look(netdevs, config->interfaces[i], &devices[i], others[i]);
		is_any_seen |= sights[i] == NETDEVS_SEEN;
	}
	for (unsigned i = 0; i < config->interface_count; i++) {
		if (sights[i] == NETDEVS_MISSING)
			say_missing(config->interfaces[i], is_any_seen, list);
		else if (sights[i] != NETDEVS_SEEN)
			say_unseen(config->interfaces[i], sights[i], &devices[i], others[i], list);
	}
}

static void need_group(const char *key, const char *name, struct advice_list *list)
{
	if (name && !getgrnam(name))
		advice_add(list, ADVICE_REFUSED, "groups",
			   "%s: there is no group '%s': make it (groupadd --system %s) or correct "
			   "the key",
			   key, name, name);
}

void advice_names(const struct config *config, struct advice_list *list)
{
	struct privs_user user;

	need_group("control.group", config->socket_group, list);
	if (config->p0f_enabled)
		need_group("p0f.group", config->p0f_group, list);
	if (strcmp(config->claims, "root") != 0 && strcmp(config->claims, "everybody") != 0)
		need_group("control.claims", config->claims, list);
	if (config->user && privs_find_user(config->user, &user) < 0)
		advice_add(list, ADVICE_REFUSED, "users",
			   "user: there is no user '%s': make it (useradd --system %s) or correct "
			   "the key",
			   config->user, config->user);
	if (strcmp(config->reports_user, CONFIG_DEFAULT_REPORTS_USER) != 0 &&
	    privs_find_user(config->reports_user, &user) < 0)
		advice_add(list, ADVICE_FAULT, "users",
			   "control.reports: there is no user '%s', so only root may report",
			   config->reports_user);
}

/* synprintd keeps no capability that would help it over these bits. */
static bool may_write(const struct stat *status, uid_t uid, gid_t gid)
{
	if (status->st_uid == uid)
		return (status->st_mode & 0300) == 0300;
	if (status->st_gid == gid)
		return (status->st_mode & 0030) == 0030;
	return (status->st_mode & 0003) == 0003;
}

/* What is no @type, S_IFREG or S_IFSOCK, nothing is made in place of. */
static bool is_in_the_way(const char *key, const char *file, mode_t type, struct advice_list *list)
{
	struct stat status;

	if (stat(file, &status) < 0 || (status.st_mode & S_IFMT) == type)
		return false;
	advice_add(list, ADVICE_FAULT, "files", "%s: %s is no %s: move it away, or correct the key",
		   key, file, type == S_IFSOCK ? "socket" : "regular file");
	return true;
}

static void need_directory_of(const char *key, const char *file, uid_t uid, gid_t gid,
			      struct advice_list *list)
{
	char path[PATH_BYTES];
	const char *directory;
	struct stat status;

	snprintf(path, sizeof(path), "%s", file);
	directory = dirname(path);
	if (stat(directory, &status) < 0)
		advice_add(
			list, ADVICE_FAULT, "files",
			"%s: %s cannot be written: %s: %s (make that folder, or correct the key)",
			key, file, directory, strerror(errno));
	else if (!may_write(&status, uid, gid))
		advice_add(list, ADVICE_FAULT, "files",
			   "%s: %s cannot be written: user %u may make no files in %s (chown or "
			   "chmod it, or correct the key)",
			   key, file, (unsigned)uid, directory);
}

/* A start makes this folder where it is missing, and takes one that is called as ours. */
static void need_kept(const char *key, const char *file, uid_t uid, gid_t gid,
		      struct advice_list *list)
{
	char path[PATH_BYTES];
	struct stat status;
	const char *directory;

	snprintf(path, sizeof(path), "%s", file);
	directory = dirname(path);
	if (is_in_the_way(key, file, S_IFREG, list))
		return;
	if (stat(directory, &status) < 0)
		need_directory_of(key, directory, uid, gid, list);
	else if (!privs_is_given(directory))
		need_directory_of(key, file, uid, gid, list);
}

void advice_files(const struct config *config, uid_t uid, gid_t gid, struct advice_list *list)
{
	is_in_the_way("control.socket", config->socket, S_IFSOCK, list);
	if (config->p0f_enabled)
		is_in_the_way("p0f.socket", config->p0f_socket, S_IFSOCK, list);
	if (config->metrics_file &&
	    !is_in_the_way("metrics.textfile", config->metrics_file, S_IFREG, list))
		need_directory_of("metrics.textfile", config->metrics_file, uid, gid, list);
	if (config->state_enabled)
		need_kept("state.file", config->state_file, uid, gid, list);
	if (config->learn_enabled)
		need_kept("learn.file", config->learn_file, uid, gid, list);
}
