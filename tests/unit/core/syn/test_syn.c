/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/syn/parse.h"

Test(syn, every_field_ipv4)
{
	static const uint8_t bytes[] =
		"\x46\xb9\x00\x45\xab\xcd\x60\x00\x37\x06\x00\x00\xc6\x33\x64\x01\xc0\x00\x02\x01"
		"\x94\x04\x00\x00"
		"\x9c\x40\x01\xbb\x11\x22\x33\x44\x55\x66\x77\x88\xa5\xea\xfa\xf0\x12\x34\x56\x78"
		"\x02\x04\x05\x64\x04\x02\x08\x0a\x01\x02\x03\x04\x05\x06\x07\x08\x01\x03\x03\x09"
		"hello";
	struct packet packet = {.len = sizeof(bytes) - 1};
	struct addr src = addr("198.51.100.1"), dst = addr("192.0.2.1");
	struct syn syn;

	memcpy(packet.bytes, bytes, sizeof(bytes));
	syn = must_parse(&packet, "all fields");
	cr_expect(addr_equal(&syn.src, &src));
	cr_expect(addr_equal(&syn.dst, &dst));
	cr_expect_eq(syn.ip_version, 4);
	cr_expect_eq(syn.ip_header_len, 24);
	cr_expect_eq(syn.ip_opt_len, 4);
	cr_expect_eq(syn.tos, 0xb9);
	cr_expect_eq(syn.total_len, 69);
	cr_expect_eq(syn.ip_id, 0xabcd);
	cr_expect(syn.df);
	cr_expect(syn.mf);
	cr_expect_not(syn.ip_reserved);
	cr_expect_eq(syn.ttl, 55);
	cr_expect_eq(syn.flow_label, 0);
	cr_expect_eq(syn.src_port, 40000);
	cr_expect_eq(syn.dst_port, 443);
	cr_expect_eq(syn.seq, 0x11223344);
	cr_expect_eq(syn.ack, 0x55667788);
	cr_expect_eq(syn.tcp_header_len, 40);
	cr_expect_eq(syn.tcp_flags, 0x5ea);
	cr_expect_eq(syn.win, 64240);
	cr_expect_eq(syn.urg_ptr, 0x5678);
	cr_expect(syn.has_mss && syn.has_sack_ok && syn.has_ts && syn.has_wscale);
	cr_expect_eq(syn.mss, 1380);
	cr_expect_eq(syn.ts_val, 0x01020304);
	cr_expect_eq(syn.ts_ecr, 0x05060708);
	cr_expect_eq(syn.wscale, 9);
	cr_expect_eq(syn.payload_len, 5);
	cr_expect_eq(syn.opt_eol_pad, 0);
	cr_expect(has_kinds(&syn, "02 04 08 01 03"));
	cr_expect_eq(syn.quirks, QUIRK_DF | QUIRK_ID_NONZERO | QUIRK_ECN | QUIRK_ACK_NONZERO |
					 QUIRK_URG_FLAG | QUIRK_PUSH | QUIRK_TS_ECHO | QUIRK_AE);
}

Test(syn, every_field_ipv6)
{
	struct packet packet = packet_v6(6, "", LINUX_OPTS, "aabb");
	struct addr src = addr("2001:db8::5"), dst = addr("2001:db8:ffff::1");
	struct syn syn;

	memcpy(packet.bytes, "\x6b\x9a\x45\xcf", 4);
	packet.bytes[7] = 51;
	syn = must_parse(&packet, "all fields");
	cr_expect(addr_equal(&syn.src, &src));
	cr_expect(addr_equal(&syn.dst, &dst));
	cr_expect_eq(syn.ip_version, 6);
	cr_expect_eq(syn.ip_header_len, 40);
	cr_expect_eq(syn.ip_opt_len, 0);
	cr_expect_eq(syn.tos, 0xb9);
	cr_expect_eq(syn.flow_label, 0xa45cf);
	cr_expect_eq(syn.total_len, 82);
	cr_expect_eq(syn.ttl, 51);
	cr_expect_eq(syn.ip_id, 0);
	cr_expect_not(syn.df || syn.mf || syn.ip_reserved);
	cr_expect_eq(syn.src_port, 40000);
	cr_expect_eq(syn.dst_port, 443);
	cr_expect_eq(syn.seq, 0x11223344);
	cr_expect_eq(syn.win, 64240);
	cr_expect_eq(syn.mss, 1460);
	cr_expect_eq(syn.wscale, 7);
	cr_expect_eq(syn.payload_len, 2);
	cr_expect_eq(syn.quirks, QUIRK_ECN | QUIRK_FLOW);
}

