/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <string.h>

#include "packet.h"
#include "core/report/report.h"

static struct vocab *vocab;

static unsigned add(enum vocab_kind kind, const char *word)
{
	int id = vocab_add(vocab, kind, word, strlen(word));

	cr_assert_geq(id, 0);
	return (unsigned)id;
}

static void setup(void)
{
	vocab = vocab_new();
	add(VOCAB_CLASS, "Linux");
	add(VOCAB_CLASS, "Windows");
	add(VOCAB_CLASS, "macOS");
	add(VOCAB_FAMILY, "Unix");
	vocab_set_family(vocab, 1, 1);
	add(VOCAB_LABEL, "Linux 3.11 or newer");
	add(VOCAB_LINK, "WireGuard");
}

static void teardown(void)
{
	vocab_free(vocab);
}

TestSuite(report, .init = setup, .fini = teardown);

static const char *json(const struct report *report)
{
	static char data[8192];
	struct text_buf buf;
	cJSON *object;

	text_buf_init(&buf, data, sizeof(data));
	text_put_char(&buf, '{');
	report_put_members(report, vocab, &buf);
	text_put_char(&buf, '}');
	cr_assert_not(buf.overflow);
	object = cJSON_Parse(data);
	cr_expect(cJSON_IsObject(object), "not JSON: %s", data);
	cJSON_Delete(object);
	return data;
}

static struct syn parse(const struct packet *packet)
{
	struct syn syn = {.mss = 0};

	cr_assert_eq(syn_parse(packet->bytes, packet->len, &syn), SYN_OK);
	return syn;
}

static struct packet linux_packet(void)
{
	struct packet packet = packet_v4("", "02040564 0402 080a01020304 00000000 01 030307", "");

	packet.bytes[1] = 0xb8;
	packet.bytes[4] = 0x30;
	packet.bytes[8] = 52;
	return packet;
}

Test(report, whole)
{
	struct packet packet = linux_packet();
	struct syn syn = parse(&packet);
	struct match match = {.kind = MATCH_SPECIFIC, .class_prob = {[1] = 0.985f, [3] = 0.015f}};
	struct link link = {.mss = 1380, .mtu = 1420};
	struct report report = {
		.now_ms = UINT64_C(1700000000007),
		.addr = syn.src,
		.port = syn.src_port,
		.syn = &syn,
		.match = &match,
		.link = &link,
		.verdict = {.reasons = reason_bit(REASON_SIG_SPECIFIC) | reason_bit(REASON_MTU_VPN),
			    .flags = VERDICT_VPN | VERDICT_MSS_CLAMPED,
			    .match = MATCH_SPECIFIC,
			    .grade = LINK_LIKELY,
			    .dist_hops = 12,
			    .label = 1,
			    .mss = 1380,
			    .confidence_permille = 985,
			    .family_permille = 990,
			    .class_id = 1,
			    .link = 1},
	};

	cr_expect_str_eq(
		json(&report),
		"{\"ip\":\"198.51.100.1\",\"port\":40000,\"kind\":\"syn\",\"syn\":{\"ts\":"
		"1700000000.007,"
		"\"src_ip\":\"198.51.100.1\",\"dst_ip\":\"192.0.2.1\",\"dst_port\":443,"
		"\"ip_ttl\":52,\"ip_df\":1,\"ip_mf\":0,\"tcp_window_size\":64240,\"tcp_flags\":2,"
		"\"tcp_ack\":0,\"tcp_header_length\":40,\"tcp_urp\":0,"
		"\"tcp_options\":\"M1380,S,T,N,W7,\",\"tcp_window_scaling\":7,"
		"\"tcp_timestamp\":16909060,\"tcp_timestamp_echo_reply\":0,\"tcp_mss\":1380,"
		"\"ip_version\":4,\"ip_header_length\":20,\"ip_total_length\":60,\"ip_tos\":184,"
		"\"ip_id\":12288,\"ip_rf\":0,\"ip_flow_label\":0,\"tcp_seq\":287454020},"
		"\"community_id\":\"1:e/b79LCD49OYr9sPfGBKbayk9pE=\","
		"\"sig\":\"4:64:0:1380:mss*44,7:mss,sok,ts,nop,ws:df,id+:0\","
		"\"os\":{\"class\":\"Linux\",\"family\":\"Unix\",\"label\":\"Linux 3.11 or newer\","
		"\"confidence\":0.985,\"family_confidence\":0.99,\"match\":\"specific\","
		"\"classes\":{\"Linux\":0.985,\"macOS\":0.015}},"
		"\"link\":{\"mss\":1380,\"mtu\":1420,\"label\":\"WireGuard\",\"grade\":\"likely\"},"
		"\"dist_hops\":12,\"flags\":[\"vpn\",\"mss_clamped\"],"
		"\"reasons\":[\"sig_specific\",\"mtu_vpn\"]}");
}

Test(report, everything_absent)
{
	struct report report = {.verdict.dist_hops = VERDICT_DIST_UNKNOWN};

	cr_assert_eq(addr_parse("2001:db8::1", &report.addr), 0);
	cr_expect_str_eq(
		json(&report),
		"{\"ip\":\"2001:db8::1\",\"port\":0,\"syn\":null,\"sig\":null,"
		"\"os\":{\"class\":\"unknown\",\"family\":\"unknown\",\"label\":\"unknown\","
		"\"confidence\":0,\"family_confidence\":0,\"match\":\"none\",\"classes\":{}},"
		"\"link\":{\"mss\":null,\"mtu\":null,\"label\":\"unknown\",\"grade\":\"none\"},"
		"\"dist_hops\":null,\"flags\":[],\"reasons\":[]}");
}

