/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The system calls that are left to the daemon once it is set up, by a seccomp filter.
 *
 * What is not on the list fails with EPERM, and the kernel logs it (audit type 1326). It does not
 * kill: a call that a newer C library makes must not end the classification, and for code that
 * is not ours an exec that fails is as good as one that kills. Calls without a condition on their
 * arguments cost next to nothing (the kernel keeps them in a bitmap), and all of the packets' way are such.
 */
#ifndef SYNPRINT_SYS_SANDBOX_H
#define SYNPRINT_SYS_SANDBOX_H

/**
 * sandbox_enter() - leave this thread, and those it starts from here on, files, memory, threads
 * and the socket families AF_UNIX and AF_NETLINK; nothing can be executed. Not to be undone.
 * To be called after privs_drop(), which forbids new privileges.
 * Return: 0; -EOPNOTSUPP: built with sanitizers, which need more; or -errno of a kernel without.
 */
int sandbox_enter(void);

/**
 * sandbox_try() - what the daemon does, done once inside the filter, in a process that ends with it.
 * To be called while there is one thread.
 * @ret_call: on -EPERM, what is refused, as static text
 * Return: 0: sandbox_enter() leaves all of it; -EPERM: not on this machine or with this C library;
 * or what sandbox_enter() says.
 */
int sandbox_try(const char **ret_call);

#endif
