/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Gives up what the daemon never needs: root's identity where it is told to be somebody else,
 * every capability but CAP_NET_ADMIN, new privileges, and cores with packets in them.
 */
#ifndef SYNPRINT_SYS_PRIVS_H
#define SYNPRINT_SYS_PRIVS_H

#include <stdbool.h>
#include <sys/types.h>

struct privs_user {
	uid_t uid;
	gid_t gid; /* the user's own group; the other ones come along when it is switched to */
};

/** privs_has_net_admin() - whether this process has CAP_NET_ADMIN, without which nothing works. */
bool privs_has_net_admin(void);

/**
 * privs_find_user() - look a name up. May ask name services: only at the start.
 * Return: 0, -ENOENT where there is no such user, or -errno.
 */
int privs_find_user(const char *name, struct privs_user *ret_user);

/** privs_join_group() - as root, be in one more group: files may be given to it later on. */
void privs_join_group(gid_t group);

/** privs_can_become() - whether we are this user, or have what it takes to become them. */
bool privs_can_become(const struct privs_user *user);

/**
 * privs_give_directory() - as root, make a directory, or take one over, for a user who is to write
 * there: root's own, or that of the user of an earlier run. The owner's files in it go along. A
 * directory that exists and is not called "synprint" is somebody else's, and left as it is.
 * Return: 0, also where it was left, or -errno.
 */
int privs_give_directory(const char *path, const struct privs_user *user);

/** privs_is_given() - whether privs_give_directory() takes such a folder from whom it belongs to. */
bool privs_is_given(const char *path);

/**
 * privs_drop() - become the user, keep CAP_NET_ADMIN alone, forbid new privileges and core dumps,
 * for this thread and those it starts from here on. Without CAP_NET_ADMIN nothing is changed.
 * @user: NULL to stay who we are
 * Return: 0; -EPERM: CAP_NET_ADMIN is missing, or what it takes to become the user; or -errno.
 */
int privs_drop(const struct privs_user *user);

#endif
