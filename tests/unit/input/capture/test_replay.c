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

#include "input/capture/replay.h"
#include "packet.h"

static char path[160];
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

static struct replay_error error;

static int open_path(const char *name, struct replay **ret_replay)
{
	struct replay_params params = {.paths = &name, .count = 1};

	return replay_open(&params, &error, ret_replay);
}

static struct replay *must_open(void)
{
	struct replay *replay = NULL;

	cr_assert_eq(open_path(path, &replay), 0, "%s", error.text.what);
	return replay;
}

Test(replay, packets_with_their_times)
{
	static const uint8_t v4[] = "\x45\x11", v6[] = "\x60\x22\x33";
	struct frame packet;
	struct replay *replay;

	begin(DLT_RAW);
	put_bytes(v4, 2, 1700000000, 7999);
	put_bytes(v6, 3, 1700000001, 999999);
	end();
	replay = must_open();
	cr_assert_eq(replay_next(replay, &error, &packet), 1);
	cr_expect_eq(packet.time_ns, UINT64_C(1700000000007999000));
	cr_expect_eq(packet.len, 2);
	cr_expect_arr_eq(packet.data, v4, 2);
	cr_assert_eq(replay_next(replay, &error, &packet), 1);
	cr_expect_eq(packet.time_ns, UINT64_C(1700000001999999000));
	cr_expect_eq(packet.len, 3);
	cr_expect_arr_eq(packet.data, v6, 3);
	cr_expect_eq(replay_next(replay, &error, &packet), 0);
	cr_expect_eq(replay_next(replay, &error, &packet), 0, "and so it stays");
	cr_expect_eq(replay_progress(replay), 100);
	replay_close(replay);
}

/* The seconds of a pcap file are unsigned: it lasts until 2106. */
Test(replay, times_behind_2038)
{
	struct frame packet;
	struct replay *replay;

	begin(DLT_RAW);
	put_bytes("\x45", 1, 0x80000000L, 1000);
	put_bytes("\x45", 1, 0xffffffffL, 999999);
	end();
	replay = must_open();
	cr_assert_eq(replay_next(replay, &error, &packet), 1);
	cr_expect_eq(packet.time_ns, UINT64_C(2147483648001000000));
	cr_assert_eq(replay_next(replay, &error, &packet), 1);
	cr_expect_eq(packet.time_ns, UINT64_C(4294967295999999000));
	replay_close(replay);
}

Test(replay, refuses_what_is_no_capture)
{
	struct replay *replay = NULL;
	FILE *file = fopen(path, "w");

	fputs("Just words, more than a capture's header has bytes.", file);
	fclose(file);
	cr_expect_eq(open_path(path, &replay), -EINVAL);
	cr_expect_str_eq(error.path, path);
	cr_expect(strstr(error.text.what, "cannot read it as a capture"), "%s", error.text.what);
	cr_expect_eq(open_path("/nonexistent/file", &replay), -ENOENT);
	cr_expect_str_eq(error.text.what, "No such file or directory");
	cr_expect_null(replay);
	replay_close(NULL);
}

Test(replay, says_where_it_is_cut_off)
{
	struct frame packet;
	struct replay *replay;

	begin(DLT_RAW);
	put_hex("45000000");
	put_hex("55000000");
	put_hex("45000001");
	end();
	cr_assert_eq(truncate(path, 24 + 2 * 20 + 16 + 3), 0);
	replay = must_open();
	cr_assert_eq(replay_next(replay, &error, &packet), 1);
	cr_assert_eq(replay_next(replay, &error, &packet), 1);
	cr_expect_eq(replay_next(replay, &error, &packet), -EIO);
	cr_expect(strstr(error.text.what, "packet 2"), "%s", error.text.what);
	cr_expect(strstr(error.text.what, "cut off"), "%s", error.text.what);
	replay_close(replay);
}

Test(replay, standard_input)
{
	struct frame packet;
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
	cr_assert_eq(open_path("-", &replay), 0, "%s", error.text.what);
	cr_expect_eq(replay_progress(replay), -1);
	cr_expect_eq(replay_next(replay, &error, &packet), 1);
	cr_expect_eq(replay_next(replay, &error, &packet), 0);
	replay_close(replay);
}

Test(replay, progress_goes_up)
{
	int last = 0, now;
	struct frame packet;
	struct replay *replay;
	uint8_t big[30000] = "\x45";

	begin(DLT_RAW);
	for (unsigned i = 0; i < 20; i++)
		put_bytes(big, sizeof(big), 1, 0);
	end();
	replay = must_open();
	while (replay_next(replay, &error, &packet) == 1) {
		now = replay_progress(replay);
		cr_expect_geq(now, last);
		cr_expect_leq(now, 100);
		last = now;
	}
	cr_expect_eq(last, 100);
	replay_close(replay);
}

/* ---- several files ---- */

static char folder[64];

static void folder_begin(void)
{
	strcpy(folder, "/tmp/synprint-replay-XXXXXX");
	cr_assert_not_null(mkdtemp(folder));
}

/* A file of three packets, @step seconds apart; the first byte says which file it was. */
static void put_file(const char *name, long begin_s, long step_s, uint8_t mark)
{
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	begin(DLT_RAW);
	for (long i = 0; i < 3; i++)
		put_bytes(&mark, 1, begin_s + i * step_s, 0);
	end();
}

