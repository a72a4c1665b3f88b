/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests of the control socket: what each means, and what is said about each wrong one. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "control/proto.h"

static struct vocab *vocab;

static void setup(void)
{
	int family, class_id;

	vocab = vocab_new();
	family = vocab_add(vocab, VOCAB_FAMILY, "Apple", 5);
	class_id = vocab_add(vocab, VOCAB_CLASS, "ios", 3);
	vocab_set_family(vocab, (unsigned)class_id, (unsigned)family);
	cr_assert_eq(vocab_add(vocab, VOCAB_CLASS, "linux", 5), 2);
}

static void teardown(void)
{
	vocab_free(vocab);
}

TestSuite(proto, .init = setup, .fini = teardown);

static int parse(const char *line, struct proto_request *req, struct proto_error *error)
{
	return proto_parse(line, strlen(line), vocab, req, error);
}

static void must_parse(const char *line, struct proto_request *req)
{
	struct proto_error error;

	cr_assert_eq(parse(line, req, &error), 0, "%s: %s", line, error.message);
}

Test(proto, verdict_has_address_port_and_user_agent)
{
	struct proto_request req;
	char text[ADDR_TEXT_MAX];

	must_parse("{\"op\":\"verdict\",\"ip\":\"::ffff:203.0.113.7\",\"port\":40122,"
		   "\"user_agent\":\"Mozilla/5.0 (X11; Linux x86_64) \\u00fc\"} \r",
		   &req);
	cr_assert_eq(req.op, PROTO_VERDICT);
	addr_format(&req.addr, text);
	cr_assert_str_eq(text, "203.0.113.7");
	cr_assert_eq(req.port, 40122);
	cr_assert_str_eq(req.user_agent, "Mozilla/5.0 (X11; Linux x86_64) \xc3\xbc");
	cr_assert(req.keep);
	must_parse("{\"op\":\"verdict\",\"ip\":\"::1\",\"keep\":false}", &req);
	cr_assert_not(req.keep);
	cr_assert_str_eq(req.id, "");
}

Test(proto, members_not_given_have_their_defaults)
{
	struct proto_request req;

	memset(&req, 0xa5, sizeof(req));
	must_parse("{\"op\":\"clients\"}", &req);
	cr_assert_eq(req.op, PROTO_CLIENTS);
	cr_assert_eq(req.limit, PROTO_LIMIT_DEFAULT);
	cr_assert_eq(req.cursor, 0);
	cr_assert_eq(req.port, 0);
	cr_assert_str_eq(req.user_agent, "");
	cr_assert_eq(req.filter.classes | req.filter.families | req.filter.flags, 0);
	cr_assert_eq(req.filter.min_confidence_permille, 0);
	cr_assert_eq(req.filter.min_grade, LINK_NONE);
	cr_assert_not(req.filter.has_net || req.syns || req.snapshot);
}

Test(proto, subscribe_has_filters)
{
	struct proto_request req;

	must_parse("{\"op\":\"subscribe\",\"flags\":[\"vpn\",\"scanner\"],\"classes\":[\"linux\"],"
		   "\"families\":[\"Apple\"],\"min_confidence\":0.8,\"grade\":\"possible\","
		   "\"net\":\"203.0.113.77/24\",\"syns\":true,\"snapshot\":true,"
		   "\"confirmed\":true}",
		   &req);
	cr_assert_eq(req.op, PROTO_SUBSCRIBE);
	cr_assert_eq(req.filter.flags, VERDICT_VPN | VERDICT_SCANNER);
	cr_assert_eq(req.filter.classes, UINT64_C(1) << 2);
	cr_assert_eq(req.filter.families, UINT32_C(1) << 1);
	cr_assert_eq(req.filter.min_confidence_permille, 800);
	cr_assert_eq(req.filter.min_grade, LINK_POSSIBLE);
	cr_assert(req.filter.has_net);
	cr_assert_eq(req.filter.net.bits, 24);
	cr_assert(req.syns && req.snapshot && req.confirmed);
}

