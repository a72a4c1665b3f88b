/* SPDX-License-Identifier: GPL-2.0-or-later */
/* p0f's params and distances; whole lines are compared with p0f's own in tests/golden. */
#include <criterion/criterion.h>
#include <string.h>

#include "core/report/report_p0f.h"

static void expect_holds(const struct syn *syn, const struct match *match, const char *params,
			 const char *raw)
{
	struct vocab *vocab = vocab_new();
	struct link link = {.mss = 0};
	struct report report = {.syn = syn,
				.match = match,
				.link = &link,
				.verdict = {.dist_hops = match->dist_hops & 0x7fu}};
	char data[2048];
	struct text_buf buf;

	text_buf_init(&buf, data, sizeof(data));
	report_p0f(&report, vocab, "2023/11/14 22:13:20", &buf);
	cr_expect(strstr(data, params), "%s: %s", params, data);
	cr_expect(strstr(data, raw), "%s: %s", raw, data);
	vocab_free(vocab);
}

Test(report_p0f, params_and_distances)
{
	static const struct {
		struct match match;
		uint8_t tos;
		const char *params, *raw;
	} cases[] = {
		{{.kind = MATCH_SPECIFIC, .dist_hops = 12}, 3, "|params=none|", ":52+12:"},
		{{.kind = MATCH_GENERIC, .dist_hops = 35}, 0, "|params=generic|", ":52+35:"},
		{{.kind = MATCH_FUZZY, .dist_hops = 36}, 0, "|params=fuzzy excess_dist|", ":52+?:"},
		{{.kind = MATCH_NONE, .dist_hops = 12}, 0xb8, "|params=tos:0x2e|", ":52+12:"},
		{{.kind = MATCH_SPECIFIC, .dist_hops = VERDICT_DIST_UNKNOWN},
		 4,
		 "|params=random_ttl tos:0x01|",
		 ":52+12:"},
		{{.kind = MATCH_NONE, .dist_hops = VERDICT_DIST_UNKNOWN},
		 0,
		 "|params=none|",
		 ":52+12:"},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct syn syn = {.ip_version = 4,
					.tcp_flags = SYN_TCP_SYN,
					.ttl = 52,
					.tos = cases[i].tos};

		expect_holds(&syn, &cases[i].match, cases[i].params, cases[i].raw);
	}
}

/* p0f writes each group of an IPv6 address, without zeros in front of it. */
Test(report_p0f, addresses)
{
	struct vocab *vocab = vocab_new();
	struct link link = {.mss = 0};
	struct match match = {.kind = MATCH_NONE};
	struct syn syn = {.ip_version = 6,
			  .tcp_flags = SYN_TCP_SYN,
			  .src_port = 40000,
			  .dst_port = 443};
	struct report report = {.syn = &syn, .match = &match, .link = &link};
	char data[2048];
	struct text_buf buf;

	addr_parse("2001:db8::ff:1234:5678", &syn.src);
	addr_parse("2001:db8:1:203:4050:607:8090:a0b", &syn.dst);
	text_buf_init(&buf, data, sizeof(data));
	report_p0f(&report, vocab, "2023/11/14 22:13:20", &buf);
	cr_expect(strstr(data, "|cli=2001:db8:0:0:0:ff:1234:5678/40000|"), "%s", data);
	cr_expect(strstr(data, "|srv=2001:db8:1:203:4050:607:8090:a0b/443|"), "%s", data);
	vocab_free(vocab);
}
