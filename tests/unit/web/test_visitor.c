/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whom a request is about: headers of those who are trusted, and nobody else's. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "web/config.h"

static struct web_config config;

static void setup(void)
{
	web_config_init(&config);
	cr_assert_eq(visitor_trust_net(&config.trust, "10.0.0.0/8"), 0);
	cr_assert_eq(visitor_trust_net(&config.trust, "2001:db8::/32"), 0);
}

TestSuite(visitor, .init = setup);

static struct addr address(const char *text)
{
	struct addr addr;

	cr_assert_eq(addr_parse(text, &addr), 0, "%s", text);
	return addr;
}

/* @peer: an address, or NULL for a Unix socket */
static struct request request_from(const char *peer)
{
	struct request request = {.method = REQUEST_GET, .path = "/auth", .is_http11 = true};

	request.peer.is_unix = !peer;
	if (peer) {
		request.peer.addr = address(peer);
		request.peer.port = 4000;
	}
	request_add_header(&request, "Host", "localhost:8250");
	return request;
}

/* "192.0.2.1 80", "-" where nobody is known. */
static const char *who(const struct request *request)
{
	static char text[ADDR_TEXT_MAX + 10];
	struct visitor visitor;
	size_t len;

	visitor_find(&config.trust, request, &visitor);
	if (!visitor.is_known)
		return "-";
	len = addr_format(&visitor.addr, text);
	snprintf(text + len, sizeof(text) - len, " %u", visitor.port);
	return text;
}

Test(visitor, addresses_with_and_without_ports)
{
	static const struct {
		const char *text, *expected;
		unsigned port;
	} good[] = {{"192.0.2.1", "192.0.2.1", 0},
		    {" 192.0.2.1 ", "192.0.2.1", 0},
		    {"192.0.2.1:80", "192.0.2.1", 80},
		    {"192.0.2.1:65535", "192.0.2.1", 65535},
		    {"2001:db8::1", "2001:db8::1", 0},
		    {"[2001:db8::1]", "2001:db8::1", 0},
		    {"[2001:db8::1]:80\t", "2001:db8::1", 80},
		    {"::ffff:192.0.2.1", "192.0.2.1", 0},
		    {"fe80::1%eth0", "fe80::1", 0},
		    {"[fe80::1%25eth0]:80", "fe80::1", 80}};
	static const char *const bad[] = {"",
					  "unknown",
					  "_hidden",
					  "192.0.2.1:",
					  "192.0.2.1:0",
					  "192.0.2.1:65536",
					  "192.0.2.1:8x",
					  "[2001:db8::1",
					  "[2001:db8::1]x",
					  "[]:80",
					  "192.0.2.256",
					  "192.0.2.1 80",
					  "192.0.2.1%eth0",
					  "%eth0::1",
					  "[fe80::1%eth0"};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct addr addr, expected = address(good[i].expected);
		uint16_t port = 7;

		cr_expect_eq(visitor_parse_node(good[i].text, strlen(good[i].text), &addr, &port),
			     0, "%s", good[i].text);
		cr_expect(addr_equal(&addr, &expected), "%s", good[i].text);
		cr_expect_eq(port, good[i].port, "%s", good[i].text);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct addr addr;
		uint16_t port = 7;

		cr_expect_eq(visitor_parse_node(bad[i], strlen(bad[i]), &addr, &port), -EINVAL,
			     "%s", bad[i]);
		cr_expect_eq(port, 7, "%s: untouched", bad[i]);
	}
}

Test(visitor, headers_count_only_from_those_who_are_trusted)
{
	static const struct {
		const char *peer, *expected;
	} cases[] = {{NULL, "192.0.2.1 80"},
		     {"10.1.2.3", "192.0.2.1 80"},
		     {"2001:db8::5", "192.0.2.1 80"},
		     {"11.1.2.3", "11.1.2.3 4000"},
		     {"2001:db9::5", "2001:db9::5 4000"},
		     {"127.0.0.1", "127.0.0.1 4000"}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct request request = request_from(cases[i].peer);

		request_add_header(&request, "x-real-ip", "192.0.2.1");
		request_add_header(&request, "X-Real-Port", "80");
		cr_expect_str_eq(who(&request), cases[i].expected);
	}
	config.trust.unix_socket = false;
	struct request request = request_from(NULL);
	request_add_header(&request, "X-Real-IP", "192.0.2.1");
	cr_expect_str_eq(who(&request), "-");
}

