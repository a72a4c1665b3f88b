/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a request to its reply, with what synprintd would say put in by hand. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "web/census.h"
#include "web/figures.h"
#include "web/routes.h"
#include "web/series.h"

#define KNOWN                                                                                      \
	"{\"ok\":true,\"found\":true,\"exact\":true,\"ip\":\"192.0.2.1\",\"port\":80,\"syn\":"     \
	"null,"                                                                                    \
	"\"sig\":null,\"os\":{\"class\":\"Linux\",\"label\":\"L\",\"confidence\":0.934,"           \
	"\"match\":\"specific\",\"classes\":{\"Linux\":0.934}},\"link\":{\"mss\":1380,\"mtu\":"    \
	"1420,"                                                                                    \
	"\"label\":\"WireGuard\\r\\nSet-Cookie: a=b\",\"grade\":\"likely\"},\"dist_hops\":7,"      \
	"\"flags\":[\"vpn\",\"shared\",\"of_2030\"],\"reasons\":[\"mtu_vpn\"],"                    \
	"\"user_agent\":{\"claim\":\"Windows\",\"os_mismatch\":true}}"

static struct web_config config;
static struct figures figures;
static struct series series;
static struct exchange_site site;
static struct exchange exchange;

static void setup(void)
{
	web_config_init(&config);
	site = (struct exchange_site){.config = &config,
				      .figures = &figures,
				      .series = &series,
				      .census = census_new(),
				      .now_s = 1000};
}

static void teardown(void)
{
	exchange_done(&exchange);
	census_free(site.census);
}

TestSuite(exchange, .init = setup, .fini = teardown);

/* A request over the Unix socket for 192.0.2.1, port 80. */
static void begin(const char *path, const char *name, const char *value)
{
	exchange_done(&exchange);
	exchange = (struct exchange){.site = &site};
	exchange.request = (struct request){.path = path, .peer.is_unix = true, .is_http11 = true};
	request_add_header(&exchange.request, "Host", "a");
	request_add_header(&exchange.request, "X-Real-IP", "192.0.2.1");
	request_add_header(&exchange.request, "X-Real-Port", "80");
	request_add_header(&exchange.request, "User-Agent", "x\xff\"\\");
	if (name)
		request_add_arg(&exchange.request, name, value);
	route_begin(&exchange);
}

static void finish(const char *line)
{
	for (unsigned i = 0; i < exchange.question_count; i++) {
		exchange.questions[i].rc = line ? 0 : -ETIMEDOUT;
		exchange.questions[i].line = line ? strdup(line) : NULL;
	}
	route_finish(&exchange);
}

static const char *header(const char *name)
{
	for (unsigned i = 0; i < exchange.reply.header_count; i++)
		if (strcmp(exchange.reply.headers[i].name, name) == 0)
			return exchange.reply.headers[i].value;
	return "(none)";
}

Test(exchange, auth_asks_and_says_it_in_headers)
{
	begin("/auth", NULL, NULL);
	cr_assert_eq(exchange.question_count, 1);
	cr_expect_str_eq(exchange.questions[0].text,
			 "{\"op\":\"verdict\",\"ip\":\"192.0.2.1\",\"port\":80,"
			 "\"user_agent\":\"x?\\\"\\\\\",\"keep\":false}");
	finish(KNOWN);
	cr_expect_eq(exchange.reply.status, 200);
	cr_expect_str_eq(header("X-Client-OS"), "Linux");
	cr_expect_str_eq(header("X-Client-OS-Confidence"), "0.934");
	cr_expect_str_eq(header("X-Client-Flags"), "vpn,shared,of_2030");
	cr_expect_str_eq(header("X-Client-Link"), "WireGuard??Set-Cookie: a=b");
	cr_expect_str_eq(header("X-Client-Hops"), "7");
	cr_expect_str_eq(header("X-Client-OS-Mismatch"), "true");
	cr_expect_str_eq(header("X-Client-Verdict"), "exact");
}

