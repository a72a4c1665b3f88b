/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Gives up what serving HTTP does not need: root's identity where it is told to be somebody else,
 * every capability, new privileges, files, programs, and sockets but those of the Unix family.
 */
#ifndef SYNPRINT_WEB_CONFINE_H
#define SYNPRINT_WEB_CONFINE_H

/**
 * confine_become() - become a user with his groups, and drop every capability.
 * @user: "" to stay who we are
 * Return: 0; -ENOENT: there is no such user; -EPERM; -errno.
 */
int confine_become(const char *user);

/**
 * confine_enter() - the filter of system calls; not to be undone.
 * Return: 0; -EOPNOTSUPP: built with sanitizers, which need more; -errno.
 */
int confine_enter(void);

#endif
