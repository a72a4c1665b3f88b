/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading User-Agents by the words that browsers put between the first parentheses. The first
 * row that fits decides, so what also mentions another system (Windows Phone says Android, every
 * Android says Linux) stands above it.
 */
#include "synprint/ua.h"

#include <string.h>

#define CLASSES_MAX 4

struct row {
	const char *word;
	const char
		*classes[CLASSES_MAX]; /* the claimed one first; then who else honestly says so */
};

/* Programs and crawlers, whose User-Agent names themselves and no system of a person's. */
static const char *const no_claims[] = {
	"+http",
	"bot/",
	"bot;",
	"bot)",
	"bot.htm",
	"Slurp",
	"spider",
	"crawler",
	"facebookexternalhit",
	"python-",
	"Python/",
	"Go-http-client",
	"libwww-perl",
	"Scrapy",
	"HeadlessChrome",
	"PhantomJS",
	"Apache-HttpClient",
};

/* The same, where they begin with it: "okhttp" within a longer one may follow a real platform. */
static const char *const no_claim_prefixes[] = {
	"curl/",  "Wget/", "Java/", "okhttp/", "axios/",  "node",     "aiohttp", "PostmanRuntime",
	"HTTPie", "Ruby",  "PHP/",  "Guzzle",  "libcurl", "fasthttp", "undici",
};

/* iPadOS 13 and later asks as a Mac; Chrome froze "Android 10; K" and "Intel Mac OS X 10_15_7". */
static const struct row rows[] = {
	{"Windows Phone", {"Windows Phone"}},
	{"Xbox", {"Windows"}},
	{"Windows", {"Windows"}},
	{"Win64", {"Windows"}},
	{"Win32", {"Windows"}},
	{"Win98", {"Windows"}},
	{"Microsoft-", {"Windows"}},
	{"CrOS", {"ChromeOS", "Linux"}},
	{"iPhone", {"iOS"}},
	{"iPad", {"iOS"}},
	{"iPod", {"iOS"}},
	{"watchOS", {"iOS"}},
	{"tvOS", {"iOS"}},
	{"AppleTV", {"iOS"}},
	{"AppleCoreMedia", {"iOS", "macOS"}},
	{"Macintosh", {"macOS", "iOS"}},
	{"Mac OS X", {"macOS", "iOS"}},
	{"Mac_PowerPC", {"macOS"}},
	{"CFNetwork", {"iOS", "macOS"}},
	{"Darwin", {"macOS", "iOS"}},
	{"Tizen", {"Linux", "Android"}},
	{"Web0S", {"Linux", "Android"}},
	{"webOS", {"Linux", "Android"}},
	{"SMART-TV", {"Linux", "Android"}},
	{"KAIOS", {"Android", "Linux"}},
	{"HarmonyOS", {"Android", "Linux"}},
	{"CrKey", {"Android", "Linux"}},
	{"Android", {"Android"}},
	{"PlayStation", {"PlayStation", "FreeBSD"}},
	{"Nintendo", {"Nintendo", "FreeBSD"}},
	{"FreeBSD", {"FreeBSD"}},
	{"OpenBSD", {"OpenBSD"}},
	{"NetBSD", {"NetBSD"}},
	{"DragonFly", {"DragonFly"}},
	{"SunOS", {"Solaris"}},
	{"AIX", {"AIX"}},
	{"HP-UX", {"HP-UX"}},
	{"IRIX", {"IRIX"}},
	{"BB10", {"BlackBerry"}},
	{"BlackBerry", {"BlackBerry"}},
	{"Linux", {"Linux", "Android", "ChromeOS"}},
	{"Ubuntu", {"Linux"}},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool claims_nothing(const char *ua)
{
	for (size_t i = 0; i < COUNT(no_claims); i++)
		if (strstr(ua, no_claims[i]))
			return true;
	for (size_t i = 0; i < COUNT(no_claim_prefixes); i++)
		if (strncmp(ua, no_claim_prefixes[i], strlen(no_claim_prefixes[i])) == 0)
			return true;
	return false;
}

static void take_row(const struct vocab *vocab, const struct row *row, struct ua_claim *claim)
{
	claim->name = row->classes[0];
	for (size_t i = 0; i < CLASSES_MAX && row->classes[i]; i++) {
		int id = vocab_find(vocab, VOCAB_CLASS, row->classes[i], strlen(row->classes[i]));

		if (id <= 0)
			continue;
		claim->classes |= UINT64_C(1) << id;
		if (i == 0)
			claim->class_id = (unsigned)id;
	}
}

void ua_parse(const struct vocab *vocab, const char *ua, struct ua_claim *ret_claim)
{
	*ret_claim = (struct ua_claim){.name = NULL};
	if (claims_nothing(ua))
		return;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (strstr(ua, rows[i].word)) {
			take_row(vocab, &rows[i], ret_claim);
			return;
		}
}

void ua_judge(const struct ua_claim *claim, const float *class_prob,
	      struct ua_judgement *ret_judgement)
{
	float claimed = 0;

	*ret_judgement = (struct ua_judgement){.answer = UA_NO_CLAIM};
	if (!claim->name)
		return;
	ret_judgement->answer = UA_UNSURE;
	if (!class_prob || !claim->classes)
		return;
	for (unsigned id = 0; id < VOCAB_CLASSES_MAX; id++)
		if (claim->classes >> id & 1)
			claimed += class_prob[id];
	claimed = claimed > 1 ? 1 : claimed;
	ret_judgement->lie_permille = (unsigned)((1 - claimed) * 1000 + 0.5f);
	if (ret_judgement->lie_permille >= UA_LIE_PERMILLE)
		ret_judgement->answer = UA_LIE;
	else if (ret_judgement->lie_permille <= UA_HONEST_PERMILLE)
		ret_judgement->answer = UA_HONEST;
}

const char *ua_answer_text(enum ua_answer answer)
{
	switch (answer) {
	case UA_NO_CLAIM: return "the User-Agent claims no system";
	case UA_UNSURE: return "the SYN does not say enough about the claim";
	case UA_HONEST: return "the SYN fits the claim";
	case UA_LIE: return "the SYN is not that of a system which honestly says so";
	}
	return "";
}
