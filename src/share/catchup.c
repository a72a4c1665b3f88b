/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One page is asked for at a time; a daemon that went away is asked from the beginning. */
#include "share/catchup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <cjson/cJSON.h>
#include <synprint/async.h>

#define PAGE 200
#define REQUEST_MAX 512

struct catchup {
	struct catchup_params params;
	struct synprint_async *async;
	bool is_wanted; /* from the beginning, when the page that is under way has come */
	bool is_asking;
	double cursor;
};

int catchup_new(const struct catchup_params *params, struct catchup **ret_catchup)
{
	struct catchup *catchup = calloc(1, sizeof(*catchup));
	int rc = catchup ? synprint_async_new(params->control, 0, &catchup->async) : -ENOMEM;

	if (rc < 0) {
		free(catchup);
		return rc;
	}
	catchup->params = *params;
	*ret_catchup = catchup;
	return 0;
}

void catchup_free(struct catchup *catchup)
{
	if (!catchup)
		return;
	synprint_async_free(catchup->async);
	free(catchup);
}

int catchup_fd(const struct catchup *catchup)
{
	return synprint_async_fd(catchup->async);
}

static void ask(struct catchup *catchup);

static void take_page(struct catchup *catchup, const cJSON *reply)
{
	const cJSON *cursor = cJSON_GetObjectItemCaseSensitive(reply, "cursor"), *client;

	cJSON_ArrayForEach (client, cJSON_GetObjectItemCaseSensitive(reply, "clients"))
		catchup->params.take(catchup->params.ctx, client);
	catchup->cursor = cJSON_IsNumber(cursor) ? cursor->valuedouble : 0;
}

static void on_page(void *ctx, int rc, const char *line)
{
	struct catchup *catchup = ctx;
	cJSON *reply = rc < 0 ? NULL : cJSON_Parse(line);

	catchup->is_asking = false;
	if (rc == -ECANCELED)
		return;
	catchup->cursor = 0;
	if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(reply, "ok")))
		take_page(catchup, reply);
	else
		catchup->is_wanted = true;
	cJSON_Delete(reply);
	if (catchup->cursor > 0)
		ask(catchup);
}

static void ask(struct catchup *catchup)
{
	char request[REQUEST_MAX];
	struct text_buf buf;

	if (catchup->cursor <= 0)
		catchup->is_wanted = false;
	text_buf_init(&buf, request, sizeof(request));
	text_putf(&buf, "{\"op\":\"clients\",\"limit\":%d,\"cursor\":%.0f", PAGE, catchup->cursor);
	local_put_flags(catchup->params.rules, catchup->params.rule_count, &buf);
	text_put_char(&buf, '}');
	catchup->is_asking = synprint_async_request(catchup->async, request, on_page, catchup) == 0;
	catchup->is_wanted |= !catchup->is_asking;
}

void catchup_dispatch(struct catchup *catchup)
{
	synprint_async_dispatch(catchup->async);
}

void catchup_begin(struct catchup *catchup)
{
	catchup->is_wanted = true;
}

void catchup_tick(struct catchup *catchup)
{
	if (catchup->is_wanted && !catchup->is_asking)
		ask(catchup);
	synprint_async_dispatch(catchup->async);
}
