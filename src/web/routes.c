/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of paths, who may ask for what, and the two halves of every exchange. */
#include "web/routes.h"

#include <string.h>

#include "web/figures.h"

static const struct route routes[] = {
	{.path = "/auth", .methods = ROUTE_ANY, .ask = auth_ask, .answer = auth_answer},
	{.path = "/classify", .methods = ROUTE_GET, .ask = classify_ask, .answer = classify_answer},
	{.path = "/health", .methods = ROUTE_GET, .ask = health_ask, .answer = health_answer},
	{.path = "/metrics",
	 .methods = ROUTE_GET,
	 .is_private = true,
	 .is_slow = true,
	 .ask = metrics_ask,
	 .answer = metrics_answer},
	{.path = "/events",
	 .methods = ROUTE_GET,
	 .is_private = true,
	 .is_slow = true,
	 .ask = events_ask,
	 .answer = events_answer},
	{.path = "/", .methods = ROUTE_GET, .ask = home_ask, .answer = home_answer},
	{.path = "/live",
	 .methods = ROUTE_GET,
	 .is_private = true,
	 .is_page = true,
	 .is_slow = true,
	 .ask = live_ask,
	 .answer = live_answer},
	{.path = "/live/data",
	 .methods = ROUTE_GET,
	 .is_private = true,
	 .is_slow = true,
	 .ask = live_data_ask,
	 .answer = live_data_answer},
	{.path = "/client",
	 .methods = ROUTE_GET,
	 .is_private = true,
	 .is_page = true,
	 .ask = client_ask,
	 .answer = client_answer},
	{.path = "/login", .methods = ROUTE_GET, .answer = login_page_answer},
	{.path = "POST /login", .methods = ROUTE_POST, .answer = login_answer},
	{.path = "/logout", .methods = ROUTE_POST, .answer = logout_answer},
	{.path = "/style.css", .methods = ROUTE_GET, .answer = asset_answer},
	{.path = "/live.js", .methods = ROUTE_GET, .answer = asset_answer},
	{.path = "/chart.js", .methods = ROUTE_GET, .answer = asset_answer},
	{.path = "/icon.svg", .methods = ROUTE_GET, .answer = asset_answer},
};

static const struct route *route_find(const char *path)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		if (strcmp(routes[i].path, path) == 0)
			return &routes[i];
	return NULL;
}

static void refuse_method(struct exchange *exchange)
{
	reply_refuse(&exchange->reply, 405, "method", "this method is not served here");
	reply_add_header(&exchange->reply, "Allow",
			 exchange->route->methods & ROUTE_POST ? "POST" : "GET, HEAD");
}

static void refuse_stranger(struct exchange *exchange)
{
	struct reply *reply = &exchange->reply;

	if (!exchange->route->is_page) {
		reply_refuse(reply, 401, "forbidden", "this needs the token, see synprint-web(8)");
		reply_add_header(reply, "WWW-Authenticate", "Bearer");
		return;
	}
	reply_set(reply, 303, "text/plain", "see /login\n", strlen("see /login\n"));
	reply_add_header(reply, "Location", "/login");
}

static bool has_method(const struct route *route, enum request_method method)
{
	return route->methods & (method == REQUEST_POST    ? ROUTE_POST
				 : method == REQUEST_OTHER ? ROUTE_OTHER
							   : ROUTE_GET);
}

/* GET /login and POST /login are two routes of one path. */
static const struct route *find_route(const struct request *request)
{
	return request->method == REQUEST_POST && strcmp(request->path, "/login") == 0
		       ? route_find("POST /login")
		       : route_find(request->path);
}

void route_begin(struct exchange *exchange)
{
	struct exchange_site *site = exchange->site;
	const struct request *request = &exchange->request;
	const char *refusal = request_refusal(request);

	site->figures->requests++;
	if (refusal) {
		reply_refuse(&exchange->reply, 400, "bad_request", refusal);
		exchange->reply.closes = true;
		return;
	}
	exchange->route = find_route(request);
	if (!exchange->route) {
		reply_refuse(&exchange->reply, 404, "not_found", "there is nothing here");
		return;
	}
	visitor_find(&site->config->trust, request, &exchange->visitor);
	exchange->may_ask = exchange->visitor.is_local ||
			    access_allows(&site->access, request->headers[REQUEST_AUTHORIZATION],
					  request->headers[REQUEST_COOKIE], site->now_s);
	if (!has_method(exchange->route, request->method))
		refuse_method(exchange);
	else if (exchange->route->is_private && !exchange->may_ask)
		refuse_stranger(exchange);
	else if (exchange->route->ask)
		exchange->route->ask(exchange);
}

void route_finish(struct exchange *exchange)
{
	if (!exchange->reply.status)
		exchange->route->answer(exchange);
}