struct patch {
	uint16_t at;
	uint8_t value;
};

static void apply(struct packet *packet, const struct patch *patches, size_t count)
{
	for (size_t i = 0; i < count && (patches[i].at || patches[i].value); i++)
		packet->bytes[patches[i].at] = patches[i].value;
}

/* Offsets: IPv4 from 0, its TCP from 20; IPv6 from 0, its TCP from 40. */
Test(syn, each_result)
{
	static const struct {
		const char *name;
		uint8_t version;
		size_t len; /* 0: all */
		struct patch patches[4];
		enum syn_result result;
	} cases[] = {
		{"whole", 4, 0, {{0}}, SYN_OK},
		{"whole, version 6", 6, 0, {{0}}, SYN_OK},
		{"half an IPv4 header", 4, 10, {{0}}, SYN_TRUNCATED},
		{"half an IPv6 header", 6, 39, {{0}}, SYN_TRUNCATED},
		{"no TCP header", 4, 20, {{0}}, SYN_TRUNCATED},
		{"half a TCP header", 4, 39, {{0}}, SYN_TRUNCATED},
		{"options cut", 4, 59, {{0}}, SYN_TRUNCATED},
		{"options cut, version 6", 6, 79, {{0}}, SYN_TRUNCATED},
		{"version 5", 4, 0, {{0, 0x55}}, SYN_NOT_IP},
		{"version 0", 4, 0, {{0, 0x05}}, SYN_NOT_IP},
		{"IP header of 16 bytes", 4, 0, {{0, 0x44}}, SYN_BAD_IP},
		{"total length 0", 4, 0, {{2, 0}, {3, 0}}, SYN_BAD_IP},
		{"total length below the header", 4, 0, {{3, 19}}, SYN_BAD_IP},
		{"total length of the header alone", 4, 0, {{3, 20}}, SYN_BAD_TCP},
		{"IP header beyond the total length", 4, 0, {{0, 0x4f}, {3, 59}}, SYN_BAD_IP},
		{"second fragment", 4, 0, {{6, 0x00}, {7, 0x01}}, SYN_FRAGMENT},
		{"last fragment, high offset", 4, 0, {{6, 0x1f}, {7, 0x00}}, SYN_FRAGMENT},
		{"second fragment of UDP", 4, 0, {{9, 17}, {7, 1}}, SYN_NOT_TCP},
		{"UDP", 4, 0, {{9, 17}}, SYN_NOT_TCP},
		{"UDP, no more than the IP header", 4, 20, {{9, 17}}, SYN_NOT_TCP},
		{"UDP, version 6, no more than the IP header", 6, 40, {{6, 17}}, SYN_NOT_TCP},
		{"UDP, version 6", 6, 0, {{6, 17}}, SYN_NOT_TCP},
		{"ESP, version 6", 6, 0, {{6, 50}}, SYN_NOT_TCP},
		{"no next header", 6, 0, {{6, 59}}, SYN_NOT_TCP},
		{"data offset of 16 bytes", 4, 0, {{32, 0x40}}, SYN_BAD_TCP},
		{"data offset 0", 4, 0, {{32, 0x00}}, SYN_BAD_TCP},
		{"data offset beyond the packet", 4, 0, {{32, 0xb0}}, SYN_BAD_TCP},
		{"data offset beyond, version 6", 6, 0, {{52, 0xb0}}, SYN_BAD_TCP},
		{"total length inside the TCP header", 4, 0, {{3, 39}}, SYN_BAD_TCP},
		{"total length inside the options", 4, 0, {{3, 59}}, SYN_BAD_TCP},
		{"payload length inside the options", 6, 0, {{5, 39}}, SYN_BAD_TCP},
		{"payload length 0, as of a jumbogram", 6, 0, {{5, 0}}, SYN_BAD_TCP},
		{"no flags", 4, 0, {{33, 0x00}}, SYN_NOT_SYN},
		{"SYN, ACK", 4, 0, {{33, 0x12}}, SYN_NOT_SYN},
		{"SYN, FIN", 4, 0, {{33, 0x03}}, SYN_NOT_SYN},
		{"SYN, RST", 4, 0, {{33, 0x06}}, SYN_NOT_SYN},
		{"ACK", 4, 0, {{33, 0x10}}, SYN_NOT_SYN},
		{"ACK, version 6", 6, 0, {{53, 0x10}}, SYN_NOT_SYN},
		{"SYN, PSH, URG, ECE, CWR", 4, 0, {{33, 0xea}}, SYN_OK},
	};
	bool is_seen[SYN_RESULT_COUNT] = {false};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct packet packet = cases[i].version == 4 ? packet_v4("", LINUX_OPTS, "")
							     : packet_v6(6, "", LINUX_OPTS, "");
		struct syn syn = {.seq = 4711};
		enum syn_result result;

		apply(&packet, cases[i].patches, COUNT(cases[i].patches));
		result = parse(packet.bytes, cases[i].len ? cases[i].len : packet.len, &syn);
		cr_expect_eq(result, cases[i].result, "%s: %s", cases[i].name,
			     syn_result_name(result));
		cr_expect_eq(syn.seq, result == SYN_OK ? 0x11223344 : 4711, "%s", cases[i].name);
		is_seen[result] = true;
	}
	cr_expect_eq(parse("", 0, NULL), SYN_TRUNCATED);
	is_seen[SYN_BAD_EXT] = true; /* in ipv6_extension_headers */
	is_seen[SYN_BAD_SUM] = true; /* in checksums */
	for (unsigned result = 0; result < SYN_RESULT_COUNT; result++)
		cr_expect(is_seen[result], "no vector gives %s",
			  syn_result_name((enum syn_result)result));
}