Test(visitor, the_last_hop_of_the_first_header_that_is_there)
{
	static const struct {
		const char *name, *value, *expected;
	} cases[] = {
		{"X-Forwarded-For", "192.0.2.9, 192.0.2.1", "192.0.2.1 0"},
		{"X-Forwarded-For", "192.0.2.1:81", "192.0.2.1 81"},
		{"X-Forwarded-For", "192.0.2.9,", "-"},
		{"X-Forwarded-For", "192.0.2.9, unknown", "-"},
		{"Forwarded", "for=192.0.2.9, for=192.0.2.1", "192.0.2.1 0"},
		{"Forwarded", "proto=https;FOR=\"[2001:db8::1]:82\";by=x", "2001:db8::1 82"},
		{"Forwarded", "by=192.0.2.1", "-"},
		{"Forwarded", "for=\"192.0.2.1", "-"},
		{"Forwarded", "for=_hidden", "-"},
		{"X-Real-IP", "nobody", "-"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct request request = request_from(NULL);

		request_add_header(&request, cases[i].name, cases[i].value);
		cr_expect_str_eq(who(&request), cases[i].expected, "%s", cases[i].value);
		/* X-Real-IP stands in front of them all. */
		request_add_header(&request, "X-Real-IP", "192.0.2.2");
		cr_expect_str_eq(who(&request), "192.0.2.2 0", "%s", cases[i].value);
	}
}

Test(visitor, only_the_configured_headers_count)
{
	struct request request = request_from(NULL);

	config.trust.sources[0] = VISITOR_FORWARDED_FOR;
	config.trust.source_count = 1;
	request_add_header(&request, "X-Real-IP", "192.0.2.9");
	cr_expect_str_eq(who(&request), "-");
	request_add_header(&request, "X-Forwarded-For", "192.0.2.1");
	cr_expect_str_eq(who(&request), "192.0.2.1 0");
}

Test(visitor, a_bad_port_is_nobody)
{
	struct request request = request_from(NULL);

	request_add_header(&request, "X-Real-IP", "192.0.2.1");
	request_add_header(&request, "X-Real-Port", "99999");
	cr_expect_str_eq(who(&request), "-");
}

static bool is_local(const char *peer, const char *header, const char *value)
{
	struct request request = request_from(peer);
	struct visitor visitor;

	if (header)
		request_add_header(&request, header, value);
	visitor_find(&config.trust, &request, &visitor);
	return visitor.is_local;
}

Test(visitor, local_is_who_asks_here_for_himself)
{
	cr_expect(is_local(NULL, NULL, NULL));
	cr_expect(is_local("127.0.0.1", NULL, NULL));
	cr_expect(is_local("::1", "Host", "[::1]:8250"));
	cr_expect(is_local("127.3.2.1", "Host", "127.0.0.1:8250"));
	cr_expect_not(is_local("192.0.2.1", NULL, NULL));
	cr_expect_not(is_local("10.0.0.1", NULL, NULL));
	cr_expect_not(is_local("127.0.0.1", "Host", "rebound.example"));
	cr_expect_not(is_local("127.0.0.1", "Host", "localhost.example"));
	cr_expect_not(is_local("127.0.0.1", "Host", ""));
	cr_expect_not(is_local("127.0.0.1", "X-Forwarded-For", "192.0.2.1"));
	cr_expect_not(is_local("127.0.0.1", "X-Forwarded-Proto", "https"));
	cr_expect_not(is_local(NULL, "Via", "1.1 x"));
	config.trust.local = false;
	cr_expect_not(is_local(NULL, NULL, NULL));
	cr_expect_not(is_local("127.0.0.1", NULL, NULL));
}

Test(visitor, an_old_protocol_is_a_proxy)
{
	struct request request = request_from("127.0.0.1");
	struct visitor visitor;

	request.is_http11 = false;
	visitor_find(&config.trust, &request, &visitor);
	cr_expect_not(visitor.is_local);
}

Test(visitor, networks)
{
	static const char *const bad[] = {"",       "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8x",
					  "::/129", "10.0.0/8",    "unix"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_eq(visitor_trust_net(&config.trust, bad[i]), -EINVAL, "%s", bad[i]);
	cr_expect_eq(visitor_trust_net(&config.trust, "0.0.0.0/0"), 0);
	cr_expect_eq(visitor_trust_net(&config.trust, "::1"), 0);
	while (config.trust.net_count < VISITOR_NETS_MAX)
		cr_assert_eq(visitor_trust_net(&config.trust, "192.0.2.1"), 0);
	cr_expect_eq(visitor_trust_net(&config.trust, "192.0.2.1"), -ENOSPC);
}
