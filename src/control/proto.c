/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests are read with a table of members: which operations have them, how their value is
 * read and what a wrong one should have been. What the table does not name is refused, so a
 * misspelt filter never means "everything".
 */
#include "control/proto.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

#define ID_TEXT_MAX 64
#define LEFT_MAX_S 604800 /* a week, as long as synprint-share believes anybody */
#define EXACT_MAX 9007199254740991.0 /* 2^53 - 1: RFC 8259 section 6, exact in every reader */

#define OP(name) (1u << PROTO_##name)
#define OP_BIT(op) (1u << (op))
#define FILTERED (OP(SUBSCRIBE) | OP(CLIENTS))
#define ADDRESSED (OP(VERDICT) | OP(EXPLAIN) | OP(LEARN) | OP(FORGET))
#define CHANGING (OP(FORGET) | OP(RELOAD) | OP(LEARN) | OP(REPORT))

struct reading {
	const struct vocab *vocab;
	struct proto_request *req;
	const char *bad_word; /* of a list, once a reader has failed on it */
};

typedef int read_fn(struct reading *reading, const cJSON *value);

struct member {
	const char *name;
	unsigned ops;
	read_fn *read;
	const char *expected;
};

static const char *const op_names[PROTO_OP_COUNT] = {
	[PROTO_VERDICT] = "verdict",   [PROTO_STATUS] = "status",   [PROTO_SUBSCRIBE] = "subscribe",
	[PROTO_CLIENTS] = "clients",   [PROTO_FORGET] = "forget",   [PROTO_RELOAD] = "reload",
	[PROTO_EXPLAIN] = "explain",   [PROTO_UNKNOWN] = "unknown", [PROTO_LEARN] = "learn",
	[PROTO_BASELINE] = "baseline", [PROTO_METRICS] = "metrics", [PROTO_REPORT] = "report",
};

static const char *const code_names[PROTO_CODE_COUNT] = {
	[PROTO_BAD_JSON] = "bad_json",
	[PROTO_UNKNOWN_OP] = "unknown_op",
	[PROTO_UNKNOWN_MEMBER] = "unknown_member",
	[PROTO_MISSING_MEMBER] = "missing_member",
	[PROTO_BAD_VALUE] = "bad_value",
	[PROTO_TOO_LONG] = "too_long",
	[PROTO_BUSY] = "busy",
	[PROTO_FORBIDDEN] = "forbidden",
	[PROTO_NOT_FOUND] = "not_found",
	[PROTO_NOT_SUPPORTED] = "not_supported",
	[PROTO_FAILED] = "failed",
};

const char *proto_op_name(enum proto_op op)
{
	return op_names[op];
}

const char *proto_code_name(enum proto_code code)
{
	return code_names[code];
}

bool proto_op_changes(enum proto_op op)
{
	return OP_BIT(op) & CHANGING;
}

static int read_integer(const cJSON *value, double min, double max, double *ret_number)
{
	double number = value->valuedouble;

	if (!cJSON_IsNumber(value) || !(number >= min && number <= max) || number != floor(number))
		return -EINVAL;
	*ret_number = number;
	return 0;
}

static int read_bool(const cJSON *value, bool *ret_bool)
{
	if (!cJSON_IsBool(value))
		return -EINVAL;
	*ret_bool = cJSON_IsTrue(value);
	return 0;
}

static int read_ip(struct reading *reading, const cJSON *value)
{
	return cJSON_IsString(value) ? addr_parse(value->valuestring, &reading->req->addr)
				     : -EINVAL;
}

static int read_also(struct reading *reading, const cJSON *value)
{
	reading->req->has_also = true;
	return cJSON_IsString(value) ? addr_parse(value->valuestring, &reading->req->also)
				     : -EINVAL;
}

static int read_port(struct reading *reading, const cJSON *value)
{
	double number;

	if (read_integer(value, 1, UINT16_MAX, &number) < 0)
		return -EINVAL;
	reading->req->port = (uint16_t)number;
	return 0;
}

