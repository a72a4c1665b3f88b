/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of paths. */
#include "web/routes.h"

#include <string.h>

static const struct route routes[] = {
	{.path = "/auth", .methods = ROUTE_GET, .ask = auth_ask, .answer = auth_answer},
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

const struct route *route_find(const char *path)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		if (strcmp(routes[i].path, path) == 0)
			return &routes[i];
	return NULL;
}
