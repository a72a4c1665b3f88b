/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every layer that is read, whole and cut at every byte; tests/golden has whole captures of them. */
#include <criterion/criterion.h>
#include <pcap/pcap.h>
#include <string.h>

#include "guard.h"
#include "packet.h"
#include "input/capture/layers.h"

#define MACS "020000000001 020000000002"
#define SNAP "aaaa03 000000"
#define WLAN_ADDRESSES "020000000001 020000000002 020000000003 0000"
#define RADIOTAP "0000 0800 00000000"

static const struct {
	const char *name;
	int link_type;
	const char *frame;
	size_t len; /* of the IP packet; 0: there is none */
} cases[] = {
	{"Ethernet", DLT_EN10MB, MACS "0800 45aa", 2},
	{"Ethernet, version 6", DLT_EN10MB, MACS "86dd 60aa", 2},
	{"header alone", DLT_EN10MB, MACS "0800", 0},
	{"ARP", DLT_EN10MB, MACS "0806 0001", 0},
	{"802.3 length", DLT_EN10MB, MACS "0040 aaaa", 0},
	{"802.1Q", DLT_EN10MB, MACS "8100 0005 0800 45aa", 2},
	{"802.1ad, 802.1Q", DLT_EN10MB, MACS "88a8 0005 8100 0007 86dd 60aa", 2},
	{"the old 0x9100", DLT_EN10MB, MACS "9100 0005 8100 0007 0800 45aa", 2},
	{"tag cut", DLT_EN10MB, MACS "8100 0005 08", 0},
	{"tag and nothing behind", DLT_EN10MB, MACS "8100 0005 0800", 0},
	{"tag before ARP", DLT_EN10MB, MACS "8100 0005 0806 45aa", 0},
	{"cooked", DLT_LINUX_SLL, "0000 0001 0006 0200000000010000 0800 45aa", 2},
	{"cooked, tag", DLT_LINUX_SLL, "0000 0001 0006 0200000000010000 8100 0005 0800 45", 1},
	{"cooked, ARP", DLT_LINUX_SLL, "0000 0001 0006 0200000000010000 0806 45aa", 0},
	{"cooked, cut", DLT_LINUX_SLL, "0000 0001 0006 0200000000010000 08", 0},
	{"cooked 2", DLT_LINUX_SLL2, "86dd 0000 00000002 0001 00 06 0200000000010000 60aa", 2},
	{"cooked 2, tag", DLT_LINUX_SLL2,
	 "8100 0000 00000002 0001 00 06 0200000000010000 0005 0800 45", 1},
	{"cooked 2, cut", DLT_LINUX_SLL2, "0800 0000 00000002 0001 00 06 0200000000010000", 0},
	{"loopback", DLT_NULL, "02000000 45aa", 2},
	{"loopback, the other order", DLT_NULL, "0000001e 60aa", 2},
	{"loopback, not IP", DLT_NULL, "07000000 0102", 0},
	{"loopback, cut", DLT_NULL, "0200", 0},
	{"OpenBSD's loopback", DLT_LOOP, "00000002 45aa", 2},
	{"raw", DLT_RAW, "45", 1},
	{"raw, not IP", DLT_RAW, "55aa", 0},
	{"raw IPv4", DLT_IPV4, "45aa", 2},
	{"raw IPv6", DLT_IPV6, "60aa", 2},
	{"nothing at all", DLT_RAW, "", 0},
	{"802.2 SNAP", DLT_EN10MB, MACS "0040" SNAP "0800 45aa", 2},
	{"802.2 SNAP, 802.1H", DLT_EN10MB, MACS "0040 aaaa03 0000f8 86dd 60aa", 2},
	{"802.2 SNAP, Cisco's own", DLT_EN10MB, MACS "0040 aaaa03 00000c 2000 45aa", 0},
	{"802.2, IP's own point", DLT_EN10MB, MACS "0040 060603 45aa", 2},
	{"802.2, spanning tree", DLT_EN10MB, MACS "0040 424203 0000 0000", 0},
	{"PPPoE", DLT_EN10MB, MACS "8864 1100 0001 0016 0021 45aa", 2},
	{"PPPoE in VLAN", DLT_EN10MB, MACS "8100 0007 8864 1100 0001 0016 0057 60aa", 2},
	{"PPPoE, short protocol", DLT_EN10MB, MACS "8864 1100 0001 0016 21 45aa", 2},
	{"PPPoE, LCP", DLT_EN10MB, MACS "8864 1100 0001 0016 c021 4500", 0},
	{"PPPoE discovery", DLT_EN10MB, MACS "8864 1109 0000 0004 0101 0000", 0},
	{"PPPoE, cooked", DLT_LINUX_SLL,
	 "0000 0001 0006 0200000000010000 8864 1100 0001 0016 0021 45aa", 2},
	{"MPLS", DLT_EN10MB, MACS "8847 00010140 45aa", 2},
	{"MPLS, two labels", DLT_EN10MB, MACS "8847 00010040 00020140 60aa", 2},
	{"MPLS, multicast", DLT_EN10MB, MACS "8848 00010140 45aa", 2},
	{"MPLS, no bottom", DLT_EN10MB, MACS "8847 00010040", 0},
	{"MPLS, Ethernet behind a control word", DLT_EN10MB,
	 MACS "8847 00010140 00000000" MACS "0800 45aa", 2},
	{"QinQ, 9200 and 88a8", DLT_EN10MB, MACS "9200 0001 88a8 0002 9300 0003 0800 45aa", 2},
	{"802.1ah", DLT_EN10MB, MACS "88a8 0001 88e7 00000001" MACS "0800 45aa", 2},
	{"VN-Tag", DLT_EN10MB, MACS "8926 00000000 0800 45aa", 2},
	{"802.1BR", DLT_EN10MB, MACS "893f 000000000000 0800 45aa", 2},
	{"TrustSec", DLT_EN10MB, MACS "8909 010100010064 0800 45aa", 2},
	{"PPP", DLT_PPP, "ff03 0021 45aa", 2},
	{"PPP, compressed", DLT_PPP, "21 45aa", 2},
	{"PPP, IPv6", DLT_PPP, "0057 60aa", 2},
	{"PPP, MPLS", DLT_PPP, "ff03 0281 00010140 45aa", 2},
	{"PPP with direction", 204, "01 ff03 0021 45aa", 2},
	{"PPP in HDLC", DLT_PPP_SERIAL, "ff03 0021 45aa", 2},
	{"Cisco HDLC", DLT_C_HDLC, "0f00 0800 45aa", 2},
	{"PPPoE alone", DLT_PPP_ETHER, "1100 0001 0016 0021 45aa", 2},
	{"ATM", 100, SNAP "0800 45aa", 2},
	{"ENC", DLT_ENC, "00000002 00000001 00000000 45aa", 2},
	{"PFLOG", DLT_PFLOG,
	 "3d02 0000 00000000 00000000 00000000 00000000 00000000 00000000 00000000"
	 "00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 45aa",
	 2},
	{"PFLOG, shorter than any", DLT_PFLOG, "0402 0000 45aa", 0},
	{"NFLOG", DLT_NFLOG, "0200 0000 0800 0100 08000100 0700 0900 45aa", 2},
	{"NFLOG, the other order", DLT_NFLOG, "0200 0000 0008 0001 08000100 0006 0009 45aa", 2},
	{"NFLOG without a packet", DLT_NFLOG, "0200 0000 0800 0100 08000100", 0},
	{"802.11", DLT_IEEE802_11, "0801 0000" WLAN_ADDRESSES SNAP "0800 45aa", 2},
	{"802.11, QoS", DLT_IEEE802_11, "8801 0000" WLAN_ADDRESSES "0000" SNAP "0800 45aa", 2},
	{"802.11, four addresses", DLT_IEEE802_11,
	 "0803 0000" WLAN_ADDRESSES "020000000004" SNAP "0800 45aa", 2},
	{"802.11, aggregate", DLT_IEEE802_11,
	 "8801 0000" WLAN_ADDRESSES "8000" MACS "0010" SNAP "0800 45aa", 2},
	{"802.11, under a key", DLT_IEEE802_11, "0841 0000" WLAN_ADDRESSES SNAP "0800 45aa", 0},
	{"802.11, beacon", DLT_IEEE802_11, "8000 0000" WLAN_ADDRESSES SNAP "0800 45aa", 0},
	{"802.11, no data", DLT_IEEE802_11, "4801 0000" WLAN_ADDRESSES SNAP "0800 45aa", 0},
	{"radiotap", DLT_IEEE802_11_RADIO, RADIOTAP "0801 0000" WLAN_ADDRESSES SNAP "0800 45aa", 2},
	{"radiotap, padded header", DLT_IEEE802_11_RADIO,
	 "0000 0900 02000000 20 8801 0000" WLAN_ADDRESSES "0000 ffff" SNAP "0800 45aa", 2},
	{"radiotap, time before flags", DLT_IEEE802_11_RADIO,
	 "0000 1100 03000000 0000000000000000 20 8801 0000" WLAN_ADDRESSES "0000 ffff" SNAP
	 "0800 45aa",
	 2},
	{"PPI", DLT_PPI, "0000 0800 69000000 0801 0000" WLAN_ADDRESSES SNAP "0800 45aa", 2},
	{"AVS", DLT_IEEE802_11_RADIO_AVS,
	 "80211001 00000010 00000000 00000000 0801 0000" WLAN_ADDRESSES SNAP "0800 45aa", 2},
	{"DSA", 284, MACS "c0080000 0800 45aa", 2},
	{"EDSA", 285, MACS "dada 0000 c0080000 0800 45aa", 2},
	{"Broadcom tag", 281, MACS "00000001 86dd 60aa", 2},
	{"Broadcom tag before", 282, "00000001" MACS "0800 45aa", 2},
	{"MPLS alone", DLT_MPLS, "00010140 45aa", 2},
	{"PKTAP", 258, "0c000000 01000000 01000000" MACS "0800 45aa", 2},
	{"PKTAP in PKTAP", 258, "0c000000 01000000 02010000" MACS "0800 45aa", 0},
	{"cooked, 802.2", DLT_LINUX_SLL, "0000 0001 0006 0200000000010000 0004" SNAP "0800 45aa",
	 2},
	{"cooked, radiotap", DLT_LINUX_SLL,
	 "0000 0323 0006 0200000000010000 0019" RADIOTAP "0801 0000" WLAN_ADDRESSES SNAP
	 "0800 45aa",
	 2},
	{"no such link type", 147, "45aa", 0},
};