/* It would be taken for an IPv4 client's, which sent nothing. */
Test(syn, mapped_addresses)
{
	static const uint8_t mapped[12] = {[10] = 0xff, 0xff}, translated[12] = {[8] = 0xff, 0xff};

	for (unsigned at = 8; at <= 24; at += 16) {
		struct packet packet = packet_v6(6, "", LINUX_OPTS, "");
		struct syn syn;

		memcpy(packet.bytes + at, mapped, sizeof(mapped));
		cr_expect_eq(parse(packet.bytes, packet.len, &syn), SYN_BAD_IP, "at %u", at);
		memcpy(packet.bytes + at, translated, sizeof(translated));
		cr_expect_eq(parse(packet.bytes, packet.len, &syn), SYN_OK, "at %u", at);
	}
}

Test(syn, quirks_of_headers)
{
	static const struct {
		const char *name;
		uint8_t version;
		struct patch patches[4];
		uint32_t quirks;
	} cases[] = {
		{"none but df", 4, {{0}}, QUIRK_DF},
		{"none, version 6", 6, {{0}}, 0},
		{"id+", 4, {{5, 1}}, QUIRK_DF | QUIRK_ID_NONZERO},
		{"id-", 4, {{6, 0}}, QUIRK_ID_ZERO},
		{"no DF, an ID", 4, {{6, 0}, {4, 1}}, 0},
		{"0+", 4, {{6, 0xc0}}, QUIRK_DF | QUIRK_RESERVED},
		{"p0f's 0+ is IPv4's bit alone", 4, {{32, 0xae}}, QUIRK_DF},
		{"likewise in version 6", 6, {{52, 0xae}}, 0},
		{"more fragments", 4, {{6, 0x20}, {5, 1}}, 0},
		{"ecn: ECT(0)", 4, {{1, 2}}, QUIRK_DF | QUIRK_ECN},
		{"ecn: ECT(1)", 4, {{1, 1}}, QUIRK_DF | QUIRK_ECN},
		{"ecn: CE", 4, {{1, 3}}, QUIRK_DF | QUIRK_ECN},
		{"DSCP is no ecn", 4, {{1, 0xfc}}, QUIRK_DF},
		{"ecn: ECE", 4, {{33, 0x42}}, QUIRK_DF | QUIRK_ECN},
		{"ecn: CWR", 4, {{33, 0x82}}, QUIRK_DF | QUIRK_ECN},
		{"ecn: NS", 4, {{32, 0xa1}}, QUIRK_DF | QUIRK_ECN},
		{"ae: AE, CWR and ECE",
		 4,
		 {{32, 0xa1}, {33, 0xc2}},
		 QUIRK_DF | QUIRK_ECN | QUIRK_AE},
		{"ae needs all three", 4, {{32, 0xa1}, {33, 0x82}}, QUIRK_DF | QUIRK_ECN},
		{"ecn: ECT(0), version 6", 6, {{1, 0x20}}, QUIRK_ECN},
		{"DSCP, version 6", 6, {{0, 0x6f}, {1, 0xc0}}, 0},
		{"flow: its lowest bit", 6, {{3, 1}}, QUIRK_FLOW},
		{"flow: its highest bit", 6, {{1, 8}}, QUIRK_FLOW},
		{"seq-", 4, {{24, 0}, {25, 0}, {26, 0}, {27, 0}}, QUIRK_DF | QUIRK_SEQ_ZERO},
		{"seq- needs all bytes zero", 4, {{24, 0}, {25, 0}, {26, 0}}, QUIRK_DF},
		{"ack+: lowest bit", 4, {{31, 1}}, QUIRK_DF | QUIRK_ACK_NONZERO},
		{"ack+: highest bit", 4, {{28, 0x80}}, QUIRK_DF | QUIRK_ACK_NONZERO},
		{"uptr+", 4, {{39, 1}}, QUIRK_DF | QUIRK_URG_PTR},
		{"urgf+", 4, {{33, 0x22}}, QUIRK_DF | QUIRK_URG_FLAG},
		{"urgf+ with its pointer", 4, {{33, 0x22}, {38, 1}}, QUIRK_DF | QUIRK_URG_FLAG},
		{"pushf+", 4, {{33, 0x0a}}, QUIRK_DF | QUIRK_PUSH},
		{"ts1-", 4, {{51, 0}}, QUIRK_DF | QUIRK_TS_ZERO},
		{"ts2+", 4, {{52, 0x80}}, QUIRK_DF | QUIRK_TS_ECHO},
		{"exws: 15", 4, {{59, 15}}, QUIRK_DF | QUIRK_WSCALE_BIG},
		{"exws: 255", 4, {{59, 255}}, QUIRK_DF | QUIRK_WSCALE_BIG},
		{"14 is allowed", 4, {{59, 14}}, QUIRK_DF},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct packet packet = cases[i].version == 4 ? packet_v4("", LINUX_OPTS, "")
							     : packet_v6(6, "", LINUX_OPTS, "");
		struct syn syn;

		apply(&packet, cases[i].patches, COUNT(cases[i].patches));
		syn = must_parse(&packet, cases[i].name);
		cr_expect_eq(syn.quirks, cases[i].quirks, "%s: %#x", cases[i].name, syn.quirks);
	}
}

