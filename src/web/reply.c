/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bodies are copied here and nowhere else; header values are made harmless here. */
#include "web/reply.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"

static void drop_body(struct reply *reply)
{
	if (!reply->is_static)
		free((void *)(uintptr_t)reply->body);
	reply->body = NULL;
	reply->len = 0;
	reply->is_static = false;
}

void reply_done(struct reply *reply)
{
	drop_body(reply);
	free(reply->stream);
	reply->stream = NULL;
}

void reply_set(struct reply *reply, unsigned status, const char *type, const char *body, size_t len)
{
	char *copy = malloc(len + 1);

	drop_body(reply);
	reply->status = copy ? status : 500;
	reply->type = type;
	if (!copy)
		return;
	memcpy(copy, body, len);
	copy[len] = '\0';
	reply->body = copy;
	reply->len = len;
}

void reply_set_static(struct reply *reply, const char *type, const char *body, size_t len)
{
	drop_body(reply);
	reply->status = 200;
	reply->type = type;
	reply->body = body;
	reply->len = len;
	reply->is_static = true;
}

void reply_refuse(struct reply *reply, unsigned status, const char *code, const char *message)
{
	char data[1024];
	struct text_buf buf;

	text_buf_init(&buf, data, sizeof(data));
	text_put(&buf, "{\"ok\":false,\"error\":{\"code\":");
	text_put_json(&buf, code);
	text_put(&buf, ",\"message\":");
	text_put_json(&buf, message);
	text_put(&buf, "}}\n");
	reply_set(reply, status, "application/json", buf.data, buf.len);
}

void reply_add_header(struct reply *reply, const char *name, const char *value)
{
	struct reply_header *header = &reply->headers[reply->header_count];
	size_t len = 0;

	if (reply->header_count == REPLY_HEADERS_MAX)
		return;
	header->name = name;
	for (; value[len] && len + 1 < sizeof(header->value); len++)
		header->value[len] = value[len] >= ' ' && value[len] <= '~' ? value[len] : '?';
	header->value[len] = '\0';
	reply->header_count++;
}
