/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A connection is cut off by shutdown(2): whoever reads from it sees its end, and closes it. */
#include "web/http/conns.h"

#include <stdlib.h>
#include <sys/socket.h>

void conns_init(struct conns *conns, unsigned max)
{
	TAILQ_INIT(&conns->waiting);
	conns->count = 0;
	conns->max = max;
}

static void cut(struct conns *conns, struct conn *conn)
{
	TAILQ_REMOVE(&conns->waiting, conn, entry);
	conn->is_cut = true;
	shutdown(conn->fd, SHUT_RDWR);
}

struct conn *conns_add(struct conns *conns, int fd, int64_t now_s, bool *ret_pushed)
{
	struct conn *conn = calloc(1, sizeof(*conn)), *longest = TAILQ_FIRST(&conns->waiting);

	if (!conn)
		return NULL;
	conn->fd = fd;
	conn->since_s = now_s;
	*ret_pushed = conns->count >= conns->max && longest;
	if (*ret_pushed)
		cut(conns, longest);
	TAILQ_INSERT_TAIL(&conns->waiting, conn, entry);
	conns->count++;
	return conn;
}

void conns_remove(struct conns *conns, struct conn *conn)
{
	if (!conn->is_busy && !conn->is_cut)
		TAILQ_REMOVE(&conns->waiting, conn, entry);
	conns->count--;
	free(conn);
}

void conns_set_busy(struct conns *conns, struct conn *conn, bool is_busy, int64_t now_s)
{
	if (conn->is_cut || conn->is_busy == is_busy)
		return;
	conn->is_busy = is_busy;
	if (is_busy) {
		TAILQ_REMOVE(&conns->waiting, conn, entry);
		return;
	}
	conn->since_s = now_s;
	TAILQ_INSERT_TAIL(&conns->waiting, conn, entry);
}

void conns_expire(struct conns *conns, int64_t now_s)
{
	struct conn *conn;

	while ((conn = TAILQ_FIRST(&conns->waiting)) && now_s - conn->since_s > CONNS_PATIENCE_S)
		cut(conns, conn);
}
