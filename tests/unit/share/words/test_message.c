/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "share/words/message.h"

#include <criterion/criterion.h>
#include <string.h>

#include "core/verdict/verdict.h"

#define LABEL_63 "123456789012345678901234567890123456789012345678901234567890123"

Test(message, topics)
{
	static const struct {
		const char *text;
		int rc;
		enum message_kind kind;
		uint16_t slot;
	} cases[] = {
		{"synprint/v1/gw-1.example/s/0000", 0, MESSAGE_SUSPECT, 0},
		{"synprint/v1/a/s/ffff", 0, MESSAGE_SUSPECT, 0xffff},
		{"synprint/v1/a/s/a0b9", 0, MESSAGE_SUSPECT, 0xa0b9},
		{"synprint/v1/a/status", 0, MESSAGE_STATUS, 0},
		{"synprint/v1/a/sync", 0, MESSAGE_SYNC, 0},
		{"synprint/v1/12345678901234567890123456789012/sync", 0, MESSAGE_SYNC, 0},
		{"synprint/v1/123456789012345678901234567890123/sync", -1, 0, 0},
		{"synprint/v1/a/s/FFFF", -1, 0, 0},
		{"synprint/v1/a/s/fff", -1, 0, 0},
		{"synprint/v1/a/s/fffff", -1, 0, 0},
		{"synprint/v1/a/s/ffff/", -1, 0, 0},
		{"synprint/v1/A/sync", -1, 0, 0},
		{"synprint/v1//sync", -1, 0, 0},
		{"synprint/v1/a", -1, 0, 0},
		{"synprint/v2/a/sync", -1, 0, 0},
		{"synprint/v1/a/state", -1, 0, 0},
		{"", -1, 0, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct message_topic topic = {.slot = 7};
		char again[MESSAGE_TOPIC_MAX];
		struct text_buf buf;

		cr_expect_eq(message_topic_parse(cases[i].text, &topic) < 0, cases[i].rc < 0, "%s",
			     cases[i].text);
		if (cases[i].rc < 0) {
			cr_expect_eq(topic.slot, 7, "touched by %s", cases[i].text);
			continue;
		}
		cr_expect_eq(topic.kind, cases[i].kind, "%s", cases[i].text);
		cr_expect_eq(topic.slot, cases[i].slot, "%s", cases[i].text);
		text_buf_init(&buf, again, sizeof(again));
		message_topic_format(&topic, &buf);
		cr_expect_str_eq(again, cases[i].text);
	}
}

#define SUSPECT(v, epoch, seq, rest)                                                               \
	"{\"v\":" v ",\"epoch\":" epoch ",\"seq\":" seq ",\"ip\":\"192.0.2.1\"" rest "}"
#define REST ",\"flags\":[\"vpn\"],\"label\":\"Linux\",\"confidence\":0.5"

Test(message, payloads)
{
	static const struct {
		const char *text;
		enum message_result result;
	} cases[] = {
		{SUSPECT("1", "3", "4", REST), MESSAGE_OK},
		{SUSPECT("1", "0", "0", REST), MESSAGE_OK},
		{SUSPECT("1", "9007199254740991", "9007199254740991", REST), MESSAGE_OK},
		{SUSPECT("1", "3", "4", REST ",\"later\":{\"a\":[1]}"), MESSAGE_OK},
		{SUSPECT("1", "3", "4",
			 ",\"flags\":[\"vpn\",\"later\"],\"label\":\"\",\"confidence\":1"),
		 MESSAGE_OK},
		{"{\"v\":1,\"epoch\":1,\"seq\":2,\"gone\":true}", MESSAGE_OK},
		{SUSPECT("2", "3", "4", REST), MESSAGE_OTHER_VERSION},
		{SUSPECT("0", "3", "4", REST), MESSAGE_OTHER_VERSION},
		{SUSPECT("\"1\"", "3", "4", REST), MESSAGE_BAD_MEMBER},
		{SUSPECT("1", "9007199254740992", "4", REST), MESSAGE_BAD_MEMBER},
		{SUSPECT("1", "-1", "4", REST), MESSAGE_BAD_MEMBER},
		{SUSPECT("1", "1.5", "4", REST), MESSAGE_BAD_MEMBER},
		{SUSPECT("1", "3", "1e300", REST), MESSAGE_BAD_MEMBER},
		{SUSPECT("1", "3", "null", REST), MESSAGE_BAD_MEMBER},
		{SUSPECT("1", "3", "4", ",\"flags\":[],\"label\":\"\",\"confidence\":1"),
		 MESSAGE_NO_FLAG},
		{SUSPECT("1", "3", "4", ",\"flags\":[\"later\"],\"label\":\"\",\"confidence\":1"),
		 MESSAGE_NO_FLAG},
		{SUSPECT("1", "3", "4", ",\"flags\":[1],\"label\":\"\",\"confidence\":1"),
		 MESSAGE_BAD_MEMBER},
		{SUSPECT("1", "3", "4", ",\"flags\":\"vpn\",\"label\":\"\",\"confidence\":1"),
		 MESSAGE_BAD_MEMBER},
		{SUSPECT("1", "3", "4", ",\"flags\":[\"vpn\"],\"label\":1,\"confidence\":1"),
		 MESSAGE_BAD_MEMBER},
		{SUSPECT("1", "3", "4", ",\"flags\":[\"vpn\"],\"label\":\"\",\"confidence\":1.01"),
		 MESSAGE_BAD_MEMBER},
		{SUSPECT("1", "3", "4", ",\"flags\":[\"vpn\"],\"label\":\"\",\"confidence\":-0.1"),
		 MESSAGE_BAD_MEMBER},
		{"{\"v\":1,\"epoch\":1,\"seq\":2,\"gone\":1}", MESSAGE_BAD_MEMBER},
		{"{\"v\":1,\"epoch\":1,\"seq\":2,\"gone\":false}", MESSAGE_BAD_MEMBER},
		{"{\"v\":1,\"epoch\":1,\"seq\":2,\"ip\":\"0.0.0.0/0\"" REST "}",
		 MESSAGE_BAD_MEMBER},
		{"[]", MESSAGE_NOT_JSON},
		{"1", MESSAGE_NOT_JSON},
		{"", MESSAGE_NOT_JSON},
		{"{} ", MESSAGE_NOT_JSON},
		{"{\"v\":1", MESSAGE_NOT_JSON},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct message message = {.seq = 77};
		enum message_result result =
			message_parse(cases[i].text, strlen(cases[i].text), &message);

		cr_expect_eq(result, cases[i].result, "%s: %s", cases[i].text,
			     message_result_name(result));
		if (result != MESSAGE_OK)
			cr_expect_eq(message.seq, 77, "touched by %s", cases[i].text);
	}
}

Test(message, a_payload_is_not_read_beyond_its_length)
{
	static const char text[] = SUSPECT("1", "3", "4", REST);
	struct message message;

	for (size_t len = 0; len < sizeof(text) - 1; len++)
		cr_expect_neq(message_parse(text, len, &message), MESSAGE_OK, "%zu", len);
	cr_expect_eq(message_parse(text, MESSAGE_PAYLOAD_MAX + 1, &message), MESSAGE_TOO_LONG);
}

Test(message, what_is_written_is_read_again)
{
	struct message message = {.epoch = MESSAGE_EXACT_MAX,
				  .seq = 5,
				  .flags = VERDICT_VPN | VERDICT_SCANNER,
				  .confidence_permille = 987,
				  .label = LABEL_63};
	struct message gone = {.epoch = 1, .seq = 2, .is_gone = true}, read;
	char payload[MESSAGE_PAYLOAD_MAX];
	struct text_buf buf;

	addr_parse("2001:db8::1", &message.addr);
	text_buf_init(&buf, payload, sizeof(payload));
	message_format(&message, &buf);
	cr_assert_eq(message_parse(payload, buf.len, &read), MESSAGE_OK, "%s", payload);
	cr_expect_eq(read.epoch, message.epoch);
	cr_expect_eq(read.seq, 5);
	cr_expect_eq(read.flags, message.flags);
	cr_expect_eq(read.confidence_permille, 987);
	cr_expect_str_eq(read.label, LABEL_63);
	cr_expect(addr_equal(&read.addr, &message.addr));
	text_buf_init(&buf, payload, sizeof(payload));
	message_format(&gone, &buf);
	cr_assert_eq(message_parse(payload, buf.len, &read), MESSAGE_OK, "%s", payload);
	cr_expect(read.is_gone);
}

/* The worst label: every byte of it is written as six. */
Test(message, every_message_fits)
{
	struct message message = {.epoch = MESSAGE_EXACT_MAX,
				  .seq = MESSAGE_EXACT_MAX,
				  .flags = (1u << VERDICT_FLAG_COUNT) - 1};
	char payload[MESSAGE_PAYLOAD_MAX];
	struct text_buf buf;

	memset(message.label, 1, sizeof(message.label) - 1);
	addr_parse("2001:db8:1111:1111:1111:1111:1111:1111", &message.addr);
	text_buf_init(&buf, payload, sizeof(payload));
	message_format(&message, &buf);
	cr_expect_not(buf.overflow);
}

Test(message, a_long_label_is_cut_between_characters)
{
	static const char text[] = "{\"v\":1,\"epoch\":1,\"seq\":1,\"ip\":\"192.0.2.1\",\"flags\":"
				   "[\"vpn\"],\"confidence\":1,\"label\":\"" LABEL_63 "\xc3\xa4\"}";
	static const char inside[] =
		"{\"v\":1,\"epoch\":1,\"seq\":1,\"ip\":\"192.0.2.1\",\"flags\":"
		"[\"vpn\"],\"confidence\":1,\"label\":\"\xc3\xa4" LABEL_63 "\"}";
	static const char split[] =
		"{\"v\":1,\"epoch\":1,\"seq\":1,\"ip\":\"192.0.2.1\",\"flags\":[\"vpn\"],"
		"\"confidence\":1,\"label\":\"12345678901234567890123456789012345678901234567890"
		"123456789012\xc3\xa4\"}";
	struct message message;

	cr_assert_eq(message_parse(text, sizeof(text) - 1, &message), MESSAGE_OK);
	cr_expect_str_eq(message.label, LABEL_63);
	cr_assert_eq(message_parse(inside, sizeof(inside) - 1, &message), MESSAGE_OK);
	cr_expect_eq(strlen(message.label), MESSAGE_LABEL_MAX - 1);
	cr_assert_eq(message_parse(split, sizeof(split) - 1, &message), MESSAGE_OK);
	cr_expect_eq(strlen(message.label), 62, "%s", message.label);
}

Test(message, newer_is_by_epoch_then_by_seq)
{
	static const struct {
		uint64_t a_epoch, a_seq, b_epoch, b_seq;
		bool is_newer;
	} cases[] = {{1, 1, 1, 1, false}, {1, 2, 1, 1, true},  {1, 1, 1, 2, false},
		     {2, 1, 1, 9, true},  {1, 9, 2, 1, false}, {2, 2, 2, 2, false}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct message a = {.epoch = cases[i].a_epoch, .seq = cases[i].a_seq};
		struct message b = {.epoch = cases[i].b_epoch, .seq = cases[i].b_seq};

		cr_expect_eq(message_is_newer(&a, &b), cases[i].is_newer, "case %zu", i);
	}
}