/* The least and the most of each number. */
Test(proto, numbers_at_their_limits)
{
	static const struct {
		double confidence;
		unsigned permille;
	} confidences[] = {{0, 0}, {0.0005, 1}, {0.5, 500}, {0.9994, 999}, {1, 1000}};
	struct proto_request req;
	char line[200];

	for (size_t i = 0; i < sizeof(confidences) / sizeof(confidences[0]); i++) {
		snprintf(line, sizeof(line), "{\"op\":\"clients\",\"min_confidence\":%g}",
			 confidences[i].confidence);
		must_parse(line, &req);
		cr_expect_eq(req.filter.min_confidence_permille, confidences[i].permille, "%s",
			     line);
	}
	must_parse("{\"op\":\"clients\",\"cursor\":0,\"limit\":1}", &req);
	cr_expect_eq(req.cursor, 0);
	cr_expect_eq(req.limit, 1);
	must_parse("{\"op\":\"verdict\",\"ip\":\"::1\",\"port\":1}", &req);
	cr_expect_eq(req.port, 1);
	must_parse("{\"op\":\"verdict\",\"ip\":\"::1\",\"port\":65535}", &req);
	cr_expect_eq(req.port, 65535);
}

Test(proto, clients_has_cursor_and_limit)
{
	struct proto_request req;

	must_parse("{\"op\":\"clients\",\"cursor\":9007199254740991,\"limit\":1000}", &req);
	cr_assert_eq(req.cursor, UINT64_C(9007199254740991));
	cr_assert_eq(req.limit, 1000);
}

Test(proto, also_is_of_the_other_version)
{
	static const char *const bad[] = {
		"{\"op\":\"verdict\",\"ip\":\"192.0.2.1\",\"also\":\"192.0.2.2\"}",
		"{\"op\":\"explain\",\"also\":\"2001:db8::2\",\"ip\":\"2001:db8::1\"}",
		"{\"op\":\"verdict\",\"ip\":\"192.0.2.1\",\"also\":\"::ffff:192.0.2.2\"}",
		"{\"op\":\"verdict\",\"ip\":\"192.0.2.1\",\"also\":7}",
		"{\"op\":\"verdict\",\"ip\":\"192.0.2.1\",\"also\":\"x\"}",
	};
	struct proto_request req;
	struct proto_error error;
	char text[ADDR_TEXT_MAX];

	must_parse("{\"op\":\"verdict\",\"also\":\"2001:db8::1\",\"ip\":\"192.0.2.1\"}", &req);
	cr_assert(req.has_also);
	addr_format(&req.also, text);
	cr_assert_str_eq(text, "2001:db8::1");
	must_parse("{\"op\":\"explain\",\"ip\":\"2001:db8::1\"}", &req);
	cr_assert_not(req.has_also);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cr_assert_lt(parse(bad[i], &req, &error), 0, "%s", bad[i]);
		cr_expect_eq(error.code, PROTO_BAD_VALUE);
		cr_expect_str_eq(error.message, "\"also\": expected the client's address of the "
						"other IP version as a string");
	}
	cr_assert_lt(parse("{\"op\":\"forget\",\"ip\":\"192.0.2.1\",\"also\":\"::1\"}", &req,
			   &error),
		     0);
	cr_expect_eq(error.code, PROTO_UNKNOWN_MEMBER);
}

Test(proto, baseline_has_net_cursor_and_limit)
{
	struct proto_request req;

	must_parse("{\"op\":\"baseline\",\"net\":\"198.51.0.0/16\",\"cursor\":5,\"limit\":2}",
		   &req);
	cr_assert_eq(req.op, PROTO_BASELINE);
	cr_assert(req.filter.has_net && req.filter.net.bits == 16);
	cr_assert_eq(req.cursor, 5);
	cr_assert_eq(req.limit, 2);
}

Test(proto, an_id_comes_back)
{
	static const struct {
		const char *id, *expected;
	} cases[] = {
		{"7", "{\"ok\":true,\"id\":7"},
		{"-0.5", "{\"ok\":true,\"id\":-0.5"},
		{"9007199254740991", "{\"ok\":true,\"id\":9007199254740991"},
		{"\"a\\\"b\\u0001\"", "{\"ok\":true,\"id\":\"a\\\"b\\u0001\""},
	};
	char line[256], data[256];
	struct proto_request req;
	struct text_buf reply;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(line, sizeof(line), "{\"op\":\"status\",\"id\":%s}", cases[i].id);
		must_parse(line, &req);
		text_buf_init(&reply, data, sizeof(data));
		proto_begin_reply(&req, &reply);
		cr_assert_str_eq(reply.data, cases[i].expected);
	}
}