static int read_user_agent(struct reading *reading, const cJSON *value)
{
	size_t len;

	if (!cJSON_IsString(value))
		return -EINVAL;
	len = strlen(value->valuestring);
	if (len >= sizeof(reading->req->user_agent))
		return -EINVAL;
	memcpy(reading->req->user_agent, value->valuestring, len + 1);
	return 0;
}

static int read_keep(struct reading *reading, const cJSON *value)
{
	return read_bool(value, &reading->req->keep);
}

static int read_confirmed(struct reading *reading, const cJSON *value)
{
	return read_bool(value, &reading->req->confirmed);
}

static int read_servers(struct reading *reading, const cJSON *value)
{
	return read_bool(value, &reading->req->servers);
}

static int read_baseline(struct reading *reading, const cJSON *value)
{
	return read_bool(value, &reading->req->baseline);
}

static int read_syns(struct reading *reading, const cJSON *value)
{
	return read_bool(value, &reading->req->syns);
}

static int read_snapshot(struct reading *reading, const cJSON *value)
{
	return read_bool(value, &reading->req->snapshot);
}

static int read_leaves(struct reading *reading, const cJSON *value)
{
	return read_bool(value, &reading->req->leaves);
}

static int read_cursor(struct reading *reading, const cJSON *value)
{
	double number;

	if (read_integer(value, 0, EXACT_MAX, &number) < 0)
		return -EINVAL;
	reading->req->cursor = (uint64_t)number;
	return 0;
}

static int read_limit(struct reading *reading, const cJSON *value)
{
	double number;

	if (read_integer(value, 1, PROTO_LIMIT_MAX, &number) < 0)
		return -EINVAL;
	reading->req->limit = (unsigned)number;
	return 0;
}

static int read_words(struct reading *reading, const cJSON *value)
{
	const cJSON *word;

	/* An empty list would read as "none of them", yet filter everything in: refused. */
	if (!cJSON_IsArray(value) || !value->child)
		return -EINVAL;
	cJSON_ArrayForEach (word, value) {
		if (!cJSON_IsString(word))
			return -EINVAL;
		if (filter_add_word(&reading->req->filter, reading->vocab, value->string,
				    word->valuestring) < 0) {
			reading->bad_word = word->valuestring;
			return -ENOENT;
		}
	}
	return 0;
}

static int read_min_confidence(struct reading *reading, const cJSON *value)
{
	double number = value->valuedouble;

	if (!cJSON_IsNumber(value) || !(number >= 0 && number <= 1))
		return -EINVAL;
	reading->req->filter.min_confidence_permille = (uint16_t)lround(number * 1000);
	return 0;
}

/* A gateway's name, as synprint-share(8) has them in topics. */
static int read_origin(struct reading *reading, const cJSON *value)
{
	const char *name = cJSON_GetStringValue(value);
	size_t len = name ? strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-.") : 0;

	if (!len || name[len] || len >= sizeof(reading->req->word.origin))
		return -EINVAL;
	memcpy(reading->req->word.origin, name, len + 1);
	return 0;
}

static int read_label(struct reading *reading, const cJSON *value)
{
	const char *label = cJSON_GetStringValue(value);

	if (!label || strlen(label) >= sizeof(reading->req->word.label))
		return -EINVAL;
	memcpy(reading->req->word.label, label, strlen(label));
	return 0;
}

static int read_confidence(struct reading *reading, const cJSON *value)
{
	double number = value->valuedouble;

	if (!cJSON_IsNumber(value) || !(number >= 0 && number <= 1))
		return -EINVAL;
	reading->req->word.confidence_permille = (uint16_t)lround(number * 1000);
	return 0;
}

static int read_left(struct reading *reading, const cJSON *value)
{
	double number;

	if (read_integer(value, 0, LEFT_MAX_S, &number) < 0)
		return -EINVAL;
	reading->req->word.left_s = (uint32_t)number;
	return 0;
}

static int read_round(struct reading *reading, const cJSON *value)
{
	const char *text = cJSON_GetStringValue(value);

	if (!text || (strcmp(text, "begin") != 0 && strcmp(text, "end") != 0))
		return -EINVAL;
	reading->req->round = *text == 'b' ? PROTO_ROUND_BEGIN : PROTO_ROUND_END;
	return 0;
}

