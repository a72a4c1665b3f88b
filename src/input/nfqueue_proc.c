/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's table of queues: one line each, numbers in the order of seq_show(). */
#include "input/nfqueue_proc.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "nl/nl.h"

#define FILE_BYTES 8192 /* some 90 bytes a queue */

/* Any message of the subsystem does it (nfnetlink.c: nfnetlink_rcv_msg), whatever comes of it. */
void nfqueue_load_module(void)
{
	_Alignas(8) char buf[NL_MESSAGE_BYTES];
	struct nl *nl = NULL;

	if (nl_open(&nl) == 0)
		nl_request(nl,
			   nl_header(buf, NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_CONFIG, NFPROTO_UNSPEC,
				     NLM_F_ACK),
			   NULL, NULL);
	nl_close(nl);
}

int nfqueue_proc_open(void)
{
	int fd = open("/proc/thread-self/net/netfilter/nfnetlink_queue", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int nfqueue_proc_read(int fd, unsigned queue, struct nfqueue_figures *ret_figures)
{
	char text[FILE_BYTES + 1], *rest = text, *line;
	ssize_t len = pread(fd, text, FILE_BYTES, 0);

	if (len < 0)
		return -errno;
	text[len] = '\0';
	while ((line = strsep(&rest, "\n")) != NULL) {
		struct nfqueue_figures figures;
		unsigned number;
		unsigned long long queue_dropped, user_dropped;

		/* net/netfilter/nfnetlink_queue.c, seq_show(): number, port, length, mode, range, ... */
		if (sscanf(line, "%u %*u %u %*u %*u %llu %llu", &number, &figures.waiting,
			   &queue_dropped, &user_dropped) != 4 ||
		    number != queue)
			continue;
		figures.queue_dropped = queue_dropped;
		figures.user_dropped = user_dropped;
		*ret_figures = figures;
		return 0;
	}
	return -ENOENT;
}
