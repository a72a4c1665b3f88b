/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A line of each kind, to the byte: with what is not known, and with words that need quotes. */
#include <criterion/criterion.h>
#include <string.h>

#include "core/report/report_csv.h"

static unsigned add(struct vocab *vocab, enum vocab_kind kind, const char *word)
{
	int id = vocab_add(vocab, kind, word, strlen(word));

	cr_assert_geq(id, 0);
	return (unsigned)id;
}

static void expect_line(const struct report *report, const struct vocab *vocab, const char *line)
{
	char data[2048];
	struct text_buf buf;

	text_buf_init(&buf, data, sizeof(data));
	report_csv(report, vocab, &buf);
	cr_expect_str_eq(data, line, "%s", data);
}

Test(report_csv, lines)
{
	struct vocab *vocab = vocab_new();
	struct syn syn = {.ip_version = 4, .tcp_flags = SYN_TCP_SYN, .ttl = 52, .src_port = 40000};
	struct match match = {.kind = MATCH_NONE};
	struct link link = {.mss = 0};
	struct report report = {.now_ms = 1234,
				.syn = &syn,
				.match = &match,
				.link = &link,
				.verdict = {.dist_hops = VERDICT_DIST_UNKNOWN & 0x7fu}};

	cr_assert_eq(addr_parse("192.0.2.1", &syn.src), 0);
	cr_assert_eq(addr_parse("198.51.100.7", &syn.dst), 0);
	syn.dst_port = 443;
	expect_line(&report, vocab,
		    "1.234,syn,192.0.2.1,40000,198.51.100.7,443,52,,,,unknown,none,unknown,unknown,"
		    "unknown,0,0,none,,\"4:64:0:0:0,0:::0\"\r\n");
	report.now_ms = 1700000000987;
	syn.tcp_flags |= SYN_TCP_ACK;
	link.mtu = 1492;
	report.verdict = (struct verdict){
		.flags = VERDICT_VPN | VERDICT_MSS_CLAMPED,
		.match = MATCH_SPECIFIC,
		.grade = LINK_LIKELY,
		.dist_hops = 12,
		.mss = 1452,
		.confidence_permille = 985,
		.family_permille = 1000,
		.label = (uint16_t)add(vocab, VOCAB_LABEL, "a \"b\", c"),
	};
	expect_line(
		&report, vocab,
		"1700000000.987,synack,192.0.2.1,40000,198.51.100.7,443,52,12,1452,1492,unknown,"
		"likely,unknown,unknown,\"a \"\"b\"\", c\",0.985,1,specific,vpn mss_clamped,"
		"\"4:64:0:0:0,0:::0\"\r\n");
	vocab_free(vocab);
}