static int read_grade(struct reading *reading, const cJSON *value)
{
	return cJSON_IsString(value) ? filter_set_grade(&reading->req->filter, value->valuestring)
				     : -EINVAL;
}

static int read_net(struct reading *reading, const cJSON *value)
{
	return cJSON_IsString(value) ? filter_set_net(&reading->req->filter, value->valuestring)
				     : -EINVAL;
}

/* Both are read before the table is asked, so that every error can carry the id. */
static int read_already(struct reading *reading, const cJSON *value)
{
	(void)reading;
	(void)value;
	return 0;
}

#define ALL_OPS UINT_MAX
#define ALSO_EXPECTED "the client's address of the other IP version as a string"
#define A_WORD_LIST "a list of words with at least one"

static const struct member members[] = {
	{"op", ALL_OPS, read_already, ""},
	{"id", ALL_OPS, read_already, ""},
	{"ip", ADDRESSED | OP(REPORT), read_ip, "an IPv4 or IPv6 address as a string"},
	{"also", OP(VERDICT) | OP(EXPLAIN), read_also, ALSO_EXPECTED},
	{"port", OP(VERDICT) | OP(EXPLAIN) | OP(LEARN), read_port, "a source port from 1 to 65535"},
	{"user_agent", OP(VERDICT) | OP(LEARN), read_user_agent, "a string of at most 4095 bytes"},
	{"keep", OP(VERDICT), read_keep, "true or false"},
	{"confirmed", OP(CLIENTS) | OP(SUBSCRIBE), read_confirmed, "true or false"},
	{"servers", OP(CLIENTS), read_servers, "true or false"},
	{"syns", OP(SUBSCRIBE), read_syns, "true or false"},
	{"snapshot", OP(SUBSCRIBE), read_snapshot, "true or false"},
	{"leaves", OP(SUBSCRIBE), read_leaves, "true or false"},
	{"cursor", OP(CLIENTS) | OP(BASELINE) | OP(FORGET), read_cursor,
	 "the cursor of an earlier reply"},
	{"limit", OP(CLIENTS) | OP(UNKNOWN) | OP(BASELINE), read_limit, "a number from 1 to 1000"},
	{"flags", FILTERED | OP(REPORT), read_words, A_WORD_LIST},
	{"classes", FILTERED, read_words, A_WORD_LIST},
	{"families", FILTERED, read_words, A_WORD_LIST},
	{"min_confidence", FILTERED, read_min_confidence, "a number from 0 to 1"},
	{"grade", FILTERED, read_grade, "\"none\", \"access\", \"possible\" or \"likely\""},
	{"net", FILTERED | OP(BASELINE) | OP(FORGET), read_net,
	 "a prefix such as \"203.0.113.0/24\""},
	{"origin", OP(REPORT), read_origin, "a gateway's name of a-z, 0-9, '-' and '.'"},
	{"label", OP(REPORT), read_label, "a string of at most 63 bytes"},
	{"confidence", OP(REPORT), read_confidence, "a number from 0 to 1"},
	{"left_s", OP(REPORT), read_left, "seconds, 0 to 604800"},
	{"round", OP(REPORT), read_round, "\"begin\" or \"end\""},
	{"baseline", OP(FORGET), read_baseline, "true or false"},
};

#define MEMBER_COUNT (sizeof(members) / sizeof(members[0]))

_Static_assert(PROTO_USER_AGENT_MAX == 4096 && PROTO_LIMIT_MAX == 1000, "see the table's texts");

__attribute__((format(printf, 3, 4))) static int refuse(struct proto_error *error,
							enum proto_code code, const char *fmt, ...)
{
	va_list args;

	error->code = code;
	va_start(args, fmt);
	vsnprintf(error->message, sizeof(error->message), fmt, args);
	va_end(args);
	return -EINVAL;
}