Test(syn, ipv4_flag_bits)
{
	for (unsigned bits = 0; bits < 8; bits++) {
		struct packet packet = packet_v4("", LINUX_OPTS, "");
		struct syn syn;

		packet.bytes[6] = (uint8_t)(bits << 5);
		syn = must_parse(&packet, "flag bits");
		cr_expect_eq(syn.ip_reserved, (bits & 4) != 0);
		cr_expect_eq(syn.df, (bits & 2) != 0);
		cr_expect_eq(syn.mf, (bits & 1) != 0);
	}
}

#define SACK_8 "0000000100000009"
#define SACK_32 SACK_8 SACK_8 SACK_8 SACK_8

Test(syn, tcp_options)
{
	static const struct {
		const char *name, *options, *kinds;
		uint32_t quirks; /* besides df */
		uint8_t eol_pad;
		bool has_mss, has_wscale, has_ts, has_sack_ok;
	} cases[] = {
		{"none", "", "", 0, 0, 0, 0, 0, 0},
		{"Linux", LINUX_OPTS, "02 04 08 01 03", 0, 0, 1, 1, 1, 1},
		{"nops alone", "01010101", "01 01 01 01", 0, 0, 0, 0, 0, 0},
		{"sack", "050a 0000000000000001 0101", "05 01 01", 0, 0, 0, 0, 0, 0},
		{"fast open, its request", "2202 0101", "22 01 01", 0, 0, 0, 0, 0, 0},
		{"unknown kinds", "fd04f989 1e04 0000", "fd 1e", 0, 0, 0, 0, 0, 0},
		{"eol alone", "00000000", "00", 0, 3, 0, 0, 0, 0},
		{"eol at the very end", "0402 0100", "04 01 00", 0, 0, 0, 0, 0, 1},
		{"eol+1", "020405b4 0402 0000", "02 04 00", 0, 1, 1, 0, 0, 1},
		{"opt+ in the first byte behind", "00010000", "00", QUIRK_OPT_TRAILING, 3, 0, 0, 0,
		 0},
		{"opt+ in the last byte, which p0f misses", "00000001", "00", QUIRK_OPT_TRAILING, 3,
		 0, 0, 0, 0},
		{"what stands behind eol is no option", "00 020405b4 000000", "00",
		 QUIRK_OPT_TRAILING, 7, 0, 0, 0, 0},
		{"the longest padding",
		 "00000000 00000000 00000000 00000000 00000000 00000000"
		 "00000000 00000000 00000000 00000000",
		 "00", 0, 39, 0, 0, 0, 0},
		{"length 0", "02000000", "02", QUIRK_OPT_BAD, 0, 0, 0, 0, 0},
		{"length 1", "02010000", "02", QUIRK_OPT_BAD, 0, 0, 0, 0, 0},
		{"kind without length", "01010108", "01 01 01 08", QUIRK_OPT_BAD, 0, 0, 0, 0, 0},
		{"one byte beyond the end", "01010303", "01 01 03", QUIRK_OPT_BAD, 0, 0, 0, 0, 0},
		{"far beyond the end", "fdff0000", "fd", QUIRK_OPT_BAD, 0, 0, 0, 0, 0},
		{"mss of 3 bytes, walk goes on", "020305 01 020405b4", "02 01 02", QUIRK_OPT_BAD, 0,
		 1, 0, 0, 0},
		{"mss of 6 bytes", "020605b40000 0101", "02 01 01", QUIRK_OPT_BAD, 0, 0, 0, 0, 0},
		{"wscale of 4 bytes", "03040700", "03", QUIRK_OPT_BAD, 0, 0, 0, 0, 0},
		{"sok of 3 bytes", "04030001", "04 01", QUIRK_OPT_BAD, 0, 0, 0, 0, 0},
		{"ts of 8 bytes", "0808000000010000", "08", QUIRK_OPT_BAD, 0, 0, 0, 0, 0},
		{"sack without a block", "05020101", "05 01 01", QUIRK_OPT_BAD, 0, 0, 0, 0, 0},
		{"sack a byte short",
		 "0509"
		 "00000000000000"
		 "010101",
		 "05 01 01 01", QUIRK_OPT_BAD, 0, 0, 0, 0, 0},
		{"sack of one block", "050a" SACK_8 "0101", "05 01 01", 0, 0, 0, 0, 0, 0},
		{"sack of four blocks", "0522" SACK_32 "0101", "05 01 01", 0, 0, 0, 0, 0, 0},
		{"sack a byte long", "0523" SACK_32 "0001", "05 01", QUIRK_OPT_BAD, 0, 0, 0, 0, 0},
		{"two windows scales, the last counts", "03030201 03030701", "03 01 03 01", 0, 0, 0,
		 1, 0, 0},
		{"exws counts in any of them", "03030f01 03030701", "03 01 03 01", QUIRK_WSCALE_BIG,
		 0, 0, 1, 0, 0},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct packet packet = packet_v4("", cases[i].options, "");
		struct syn syn = must_parse(&packet, cases[i].name);
		const char *name = cases[i].name;

		cr_expect(has_kinds(&syn, cases[i].kinds), "%s", name);
		cr_expect_eq(syn.quirks, cases[i].quirks | QUIRK_DF, "%s: %#x", name, syn.quirks);
		cr_expect_eq(syn.opt_eol_pad, cases[i].eol_pad, "%s", name);
		cr_expect_eq(syn.has_mss, cases[i].has_mss, "%s", name);
		cr_expect_eq(syn.has_wscale, cases[i].has_wscale, "%s", name);
		cr_expect_eq(syn.has_ts, cases[i].has_ts, "%s", name);
		cr_expect_eq(syn.has_sack_ok, cases[i].has_sack_ok, "%s", name);
		cr_expect_eq(syn.mss, cases[i].has_mss ? 1460 : 0, "%s", name);
		cr_expect_eq(syn.wscale, cases[i].has_wscale ? 7 : 0, "%s", name);
		cr_expect_eq(syn.tcp_header_len, packet.len - 20, "%s", name);
	}
}

