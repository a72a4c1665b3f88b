/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each tunnel whole and cut at every byte. */
#include <criterion/criterion.h>
#include <string.h>

#include "guard.h"
#include "packet.h"
#include "input/capture/tunnels.h"

#define MACS "020000000001 020000000002"
#define OUTER4(protocol) "4500 0000 0000 4000 40" protocol "0000 c6336401 c0000201"
#define OUTER6(next) "60000000 0000" next "40" FROM6 TO6
#define FROM6 "20010db8000000000000000000000001"
#define TO6 "20010db8000000000000000000000002"
#define UDP(port) "9c40" port "0000 0000"

static const struct {
	const char *name, *packet;
	enum tunnel_kind kind; /* TUNNEL_NONE: it is none */
	uint32_t id;
} cases[] = {
	{"IPv4 in IPv4", OUTER4("04") "45aa", TUNNEL_IPIP, 0},
	{"IPv6 in IPv4", OUTER4("29") "60aa", TUNNEL_IPIP, 0},
	{"IPv6 in IPv6", OUTER6("29") "60aa", TUNNEL_IPIP, 0},
	{"IPv4 in IPv6, behind options", OUTER6("3c") "0400 0104 0000 0000 45aa", TUNNEL_IPIP, 0},
	{"GRE", OUTER4("2f") "0000 0800 45aa", TUNNEL_GRE, 0},
	{"GRE, key and sequence", OUTER4("2f") "3000 86dd 00000007 00000001 60aa", TUNNEL_GRE, 7},
	{"GRE, checksum", OUTER4("2f") "8000 0800 00000000 45aa", TUNNEL_GRE, 0},
	{"GRE, Ethernet", OUTER4("2f") "0000 6558" MACS "0800 45aa", TUNNEL_GRE, 0},
	{"GRE in IPv6", OUTER6("2f") "0000 0800 45aa", TUNNEL_GRE, 0},
	{"GRE, MPLS", OUTER4("2f") "0000 8847 00010140 45aa", TUNNEL_GRE, 0},
	{"PPTP", OUTER4("2f") "3081 880b 0010 0009 00000001 00000001 ff03 0021 45aa", TUNNEL_GRE,
	 9},
	{"GRE, keepalive", OUTER4("2f") "0000 0000 00", TUNNEL_NONE, 0},
	{"GRE, source routes", OUTER4("2f") "4000 0800 45aa", TUNNEL_NONE, 0},
	{"ERSPAN I", OUTER4("2f") "0000 88be" MACS "0800 45aa", TUNNEL_ERSPAN, 0},
	{"ERSPAN II", OUTER4("2f") "1000 88be 00000001 1001 0005 00000000" MACS "0800 45aa",
	 TUNNEL_ERSPAN, 5},
	{"ERSPAN III",
	 OUTER4("2f") "1000 22eb 00000001 2001 0006 00000000 00000000" MACS "0800 45aa",
	 TUNNEL_ERSPAN, 6},
	{"ERSPAN III, subheader",
	 OUTER4("2f") "1000 22eb 00000001 2001 0006 00000000 00000001 0000000000000000" MACS
		      "0800 45aa",
	 TUNNEL_ERSPAN, 6},
	{"VXLAN", OUTER4("11") UDP("12b5") "0800 0000 00002a00" MACS "0800 45aa", TUNNEL_VXLAN, 42},
	{"VXLAN, Linux's old port", OUTER4("11") UDP("2118") "0800 0000 00002a00" MACS "0800 45aa",
	 TUNNEL_VXLAN, 42},
	{"VXLAN-GPE", OUTER4("11") UDP("12b6") "0c00 0001 00002a00 45aa", TUNNEL_VXLAN, 42},
	{"VXLAN without its flag", OUTER4("11") UDP("12b5") "0000 0000 00002a00" MACS "0800 45aa",
	 TUNNEL_NONE, 0},
	{"Geneve", OUTER4("11") UDP("17c1") "0000 6558 00002b00" MACS "0800 45aa", TUNNEL_GENEVE,
	 43},
	{"Geneve, options", OUTER6("11") UDP("17c1") "0100 0800 00002b00 00000000 45aa",
	 TUNNEL_GENEVE, 43},
	{"GTP-U", OUTER4("11") UDP("0868") "30ff 0002 00000011 45aa", TUNNEL_GTPU, 17},
	{"GTP-U, extension", OUTER4("11") UDP("0868") "34ff 000a 00000011 0000 00 85 01100000 45aa",
	 TUNNEL_GTPU, 17},
	{"GTP-U, echo", OUTER4("11") UDP("0868") "3201 0004 00000000 0000 0000 45aa", TUNNEL_NONE,
	 0},
	{"GTP-U, extension of no length",
	 OUTER4("11") UDP("0868") "34ff 000a 00000011 0000 00 85 00100000 45aa", TUNNEL_NONE, 0},
	{"MPLS", OUTER4("89") "00064140 45aa", TUNNEL_MPLS, 100},
	{"MPLS in UDP", OUTER4("11") UDP("19eb") "00064140 45aa", TUNNEL_MPLS, 100},
	{"a later fragment", "4500 0000 0000 0001 4004 0000 c6336401 c0000201 45aa", TUNNEL_NONE,
	 0},
	{"TCP", OUTER4("06") "45aa", TUNNEL_NONE, 0},
	{"DNS", OUTER4("11") UDP("0035") "45aa", TUNNEL_NONE, 0},
	{"no IP", "1500", TUNNEL_NONE, 0},
};

Test(tunnels, each_of_them)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct packet packet = {.len = 0};
		struct tunnel tunnel = {.kind = TUNNEL_NONE};
		const uint8_t *data;

		packet_put(&packet, cases[i].packet);
		data = guard_place(packet.bytes, packet.len);
		cr_expect_eq(tunnels_open(data, packet.len, &tunnel), cases[i].kind != TUNNEL_NONE,
			     "%s", cases[i].name);
		cr_expect_eq(tunnel.kind, cases[i].kind, "%s", cases[i].name);
		cr_expect_eq(tunnel.id, cases[i].id, "%s: %u", cases[i].name, tunnel.id);
		if (tunnel.kind == TUNNEL_NONE)
			continue;
		cr_expect_eq(data[tunnel.inner_at + 1], 0xaa, "%s", cases[i].name);
		cr_expect_eq(tunnel.inner_at + 2, packet.len, "%s", cases[i].name);
	}
}

Test(tunnels, tell_their_ends)
{
	static const uint8_t src[] = {198, 51, 100, 1}, dst[] = {192, 0, 2, 1};
	struct addr from = addr_from_v4(src), to = addr_from_v4(dst);
	struct packet packet = {.len = 0};
	struct tunnel tunnel;

	packet_put(&packet, OUTER4("04") "45aa");
	cr_assert(tunnels_open(packet.bytes, packet.len, &tunnel));
	cr_expect(addr_equal(&tunnel.src, &from));
	cr_expect(addr_equal(&tunnel.dst, &to));
	cr_expect_eq(tunnel.ip_version, 4);
}

Test(tunnels, cut_at_every_byte)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct packet packet = {.len = 0};
		struct tunnel tunnel;

		packet_put(&packet, cases[i].packet);
		for (size_t len = 0; len < packet.len; len++)
			if (tunnels_open(guard_place(packet.bytes, len), len, &tunnel))
				cr_expect_lt(tunnel.inner_at, len, "%s, %zu", cases[i].name, len);
	}
}