static int read_id(const cJSON *value, char id[PROTO_ID_MAX])
{
	struct text_buf buf;

	text_buf_init(&buf, id, PROTO_ID_MAX);
	if (cJSON_IsString(value) && strlen(value->valuestring) <= ID_TEXT_MAX)
		text_put_json(&buf, value->valuestring);
	else if (cJSON_IsNumber(value) && fabs(value->valuedouble) <= EXACT_MAX)
		text_putf(&buf, "%.17g", value->valuedouble);
	else
		return -EINVAL;
	return 0;
}

static int find_op(const cJSON *tree, struct proto_request *req, struct proto_error *error)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(tree, "op");

	if (!value)
		return refuse(error, PROTO_MISSING_MEMBER, "\"op\" is missing");
	if (!cJSON_IsString(value))
		return refuse(error, PROTO_BAD_VALUE, "\"op\": expected a string");
	for (unsigned op = 0; op < PROTO_OP_COUNT; op++)
		if (strcmp(value->valuestring, op_names[op]) == 0) {
			req->op = (enum proto_op)op;
			return 0;
		}
	return refuse(error, PROTO_UNKNOWN_OP, "no operation \"%.40s\"", value->valuestring);
}

static int find_member(const char *name, enum proto_op op)
{
	for (unsigned i = 0; i < MEMBER_COUNT; i++)
		if (members[i].ops & 1u << op && strcmp(members[i].name, name) == 0)
			return (int)i;
	return -ENOENT;
}

static int check_required(enum proto_op op, unsigned seen, struct proto_error *error)
{
	static const struct {
		const char *name;
		unsigned ops;
	} required[] = {{"ip", (ADDRESSED & ~OP(FORGET)) | OP(REPORT)},
			{"port", OP(LEARN)},
			{"user_agent", OP(LEARN)},
			{"origin", OP(REPORT)},
			{"left_s", OP(REPORT)}};

	if (op == PROTO_REPORT && seen & 1u << find_member("round", op))
		return 0;
	for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++)
		if (required[i].ops & OP_BIT(op) &&
		    !(seen & 1u << find_member(required[i].name, op)))
			return refuse(error, PROTO_MISSING_MEMBER, "\"%s\" is missing",
				      required[i].name);
	return 0;
}

/* An address or a network; what is usual in it, of a network alone. */
static int check_forget(unsigned seen, const struct proto_request *req, struct proto_error *error)
{
	bool has_ip = seen & 1u << find_member("ip", PROTO_FORGET);

	if (req->op != PROTO_FORGET || has_ip != req->filter.has_net)
		return req->baseline && has_ip
			       ? refuse(error, PROTO_BAD_VALUE, "\"baseline\": needs \"net\"")
			       : 0;
	return refuse(error, has_ip ? PROTO_BAD_VALUE : PROTO_MISSING_MEMBER,
		      has_ip ? "\"ip\" and \"net\" are given" : "\"ip\" or \"net\" is missing");
}

static int check_also(const struct proto_request *req, struct proto_error *error)
{
	if (!req->has_also || addr_is_v4(&req->addr) != addr_is_v4(&req->also))
		return 0;
	return refuse(error, PROTO_BAD_VALUE, "\"also\": expected " ALSO_EXPECTED);
}

static int read_members(struct reading *reading, const cJSON *tree, struct proto_error *error)
{
	enum proto_op op = reading->req->op;
	unsigned seen = 0;
	const cJSON *value;

	cJSON_ArrayForEach (value, tree) {
		int i = find_member(value->string, op);

		if (i < 0)
			return refuse(error, PROTO_UNKNOWN_MEMBER,
				      "\"%.40s\" is not a member of %s", value->string,
				      op_names[op]);
		if (seen & 1u << i)
			return refuse(error, PROTO_BAD_VALUE, "\"%s\" is given twice",
				      value->string);
		seen |= 1u << i;
		if (members[i].read(reading, value) == 0)
			continue;
		if (reading->bad_word)
			return refuse(error, PROTO_BAD_VALUE, "\"%s\": \"%.40s\" is not known (%s)",
				      value->string, reading->bad_word,
				      strcmp(value->string, "flags") == 0
					      ? "synprint-control(7) lists them"
					      : "'synprint db stats' lists classes and families");
		return refuse(error, PROTO_BAD_VALUE, "\"%s\": expected %s", value->string,
			      members[i].expected);
	}
	if (check_required(op, seen, error) < 0 || check_forget(seen, reading->req, error) < 0)
		return -EINVAL;
	return check_also(reading->req, error);
}

