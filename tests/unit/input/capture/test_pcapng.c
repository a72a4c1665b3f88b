/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Blocks put together by hand; each file is read whole, and cut at every byte. */
#include <criterion/criterion.h>
#include <string.h>

#include "guard.h"
#include "packet.h"
#include "input/capture/pcapng.h"

#define SECTION "0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 1c000000"
#define SECTION_BIG "0a0d0d0a 0000001c 1a2b3c4d 0001 0000 ffffffffffffffff 0000001c"
#define ETHERNET "01000000 14000000 0100 0000 00000000 14000000"
#define RAW_BIG "00000001 00000014 0065 0000 00000000 00000014"
/* if_tsresol 9: nanoseconds; if_tsoffset 14: 100 s; then the end. */
#define RAW_NANO                                                                                   \
	"01000000 2c000000 6500 0000 00000000 0900 0100 09000000 0e00 0800 6400000000000000 "      \
	"0000 0000 2c000000"
#define RAW_BINARY "01000000 1c000000 6500 0000 00000000 0900 0100 8a000000 1c000000"
#define ENHANCED(interface)                                                                        \
	"06000000 24000000" interface "00000000 40420f00 02000000 02000000 45aa0000 24000000"
#define ENHANCED_BIG                                                                               \
	"00000006 00000024 00000000 00000000 000f4240 00000002 00000002 45aa0000 00000024"
#define SIMPLE "03000000 14000000 02000000 45aa0000 14000000"
#define OLD "02000000 24000000 0000 0000 00000000 40420f00 02000000 02000000 45aa0000 24000000"
#define OTHER "04000000 10000000 00000000 10000000"

struct result {
	unsigned frames;
	enum format_result last;
	struct frame frame; /* the last one */
	struct text_error error;
};

static struct result read_file(const uint8_t *data, size_t len)
{
	static struct pcapng file;
	struct result result = {.frames = 0};
	struct format_step step;
	size_t at = 0;

	memset(&file, 0, sizeof(file));
	while (at <= len) {
		result.last = pcapng_step(&file, data + at, len - at, &result.error, &step);
		if (result.last == FORMAT_MORE || result.last == FORMAT_BAD)
			break;
		cr_assert_gt(step.used, 0);
		if (result.last == FORMAT_FRAME) {
			result.frames++;
			result.frame = step.frame;
			cr_assert_leq(step.frame.data + step.frame.len, data + len);
		}
		at += step.used;
	}
	return result;
}

static struct result read_hex(const char *hex)
{
	struct packet file = {.len = 0};

	packet_put(&file, hex);
	return read_file(guard_place(file.bytes, file.len), file.len);
}

Test(pcapng, packets_of_every_kind)
{
	static const struct {
		const char *name, *file;
		unsigned frames;
		int link_type;
		uint64_t time_ns;
	} cases[] = {
		{"enhanced", SECTION ETHERNET ENHANCED("00000000"), 1, 1, 1000000000},
		{"the other order", SECTION_BIG RAW_BIG ENHANCED_BIG, 1, 101, 1000000000},
		{"simple", SECTION ETHERNET SIMPLE, 1, 1, 0},
		{"simple, behind one with a time", SECTION ETHERNET ENHANCED("00000000") SIMPLE, 2,
		 1, 1000000000},
		{"old", SECTION ETHERNET OLD, 1, 1, 1000000000},
		{"second interface, nanoseconds, offset",
		 SECTION ETHERNET RAW_NANO ENHANCED("01000000"), 1, 101, 100001000000},
		{"a clock of 1/1024 s", SECTION RAW_BINARY ENHANCED("00000000"), 1, 101,
		 976562500000},
		{"other blocks", SECTION OTHER ETHERNET OTHER ENHANCED("00000000") OTHER, 1, 1,
		 1000000000},
		{"two sections of both orders",
		 SECTION ETHERNET ENHANCED("00000000") SECTION_BIG RAW_BIG ENHANCED_BIG, 2, 101,
		 1000000000},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct result result = read_hex(cases[i].file);

		cr_expect_eq(result.last, FORMAT_MORE, "%s: %s", cases[i].name, result.error.what);
		cr_assert_eq(result.frames, cases[i].frames, "%s", cases[i].name);
		cr_expect_eq(result.frame.link_type, cases[i].link_type, "%s", cases[i].name);
		cr_expect_eq(result.frame.time_ns, cases[i].time_ns, "%s: %llu", cases[i].name,
			     (unsigned long long)result.frame.time_ns);
		cr_expect_eq(result.frame.len, 2, "%s", cases[i].name);
	}
}

Test(pcapng, damage_is_told)
{
	static const struct {
		const char *file, *what;
	} cases[] = {
		{ETHERNET, "no section"},
		{"0a0d0d0a 1c000000 00000000 0100 0000 ffffffffffffffff 1c000000", "byte order"},
		{"0a0d0d0a 1c000000 4d3c2b1a 0200 0000 ffffffffffffffff 1c000000", "version"},
		{SECTION ENHANCED("00000000"), "interface that was not told"},
		{SECTION ETHERNET ENHANCED("01000000"), "interface that was not told"},
		{SECTION SIMPLE, "without interface"},
		{SECTION ETHERNET "06000000 0b000000", "length that cannot be"},
		{SECTION ETHERNET "06000000 00000000", "length that cannot be"},
		{SECTION ETHERNET "06000000 00000070", "longer than any"},
		{SECTION ETHERNET "06000000 10000000 00000000 10000000", "too short"},
		{SECTION ETHERNET "06000000 24000000 00000000 00000000 00000000 02000000 02000000 "
				  "45aa0000 28000000",
		 "lengths differ"},
		{SECTION ETHERNET "06000000 24000000 00000000 00000000 00000000 05000000 05000000 "
				  "45aa0000 24000000",
		 "longer than its block"},
		{SECTION "01000000 1c000000 6500 0000 00000000 0900 0100 14000000 1c000000",
		 "resolution"},
		{SECTION "01000000 10000000 00000000 10000000", "too short"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct result result = read_hex(cases[i].file);

		cr_expect_eq(result.last, FORMAT_BAD, "%s", cases[i].what);
		cr_expect(strstr(result.error.what, cases[i].what), "'%s', not '%s'",
			  result.error.what, cases[i].what);
	}
}

Test(pcapng, interfaces_have_a_bound)
{
	static struct pcapng file;
	struct packet section = {.len = 0}, interface = {.len = 0};
	struct format_step step;
	struct text_error error = {0};

	packet_put(&section, SECTION);
	packet_put(&interface, ETHERNET);
	cr_assert_eq(pcapng_step(&file, section.bytes, section.len, &error, &step), FORMAT_OTHER);
	for (unsigned i = 0; i < PCAPNG_INTERFACES_MAX; i++)
		cr_assert_eq(pcapng_step(&file, interface.bytes, interface.len, &error, &step),
			     FORMAT_OTHER);
	cr_expect_eq(pcapng_step(&file, interface.bytes, interface.len, &error, &step), FORMAT_BAD);
}

Test(pcapng, cut_at_every_byte)
{
	struct packet file = {.len = 0};

	packet_put(&file, SECTION ETHERNET RAW_NANO ENHANCED("01000000") SIMPLE OLD);
	for (size_t len = 0; len < file.len; len++) {
		struct result result = read_file(guard_place(file.bytes, len), len);

		cr_expect_neq(result.last, FORMAT_BAD, "%zu: %s", len, result.error.what);
		cr_expect_lt(result.frames, 3);
	}
}