Test(exchange, auth_is_open_whatever_goes_wrong)
{
	static const char *const lines[] = {NULL,
					    "",
					    "nonsense",
					    "{\"ok\":false}",
					    "{\"ok\":true}",
					    "{\"ok\":true,\"found\":true,\"os\":7,\"flags\":{}}",
					    "{\"ok\":true,\"found\":false,\"flags\":[\"vpn\"]}"};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]) - 1; i++) {
		begin("/auth", "deny", "vpn,scanner,os_mismatch");
		finish(lines[i]);
		cr_expect_eq(exchange.reply.status, 200, "%s", lines[i]);
		cr_expect_str_eq(header("X-Client-OS"), "unknown", "%s", lines[i]);
	}
}

Test(exchange, auth_denies_for_flags)
{
	begin("/auth", "deny", "scanner");
	finish(KNOWN);
	cr_expect_eq(exchange.reply.status, 200);
	begin("/auth", "deny", "scanner,vpn");
	finish(KNOWN);
	cr_expect_eq(exchange.reply.status, 403);
	cr_expect_str_eq(header("X-Client-OS"), "Linux", "with its headers");
	begin("/auth", "deny", "spam");
	cr_expect_eq(exchange.reply.status, 400);
	config.deny = 1; /* VERDICT_VPN */
	begin("/auth", NULL, NULL);
	finish(KNOWN);
	cr_expect_eq(exchange.reply.status, 403);
	config.deny_exact_only = true;
	begin("/auth", NULL, NULL);
	finish(KNOWN);
	cr_expect_eq(exchange.reply.status, 403);
}

Test(exchange, a_verdict_of_an_address_is_no_exact_one)
{
	config.deny = 1;
	config.deny_exact_only = true;
	exchange = (struct exchange){.site = &site};
	exchange.request = (struct request){.path = "/auth", .peer.is_unix = true};
	request_add_header(&exchange.request, "X-Real-IP", "192.0.2.1");
	route_begin(&exchange);
	cr_expect_str_eq(exchange.questions[0].text, "{\"op\":\"verdict\",\"ip\":\"192.0.2.1\"}");
	finish(KNOWN);
	cr_expect_str_eq(header("X-Client-Verdict"), "address");
	cr_expect_eq(exchange.reply.status, 200);
}

Test(exchange, claims_are_kept_where_configured)
{
	config.claims = true;
	begin("/auth", NULL, NULL);
	cr_expect_null(strstr(exchange.questions[0].text, "keep"));
}

Test(exchange, others_are_for_those_who_may)
{
	static const char *const paths[] = {"/metrics", "/events", "/live/data"};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		begin(paths[i], NULL, NULL);
		cr_expect_eq(exchange.reply.status, 401, "%s", paths[i]);
	}
	begin("/live", NULL, NULL);
	cr_expect_eq(exchange.reply.status, 303);
	cr_expect_str_eq(header("Location"), "/login");
	begin("/classify", "ip", "192.0.2.9");
	cr_expect_eq(exchange.reply.status, 403);
	begin("/nothing", NULL, NULL);
	cr_expect_eq(exchange.reply.status, 404);
}

Test(exchange, pages_escape_everything)
{
	static const char evil[] =
		"{\"ok\":true,\"found\":true,\"exact\":true,\"ip\":\"<i>\",\"port\":80,\"syn\":{"
		"\"tcp_options\":\"<o>\"},\"sig\":\"<s>\",\"os\":{\"class\":\"<c>\",\"label\":\"<l>"
		"\","
		"\"confidence\":2,\"match\":\"fuzzy\",\"classes\":{\"<k>\":0.5,\"b\":0.5}},"
		"\"link\":{"
		"\"label\":\"<m>\",\"grade\":\"none\"},\"flags\":[\"<f>\"],\"reasons\":[\"<r>\"],"
		"\"user_agent\":{\"claim\":\"<u>\",\"os_mismatch\":false},\"explain\":{\"class\":"
		"\"<e>\","
		"\"steps\":[{\"text\":\"<t>\",\"change\":-9,\"class\":3}],\"link\":{\"candidates\":"
		"[{\"label\":\"<a>\",\"arithmetic\":\"<b>\",\"source\":\"<d>\"}]}}}";

	begin("/", NULL, NULL);
	cr_assert_eq(exchange.question_count, 2);
	finish(evil);
	cr_assert_eq(exchange.reply.status, 200);
	for (const char *at = "iosclkmfrueta"; *at; at++) {
		char tag[4] = {'<', *at, '>', '\0'}, text[16];

		snprintf(text, sizeof(text), "&lt;%c&gt;", *at);
		cr_expect_null(strstr(exchange.reply.body, tag), "%s", tag);
		cr_expect(strstr(exchange.reply.body, text) || *at == 'k', "%s", text);
	}
	cr_expect_null(strstr(exchange.reply.body, "style="));
	cr_expect_null(strstr(exchange.reply.body, "http://"));
	begin("/", NULL, NULL);
	finish(NULL);
	cr_expect_eq(exchange.reply.status, 503);
}

