/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tests/golden compares with tcpdump is not repeated here: this is about the edges. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "input/replay.h"
#include "packet.h"

static char path[64];
static pcap_t *dead;
static pcap_dumper_t *dumper;

static void setup(void)
{
	int fd;

	strcpy(path, "/tmp/synprint-replay-XXXXXX");
	fd = mkstemp(path);
	cr_assert_geq(fd, 0);
	close(fd);
}

static void teardown(void)
{
	unlink(path);
}

TestSuite(replay, .init = setup, .fini = teardown);

static void begin(int link_type)
{
	dead = pcap_open_dead(link_type, 65535);
	dumper = pcap_dump_open(dead, path);
	cr_assert_not_null(dumper);
}

static void put_bytes(const void *bytes, size_t len, long time_s, long time_us)
{
	struct pcap_pkthdr header = {.ts = {.tv_sec = time_s, .tv_usec = time_us},
				     .caplen = (bpf_u_int32)len,
				     .len = (bpf_u_int32)len};

	pcap_dump((u_char *)dumper, &header, bytes);
}

static void put_hex(const char *hex)
{
	struct packet packet = {.len = 0};

	packet_put(&packet, hex);
	put_bytes(packet.bytes, packet.len, 1, 0);
}

static void end(void)
{
	pcap_dump_close(dumper);
	pcap_close(dead);
}

static struct replay *must_open(void)
{
	struct text_error error = {0};
	struct replay *replay = NULL;

	cr_assert_eq(replay_open(path, &error, &replay), 0, "%s", error.what);
	return replay;
}

Test(replay, packets_with_their_times)
{
	static const uint8_t v4[] = "\x45\x11", v6[] = "\x60\x22\x33";
	struct replay_packet packet;
	struct replay *replay;

	begin(DLT_RAW);
	put_bytes(v4, 2, 1700000000, 7999);
	put_bytes(v6, 3, 1700000001, 999999);
	end();
	replay = must_open();
	cr_assert_eq(replay_next(replay, NULL, &packet), 1);
	cr_expect_eq(packet.now_ms, UINT64_C(1700000000007));
	cr_expect_eq(packet.len, 2);
	cr_expect_arr_eq(packet.data, v4, 2);
	cr_assert_eq(replay_next(replay, NULL, &packet), 1);
	cr_expect_eq(packet.now_ms, UINT64_C(1700000001999));
	cr_expect_eq(packet.len, 3);
	cr_expect_arr_eq(packet.data, v6, 3);
	cr_expect_eq(replay_next(replay, NULL, &packet), 0);
	cr_expect_eq(replay_next(replay, NULL, &packet), 0, "and so it stays");
	cr_expect_eq(replay_progress(replay), 100);
	replay_close(replay);
}

/* The seconds of a pcap file are unsigned: it lasts until 2106. */
Test(replay, times_behind_2038)
{
	struct replay_packet packet;
	struct replay *replay;

	begin(DLT_RAW);
	put_bytes("\x45", 1, 0x80000000L, 1000);
	put_bytes("\x45", 1, 0xffffffffL, 999999);
	end();
	replay = must_open();
	cr_assert_eq(replay_next(replay, NULL, &packet), 1);
	cr_expect_eq(packet.now_ms, UINT64_C(2147483648001));
	cr_assert_eq(replay_next(replay, NULL, &packet), 1);
	cr_expect_eq(packet.now_ms, UINT64_C(4294967295999));
	replay_close(replay);
}

#define MACS "020000000001 020000000002"

Test(replay, finds_ip_behind_the_link_layer)
{
	static const struct {
		const char *name;
		int link_type;
		const char *frame;
		size_t len; /* of the IP packet; 0: passed over */
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
		{"cooked, tag", DLT_LINUX_SLL, "0000 0001 0006 0200000000010000 8100 0005 0800 45",
		 1},
		{"cooked, ARP", DLT_LINUX_SLL, "0000 0001 0006 0200000000010000 0806 45aa", 0},
		{"cooked, cut", DLT_LINUX_SLL, "0000 0001 0006 0200000000010000 08", 0},
		{"cooked 2", DLT_LINUX_SLL2, "86dd 0000 00000002 0001 00 06 0200000000010000 60aa",
		 2},
		{"cooked 2, tag", DLT_LINUX_SLL2,
		 "8100 0000 00000002 0001 00 06 0200000000010000 0005 0800 45", 1},
		{"cooked 2, cut", DLT_LINUX_SLL2, "0800 0000 00000002 0001 00 06 0200000000010000",
		 0},
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
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct replay_packet packet = {.len = 0};
		struct replay *replay;

		begin(cases[i].link_type);
		put_hex(cases[i].frame);
		end();
		replay = must_open();
		cr_expect_eq(replay_next(replay, NULL, &packet), cases[i].len ? 1 : 0, "%s",
			     cases[i].name);
		cr_expect_eq(packet.len, cases[i].len, "%s: %zu", cases[i].name, packet.len);
		if (packet.len > 1)
			cr_expect_eq(packet.data[1], 0xaa, "%s", cases[i].name);
		replay_close(replay);
	}
}