Test(layers, find_ip_behind_each_link_layer)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct packet packet = {.len = 0};
		const uint8_t *data;
		size_t at = 9999, found = 0;

		packet_put(&packet, cases[i].frame);
		data = guard_place(packet.bytes, packet.len);
		if (layers_find_ip(cases[i].link_type, data, packet.len, &at) == LAYERS_IP)
			found = packet.len - at;
		else
			cr_expect_eq(at, 9999, "%s", cases[i].name);
		cr_expect_eq(found, cases[i].len, "%s: %zu", cases[i].name, found);
		if (found > 1)
			cr_expect_eq(data[at + 1], 0xaa, "%s", cases[i].name);
	}
}

/* However short, nothing is read behind the end, and no IP is found where there is none. */
Test(layers, cut_at_every_byte)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct packet packet = {.len = 0};
		size_t at;

		packet_put(&packet, cases[i].frame);
		for (size_t len = 0; len < packet.len; len++) {
			const uint8_t *data = guard_place(packet.bytes, len);

			if (layers_find_ip(cases[i].link_type, data, len, &at) == LAYERS_IP)
				cr_expect_lt(at, len, "%s, %zu bytes", cases[i].name, len);
		}
	}
}

Test(layers, say_why_there_is_none)
{
	static const struct {
		int link_type;
		const char *frame;
		enum layers_result result;
	} reasons[] = {
		{DLT_EN10MB, MACS "0806 0001", LAYERS_NOT_IP},
		{DLT_EN10MB, MACS "0800", LAYERS_CUT},
		{DLT_IEEE802_11, "8000 0000" WLAN_ADDRESSES SNAP, LAYERS_NO_DATA},
		{DLT_IEEE802_11, "0841 0000" WLAN_ADDRESSES SNAP, LAYERS_ENCRYPTED},
		{147, "45aa", LAYERS_UNKNOWN_LINK},
	};
	size_t at;

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		struct packet packet = {.len = 0};

		packet_put(&packet, reasons[i].frame);
		cr_expect_eq(layers_find_ip(reasons[i].link_type, packet.bytes, packet.len, &at),
			     reasons[i].result, "%zu", i);
	}
	for (unsigned r = 0; r < LAYERS_RESULT_COUNT; r++)
		cr_expect_not_null(layers_result_name((enum layers_result)r));
	cr_expect_null(layers_result_name(LAYERS_RESULT_COUNT));
}

Test(layers, tags_without_end)
{
	struct packet packet = {.len = 0};
	size_t at;

	packet_put(&packet, MACS "8100");
	for (unsigned i = 0; i < 60; i++)
		packet_put(&packet, "0001 8100");
	packet_put(&packet, "0001 0800 45aa");
	cr_expect_eq(layers_find_ip(DLT_EN10MB, packet.bytes, packet.len, &at), LAYERS_DEPTH);
}
