/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One synprintd in a network namespace: there is one table with one dead-man's switch, so a
 * second one would keep the switch of a first that hangs, and take its rules away at its end.
 */
#ifndef SYNPRINT_SYS_LOCK_H
#define SYNPRINT_SYS_LOCK_H

/**
 * lock_namespace() - take the lock of this network namespace, which the kernel gives back at the
 * end of the process, however it ends. Files of namespaces whose process is gone are removed.
 * @ret_fd: to be given to unlock_namespace()
 * Return: 0; -EBUSY: another process has it; or -errno of the file in /run/synprint.
 */
int lock_namespace(int *ret_fd);

/** unlock_namespace() - remove the file and give the lock back; -1 is allowed. */
void unlock_namespace(int fd);

#endif