/* libpcap writes only one of them, so the number in the file's header is changed afterwards. */
Test(replay, raw_ip_by_each_of_its_numbers)
{
	static const uint32_t numbers[] = {12, 14, 101};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct replay_packet packet = {.len = 0};
		struct replay *replay;
		int fd;

		begin(DLT_RAW);
		put_hex("45aa");
		end();
		fd = open(path, O_WRONLY);
		cr_assert_eq(pwrite(fd, &numbers[i], 4, 20), 4);
		close(fd);
		replay = must_open();
		cr_expect_eq(replay_next(replay, NULL, &packet), 1, "%u", numbers[i]);
		cr_expect_eq(packet.len, 2, "%u", numbers[i]);
		replay_close(replay);
	}
}

Test(replay, refuses_other_link_types_by_name)
{
	struct text_error error = {0};
	struct replay *replay = NULL;

	begin(DLT_IEEE802_11);
	end();
	cr_expect_eq(replay_open(path, &error, &replay), -EINVAL);
	cr_expect_null(replay);
	cr_expect(strstr(error.what, "IEEE802_11 (105)"), "%s", error.what);
	begin(DLT_USER0);
	end();
	cr_expect_eq(replay_open(path, NULL, &replay), -EINVAL);
}

Test(replay, refuses_what_is_no_capture)
{
	struct text_error error = {0};
	struct replay *replay = NULL;
	FILE *file = fopen(path, "w");

	fputs("Just words, more than a capture's header has bytes.", file);
	fclose(file);
	cr_expect_eq(replay_open(path, &error, &replay), -EINVAL);
	cr_expect(strstr(error.what, "cannot read it as a capture"), "%s", error.what);
	cr_expect_eq(replay_open("/nonexistent/file", &error, &replay), -EINVAL);
	cr_expect_str_eq(error.what, "cannot read it as a capture: No such file or directory");
	cr_expect_eq(replay_open("/tmp", &error, &replay), -EINVAL);
	cr_expect_null(replay);
	replay_close(NULL);
}

Test(replay, says_where_it_is_cut_off)
{
	struct text_error error = {0};
	struct replay_packet packet;
	struct replay *replay;

	begin(DLT_RAW);
	put_hex("45000000");
	put_hex("55000000"); /* counted, though passed over */
	put_hex("45000001");
	end();
	cr_assert_eq(truncate(path, 24 + 2 * 20 + 16 + 3), 0);
	replay = must_open();
	cr_assert_eq(replay_next(replay, &error, &packet), 1);
	cr_expect_eq(replay_next(replay, &error, &packet), -EIO);
	cr_expect(strstr(error.what, "packet 2"), "%s", error.what);
	cr_expect(strstr(error.what, "truncated"), "%s", error.what);
	replay_close(replay);
}

Test(replay, standard_input)
{
	struct text_error error = {0};
	struct replay_packet packet;
	struct replay *replay;
	int fd, pipe_fds[2];
	char data[256];
	ssize_t len;

	begin(DLT_RAW);
	put_hex("45aa");
	end();
	fd = open(path, O_RDONLY);
	len = read(fd, data, sizeof(data));
	close(fd);
	cr_assert_gt(len, 0);
	cr_assert_eq(pipe(pipe_fds), 0);
	cr_assert_eq(write(pipe_fds[1], data, (size_t)len), len);
	close(pipe_fds[1]);
	cr_assert_eq(dup2(pipe_fds[0], STDIN_FILENO), STDIN_FILENO);
	cr_assert_eq(replay_open("-", &error, &replay), 0, "%s", error.what);
	cr_expect_eq(replay_progress(replay), -1);
	cr_expect_eq(replay_next(replay, &error, &packet), 1);
	cr_expect_eq(replay_next(replay, &error, &packet), 0);
	replay_close(replay);
}

Test(replay, progress_goes_up)
{
	int last = 0, now;
	struct replay_packet packet;
	struct replay *replay;
	uint8_t big[30000] = "\x45";

	begin(DLT_RAW);
	for (unsigned i = 0; i < 20; i++)
		put_bytes(big, sizeof(big), 1, 0);
	end();
	replay = must_open();
	while (replay_next(replay, NULL, &packet) == 1) {
		now = replay_progress(replay);
		cr_expect_geq(now, last);
		cr_expect_leq(now, 100);
		last = now;
	}
	cr_expect_eq(last, 100);
	replay_close(replay);
}
