/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <string.h>

#include "guard.h"
#include "core/learn/ua.h"

static struct vocab *vocab;

static const char *const classes[] = {"Windows",     "Linux",    "Android",   "macOS",  "iOS",
				      "ChromeOS",    "FreeBSD",  "OpenBSD",   "NetBSD", "Solaris",
				      "PlayStation", "Nintendo", "BlackBerry"};

static void setup(void)
{
	vocab = vocab_new();
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		cr_assert_gt(vocab_add(vocab, VOCAB_CLASS, classes[i], strlen(classes[i])), 0);
}

static void teardown(void)
{
	vocab_free(vocab);
}

TestSuite(ua, .init = setup, .fini = teardown);

static uint64_t bits(const char *const *names)
{
	uint64_t mask = 0;

	for (; *names; names++)
		mask |= UINT64_C(1) << vocab_find(vocab, VOCAB_CLASS, *names, strlen(*names));
	return mask;
}

/* clang-format off */
#define MAC {"macOS", "iOS"}
#define PENGUIN {"Linux", "Android", "ChromeOS"}

Test(ua, claims)
{
	static const struct {
		const char *ua, *claim;
		const char *honest[5];
	} cases[] = {
		{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36", "Windows", {"Windows"}},
		{"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0", "Windows", {"Windows"}},
		{"Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko", "Windows", {"Windows"}},
		{"Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)", "Windows", {"Windows"}},
		{"Opera/9.80 (Windows NT 6.1; U; en) Presto/2.8.131 Version/11.10", "Windows", {"Windows"}},
		{"Mozilla/5.0 (Windows NT 10.0; Win64; x64; Xbox; Xbox One) AppleWebKit/537.36 Edge/44.18363.8131", "Windows", {"Windows"}},
		{"Microsoft-CryptoAPI/10.0", "Windows", {"Windows"}},
		{"Mozilla/5.0 (Windows Phone 10.0; Android 6.0.1; Microsoft; Lumia 950) Mobile", "Windows Phone", {0}},
		{"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15", "macOS", MAC},
		{"Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:126.0) Gecko/20100101 Firefox/126.0", "macOS", MAC},
		{"Mozilla/5.0 (Macintosh; U; PPC Mac OS X 10_4_11; en) AppleWebKit/533.19.4", "macOS", MAC},
		{"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148", "iOS", {"iOS"}},
		{"Mozilla/5.0 (iPad; CPU OS 12_5_7 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148", "iOS", {"iOS"}},
		{"Mozilla/5.0 (iPod touch; CPU iPhone OS 12_0 like Mac OS X)", "iOS", {"iOS"}},
		{"News/1 CFNetwork/1410.0.3 Darwin/22.6.0", "iOS", MAC},
		{"AppleCoreMedia/1.0.0.21F90 (iPhone; U; CPU OS 17_5_1 like Mac OS X; en_us)", "iOS", {"iOS"}},
		{"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36", "Android", {"Android", "ChromeOS"}},
		{"Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 Chrome/125.0 Mobile", "Android", {"Android", "ChromeOS"}},
		{"Mozilla/5.0 (Linux; Android 9; CUBOT_X18_Plus) AppleWebKit/537.36 Chrome/96.0 Mobile", "Android", {"Android", "ChromeOS"}},
		{"Mozilla/5.0 (Android 13; Mobile; rv:126.0) Gecko/126.0 Firefox/126.0", "Android", {"Android", "ChromeOS"}},
		{"Dalvik/2.1.0 (Linux; U; Android 11; Redmi Note 9 Build/RP1A.200720.011)", "Android", {"Android", "ChromeOS"}},
		{"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36", "Linux", PENGUIN},
		{"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/60.0.3112.32 Safari/537.36", "Android", {"Android", "Linux", "ChromeOS"}},
		{"Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0", "Linux", PENGUIN},
		{"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36", "ChromeOS", {"ChromeOS", "Linux"}},
		{"Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) AppleWebKit/537.36 SamsungBrowser/4.0", "Linux", {"Linux", "Android"}},
		{"Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 Chrome/87.0 Safari/537.36", "Linux", {"Linux", "Android"}},
		{"Mozilla/5.0 (Mobile; Nokia 8110 4G; rv:48.0) Gecko/48.0 Firefox/48.0 KAIOS/2.5", "Android", {"Android", "Linux"}},
		{"Mozilla/5.0 (PlayStation; PlayStation 5/5.10) AppleWebKit/605.1.15", "PlayStation", {"PlayStation", "FreeBSD"}},
		{"Mozilla/5.0 (Nintendo Switch; WifiWebAuthApplet) AppleWebKit/609.4", "Nintendo", {"Nintendo", "FreeBSD"}},
		{"Mozilla/5.0 (X11; FreeBSD amd64; rv:115.0) Gecko/20100101 Firefox/115.0", "FreeBSD", {"FreeBSD"}},
		{"Mozilla/5.0 (X11; OpenBSD amd64; rv:115.0) Gecko/20100101 Firefox/115.0", "OpenBSD", {"OpenBSD"}},
		{"Mozilla/5.0 (X11; NetBSD amd64; rv:91.0) Gecko/20100101 Firefox/91.0", "NetBSD", {"NetBSD"}},
		{"Mozilla/5.0 (X11; SunOS i86pc; rv:52.0) Gecko/20100101 Firefox/52.0", "Solaris", {"Solaris"}},
		{"Mozilla/5.0 (BB10; Touch) AppleWebKit/537.10+ Version/10.0.9.2372 Mobile", "BlackBerry", {"BlackBerry"}},
		{"Mozilla/4.0 (compatible; MSIE 6.0; Windows CE; IEMobile 7.11)", "Windows CE", {0}},
		{"Mozilla/5.0 (Phone; OpenHarmony 5.0) AppleWebKit/537.36 ArkWeb/4.1.6.1 Mobile", "HarmonyOS", {0}},
		{"", NULL, {0}},
		{"Mozilla/5.0 (Linux; Android 11; moto g) Chrome-Lighthouse", NULL, {0}},
		{"Opera/9.80 (J2ME/MIDP; Opera Mini/7.1; U; en) Presto/2.8.119", NULL, {0}},
		{"Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)", NULL, {0}},
		{"-", NULL, {0}},
		{"Mozilla/5.0", NULL, {0}},
		{"curl/8.5.0", NULL, {0}},
		{"curl/7.24.0 (x86_64-apple-darwin12.0) libcurl/7.24.0", NULL, {0}},
		{"Wget/1.21.3 (linux-gnu)", NULL, {0}},
		{"python-requests/2.31.0", NULL, {0}},
		{"Python/3.11 aiohttp/3.9.1", NULL, {0}},
		{"Go-http-client/2.0", NULL, {0}},
		{"Java/17.0.9", NULL, {0}},
		{"okhttp/4.12.0", NULL, {0}},
		{"axios/1.6.2", NULL, {0}},
		{"okhttp/4.12.0 (Linux; Android 14)", NULL, {0}},
		{"Shop/5.1 (Linux; Android 14) okhttp/4.12.0", "Android", {"Android", "ChromeOS"}},
		{"Nice/1.0 (X11; Linux x86_64; +http://nice.example/)", NULL, {0}},
		{"curl/8.5.0 (X11; Linux x86_64)", NULL, {0}},
		{"Abbott/1 (X11; Linux x86_64)", "Linux", PENGUIN},
		{"Crawlbot/1.0 (X11; Linux x86_64)", NULL, {0}},
		{"Scrapy/2.11 (https://scrapy.org)", NULL, {0}},
		{"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", NULL, {0}},
		{"Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) Chrome/126.0 Mobile (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", NULL, {0}},
		{"Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", NULL, {0}},
		{"Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)", NULL, {0}},
		{"facebookexternalhit/1.1", NULL, {0}},
		{"Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/120.0", NULL, {0}},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ua_claim claim;

		ua_parse(vocab, cases[i].ua, &claim);
		if (!cases[i].claim) {
			cr_expect_null(claim.name, "%s: %s", cases[i].ua, claim.name);
			continue;
		}
		cr_assert_not_null(claim.name, "%s", cases[i].ua);
		cr_expect_str_eq(claim.name, cases[i].claim, "%s: %s", cases[i].ua, claim.name);
		cr_expect_eq(claim.classes, bits(cases[i].honest), "%s: %lx", cases[i].ua,
			     (unsigned long)claim.classes);
	}
}

/* clang-format on */

static struct ua_judgement judge(const char *ua, float windows, float linux_prob, float ios)
{
	struct match match = {.kind = MATCH_SPECIFIC, .family_confidence = 0.9f};
	float *prob = match.class_prob;
	struct ua_judgement judgement;
	struct ua_claim claim;

	prob[vocab_find(vocab, VOCAB_CLASS, "Windows", 7)] = windows;
	prob[vocab_find(vocab, VOCAB_CLASS, "Linux", 5)] = linux_prob;
	prob[vocab_find(vocab, VOCAB_CLASS, "iOS", 3)] = ios;
	prob[vocab_find(vocab, VOCAB_CLASS, "macOS", 5)] = 1 - windows - linux_prob - ios;
	ua_parse(vocab, ua, &claim);
	ua_judge(&claim, &match, &judgement);
	return judgement;
}

Test(ua, judgements)
{
	static const struct {
		const char *name, *ua;
		float windows, linux_prob, ios;
		enum ua_answer answer;
		unsigned lie_permille;
	} cases[] = {
		{"honest", "Windows NT 10.0", 0.98f, 0.01f, 0, UA_HONEST, 20},
		{"a proxy in front of Windows", "Windows NT 10.0", 0.01f, 0.98f, 0, UA_LIE, 990},
		{"just a lie", "Windows NT 10.0", 0.2f, 0.8f, 0, UA_LIE, 800},
		{"nearly a lie", "Windows NT 10.0", 0.21f, 0.79f, 0, UA_UNSURE, 790},
		{"just honest", "Windows NT 10.0", 0.5f, 0.5f, 0, UA_HONEST, 500},
		{"iPad in desktop mode", "Macintosh; Intel Mac OS X 10_15_7", 0, 0, 1, UA_HONEST,
		 0},
		{"iPhone on a shape that Macs share", "iPhone; CPU", 0, 0, 0.38f, UA_UNSURE, 620},
		{"Windows Phone is not in the database", "Windows Phone 10", 0, 1, 0, UA_NO_CLASS,
		 0},
		{"a library", "curl/8.5.0", 0, 1, 0, UA_NO_CLAIM, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ua_judgement judgement =
			judge(cases[i].ua, cases[i].windows, cases[i].linux_prob, cases[i].ios);

		cr_expect_eq(judgement.answer, cases[i].answer, "%s: %d", cases[i].name,
			     judgement.answer);
		cr_expect_eq(judgement.lie_permille, cases[i].lie_permille, "%s: %u", cases[i].name,
			     judgement.lie_permille);
		cr_expect_not_null(ua_answer_text(judgement.answer));
	}
}

/* What ends in "bot" before a mark is a program that fetches; what only has the letters is none. */
Test(ua, bots)
{
	static const struct {
		const char *ua;
		bool is_bot;
	} cases[] = {
		{"Windows NT 10.0 Somebot/1.0", true},
		{"Windows NT 10.0 SomeBot;", true},
		{"Windows NT 10.0 Somebot)", true},
		{"Windows NT 10.0 Somebot-Image", true},
		{"Windows NT 10.0 Somebot_x", true},
		{"Windows NT 10.0 Somebot.", true},
		{"bot/1 Windows NT", true},
		{"otbot/1 Windows NT", true},
		{"Windows NT 10.0 Somebot", false},
		{"Windows NT 10.0 Cubot X18", false},
		{"Windows NT 10.0 foot/1.0", false},
		{"Windows NT 10.0 bottle/1.0", false},
		{"ot/1.0 Windows NT 10.0", false},
		{"Windows NT 10.0 ot", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = strlen(cases[i].ua) + 1;
		struct ua_claim claim;

		ua_parse(vocab, (const char *)guard_place(cases[i].ua, len), &claim);
		cr_expect_eq(claim.name == NULL, cases[i].is_bot, "%s", cases[i].ua);
	}
}

/* Rounded probabilities can be a bit more than 1 together. */
Test(ua, more_than_certain)
{
	struct match match = {.kind = MATCH_SPECIFIC, .family_confidence = 1};
	struct ua_judgement judgement;
	struct ua_claim claim;

	ua_parse(vocab, "Linux", &claim);
	match.class_prob[vocab_find(vocab, VOCAB_CLASS, "Linux", 5)] = 0.75f;
	match.class_prob[vocab_find(vocab, VOCAB_CLASS, "Android", 7)] = 0.5f;
	ua_judge(&claim, &match, &judgement);
	cr_expect_eq(judgement.answer, UA_HONEST);
	cr_expect_eq(judgement.lie_permille, 0);
}

Test(ua, what_stands_behind_the_syn)
{
	static const struct {
		const char *name;
		struct match match;
		enum ua_answer answer;
	} cases[] = {
		{"nothing looks like it", {.kind = MATCH_NONE}, UA_NO_SYSTEM},
		{"a scanner's own", {.kind = MATCH_SPECIFIC, .tool = true}, UA_NO_SYSTEM},
		{"another system, clearly",
		 {.kind = MATCH_SPECIFIC, .family_confidence = 0.5f},
		 UA_LIE},
		{"some other system, none clearly",
		 {.kind = MATCH_FUZZY, .family_confidence = 0.49f},
		 UA_UNSURE},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ua_judgement judgement;
		struct ua_claim claim;

		ua_parse(vocab, "Windows NT 10.0", &claim);
		ua_judge(&claim, &cases[i].match, &judgement);
		cr_expect_eq(judgement.answer, cases[i].answer, "%s: %d", cases[i].name,
			     judgement.answer);
		cr_expect_eq(ua_answer_has_probability(judgement.answer),
			     cases[i].answer != UA_NO_SYSTEM, "%s", cases[i].name);
	}
}

Test(ua, any_bytes_are_read_within_their_bounds)
{
	uint32_t state = 7;

	for (unsigned round = 0; round < 2000; round++) {
		uint8_t bytes[96];
		size_t len = 1 + round % sizeof(bytes);
		struct ua_claim claim;

		for (size_t i = 0; i < len; i++) {
			state = state * 1664525u + 1013904223u;
			bytes[i] = (uint8_t)(1 + (state >> 24) % 255);
		}
		bytes[len - 1] = '\0';
		ua_parse(vocab, (const char *)guard_place(bytes, len), &claim);
	}
}