static void put_link(const char *name, const char *to)
{
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	cr_assert_eq(symlink(to, path), 0);
}

static void read_marks(struct replay *replay, char *marks)
{
	struct frame frame;
	uint64_t last_ns = 0;

	while (replay_next(replay, &error, &frame) == 1) {
		cr_expect_geq(frame.time_ns, last_ns);
		last_ns = frame.time_ns;
		*marks++ = (char)frame.data[0];
	}
	*marks = '\0';
}

Test(replay, files_of_a_folder_in_the_order_of_time)
{
	const char *name = folder;
	struct replay_params params = {.paths = &name, .count = 1};
	struct replay *replay;
	char marks[32];
	FILE *file;

	unlink(path);
	folder_begin();
	put_file("a", 2000, 10, 'A'); /* alone, and last */
	put_file("b", 1000, 10, 'B'); /* 1000, 1010, 1020 */
	put_file("c", 1005, 10, 'C'); /* 1005, 1015, 1025 */
	snprintf(path, sizeof(path), "%s/notes", folder);
	file = fopen(path, "w");
	fputs("These are only words.", file);
	fclose(file);
	/* Another name for a file, and ways that lead round or nowhere. */
	put_link("latest", "b");
	put_link("self", ".");
	put_link("gone", "nobody");
	cr_assert_eq(replay_open(&params, &error, &replay), 0, "%s", error.text.what);
	cr_expect_eq(replay_passed(replay), 3);
	read_marks(replay, marks);
	cr_expect_str_eq(marks, "BCBCBCAAA");
	replay_close(replay);
	for (const char *at = "a\0b\0c\0notes\0latest\0self\0gone\0"; *at; at += strlen(at) + 1) {
		snprintf(path, sizeof(path), "%s/%s", folder, at);
		unlink(path);
	}
	rmdir(folder);
}

Test(replay, a_damaged_file_does_not_stop_the_others)
{
	char first[160], second[160];
	const char *names[] = {first, second};
	struct replay_params params = {.paths = names, .count = 2};
	struct frame frame;
	struct replay *replay;

	unlink(path);
	folder_begin();
	put_file("a", 1000, 10, 'A');
	cr_assert_eq(truncate(path, 24 + 17 + 5), 0);
	strcpy(first, path);
	put_file("b", 1005, 10, 'B');
	strcpy(second, path);
	cr_assert_eq(replay_open(&params, &error, &replay), 0, "%s", error.text.what);
	cr_expect_eq(replay_next(replay, &error, &frame), 1);
	cr_expect_eq(frame.data[0], 'A');
	cr_expect_eq(replay_next(replay, &error, &frame), -EIO);
	cr_expect_str_eq(error.path, first);
	for (unsigned i = 0; i < 3; i++) {
		cr_assert_eq(replay_next(replay, &error, &frame), 1);
		cr_expect_eq(frame.data[0], 'B');
	}
	cr_expect_eq(replay_next(replay, &error, &frame), 0);
	replay_close(replay);
	unlink(first);
	unlink(second);
	rmdir(folder);
}

/* Half a record, then the rest, then one more. */
Test(replay, follows_a_file_that_grows)
{
	const char *name = path;
	struct replay_params params = {.paths = &name, .count = 1, .follows = true};
	struct replay *replay;
	struct frame frame;
	uint8_t bytes[128];
	ssize_t len;
	int fd;

	begin(DLT_RAW);
	put_hex("45aa");
	put_hex("45bb");
	end();
	fd = open(path, O_RDWR);
	len = read(fd, bytes, sizeof(bytes));
	cr_assert_eq(len, 24 + 18 + 18);
	cr_assert_eq(ftruncate(fd, 0), 0);
	cr_assert_eq(replay_open(&params, &error, &replay), 0, "%s", error.text.what);
	cr_expect_eq(replay_next(replay, &error, &frame), 0, "empty as yet");
	for (ssize_t at = 0; at < len; at++) {
		bool is_whole = at + 1 == 24 + 18 || at + 1 == len;

		cr_assert_eq(pwrite(fd, bytes + at, 1, at), 1);
		cr_expect_eq(replay_next(replay, &error, &frame), is_whole, "byte %zd", at);
	}
	cr_expect_eq(frame.data[1], 0xbb);
	replay_close(replay);
	close(fd);
}

Test(replay, a_file_that_is_cut_while_it_is_followed_ends_there)
{
	const char *name = path;
	struct replay_params params = {.paths = &name, .count = 1, .follows = true};
	struct replay *replay;
	struct frame frame;

	begin(DLT_RAW);
	put_hex("45aa");
	put_hex("45bb");
	end();
	cr_assert_eq(replay_open(&params, &error, &replay), 0, "%s", error.text.what);
	cr_expect_eq(replay_next(replay, &error, &frame), 1);
	cr_expect_eq(replay_next(replay, &error, &frame), 1);
	cr_expect_eq(replay_next(replay, &error, &frame), 0);
	begin(DLT_RAW);
	put_hex("45cc");
	end();
	cr_expect_eq(replay_next(replay, &error, &frame), -EIO);
	cr_expect_str_eq(error.text.what, "behind packet 2: somebody cut it while it was read");
	replay_close(replay);
}
