/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which of a client's connections stands for it, and what its newer ones say. */
#include "core/clients/client_known.h"

const struct client_conn *client_conn_find(const struct client *client, uint16_t port)
{
	const struct client_conn *newest = NULL;

	for (unsigned i = 0; i < client->conn_count; i++) {
		const struct client_conn *conn = &client->conns[i];

		if (port && conn->src_port != port)
			continue;
		if (conn->is_confirmed)
			return conn;
		newest = newest ? newest : conn;
	}
	return newest;
}

bool client_newer_differs(const struct client *client, const struct client_conn *conn,
			  uint16_t port)
{
	for (const struct client_conn *newer = client->conns; newer < conn; newer++)
		if (!newer->is_confirmed && (!port || newer->src_port == port) &&
		    !verdict_is_same(&newer->verdict, &conn->verdict))
			return true;
	return false;
}
