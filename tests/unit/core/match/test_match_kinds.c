/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kinds of systems that were once called something else: a SYN of each, put together from what its
 * stack sends, and what the shipped database has to say of it.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "packet.h"
#include "shipped_db.h"
#include "core/match/match.h"

static struct vocab *vocab;
static struct sigdb *db;

static void setup(void)
{
	vocab = vocab_new();
	db = shipped_db_load(vocab);
}

static void teardown(void)
{
	sigdb_free(db);
	vocab_free(vocab);
}

TestSuite(match_kinds, .init = setup, .fini = teardown);

static struct match match_hex(const char *hex)
{
	struct packet packet = {.len = 0};
	struct match match;
	struct syn syn;

	packet_put(&packet, hex);
	cr_assert_eq(syn_parse(packet.bytes, packet.len, &syn), SYN_OK, "%s", hex);
	match_syn(db, &syn, &match);
	return match;
}

static const char *class_of(const struct match *match)
{
	return vocab_text(vocab, VOCAB_CLASS, match->class_id);
}

Test(match_kinds, are_what_they_are)
{
	static const struct {
		const char *name, *hex, *class;
		float least;
	} cases[] = {
		{"Android, scale 9",
		 "4500003c4a31400034060000c6336409c00002019c4100507f3a9c2100000000"
		 "a002ffff00000000020405780402080a1a2b3c4d0000000001030309",
		 "Android", 0.8f},
		{"Android, scale 11",
		 "4500003c4a31400034060000c6336409c00002019c4100507f3a9c2100000000"
		 "a002ffff00000000020405780402080a1a2b3c4d000000000103030b",
		 "Android", 0.6f},
		{"embedded Linux",
		 "4500003c4a3140003d060000c6336409c00002019c4100507f3a9c2100000000"
		 "a00216d000000000020405ac0402080a1a2b3c4d0000000001030301",
		 "Linux", 0.8f},
		{"Linux 6.16",
		 "4500003c4a31400037060000c6336409c00002019c4100507f3a9c2100000000"
		 "a002faf000000000020405b40402080a1a2b3c4d000000000103030a",
		 "Linux", 0.6f},
		{"Linux, second subflow",
		 "450000484a31400037060000c6336409c00002019c4100507f3a9c2100000000"
		 "d002faf000000000020405b40402080a1a2b3c4d000000000103030a1e0c0101"
		 "0101010101010101",
		 "Linux", 0.8f},
		{"Apple with AccECN",
		 "45000040000040003a060000c6336409c00002019c4100507f3a9c2100000000"
		 "b1c2ffff0000000002040578010303060101080a1a2b3c4d0000000004020000",
		 "iOS", 0.5f},
		{"Apple with multipath TCP, ECN",
		 "45000044000040003a060000c6336409c00002019c4100507f3a9c2100000000"
		 "c0c2ffff0000000002040578010303051e0401010101080a1a2b3c4d00000000"
		 "04020000",
		 "iOS", 0.5f},
		{"FreeBSD 6",
		 "450000404a31400032060000c6336409c00002019c4100507f3a9c2100000000"
		 "b002ffff00000000020405ac010303010101080a1a2b3c4d0000000004020000",
		 "FreeBSD", 0.5f},
		{"PlayStation Vita",
		 "45000040000940003c060000c6336409c00002019c4100507f3a9c2100000000"
		 "b002ffff00000000020405b401030300040201010101080a0000000000000000",
		 "PlayStation", 0.8f},
		{"PlayStation 2",
		 "4500002c4a3140003c060000c6336409c00002019c4100507f3a9c2100000000"
		 "60027d7800000000020405b4",
		 "PlayStation", 0.5f},
		{"Siemens station",
		 "4500002c4a3100001c060000c6336409c00002019c4100507f3a9c2100000000"
		 "6002100000000000020405b4",
		 "device", 0.8f},
		{"lwIP of an ESP",
		 "4500002c4a310000fe060000c6336409c00002019c4100507f3a9c2100000000"
		 "60021670000000000204059c",
		 "lwIP", 0.8f},
		{"network processor",
		 "450000304a31000078060000c6336409c00002019c4100507f3a9c2100000000"
		 "7002832c00000000020405b401010100",
		 "device", 0.8f},
		{"an appliance",
		 "4500002c4a310000fa060000c6336409c00002019c4100507f3a9c2100000000"
		 "60020bb800000000020405b4",
		 "device", 0.3f},
		{"BIG-IP",
		 "4500003c4a314000f6060000c6336409c00002019c4100507f3a9c2100000000"
		 "a002106800000000020405780101080a1a2b3c4d0000000004020000",
		 "BIG-IP", 0.8f},
		{"zmap 4",
		 "450000344a310000ee060000c6336409c00002019c4100507f3a9c2100000000"
		 "8002ffff00000000020405b40103030801010402",
		 "zmap", 0.8f},
		{"zmap 4 as BSD",
		 "450000404a310000ee060000c6336409c00002019c4100507f3a9c2100000000"
		 "b002ffff00000000020405b4010303060101080a1a2b3c4d0000000004020000",
		 "zmap", 0.8f},
		{"zmap 4, smallest",
		 "4500002c4a310000ee060000c6336409c00002019c4100507f3a9c2100000000"
		 "6002ffff00000000020405b4",
		 "zmap", 0.6f},
		{"naabu",
		 "4500002c4a3140002f060000c6336409c00002019c4100507f3a9c2100000000"
		 "6002040000000000020405b4",
		 "naabu", 0.8f},
		{"iPhone on LTE",
		 "450000400000400031060000c6336409c00002019c4101bb7f3a9c2100000000"
		 "b002ffff0000000002040582010303060101080a1a2b3c4d0000000004020000",
		 "iOS", 0.8f},
		{"iPhone on LTE, IPv6",
		 "60012345002c063020010db800000000000000000000000920010db800000000"
		 "00000000000000019c4101bb7f3a9c2100000000b0c2ffff000000000204056e"
		 "010303050101080a1a2b3c4d0000000004020000",
		 "iOS", 0.8f},
		{"nmap from behind PPPoE",
		 "4500002c4a31000029060000c6336409c00002019c4100507f3a9c2100000000"
		 "6002040000000000020405ac",
		 "nmap", 0.8f},
		{"OpenVAS",
		 "450000284a31000039060000c6336409c00002019c4100507f3a9c2100000000"
		 "5002001000000000",
		 "OpenVAS", 0.8f},
		{"OpenVAS over IPv6",
		 "600000000014063720010db800000000000000000000000920010db800000000"
		 "00000000000000019c4100507f3a9c214a31c0de5002168000000000",
		 "OpenVAS", 0.8f},
		{"nping",
		 "450000284a31000039060000c6336409c00002019c4100507f3a9c2100000000"
		 "500205c800000000",
		 "nping", 0.8f},
		{"hping with a window",
		 "450000284a31000039060000c6336409c00002019c4100507f3a9c210000004d"
		 "500204d200000000",
		 "hping", 0.55f},
		{"Linux, signed (AO)",
		 "4500004c303940003c060000c6336409c00002019c4001bb1122334400000000"
		 "e002faf0000000001d106464000000000000000000000000020405b40402080a"
		 "000003e80000000001030307",
		 "Linux", 0.8f},
		{"Linux, signed (MD5), without scaling",
		 "45000044303940003c060000c6336409c00002019c4001bb1122334400000000"
		 "c002faf000000000010113120000000000000000000000000000000002040"
		 "5b401010402",
		 "Linux", 0.5f},
		{"Linux without timestamps, its buffers large",
		 "450000344a31400034060000c6336409c00002019c4100507f3a9c2100000000"
		 "8002ffff00000000020405b4010104020103030b",
		 "Linux", 0.6f},
		{"a Mac to itself",
		 "450000404a3140003406000000000000c00002019c4100507f3a9c2100000000"
		 "b002ffff0000000002043fd8010303050101080a1a2b3c4d0000000004020000",
		 "macOS", 0.8f},
		{"an iPhone behind a carrier's NAT64",
		 "450000404a31000034060000c6336409c00002019c4100507f3a9c2100000000"
		 "b002ffff000000000204056e010303060101080a1a2b3c4d0000000004020000",
		 "iOS", 0.7f},
		{"no options at all",
		 "450000284a3100002f060000c6336409c00002019c4100507f3a9c2100000000"
		 "500210e100000000",
		 "bare", 0.8f},
		{"an MSS beside Linux' window",
		 "4500002c4a3100002f060000c6336409c00002019c4100507f3a9c2100000000"
		 "6002faf000000000020405b4",
		 "bare", 0.8f},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct match match = match_hex(cases[i].hex);
		const char *family = vocab_text(vocab, VOCAB_FAMILY, match.family_id);

		cr_expect_str_eq(class_of(&match), cases[i].class, "%s: %s", cases[i].name,
				 class_of(&match));
		cr_expect_geq(match.confidence, cases[i].least, "%s: %f", cases[i].name,
			      (double)match.confidence);
		cr_expect_eq(match.tool, strcmp(family, "Tool") == 0, "%s", cases[i].name);
	}
}

/* Options in an order that no stack has, a window of nobody's. */
Test(match_kinds, what_nobody_sends_reads_as_such)
{
	static const char *const cases[] = {
		"450000384a314000770600 00c6336409c0000201 9c410050 7f3a9c21 00000000 90027a69 "
		"00000000 020404d2 030308 01 01 01 0402 00000000",
		"450000384a314000370600 00c6336409c0000201 9c410050 7f3a9c21 00000000 90027a69 "
		"00000000 0101 0402 020404d2 01 030308 00000000",
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct match match = match_hex(cases[i]);

		cr_expect(match.unknown, "%zu", i);
		cr_expect_lt(match.family_confidence, 0.6f, "%zu", i);
		cr_expect_not_null(strstr(vocab_text(vocab, VOCAB_LABEL, match.label),
					  "no known system; nearest"),
				   "%zu", i);
	}
}