Test(proto, the_longest_id_fits_when_escaped)
{
	char line[1024] = "{\"op\":\"status\",\"id\":\"";
	struct proto_request req;

	for (int i = 0; i < 64; i++)
		strcat(line, "\\u0001");
	strcat(line, "\"}");
	must_parse(line, &req);
	cr_assert_eq(strlen(req.id), 64 * 6 + 2);
}

Test(proto, a_backslash_before_u0000_is_no_zero)
{
	struct proto_request req;

	must_parse("{\"op\":\"status\",\"id\":\"\\\\u0000\"}", &req);
	cr_assert_str_eq(req.id, "\"\\\\u0000\"");
}

struct refusal {
	const char *name, *line;
	enum proto_code code;
	const char *message; /* a part of it */
};

static const struct refusal refusals[] = {
	{"empty", "", PROTO_BAD_JSON, "not JSON from byte 1"},
	{"no JSON", "hello", PROTO_BAD_JSON, "not JSON from byte 1"},
	{"half an object", "{\"op\":\"status\"", PROTO_BAD_JSON, "not JSON from byte 15"},
	{"no object", "[\"op\",\"status\"]", PROTO_BAD_JSON, "one JSON object"},
	{"a number", "1", PROTO_BAD_JSON, "one JSON object"},
	{"two objects", "{\"op\":\"status\"}{}", PROTO_BAD_JSON, "byte 16"},
	{"zero in a value", "{\"op\":\"verdict\",\"ip\":\"192.0.2.1\\u0000.9\"}", PROTO_BAD_JSON,
	 "zero character, or none, at byte 32"},
	{"zero in a name", "{\"op\":\"status\",\"id\\u0000x\":1}", PROTO_BAD_JSON,
	 "zero character"},
	{"zero behind a backslash", "{\"op\":\"status\",\"id\":\"\\\\\\u0000\"}", PROTO_BAD_JSON,
	 "zero character"},
	{"no op", "{}", PROTO_MISSING_MEMBER, "\"op\" is missing"},
	{"op of another type", "{\"op\":1}", PROTO_BAD_VALUE, "\"op\""},
	{"unknown op", "{\"op\":\"verdicts\"}", PROTO_UNKNOWN_OP, "\"verdicts\""},
	{"op twice", "{\"op\":\"status\",\"op\":\"reload\"}", PROTO_BAD_VALUE, "given twice"},
	{"unknown member", "{\"op\":\"status\",\"colour\":1}", PROTO_UNKNOWN_MEMBER, "\"colour\""},
	{"member of another op", "{\"op\":\"verdict\",\"ip\":\"192.0.2.1\",\"limit\":1}",
	 PROTO_UNKNOWN_MEMBER, "\"limit\" is not a member of verdict"},
	{"no ip", "{\"op\":\"verdict\"}", PROTO_MISSING_MEMBER, "\"ip\""},
	{"forget everybody", "{\"op\":\"forget\"}", PROTO_MISSING_MEMBER, "\"ip\" or \"net\""},
	{"forget two", "{\"op\":\"forget\",\"ip\":\"::1\",\"net\":\"::/8\"}", PROTO_BAD_VALUE,
	 "\"net\""},
	{"forget what is usual at an address",
	 "{\"op\":\"forget\",\"ip\":\"::1\",\"baseline\":true}", PROTO_BAD_VALUE, "\"net\""},
	{"bad ip", "{\"op\":\"verdict\",\"ip\":\"192.0.2.256\"}", PROTO_BAD_VALUE, "\"ip\""},
	{"ip as number", "{\"op\":\"verdict\",\"ip\":3221225985}", PROTO_BAD_VALUE, "\"ip\""},
	{"port 0", "{\"op\":\"verdict\",\"ip\":\"::1\",\"port\":0}", PROTO_BAD_VALUE, "65535"},
	{"port 65536", "{\"op\":\"verdict\",\"ip\":\"::1\",\"port\":65536}", PROTO_BAD_VALUE,
	 "65535"},
	{"port 1.5", "{\"op\":\"verdict\",\"ip\":\"::1\",\"port\":1.5}", PROTO_BAD_VALUE, "65535"},
	{"port as text", "{\"op\":\"verdict\",\"ip\":\"::1\",\"port\":\"80\"}", PROTO_BAD_VALUE,
	 "65535"},
	{"port infinite", "{\"op\":\"verdict\",\"ip\":\"::1\",\"port\":1e999}", PROTO_BAD_VALUE,
	 "65535"},
	{"user agent", "{\"op\":\"verdict\",\"ip\":\"::1\",\"user_agent\":7}", PROTO_BAD_VALUE,
	 "\"user_agent\""},
	{"keep as number", "{\"op\":\"verdict\",\"ip\":\"::1\",\"keep\":0}", PROTO_BAD_VALUE,
	 "true"},
	{"limit 0", "{\"op\":\"clients\",\"limit\":0}", PROTO_BAD_VALUE, "1 to 1000"},
	{"limit 1001", "{\"op\":\"clients\",\"limit\":1001}", PROTO_BAD_VALUE, "1 to 1000"},
	{"cursor below 0", "{\"op\":\"clients\",\"cursor\":-1}", PROTO_BAD_VALUE, "\"cursor\""},
	{"flag as text", "{\"op\":\"clients\",\"flags\":\"vpn\"}", PROTO_BAD_VALUE, "list"},
	{"no flag", "{\"op\":\"clients\",\"flags\":[]}", PROTO_BAD_VALUE, "at least one"},
	{"flag null", "{\"op\":\"clients\",\"flags\":[null]}", PROTO_BAD_VALUE, "list"},
	{"unknown flag", "{\"op\":\"clients\",\"flags\":[\"vpn\",\"nat\"]}", PROTO_BAD_VALUE,
	 "\"flags\": \"nat\" is not known"},
	{"unknown class", "{\"op\":\"clients\",\"classes\":[\"Linux\"]}", PROTO_BAD_VALUE,
	 "\"classes\": \"Linux\" is not known"},
	{"unknown family", "{\"op\":\"clients\",\"families\":[\"ios\"]}", PROTO_BAD_VALUE,
	 "\"families\": \"ios\" is not known"},
	{"confidence", "{\"op\":\"clients\",\"min_confidence\":80}", PROTO_BAD_VALUE, "0 to 1"},
	{"confidence below 0", "{\"op\":\"clients\",\"min_confidence\":-0.001}", PROTO_BAD_VALUE,
	 "0 to 1"},
	{"confidence over 1", "{\"op\":\"clients\",\"min_confidence\":1.001}", PROTO_BAD_VALUE,
	 "0 to 1"},
	{"cursor beyond what is exact", "{\"op\":\"clients\",\"cursor\":9007199254740992}",
	 PROTO_BAD_VALUE, "\"cursor\""},
	{"what is no character", "{\"op\":\"verdict\",\"ip\":\"192.0.2.1\\u000x.9\"}",
	 PROTO_BAD_JSON, "zero character, or none, at byte 32"},
	{"half a character", "{\"op\":\"status\",\"id\":\"\\u12", PROTO_BAD_JSON,
	 "zero character, or none"},
	{"grade", "{\"op\":\"clients\",\"grade\":\"sure\"}", PROTO_BAD_VALUE, "\"likely\""},
	{"net", "{\"op\":\"clients\",\"net\":\"203.0.113.0/33\"}", PROTO_BAD_VALUE, "prefix"},
	{"confirmed", "{\"op\":\"clients\",\"confirmed\":\"yes\"}", PROTO_BAD_VALUE,
	 "true or false"},
	{"syns", "{\"op\":\"subscribe\",\"syns\":1}", PROTO_BAD_VALUE, "true or false"},
	{"snapshot", "{\"op\":\"subscribe\",\"snapshot\":\"yes\"}", PROTO_BAD_VALUE,
	 "true or false"},
	{"id of another type", "{\"op\":\"status\",\"id\":[1]}", PROTO_BAD_VALUE, "\"id\""},
	{"id too large", "{\"op\":\"status\",\"id\":1e300}", PROTO_BAD_VALUE, "\"id\""},
	{"id too long",
	 "{\"op\":\"status\",\"id\":\"1234567890123456789012345678901234567890123456789012345678901"
	 "2345\"}",
	 PROTO_BAD_VALUE, "64 bytes"},
};

