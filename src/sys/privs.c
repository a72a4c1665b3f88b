/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Users, groups and capabilities, each given up for good. */
#include "sys/privs.h"

#include <cap-ng.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/sanitizer.h"

#define OWN_DIRECTORY "synprint" /* the last part of every directory that is only ours */

bool privs_has_net_admin(void)
{
	return capng_get_caps_process() == 0 &&
	       capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN);
}

int privs_find_user(const char *name, struct privs_user *ret_user)
{
	const struct passwd *entry;

	errno = 0;
	entry = getpwnam(name);
	if (!entry)
		return errno ? -errno : -ENOENT;
	*ret_user = (struct privs_user){.uid = entry->pw_uid, .gid = entry->pw_gid};
	return 0;
}

static bool is_self(const struct privs_user *user)
{
	return getuid() == user->uid && getgid() == user->gid;
}

void privs_join_group(gid_t group)
{
	gid_t groups[65];
	int count = getgroups(64, groups);

	if (geteuid() != 0 || count < 0)
		return;
	groups[count] = group;
	if (setgroups((size_t)count + 1, groups) < 0)
		return; /* then it is missing where it would have been of use */
}

bool privs_can_become(const struct privs_user *user)
{
	return is_self(user) || (capng_get_caps_process() == 0 &&
				 capng_have_capability(CAPNG_EFFECTIVE, CAP_SETUID) &&
				 capng_have_capability(CAPNG_EFFECTIVE, CAP_SETGID));
}

/* Through a descriptor, so that what was looked at is what is given. */
static void give_file(int dir_fd, const char *name, uid_t owner, const struct privs_user *user)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat status;

	if (fd < 0)
		return;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == owner &&
	    fchown(fd, user->uid, user->gid) < 0) {
		close(fd);
		return; /* a file that cannot be written is said by who writes it */
	}
	close(fd);
}

/* Of its owner's alone: whoever owns the directory may have put links to others' files there. */
static void give_files(DIR *dir, uid_t owner, const struct privs_user *user)
{
	const struct dirent *entry;

	while ((entry = readdir(dir)) != NULL)
		give_file(dirfd(dir), entry->d_name, owner, user);
}

bool privs_is_given(const char *path)
{
	const char *slash = strrchr(path, '/');

	return strcmp(slash ? slash + 1 : path, OWN_DIRECTORY) == 0;
}

int privs_give_directory(const char *path, const struct privs_user *user)
{
	bool is_new = mkdir(path, 0755) == 0;
	struct stat status;
	DIR *dir;
	int fd, rc = 0;

	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		rc = -errno;
		if (fd >= 0)
			close(fd);
		return rc;
	}
	if (geteuid() == 0 && fstat(fd, &status) == 0 && status.st_uid != user->uid &&
	    (is_new || privs_is_given(path))) {
		give_files(dir, status.st_uid, user);
		rc = fchown(fd, user->uid, user->gid) < 0 ? -errno : 0;
	}
	closedir(dir);
	return rc;
}

/* As a service manager starts us; its own filter of system calls may not have capset(2). */
static bool has_net_admin_alone(void)
{
	for (unsigned cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (cap != CAP_NET_ADMIN && capng_have_capability(CAPNG_PERMITTED, cap))
			return false;
	return true;
}

/* The bounding set needs CAP_SETPCAP to shrink; a process that never had it has no use of it. */
static int keep_net_admin(void)
{
	return capng_apply(CAPNG_SELECT_ALL) == 0 || capng_apply(CAPNG_SELECT_CAPS) == 0 ? 0
											 : -EPERM;
}

static int become(const struct privs_user *user)
{
	if (!user || is_self(user))
		return keep_net_admin();
	return capng_change_id((int)user->uid, (int)user->gid,
			       CAPNG_INIT_SUPP_GRP | CAPNG_CLEAR_BOUNDING) == 0
		       ? 0
		       : -EPERM;
}

int privs_drop(const struct privs_user *user)
{
	struct rlimit no_core = {0, 0};
	int rc;

	if (!privs_has_net_admin())
		return -EPERM;
	if (has_net_admin_alone() && (!user || is_self(user))) {
		rc = prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 ? -errno : 0;
	} else {
		capng_clear(CAPNG_SELECT_ALL);
		capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_NET_ADMIN);
		rc = become(user);
	}
	if (rc < 0)
		return rc;
	/* After the change of user, which sets "dumpable" anew; a limit does not stop core pipes. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_DUMPABLE, HAS_SANITIZER, 0, 0, 0) < 0 ||
	    setrlimit(RLIMIT_CORE, &no_core) < 0)
		return -errno;
	return 0;
}