Test(syn, forty_options_fit)
{
	char hex[2 * SYN_OPTS_MAX + 1] = "";
	struct packet packet;
	struct syn syn;

	for (unsigned i = 0; i < SYN_OPTS_MAX; i++)
		memcpy(hex + 2 * i, "01", 3);
	packet = packet_v4("", hex, "");
	syn = must_parse(&packet, "forty nops");
	cr_expect_eq(syn.opt_count, SYN_OPTS_MAX);
	cr_expect_eq(syn.quirks, QUIRK_DF);
}

static struct packet example(unsigned number)
{
	switch (number) {
	case 0: return packet_v4("", LINUX_OPTS, "");
	case 1: return packet_v4("94040000 01010101", "020405b4 0103 0308 0101 0402", "0102");
	case 2: return packet_v6(6, "", LINUX_OPTS, "");
	case 3: return packet_v6(0, "2c" EXT_8 NEXT_TCP "00 0001 12345678", LINUX_OPTS, "01");
	case 4:
		return packet_v6(
			51, "3c 04 0000 00000001 00000001 000000000000000000000000" NEXT_TCP EXT_8,
			"020405b4 00000000", "");
	default: return packet_v4("", "", "");
	}
}

#define EXAMPLES 6

Test(syn, cut_anywhere_it_is_truncated)
{
	for (unsigned i = 0; i < EXAMPLES; i++) {
		struct packet packet = example(i);
		struct syn syn = must_parse(&packet, "whole");
		size_t headers = (size_t)syn.ip_header_len + syn.tcp_header_len;

		for (size_t len = 0; len < headers; len++)
			cr_expect_eq(parse(packet.bytes, len, &syn), SYN_TRUNCATED,
				     "example %u of %zu bytes", i, len);
		for (size_t len = headers; len <= packet.len; len++)
			cr_expect_eq(parse(packet.bytes, len, &syn), SYN_OK,
				     "example %u of %zu bytes", i, len);
	}
}