Test(proto, refusals_name_the_member)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		const struct refusal *refusal = &refusals[i];
		struct proto_request req;
		struct proto_error error;

		cr_expect_eq(parse(refusal->line, &req, &error), -EINVAL, "%s", refusal->name);
		cr_expect_eq(error.code, refusal->code, "%s: %s", refusal->name,
			     proto_code_name(error.code));
		cr_expect(strstr(error.message, refusal->message), "%s: %s", refusal->name,
			  error.message);
	}
}

Test(proto, what_stands_behind_a_zero_byte_is_not_ignored)
{
	static const char line[] = "{\"op\":\"status\"}\0{\"op\":\"reload\"}";
	struct proto_request req;
	struct proto_error error;

	cr_assert_eq(proto_parse(line, sizeof(line) - 1, vocab, &req, &error), -EINVAL);
	cr_assert_eq(error.code, PROTO_BAD_JSON);
}

Test(proto, a_user_agent_has_room_for_4095_bytes)
{
	static char line[8192];
	struct proto_request req;
	struct proto_error error;
	char agent[4097];

	memset(agent, 'x', sizeof(agent));
	agent[4096] = '\0';
	snprintf(line, sizeof(line), "{\"op\":\"verdict\",\"ip\":\"::1\",\"user_agent\":\"%s\"}",
		 agent);
	cr_assert_eq(parse(line, &req, &error), -EINVAL);
	agent[4095] = '\0';
	snprintf(line, sizeof(line), "{\"op\":\"verdict\",\"ip\":\"::1\",\"user_agent\":\"%s\"}",
		 agent);
	must_parse(line, &req);
	cr_assert_str_eq(req.user_agent, agent);
}

