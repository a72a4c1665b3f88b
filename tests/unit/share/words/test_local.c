/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "share/words/local.h"

#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <string.h>

#include "core/verdict/verdict.h"

static const struct local_rule rules[] = {
	{.flags = VERDICT_VPN | VERDICT_TUNNEL,
	 .min_permille = 500,
	 .is_served = true,
	 .expiry_s = 60},
	{.flags = VERDICT_SCANNER, .is_served = false, .expiry_s = 30},
};

#define EVENT(flags, confidence, confirmed)                                                        \
	"{\"event\":\"change\",\"ip\":\"192.0.2.1\",\"flags\":[" flags                             \
	"],\"os\":{\"label\":\"Linux\",\"confidence\":" confidence "}" confirmed "}"
#define CONFIRMED ",\"confirmed\":true"

static enum local_answer judge(const char *text, unsigned count, struct message *ret_suspect,
			       uint32_t *ret_expiry_s)
{
	cJSON *event = cJSON_Parse(text);
	enum local_answer answer;

	cr_assert(event, "%s", text);
	answer = local_judge(rules, count, event, ret_suspect, ret_expiry_s);
	cJSON_Delete(event);
	return answer;
}

Test(local, rules)
{
	static const struct {
		const char *text;
		unsigned rules;
		enum local_answer answer;
		unsigned flags;
		uint32_t expiry_s;
	} cases[] = {
		{EVENT("\"vpn\"", "0.5", CONFIRMED), 1, LOCAL_TELL, VERDICT_VPN, 60},
		{EVENT("\"vpn\",\"shared\"", "0.5", CONFIRMED), 1, LOCAL_TELL, VERDICT_VPN, 60},
		{EVENT("\"vpn\"", "0.499", CONFIRMED), 1, LOCAL_TAKE_BACK, 0, 0},
		{EVENT("\"vpn\"", "0.9", ""), 1, LOCAL_NOTHING, 0, 0},
		{EVENT("\"vpn\"", "0.9", ",\"confirmed\":false"), 1, LOCAL_NOTHING, 0, 0},
		{EVENT("", "0.9", CONFIRMED), 1, LOCAL_TAKE_BACK, 0, 0},
		{EVENT("", "0.9", ""), 1, LOCAL_NOTHING, 0, 0},
		{EVENT("\"scanner\"", "0.1", ""), 2, LOCAL_TELL, VERDICT_SCANNER, 30},
		{EVENT("\"scanner\",\"vpn\"", "1", CONFIRMED), 2, LOCAL_TELL,
		 VERDICT_SCANNER | VERDICT_VPN, 60},
		{"{\"event\":\"gap\",\"missed\":4}", 2, LOCAL_NOTHING, 0, 0},
		{"{\"event\":\"new\",\"ip\":\"nonsense\"}", 2, LOCAL_NOTHING, 0, 0},
		{"[]", 2, LOCAL_NOTHING, 0, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct message suspect;
		uint32_t expiry_s = 0;
		enum local_answer answer =
			judge(cases[i].text, cases[i].rules, &suspect, &expiry_s);

		cr_expect_eq(answer, cases[i].answer, "%s: %d", cases[i].text, answer);
		if (answer != LOCAL_TELL)
			continue;
		cr_expect_eq(suspect.flags, cases[i].flags, "%s", cases[i].text);
		cr_expect_eq(expiry_s, cases[i].expiry_s, "%s", cases[i].text);
		cr_expect_str_eq(suspect.label, "Linux");
	}
}

Test(local, a_rule_of_the_syn_alone_takes_back_by_the_syn_alone)
{
	struct message suspect;
	uint32_t expiry_s;
	cJSON *event = cJSON_Parse(EVENT("", "1", ""));

	cr_expect_eq(local_judge(&rules[1], 1, event, &suspect, &expiry_s), LOCAL_TAKE_BACK);
	cJSON_Delete(event);
}

Test(local, the_subscription_names_the_flags_of_all_rules)
{
	static const struct local_rule everybody = {.expiry_s = 1};
	char text[512];
	struct text_buf buf;

	text_buf_init(&buf, text, sizeof(text));
	local_subscription(rules, 2, true, &buf);
	cr_expect(strstr(text, "\"syns\":true"));
	cr_expect(strstr(text, "\"vpn\",\"tunnel\",\"scanner\""), "%s", text);
	text_buf_init(&buf, text, sizeof(text));
	local_subscription(&everybody, 1, false, &buf);
	cr_expect_str_eq(text, "\"syns\":false,\"snapshot\":true,\"leaves\":true");
}
