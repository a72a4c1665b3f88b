/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stands before the TCP header and behind it: options, extension headers, payload. */
#include "core/syn/parse.h"

Test(syn, ipv4_options)
{
	static const struct {
		const char *options;
		uint8_t len;
	} cases[] = {{"94040000", 4},
		     {"01010101 94040000", 8},
		     {"00000000 00000000 00000000 00000000 00000000"
		      "00000000 00000000 00000000 00000000 00000000",
		      40}};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct packet packet = packet_v4(cases[i].options, LINUX_OPTS, "");
		struct syn syn = must_parse(&packet, cases[i].options);

		cr_expect_eq(syn.ip_opt_len, cases[i].len);
		cr_expect_eq(syn.ip_header_len, 20 + cases[i].len);
		cr_expect_eq(syn.mss, 1460);
	}
}

Test(syn, ipv6_extension_headers)
{
	static const struct {
		const char *name;
		uint8_t first;
		const char *extensions;
		enum syn_result result;
		uint8_t len;
		bool mf;
	} cases[] = {
		{"hop by hop", 0, NEXT_TCP EXT_8, SYN_OK, 8, false},
		{"routing", 43, NEXT_TCP EXT_8, SYN_OK, 8, false},
		{"destination", 60, NEXT_TCP EXT_8, SYN_OK, 8, false},
		{"mobility", 135, NEXT_TCP EXT_8, SYN_OK, 8, false},
		{"HIP", 139, NEXT_TCP EXT_8, SYN_OK, 8, false},
		{"Shim6", 140, NEXT_TCP EXT_8, SYN_OK, 8, false},
		{"hop by hop of 16 bytes", 0, NEXT_TCP "01 010c 000000000000000000000000", SYN_OK,
		 16, false},
		{"authentication counts words", 51,
		 NEXT_TCP "04 0000 00000001 00000001 000000000000000000000000", SYN_OK, 24, false},
		{"atomic fragment", 44, NEXT_TCP "00 0000 12345678", SYN_OK, 8, false},
		{"first fragment", 44, NEXT_TCP "00 0001 12345678", SYN_OK, 8, true},
		{"second fragment", 44, NEXT_TCP "00 0009 12345678", SYN_FRAGMENT, 0, false},
		{"last fragment", 44, NEXT_TCP "00 fff8 12345678", SYN_FRAGMENT, 0, false},
		{"a fragment's length byte is reserved", 44, NEXT_TCP "ff 0000 12345678", SYN_OK, 8,
		 false},
		{"four in a row", 0, "3c" EXT_8 "2b" EXT_8 "2c" EXT_8 NEXT_TCP "00 0000 12345678",
		 SYN_OK, 32, false},
		{"the same again and again", 60, "3c" EXT_8 "3c" EXT_8 NEXT_TCP EXT_8, SYN_OK, 24,
		 false},
		{"UDP behind them", 0, "11" EXT_8, SYN_NOT_TCP, 0, false},
		{"ESP behind them", 0, "32" EXT_8, SYN_NOT_TCP, 0, false},
		{"nothing behind them", 0, "3b" EXT_8, SYN_NOT_TCP, 0, false},
		{"longer than the packet", 0, NEXT_TCP "ff 010400000000", SYN_BAD_EXT, 0, false},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct packet packet =
			packet_v6(cases[i].first, cases[i].extensions, LINUX_OPTS, "");
		struct syn syn = {.mss = 0};
		enum syn_result result = parse(packet.bytes, packet.len, &syn);

		cr_expect_eq(result, cases[i].result, "%s: %s", cases[i].name,
			     syn_result_name(result));
		if (result != SYN_OK)
			continue;
		cr_expect_eq(syn.ip_opt_len, cases[i].len, "%s", cases[i].name);
		cr_expect_eq(syn.ip_header_len, 40 + cases[i].len, "%s", cases[i].name);
		cr_expect_eq(syn.mf, cases[i].mf, "%s", cases[i].name);
		cr_expect_eq(syn.mss, 1460, "%s", cases[i].name);
		cr_expect_eq(syn.payload_len, 0, "%s", cases[i].name);
	}
}

/* More of them than fit into p0f's one byte of length, and a chain that never ends. */
Test(syn, ipv6_extension_headers_without_end)
{
	struct packet packet = packet_v6(60, "", LINUX_OPTS, "");
	char hex[40 * 16 + 1] = "";
	struct syn syn;

	for (unsigned i = 0; i < 40; i++)
		memcpy(hex + 16 * i, i < 39 ? "3c00010400000000" : "0600010400000000", 17);
	packet = packet_v6(60, hex, LINUX_OPTS, "");
	syn = must_parse(&packet, "320 bytes");
	cr_expect_eq(syn.ip_header_len, 360);
	cr_expect_eq(syn.ip_opt_len, 255);
	packet.len = 40;
	for (unsigned i = 0; i < 400; i++)
		packet_put(&packet, "3c00010400000000");
	packet_set16(&packet, 4, packet.len - 40);
	cr_expect_eq(parse(packet.bytes, packet.len, &syn), SYN_BAD_EXT);
	cr_expect_eq(parse(packet.bytes, packet.len - 8, &syn), SYN_TRUNCATED);
}

Test(syn, payload_is_told_by_the_header)
{
	struct packet packet = packet_v4("", LINUX_OPTS, "47455420");
	struct syn syn = must_parse(&packet, "payload");

	cr_expect_eq(syn.payload_len, 4);
	packet.len -= 4; /* the payload need not be there */
	cr_expect_eq(must_parse(&packet, "payload cut").payload_len, 4);
	packet = packet_v4("", "", "");
	memset(packet.bytes + packet.len, 0xff, 6); /* Ethernet's padding */
	packet.len += 6;
	syn = must_parse(&packet, "padded frame");
	cr_expect_eq(syn.payload_len, 0);
	cr_expect_eq(syn.opt_count, 0);
}

Test(syn, payload_is_not_behind_the_end_of_options)
{
	struct packet packet = packet_v4("", "020405b4 00000000", "ff");

	cr_expect_eq(must_parse(&packet, "padded options").quirks, QUIRK_DF);
}
