/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests of libmicrohttpd as exchanges. While synprintd is asked the connection sleeps; it goes on
 * when the last answer is in, which is after the timeout at the latest.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "web/http/server_impl.h"
#include "web/routes.h"

/* No script, style or image but our own, and nothing of ours in anybody's frame. */
#define POLICY                                                                                     \
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "                \
	"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

struct talk {
	struct exchange exchange;
	struct http_listener *listener;
	struct MHD_Connection *connection;
	struct conn *conn;
	struct slot {
		struct talk *talk;
		unsigned number;
	} slots[EXCHANGE_QUESTIONS_MAX];
	unsigned waiting; /* answers that are not in yet */
	bool is_begun;
};

static struct conn *conn_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

static void read_peer(struct talk *talk)
{
	struct request_peer *peer = &talk->exchange.request.peer;
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(talk->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	union {
		const struct sockaddr *any;
		const struct sockaddr_in *v4;
		const struct sockaddr_in6 *v6;
	} address = {.any = info ? info->client_addr : NULL};

	peer->is_unix = talk->listener->is_unix;
	if (!address.any || peer->is_unix)
		return;
	if (address.any->sa_family == AF_INET) {
		peer->addr = addr_from_v4((const uint8_t *)&address.v4->sin_addr);
		peer->port = ntohs(address.v4->sin_port);
	} else if (address.any->sa_family == AF_INET6) {
		peer->addr = addr_from_v6(address.v6->sin6_addr.s6_addr);
		peer->port = ntohs(address.v6->sin6_port);
	}
}

static enum MHD_Result take_header(void *ctx, enum MHD_ValueKind kind, const char *name,
				   const char *value)
{
	(void)kind;
	request_add_header(ctx, name, value);
	return MHD_YES;
}

static enum MHD_Result take_arg(void *ctx, enum MHD_ValueKind kind, const char *name,
				const char *value)
{
	(void)kind;
	request_add_arg(ctx, name, value);
	return MHD_YES;
}

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
	MHD_add_response_header(response, name, value);
}

static void add_headers(struct MHD_Response *response, const struct reply *reply)
{
	for (unsigned i = 0; i < reply->header_count; i++)
		add_header(response, reply->headers[i].name, reply->headers[i].value);
	if (reply->closes)
		add_header(response, "Connection", "close");
	if (!reply->len && !reply->stream)
		return;
	add_header(response, "Content-Type", reply->type);
	add_header(response, "Cache-Control", reply->is_static ? "max-age=3600" : "no-store");
	add_header(response, "X-Content-Type-Options", "nosniff");
	if (strncmp(reply->type, "text/html", 9) != 0)
		return;
	add_header(response, "Content-Security-Policy", POLICY);
	add_header(response, "Referrer-Policy", "no-referrer");
}

/* The body goes over to the response. */
static struct MHD_Response *make_response(struct reply *reply)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(reply->len,
						(void *)(uintptr_t)(reply->body ? reply->body : ""),
						reply->body && !reply->is_static
							? MHD_RESPMEM_MUST_FREE
							: MHD_RESPMEM_PERSISTENT);

	if (response)
		reply->body = NULL;
	return response;
}

static enum MHD_Result send_reply(struct talk *talk)
{
	struct exchange *exchange = &talk->exchange;
	struct reply *reply = &exchange->reply;
	struct MHD_Response *response = NULL;
	enum MHD_Result result;

	if (reply->stream && exchange->request.method == REQUEST_GET) {
		response = stream_open(talk->listener, talk->connection, reply->stream);
		if (!response) {
			free(reply->stream);
			reply->stream = NULL;
			reply_refuse(reply, 503, "busy", "too many readers of events");
		}
	}
	if (!response)
		response = make_response(reply);
	if (!response)
		return MHD_NO;
	if (reply->status >= 400)
		exchange->site->figures->refused++;
	add_headers(response, reply);
	result = MHD_queue_response(talk->connection, reply->status, response);
	MHD_destroy_response(response);
	return result;
}