/* Whatever one byte says, alone or in a cut packet: an answer within its bounds. */
Test(syn, any_byte_may_be_anything)
{
	for (unsigned i = 0; i < EXAMPLES; i++) {
		const struct packet whole = example(i);

		for (size_t at = 0; at < whole.len; at++)
			for (unsigned value = 0; value < 256; value++) {
				struct packet packet = whole;
				struct syn syn;

				packet.bytes[at] = (uint8_t)value;
				if (parse(packet.bytes, packet.len, &syn) != SYN_OK)
					continue;
				cr_assert_leq(syn.opt_count, SYN_OPTS_MAX);
				cr_assert_lt(syn.opt_eol_pad, SYN_OPTS_MAX);
				cr_assert_leq(syn.ip_header_len + syn.tcp_header_len +
						      syn.payload_len,
					      syn.total_len);
				cr_assert_leq((size_t)syn.ip_header_len + syn.tcp_header_len,
					      packet.len);
				parse(packet.bytes, packet.len - at % 20, &syn);
			}
	}
}

Test(syn, names)
{
	static const char quirk_names[] =
		"df id+ id- ecn 0+ flow seq- ack+ ack- uptr+ urgf+ pushf+ "
		"ts1- ts2+ opt+ exws bad ae ";
	char joined[200] = "";

	for (unsigned i = 0; i < QUIRK_COUNT; i++) {
		strcat(joined, syn_quirk_name((enum syn_quirk)(1u << i)));
		strcat(joined, " ");
	}
	cr_expect_str_eq(joined, quirk_names);
	cr_expect_null(syn_quirk_name((enum syn_quirk)0));
	cr_expect_null(syn_quirk_name((enum syn_quirk)3));
	cr_expect_null(syn_quirk_name((enum syn_quirk)(1u << QUIRK_COUNT)));
	for (unsigned i = 0; i < SYN_RESULT_COUNT; i++)
		for (unsigned other = 0; other < i; other++)
			cr_expect_str_neq(syn_result_name((enum syn_result)i),
					  syn_result_name((enum syn_result)other));
	cr_expect_str_eq(syn_result_name(SYN_TRUNCATED), "truncated");
	cr_expect_null(syn_result_name(SYN_RESULT_COUNT));
}