Test(proto, errors_are_whole_replies_with_the_id)
{
	struct proto_request req;
	struct proto_error error;
	char data[256];
	struct text_buf reply;

	cr_assert_lt(parse("{\"id\":\"x\",\"op\":\"no \\\"such\\\"\"}", &req, &error), 0);
	text_buf_init(&reply, data, sizeof(data));
	text_put(&reply, "{\"ok\":true,\"half");
	proto_put_error(&reply, error.id, error.code, "%s", error.message);
	cr_assert_str_eq(reply.data,
			 "{\"ok\":false,\"id\":\"x\",\"error\":{\"code\":\"unknown_op\","
			 "\"message\":\"no operation \\\"no \\\"such\\\"\\\"\"}}");
}

Test(proto, only_forget_reload_learn_and_report_change_something)
{
	for (unsigned op = 0; op < PROTO_OP_COUNT; op++) {
		const char *name = proto_op_name((enum proto_op)op);
		bool changes = strcmp(name, "forget") == 0 || strcmp(name, "reload") == 0 ||
			       strcmp(name, "learn") == 0 || strcmp(name, "report") == 0;

		cr_assert_eq(proto_op_changes((enum proto_op)op), changes, "%s", name);
	}
}

Test(proto, every_code_has_a_name)
{
	for (unsigned code = 0; code < PROTO_CODE_COUNT; code++)
		cr_assert_not_null(proto_code_name((enum proto_code)code), "%u", code);
}

Test(proto, explain_unknown_and_learn)
{
	struct proto_request req;

	must_parse("{\"op\":\"explain\",\"ip\":\"192.0.2.1\",\"port\":7}", &req);
	cr_assert_eq(req.op, PROTO_EXPLAIN);
	cr_assert_eq(req.port, 7);
	must_parse("{\"op\":\"unknown\",\"limit\":5}", &req);
	cr_assert_eq(req.op, PROTO_UNKNOWN);
	cr_assert_eq(req.limit, 5);
	must_parse("{\"op\":\"learn\",\"ip\":\"192.0.2.1\",\"port\":7,\"user_agent\":\"x\"}", &req);
	cr_assert_eq(req.op, PROTO_LEARN);
	cr_assert_str_eq(req.user_agent, "x");
}