static int read_tree(struct reading *reading, const cJSON *tree, struct proto_error *error)
{
	struct proto_request *req = reading->req;
	const cJSON *id = cJSON_GetObjectItemCaseSensitive(tree, "id");
	int r;

	if (!cJSON_IsObject(tree))
		return refuse(error, PROTO_BAD_JSON, "expected one JSON object on a line");
	if (id && read_id(id, req->id) < 0)
		return refuse(error, PROTO_BAD_VALUE,
			      "\"id\": expected a number or a string of at most %d bytes",
			      ID_TEXT_MAX);
	memcpy(error->id, req->id, sizeof(error->id));
	r = find_op(tree, req, error);
	return r < 0 ? r : read_members(reading, tree, error);
}

static bool is_blank(const char *text, const char *end)
{
	return text + strspn(text, " \t\r") == end;
}

/*
 * The parser would end a string at a zero, and what follows would be ignored without a word; and it
 * takes for one what are not four digits.
 */
static const char *find_escaped_zero(const char *line)
{
	for (; (line = strchr(line, '\\')) != NULL; line += line[1] ? 2 : 1) {
		if (line[1] == 'u' && (strspn(line + 2, "0123456789abcdefABCDEF") < 4 ||
				       strncmp(line + 2, "0000", 4) == 0))
			return line;
	}
	return NULL;
}

static void set_defaults(struct proto_request *req)
{
	*req->id = *req->user_agent = '\0';
	req->keep = true;
	req->addr = req->also = (struct addr){{0}};
	req->has_also = false;
	req->port = 0;
	req->filter = (struct filter){0};
	req->baseline = req->confirmed = req->servers = req->syns = req->snapshot = false;
	req->leaves = false;
	memset(&req->word, 0, sizeof(req->word));
	req->round = PROTO_ROUND_NONE;
	req->cursor = 0;
	req->limit = PROTO_LIMIT_DEFAULT;
}

/* @what: up to the number of the byte, which counts from 1 */
static int refuse_at(struct proto_error *error, const char *what, const char *line, const char *at)
{
	return refuse(error, PROTO_BAD_JSON, "%s byte %zu", what, (size_t)(at - line) + 1);
}

int proto_parse(const char *line, size_t len, const struct vocab *vocab,
		struct proto_request *ret_req, struct proto_error *ret_error)
{
	struct reading reading = {.vocab = vocab, .req = ret_req};
	const char *end;
	cJSON *tree;
	int r;

	set_defaults(ret_req);
	*ret_error->id = '\0';
	end = find_escaped_zero(line);
	if (end)
		return refuse_at(ret_error, "a zero character, or none, at", line, end);
	tree = cJSON_ParseWithOpts(line, &end, false);
	if (!tree)
		return refuse_at(ret_error, "not JSON from", line, end);
	if (is_blank(end, line + len))
		r = read_tree(&reading, tree, ret_error);
	else
		r = refuse_at(ret_error, "something follows the object at", line, end);
	cJSON_Delete(tree);
	return r;
}

void proto_begin_reply(const struct proto_request *req, struct text_buf *reply)
{
	text_put(reply, "{\"ok\":true");
	if (*req->id) {
		text_put(reply, ",\"id\":");
		text_put(reply, req->id);
	}
}

void proto_put_error(struct text_buf *reply, const char *id, enum proto_code code, const char *fmt,
		     ...)
{
	char message[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	text_buf_init(reply, reply->data, reply->size);
	text_put(reply, "{\"ok\":false");
	if (id[0]) {
		text_put(reply, ",\"id\":");
		text_put(reply, id);
	}
	text_put(reply, ",\"error\":{\"code\":");
	text_put_json(reply, proto_code_name(code));
	text_put(reply, ",\"message\":");
	text_put_json(reply, message);
	text_put(reply, "}}");
}