/* By the book: 16 bits at a time, the carry added at once. */
static uint16_t right_sum(const struct packet *packet, bool is_v4)
{
	size_t tcp_len = packet->len - packet->tcp_at, from = is_v4 ? 12 : 8;
	uint32_t sum = 6 + (uint32_t)tcp_len;

	for (size_t i = from; i < from + (is_v4 ? 8 : 32); i++)
		sum += i % 2 ? packet->bytes[i] : (uint32_t)packet->bytes[i] << 8;
	for (size_t i = 0; i < tcp_len; i++)
		sum += (uint32_t)packet->bytes[packet->tcp_at + i] << (i % 2 ? 0 : 8);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

Test(syn, checksums)
{
	struct packet packets[] = {
		packet_v4("", LINUX_OPTS, ""),
		packet_v4("01010101", LINUX_OPTS, "4142"),
		packet_v4("", "", "414243"),
		packet_v6(6, "", LINUX_OPTS, ""),
		packet_v6(60, NEXT_TCP EXT_8, LINUX_OPTS, "ff"),
	};

	for (size_t i = 0; i < COUNT(packets); i++) {
		struct packet *packet = &packets[i];
		struct syn syn;

		packet_set16(packet, packet->tcp_at + 16, right_sum(packet, i < 3));
		cr_assert_eq(parse(packet->bytes, packet->len, &syn), SYN_OK);
		cr_expect(syn_has_good_sum(packet->bytes, packet->len, &syn), "packet %zu", i);
		cr_expect_not(syn_has_good_sum(packet->bytes, packet->len - 1, &syn));
		for (size_t at = i < 3 ? 12 : 8; at < packet->len; at++) {
			if (i == 4 && at >= 40 && at < packet->tcp_at)
				continue; /* extension headers are not covered */
			if ((i == 1 && at >= 20 && at < packet->tcp_at))
				continue; /* nor are IPv4 options */
			packet->bytes[at] ^= 1;
			cr_expect_not(syn_has_good_sum(packet->bytes, packet->len, &syn),
				      "packet %zu, byte %zu", i, at);
			packet->bytes[at] ^= 1;
		}
	}
}

Test(syn, behind_a_routing_header_the_address_is_another)
{
	struct packet packet = packet_v6(43, NEXT_TCP EXT_8, LINUX_OPTS, "");
	struct syn syn;

	cr_assert_eq(parse(packet.bytes, packet.len, &syn), SYN_OK);
	cr_expect(syn_has_good_sum(packet.bytes, packet.len, &syn));
}

Test(syn, what_it_offers)
{
	static const struct {
		struct syn syn;
		unsigned offers;
	} cases[] = {
		{{.tcp_flags = SYN_TCP_SYN}, 0},
		{{.tcp_flags = SYN_TCP_SYN, .has_wscale = true}, SYN_OFFER_WSCALE},
		{{.tcp_flags = SYN_TCP_SYN, .has_sack_ok = true}, SYN_OFFER_SACK},
		{{.tcp_flags = SYN_TCP_SYN, .has_ts = true}, SYN_OFFER_TS},
		{{.tcp_flags = SYN_TCP_SYN | SYN_TCP_ECE}, 0},
		{{.tcp_flags = SYN_TCP_SYN | SYN_TCP_CWR}, 0},
		{{.tcp_flags = SYN_TCP_SYN | SYN_TCP_ECE | SYN_TCP_CWR}, SYN_OFFER_ECN},
		{{.tcp_flags = SYN_TCP_SYN | SYN_TCP_ACK}, 0},
		{{.tcp_flags = SYN_TCP_SYN | SYN_TCP_ACK | SYN_TCP_ECE}, SYN_OFFER_ECN},
	};

	for (unsigned i = 0; i < COUNT(cases); i++)
		cr_expect_eq(syn_offers(&cases[i].syn), cases[i].offers, "case %u", i);
}
