/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a request of the control socket: it is parsed or refused, and both replies are
 * whole lines of JSON.
 */
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "control/proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_reply(const struct text_buf *reply)
{
	cJSON *tree = cJSON_Parse(reply->data);

	if (reply->overflow || !cJSON_IsObject(tree) || strchr(reply->data, '\n'))
		abort();
	cJSON_Delete(tree);
}

static void check_request(const struct proto_request *req)
{
	const struct filter *filter = &req->filter;

	if (req->op >= PROTO_OP_COUNT || req->limit < 1 || req->limit > PROTO_LIMIT_MAX ||
	    filter->min_confidence_permille > 1000 || filter->net.bits > 128 ||
	    filter->min_grade > LINK_LIKELY)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct vocab *vocab;
	struct proto_request req;
	struct proto_error error;
	struct text_buf reply;
	char buf[4096];
	char *line;

	if (!vocab) {
		vocab = vocab_new();
		vocab_add(vocab, VOCAB_FAMILY, "Linux", 5);
		vocab_add(vocab, VOCAB_CLASS, "Linux", 5);
	}
	/* A block of its own, so that one byte read too far is seen. */
	line = malloc(size + 1);
	memcpy(line, data, size);
	line[size] = '\0';
	text_buf_init(&reply, buf, sizeof(buf));
	if (proto_parse(line, size, vocab, &req, &error) == 0) {
		check_request(&req);
		proto_begin_reply(&req, &reply);
		text_put_char(&reply, '}');
	} else {
		proto_put_error(&reply, error.id, error.code, "%s", error.message);
	}
	check_reply(&reply);
	free(line);
	return 0;
}
