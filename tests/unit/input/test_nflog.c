/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages of NFLOG as the kernel writes them, and as it never would. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <endian.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <stdlib.h>
#include <string.h>

#include "input/nflog.h"

#define BYTES 2048

static struct addr addr_of(const char *text)
{
	struct addr addr;

	cr_assert_eq(addr_parse(text, &addr), 0);
	return addr;
}

/* An answer with data from port 443 to port 40000: PSH and ACK, acknowledging 0x01020304. */
static size_t make_packet(bool is_v6, uint8_t packet[64])
{
	struct addr server = addr_of(is_v6 ? "2001:db8:2::2" : "10.0.0.2");
	struct addr client = addr_of(is_v6 ? "2001:db8:1::7" : "192.0.2.1");
	size_t head = is_v6 ? 40 : 20;
	uint8_t *tcp = packet + head;

	memset(packet, 0, 64);
	packet[0] = is_v6 ? 0x60 : 0x45;
	packet[is_v6 ? 6 : 9] = IPPROTO_TCP;
	memcpy(packet + (is_v6 ? 8 : 12), server.bytes + (is_v6 ? 0 : 12), is_v6 ? 16 : 4);
	memcpy(packet + (is_v6 ? 24 : 16), client.bytes + (is_v6 ? 0 : 12), is_v6 ? 16 : 4);
	memcpy(tcp, "\x01\xbb\x9c\x40\0\0\0\7\1\2\3\4\x50\x18", 14);
	return head + 20;
}

static void put_tuple(struct nlmsghdr *nlh)
{
	struct nlattr *ct = mnl_attr_nest_start(nlh, NFULA_CT);
	struct nlattr *tuple = mnl_attr_nest_start(nlh, CTA_TUPLE_ORIG);
	struct nlattr *part = mnl_attr_nest_start(nlh, CTA_TUPLE_IP);

	mnl_attr_put_u32(nlh, CTA_IP_V4_SRC, inet_addr("198.51.100.7"));
	mnl_attr_put_u32(nlh, CTA_IP_V4_DST, inet_addr("203.0.113.2"));
	mnl_attr_nest_end(nlh, part);
	part = mnl_attr_nest_start(nlh, CTA_TUPLE_PROTO);
	mnl_attr_put_u8(nlh, CTA_PROTO_NUM, IPPROTO_TCP);
	mnl_attr_put_u16(nlh, CTA_PROTO_SRC_PORT, htons(50000));
	mnl_attr_put_u16(nlh, CTA_PROTO_DST_PORT, htons(8080));
	mnl_attr_nest_end(nlh, part);
	mnl_attr_nest_end(nlh, tuple);
	mnl_attr_nest_end(nlh, ct);
}

static struct nlmsghdr *begin(char *buf)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET;
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct nfgenmsg));
	return nlh;
}

static const struct nlmsghdr *make(char *buf, bool has_ct, bool has_packet, bool is_v6)
{
	struct nlmsghdr *nlh = begin(buf);
	uint8_t packet[64];

	if (has_ct)
		put_tuple(nlh);
	if (has_packet)
		mnl_attr_put(nlh, NFULA_PAYLOAD, make_packet(is_v6, packet), packet);
	mnl_attr_put_u32(nlh, NFULA_SEQ, htonl(77));
	return nlh;
}

static void expect(const struct nflog_event *event, const char *client, uint16_t port,
		   const char *server, uint16_t server_port)
{
	struct addr a = addr_of(client), b = addr_of(server);

	cr_expect(addr_equal(&event->client, &a), "not %s", client);
	cr_expect(addr_equal(&event->server, &b), "not %s", server);
	cr_expect_eq(event->client_port, port);
	cr_expect_eq(event->server_port, server_port);
}

Test(nflog, conntrack_says_whose_connection_it_is)
{
	_Alignas(8) char buf[BYTES];
	const struct nlmsghdr *nlh = make(buf, true, true, false);
	struct nflog_event event;
	uint32_t seq = 0;

	cr_assert_eq(nflog_parse(nlh, nlh->nlmsg_len, &event, &seq), 0);
	expect(&event, "198.51.100.7", 50000, "203.0.113.2", 8080);
	cr_expect(event.has_original && event.has_ack);
	cr_expect_eq(event.ack, 0x01020304);
	cr_expect_eq(seq, 77);
}