Test(exchange, what_may_be_read_two_ways_is_refused)
{
	static const struct {
		const char *name, *value;
	} headers[] = {{"Content-Length", "5"},
		       {"Content-Length", "+0"},
		       {"Content-Length", "99999999999"},
		       {"Transfer-Encoding", "identity"},
		       {"host", "b"}};

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		exchange_done(&exchange);
		exchange = (struct exchange){.site = &site};
		exchange.request = (struct request){.path = "/health", .peer.is_unix = true};
		request_add_header(&exchange.request, "Host", "a");
		request_add_header(&exchange.request, headers[i].name, headers[i].value);
		route_begin(&exchange);
		cr_expect_eq(exchange.reply.status, 400, "%s", headers[i].value);
		cr_expect(exchange.reply.closes);
	}
}

Test(exchange, filters_are_passed_on_as_they_are)
{
	exchange = (struct exchange){.site = &site};
	exchange.request = (struct request){.path = "/events", .peer.is_unix = true};
	request_add_arg(&exchange.request, "flags", "vpn,\"x");
	request_add_arg(&exchange.request, "net", "10.0.0.0/8");
	request_add_arg(&exchange.request, "min_confidence", "0.5");
	request_add_arg(&exchange.request, "syns", NULL);
	request_add_arg(&exchange.request, "confirmed", NULL);
	route_begin(&exchange);
	cr_assert_eq(exchange.question_count, 1);
	cr_expect_str_eq(exchange.questions[0].text,
			 "{\"flags\":[\"vpn\",\"\\\"x\"],\"net\":\"10.0.0.0/8\","
			 "\"min_confidence\":0.5,\"op\":\"clients\",\"limit\":1}");
	finish("{\"ok\":true}");
	cr_expect_str_eq(exchange.reply.stream,
			 "\"flags\":[\"vpn\",\"\\\"x\"],\"net\":\"10.0.0.0/8\","
			 "\"min_confidence\":0.5,\"syns\":true,\"confirmed\":true,"
			 "\"snapshot\":false");
}

Test(exchange, the_form_gives_a_cookie)
{
	static const char body[] = "a=b&token=0123456789%61bcdef+%2B";

	cr_assert_eq(access_set_token(&site.access, "0123456789abcdef+"), -0);
	for (int i = 0; i < 2; i++) {
		exchange_done(&exchange);
		exchange = (struct exchange){.site = &site};
		exchange.request = (struct request){.path = "/login", .peer.is_unix = true};
		request_set_method(&exchange.request, "POST");
		/* First with a blank in it, which is no token of ours; then the right one. */
		request_add_body(&exchange.request, body, i ? strlen(body) - 4 : strlen(body));
		if (i)
			request_add_body(&exchange.request, "%2b", 3);
		route_begin(&exchange);
		route_finish(&exchange);
		cr_expect_eq(exchange.reply.status, i ? 303 : 403);
		cr_expect_eq(strncmp(header("Set-Cookie"), "synprint_session=", 17) == 0, i == 1);
		cr_expect_eq(exchange.request.body[0], '\0', "the token is not kept");
	}
}

Test(exchange, a_body_has_an_end)
{
	char data[REQUEST_BODY_MAX + 1] = {0};
	struct request request = {.path = "/login"};

	cr_expect_eq(request_add_body(&request, data, REQUEST_BODY_MAX), 0);
	cr_expect_eq(request_add_body(&request, data, 1), -E2BIG);
}