Test(proto, explain_and_learn_name_what_is_missing)
{
	static const struct {
		const char *line, *message;
	} lines[] = {
		{"{\"op\":\"explain\"}", "\"ip\" is missing"},
		{"{\"op\":\"learn\",\"ip\":\"192.0.2.1\",\"user_agent\":\"x\"}",
		 "\"port\" is missing"},
		{"{\"op\":\"learn\",\"ip\":\"192.0.2.1\",\"port\":7}", "\"user_agent\" is missing"},
		{"{\"op\":\"explain\",\"ip\":\"192.0.2.1\",\"user_agent\":\"x\"}",
		 "\"user_agent\" is not a member of explain"},
		{"{\"op\":\"unknown\",\"ip\":\"192.0.2.1\"}", "\"ip\" is not a member of unknown"},
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct proto_request req;
		struct proto_error error;

		cr_assert_eq(parse(lines[i].line, &req, &error), -EINVAL);
		cr_expect_str_eq(error.message, lines[i].message);
	}
}

Test(proto, report_has_a_word_or_a_round)
{
	struct proto_request req;

	must_parse("{\"op\":\"report\",\"ip\":\"192.0.2.1\",\"origin\":\"gw-2.example\",\"left_s\":"
		   "604800,"
		   "\"flags\":[\"vpn\"],\"label\":\"Linux\",\"confidence\":0.987}",
		   &req);
	cr_assert_eq(req.op, PROTO_REPORT);
	cr_assert_str_eq(req.word.origin, "gw-2.example");
	cr_assert_str_eq(req.word.label, "Linux");
	cr_assert_eq(req.word.confidence_permille, 987);
	cr_assert_eq(req.word.left_s, 604800);
	cr_assert_eq(req.filter.flags, VERDICT_VPN);
	cr_assert_eq(req.round, PROTO_ROUND_NONE);
	must_parse("{\"op\":\"report\",\"round\":\"begin\"}", &req);
	cr_assert_eq(req.round, PROTO_ROUND_BEGIN);
	must_parse("{\"op\":\"report\",\"round\":\"end\"}", &req);
	cr_assert_eq(req.round, PROTO_ROUND_END);
	cr_assert(proto_op_changes(PROTO_REPORT));
}

Test(proto, a_wrong_report_is_refused)
{
	static const struct {
		const char *rest;
		enum proto_code code;
	} cases[] = {
		{"\"origin\":\"g\",\"left_s\":1", PROTO_MISSING_MEMBER},
		{"\"ip\":\"192.0.2.1\",\"left_s\":1", PROTO_MISSING_MEMBER},
		{"\"ip\":\"192.0.2.1\",\"origin\":\"g\"", PROTO_MISSING_MEMBER},
		{"\"round\":\"middle\"", PROTO_BAD_VALUE},
		{"\"round\":\"begin\",\"origin\":\"G\"", PROTO_BAD_VALUE},
		{"\"round\":\"begin\",\"origin\":\"\"", PROTO_BAD_VALUE},
		{"\"round\":\"begin\",\"origin\":\"123456789012345678901234567890123\"",
		 PROTO_BAD_VALUE},
		{"\"round\":\"begin\",\"left_s\":604801", PROTO_BAD_VALUE},
		{"\"round\":\"begin\",\"left_s\":-1", PROTO_BAD_VALUE},
		{"\"round\":\"begin\",\"confidence\":1.001", PROTO_BAD_VALUE},
		{"\"round\":\"begin\",\"label\":"
		 "\"1234567890123456789012345678901234567890123456789012345678901234\"",
		 PROTO_BAD_VALUE},
		{"\"round\":\"begin\",\"port\":1", PROTO_UNKNOWN_MEMBER},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct proto_request req;
		struct proto_error error;
		char line[256];

		snprintf(line, sizeof(line), "{\"op\":\"report\",%s}", cases[i].rest);
		cr_expect_eq(parse(line, &req, &error), -EINVAL, "%s", line);
		cr_expect_eq(error.code, cases[i].code, "%s: %s", line, error.message);
	}
}
