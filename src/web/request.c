/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is kept of a request, and which are refused before anybody looks at them. */
#include "web/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void request_set_method(struct request *request, const char *name)
{
	static const char *const names[] = {"GET", "HEAD", "POST"};

	request->method = REQUEST_OTHER;
	for (unsigned i = 0; name && i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], name) == 0)
			request->method = (enum request_method)i;
}

void request_add_header(struct request *request, const char *name, const char *value)
{
	static const char *const names[REQUEST_HEADER_COUNT] = {
		[REQUEST_HOST] = "Host",
		[REQUEST_REAL_IP] = "X-Real-IP",
		[REQUEST_REAL_PORT] = "X-Real-Port",
		[REQUEST_FORWARDED_FOR] = "X-Forwarded-For",
		[REQUEST_FORWARDED] = "Forwarded",
		[REQUEST_FORWARDED_HOST] = "X-Forwarded-Host",
		[REQUEST_FORWARDED_PROTO] = "X-Forwarded-Proto",
		[REQUEST_VIA] = "Via",
		[REQUEST_USER_AGENT] = "User-Agent",
		[REQUEST_AUTHORIZATION] = "Authorization",
		[REQUEST_COOKIE] = "Cookie",
		[REQUEST_CONTENT_LENGTH] = "Content-Length",
		[REQUEST_TRANSFER_ENCODING] = "Transfer-Encoding",
	};

	for (unsigned i = 0; i < REQUEST_HEADER_COUNT; i++) {
		if (strcasecmp(names[i], name) != 0)
			continue;
		request->headers[i] = value ? value : "";
		if (request->header_lines[i] < UINT8_MAX)
			request->header_lines[i]++;
		return;
	}
}

void request_add_arg(struct request *request, const char *name, const char *value)
{
	if (request->arg_count == REQUEST_ARGS_MAX)
		return;
	request->args[request->arg_count++] = (struct request_arg){name, value ? value : ""};
}

const char *request_arg(const struct request *request, const char *name)
{
	for (unsigned i = 0; i < request->arg_count; i++)
		if (strcmp(request->args[i].name, name) == 0)
			return request->args[i].value;
	return NULL;
}

bool request_is_true(const struct request *request, const char *name)
{
	const char *value = request_arg(request, name);

	return value && (!*value || strcmp(value, "1") == 0 || strcmp(value, "true") == 0);
}

int request_add_body(struct request *request, const char *data, size_t len)
{
	if (len > REQUEST_BODY_MAX - request->body_len)
		return -E2BIG;
	memcpy(request->body + request->body_len, data, len);
	request->body_len += len;
	request->body[request->body_len] = '\0';
	return 0;
}

static bool is_plain_number(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits > 0 && digits <= 9 && !text[digits];
}

const char *request_refusal(const struct request *request)
{
	const char *length = request->headers[REQUEST_CONTENT_LENGTH];

	if (request->headers[REQUEST_TRANSFER_ENCODING])
		return "a body with Transfer-Encoding is not read here";
	if (request->header_lines[REQUEST_CONTENT_LENGTH] > 1)
		return "more than one Content-Length";
	if (length && !is_plain_number(length))
		return "Content-Length is no number";
	if (length && strtoul(length, NULL, 10) > REQUEST_BODY_MAX)
		return "the body is too long";
	if (request->header_lines[REQUEST_HOST] > 1)
		return "more than one Host";
	if (request->method != REQUEST_POST && length && strspn(length, "0") != strlen(length))
		return "a body is not read here";
	return NULL;
}