Test(nflog, without_it_the_answer_does)
{
	_Alignas(8) char buf[BYTES];
	const struct nlmsghdr *nlh = make(buf, false, true, false);
	struct nflog_event event;
	uint32_t seq = 0;

	cr_assert_eq(nflog_parse(nlh, nlh->nlmsg_len, &event, &seq), 0);
	expect(&event, "192.0.2.1", 40000, "10.0.0.2", 443);
	cr_expect(!event.has_original && event.has_ack);
	nlh = make(buf, false, true, true);
	cr_assert_eq(nflog_parse(nlh, nlh->nlmsg_len, &event, &seq), 0);
	expect(&event, "2001:db8:1::7", 40000, "2001:db8:2::2", 443);
	nlh = make(buf, true, false, false);
	cr_assert_eq(nflog_parse(nlh, nlh->nlmsg_len, &event, &seq), 0);
	cr_expect(event.has_original && !event.has_ack, "a packet that was cut off");
}

Test(nflog, what_is_none_is_refused)
{
	_Alignas(8) char buf[BYTES];
	struct nlmsghdr *nlh = begin(buf);
	struct nflog_event event;
	uint8_t packet[64];
	uint32_t seq;

	cr_expect_eq(nflog_parse(nlh, nlh->nlmsg_len, &event, &seq), -EINVAL, "nothing in it");
	make_packet(false, packet);
	packet[9] = IPPROTO_UDP;
	mnl_attr_put(nlh, NFULA_PAYLOAD, 40, packet);
	cr_expect_eq(nflog_parse(nlh, nlh->nlmsg_len, &event, &seq), -EINVAL, "no TCP");
	nlh->nlmsg_type = NFNL_SUBSYS_QUEUE << 8;
	cr_expect_eq(nflog_parse(nlh, nlh->nlmsg_len, &event, &seq), -EINVAL, "of a queue");
}

/* A copy is the packet as it came, with the time that the kernel says; of what goes out it says none. */
Test(nflog, copies)
{
	const struct nfulnl_msg_packet_timestamp stamp = {htobe64(1700000000), htobe64(123456)};
	_Alignas(8) char buf[BYTES];
	struct nlmsghdr *nlh = begin(buf);
	struct nflog_copy copy = {.len = 0};
	uint8_t packet[64];
	uint32_t seq = 0;

	mnl_attr_put_u32(nlh, NFULA_SEQ, htonl(77));
	cr_expect_eq(nflog_parse_copy(nlh, nlh->nlmsg_len, &copy, &seq), -EINVAL, "no packet");
	cr_expect_eq(seq, 77, "it is counted all the same");
	mnl_attr_put(nlh, NFULA_PAYLOAD, make_packet(true, packet), packet);
	cr_assert_eq(nflog_parse_copy(nlh, nlh->nlmsg_len, &copy, &seq), 0);
	cr_expect_eq(copy.time_ns, 0);
	cr_expect_eq(copy.len, 60);
	cr_expect_eq(memcmp(copy.bytes, packet, copy.len), 0);
	mnl_attr_put(nlh, NFULA_TIMESTAMP, sizeof(stamp), &stamp);
	cr_assert_eq(nflog_parse_copy(nlh, nlh->nlmsg_len, &copy, &seq), 0);
	cr_expect_eq(copy.time_ns, 1700000000123456000);
	nlh->nlmsg_type = NFNL_SUBSYS_QUEUE << 8;
	cr_expect_eq(nflog_parse_copy(nlh, nlh->nlmsg_len, &copy, &seq), -EINVAL, "of a queue");
}

/* Cut at any byte, and with any one byte changed, it is read within its bounds. */
Test(nflog, damaged_messages_are_read_within_their_bounds)
{
	_Alignas(8) char buf[BYTES];
	const struct nlmsghdr *nlh = make(buf, true, true, true);
	size_t len = nlh->nlmsg_len;
	struct nflog_event event;
	struct nflog_copy whole;
	uint32_t seq;

	for (size_t cut = 0; cut <= len; cut++) {
		char *copy = malloc(cut ? cut : 1);

		memcpy(copy, buf, cut);
		if (cut >= sizeof(uint32_t))
			memcpy(copy, &(uint32_t){(uint32_t)cut}, sizeof(uint32_t));
		nflog_parse(copy, cut, &event, &seq);
		nflog_parse_copy(copy, cut, &whole, &seq);
		free(copy);
	}
	for (size_t at = 4; at < len; at++)
		for (unsigned value = 0; value < 256; value += 5) {
			char *copy = malloc(len);

			memcpy(copy, buf, len);
			copy[at] = (char)value;
			nflog_parse(copy, len, &event, &seq);
			free(copy);
		}
}
