/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel tells of its queues in /proc/net/netfilter/nfnetlink_queue, a file that root
 * alone may open: it is opened before privileges are given up, and read ever after.
 */
#ifndef SYNPRINT_INPUT_NFQUEUE_PROC_H
#define SYNPRINT_INPUT_NFQUEUE_PROC_H

#include <stdint.h>

struct nfqueue_figures {
	uint32_t waiting; /* packets in the queue */
	/* Full queue, full socket. Without fail-open they were dropped; with it they passed. */
	uint64_t queue_dropped, user_dropped;
};

/** nfqueue_load_module() - as root, have the kernel load what makes the file, where it is a module. */
void nfqueue_load_module(void);

/** nfqueue_proc_open() - of this network namespace. Return: a descriptor, or -errno. */
int nfqueue_proc_open(void);

/** nfqueue_proc_read() - one queue's line. Return: 0; -ENOENT: nobody reads that queue; -errno. */
int nfqueue_proc_read(int fd, unsigned queue, struct nfqueue_figures *ret_figures);

#endif