Test(report, a_bare_syn_has_nulls)
{
	struct packet packet = packet_v6(6, "", "", "");
	struct syn syn = parse(&packet);
	struct report report = {.addr = syn.src, .port = 1, .syn = &syn};
	const char *text;

	text = json(&report);
	cr_expect(strstr(text, "\"ts\":0.000,\"src_ip\":\"2001:db8::5\""));
	cr_expect(strstr(text, "\"tcp_options\":\"\",\"tcp_window_scaling\":null,"
			       "\"tcp_timestamp\":null,\"tcp_timestamp_echo_reply\":null,"
			       "\"tcp_mss\":null"));
	cr_expect(strstr(text, "\"ip_version\":6,\"ip_header_length\":40,\"ip_total_length\":60"));
	cr_expect(strstr(text, "\"sig\":\"6:64:0:0:64240,0:::0\""));
}

Test(report, option_letters)
{
	static const struct {
		const char *options, *text;
	} cases[] = {
		{"020405b4 0402 0000", "M1460,S,E,E,"},
		{"0303ff 01 080a0000000000000000 0101", "W255,N,T,N,N,"},
		{"2202 0101 fd04f989", "U34,N,N,U253,"},
		{"050a 0000000000000001 0000", "U5,E,E,"},
		{"020405b4 0402 0001", "M1460,S,E,"}, /* what follows is no end */
		{"020405b4 0402 01 00", "M1460,S,N,E,"},
		{"02030501", "M0,N,"}, /* malformed: there is no MSS */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct packet packet = packet_v4("", cases[i].options, "");
		struct syn syn = parse(&packet);
		struct report report = {.addr = syn.src, .syn = &syn};
		char member[80];

		snprintf(member, sizeof(member), "\"tcp_options\":\"%s\"", cases[i].text);
		cr_expect(strstr(json(&report), member), "%s", cases[i].options);
	}
}

Test(report, mtu_follows_from_the_mss)
{
	static const struct {
		const char *addr, *mtu;
	} cases[] = {{"192.0.2.1", "\"mss\":1400,\"mtu\":1440,"},
		     {"2001:db8::1", "\"mss\":1400,\"mtu\":1460,"}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct report report = {.verdict.mss = 1400};

		cr_assert_eq(addr_parse(cases[i].addr, &report.addr), 0);
		cr_expect(strstr(json(&report), cases[i].mtu), "%s", cases[i].addr);
	}
}

Test(report, classes_most_likely_first)
{
	struct match match = {.kind = MATCH_GENERIC,
			      .class_prob = {[0] = 0.0004f, [1] = 0.2f, [2] = 0.6f, [3] = 0.1996f}};
	struct report report = {.match = &match,
				.verdict = {.class_id = 2, .confidence_permille = 600}};

	cr_expect(strstr(json(&report),
			 "\"classes\":{\"Windows\":0.6,\"Linux\":0.2,\"macOS\":0.2}}"));
	match.kind = MATCH_NONE;
	cr_expect(strstr(json(&report), "\"classes\":{\"Windows\":0.6}}"),
		  "without a match the verdict's own class counts");
	report.match = NULL;
	cr_expect(strstr(json(&report), "\"classes\":{\"Windows\":0.6}}"));
}

Test(report, words_are_escaped)
{
	struct report report = {
		.verdict = {.label = (uint16_t)add(VOCAB_LABEL, "J\xc3\xa4hn \"q\" \\ \n \xff\x01"),
			    .class_id = (uint8_t)add(VOCAB_CLASS, "Gr\xc3\xbc\xc3\x9f\x80\t"),
			    .link = (uint8_t)add(VOCAB_LINK, "tab\there"),
			    .confidence_permille = 1000}};
	const char *text = json(&report);

	cr_expect(strstr(text, "\"class\":\"Gr\xc3\xbc\xc3\x9f\xef\xbf\xbd\\u0009\""));
	cr_expect(strstr(text,
			 "\"label\":\"J\xc3\xa4hn \\\"q\\\" \\\\ \\u000a \xef\xbf\xbd\\u0001\""));
	cr_expect(strstr(text, "{\"Gr\xc3\xbc\xc3\x9f\xef\xbf\xbd\\u0009\":1}"));
	cr_expect(strstr(text, "\"label\":\"tab\\u0009here\""));
}

Test(report, every_flag_and_reason)
{
	struct report report = {.verdict = {.flags = (1u << VERDICT_FLAG_COUNT) - 1,
					    .reasons = (UINT64_C(1) << REASON_COUNT) - 1}};
	cJSON *object = cJSON_Parse(json(&report));
	const cJSON *flags = cJSON_GetObjectItem(object, "flags"),
		    *reasons = cJSON_GetObjectItem(object, "reasons");

	cr_assert_eq(cJSON_GetArraySize(flags), VERDICT_FLAG_COUNT);
	for (int i = 0; i < VERDICT_FLAG_COUNT; i++)
		cr_expect_str_eq(cJSON_GetStringValue(cJSON_GetArrayItem(flags, i)),
				 verdict_flag_name((enum verdict_flag)(1u << i)));
	cr_assert_eq(cJSON_GetArraySize(reasons), REASON_COUNT);
	for (int i = 0; i < REASON_COUNT; i++)
		cr_expect_str_eq(cJSON_GetStringValue(cJSON_GetArrayItem(reasons, i)),
				 reason_name((enum reason)i));
	cJSON_Delete(object);
}
