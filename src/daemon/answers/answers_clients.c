/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The operation `clients`, which lists them. */
#include "daemon/answers/answers_ops.h"

#define LOOK_MAX 8192 /* clients that one listing looks at: about a millisecond */
#define CLIENT_BYTES_MAX 4096 /* of one listed client, with every reason there is */

/*
 * Clients that pass a filter, from a cursor on. One reply looks at so many at the most, and ends
 * early where it is full: the asker goes on until the cursor is 0.
 */
void answers_clients(struct answers *answers, const struct proto_request *req,
		     struct text_buf *reply)
{
	struct clients *table = req->servers ? answers->servers : answers->clients;
	uint64_t cursor = req->cursor;
	unsigned found = 0, looked = 0;

	if (!table) {
		proto_put_error(reply, req->id, PROTO_NOT_SUPPORTED,
				"servers.enabled is off: nobody looks at SYN+ACKs");
		return;
	}
	proto_begin_reply(req, reply);
	text_put(reply, ",\"clients\":[");
	do {
		struct client client;

		if (clients_page(table, cursor, 1, &client, &cursor) == 0)
			break;
		if ((req->confirmed && !client.is_confirmed) ||
		    !filter_match(&req->filter, answers->vocab, &client.addr,
				  &client_conn_find(&client, 0)->verdict))
			continue;
		text_put(reply, found++ ? "," : "");
		details_put_client(answers, &client, reply);
	} while (cursor && found < req->limit && ++looked < LOOK_MAX &&
		 reply->size - reply->len > CLIENT_BYTES_MAX);
	text_putf(reply, "],\"cursor\":%llu}", (unsigned long long)cursor);
}