static void take_answer(void *ctx, int rc, const char *line)
{
	struct slot *slot = ctx;
	struct talk *talk = slot->talk;
	struct exchange_question *question = &talk->exchange.questions[slot->number];

	question->line = rc == 0 ? strdup(line) : NULL;
	question->rc = rc == 0 && !question->line ? -ENOMEM : rc;
	if (rc < 0)
		talk->exchange.site->figures->unanswered++;
	if (--talk->waiting > 0)
		return;
	talk->listener->has_more = true;
	MHD_resume_connection(talk->connection);
}

static void ask(struct talk *talk)
{
	struct http_server *server = talk->listener->server;
	struct exchange *exchange = &talk->exchange;
	struct upstream *upstream =
		exchange->route && exchange->route->is_slow ? &server->slow : &server->fast;

	for (unsigned i = 0; i < exchange->question_count; i++) {
		struct exchange_question *question = &exchange->questions[i];

		talk->slots[i] = (struct slot){talk, i};
		question->rc = synprint_async_request(upstream->async, question->text, take_answer,
						      &talk->slots[i]);
		upstream->has_requests = true;
		if (question->rc == 0)
			talk->waiting++;
		else
			exchange->site->figures->unanswered++;
	}
}

static enum MHD_Result begin(struct talk *talk)
{
	talk->is_begun = true;
	if (talk->conn)
		conns_set_busy(&talk->listener->conns, talk->conn, true,
			       talk->exchange.site->now_s);
	route_begin(&talk->exchange);
	if (!talk->exchange.reply.status)
		ask(talk);
	if (talk->waiting) {
		MHD_suspend_connection(talk->connection);
		return MHD_YES;
	}
	route_finish(&talk->exchange);
	return send_reply(talk);
}

static struct talk *talk_new(struct http_listener *listener, struct MHD_Connection *connection,
			     const char *url, const char *method, const char *version)
{
	struct talk *talk = calloc(1, sizeof(*talk));
	struct request *request;

	if (!talk)
		return NULL;
	talk->listener = listener;
	talk->connection = connection;
	talk->conn = conn_of(connection);
	talk->exchange.site = listener->server->site;
	request = &talk->exchange.request;
	request->path = url;
	request->is_http11 = strcmp(version, MHD_HTTP_VERSION_1_1) == 0;
	request_set_method(request, method);
	read_peer(talk);
	MHD_get_connection_values(connection, MHD_HEADER_KIND, take_header, request);
	MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, take_arg, request);
	return talk;
}

/* Called once with the headers, then for each piece of a body, and at the end of it. */
enum MHD_Result talk_handle(void *ctx, struct MHD_Connection *connection, const char *url,
			    const char *method, const char *version, const char *upload,
			    size_t *upload_len, void **place)
{
	struct talk *talk = *place;

	((struct http_listener *)ctx)->is_active = true;
	if (!talk) {
		talk = talk_new(ctx, connection, url, method, version);
		if (!talk)
			return MHD_NO;
		*place = talk;
		/* Answered now, the connection is closed; that is right where a body may follow. */
		return request_refusal(&talk->exchange.request) ? begin(talk) : MHD_YES;
	}
	if (*upload_len) {
		if (request_add_body(&talk->exchange.request, upload, *upload_len) < 0)
			return MHD_NO; /* longer than any form of ours: cut off */
		*upload_len = 0;
		return MHD_YES;
	}
	if (!talk->is_begun)
		return begin(talk);
	route_finish(&talk->exchange);
	return send_reply(talk);
}

void talk_completed(void *ctx, struct MHD_Connection *connection, void **place,
		    enum MHD_RequestTerminationCode code)
{
	struct talk *talk = *place;

	(void)connection;
	(void)code;
	((struct http_listener *)ctx)->is_active = true;
	if (!talk)
		return;
	if (talk->conn)
		conns_set_busy(&talk->listener->conns, talk->conn, false,
			       talk->exchange.site->now_s);
	exchange_done(&talk->exchange);
	free(talk);
	*place = NULL;
}
