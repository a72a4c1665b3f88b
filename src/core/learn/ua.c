/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading User-Agents by the words that browsers put between the first parentheses. The first
 * row that fits decides, so what also mentions another system (Windows Phone says Android, every
 * Android says Linux) stands above it.
 */
#include "core/learn/ua.h"

#include <string.h>
#include <sys/param.h>

struct row {
	const char *word;
	const char *classes[4]; /* the claimed one first, then who else honestly says so; NULL */
};

/*
 * Programs, crawlers, and services that fetch on behalf of a person: what else their User-Agent
 * says is copied from a browser, or is that of a machine which is not at this end.
 */
static const char *const no_claims[] = {
	"+http",
	"Slurp",
	"spider",
	"Spider",
	"crawler",
	"Crawler",
	"facebookexternalhit",
	"(compatible; Google",
	"GoogleImageProxy",
	"Mediapartners-Google",
	"YahooMailProxy",
	"BingPreview",
	"Opera Mini", /* pages come through Opera's servers */
	"python-",
	"Python/",
	"Python-",
	"Go-http-client",
	"libwww-perl",
	"Scrapy",
	"HeadlessChrome",
	"PhantomJS",
	"Chrome-Lighthouse",
	"Apache-HttpClient",
};

/* The same, where they begin with it: "okhttp" within a longer one may follow a real platform. */
static const char *const no_claim_prefixes[] = {
	"curl/",  "Wget/", "Java/", "okhttp/", "axios/",  "node",     "aiohttp", "PostmanRuntime",
	"HTTPie", "Ruby",  "PHP/",  "Guzzle",  "libcurl", "fasthttp", "undici",
};

/*
 * iPadOS 13 and later asks as a Mac; Chrome froze "Android 10; K" and "Intel Mac OS X 10_15_7".
 * A name that the database has no class for is still a claim, of which nothing can be said.
 */
static const struct row rows[] = {
	{"Windows Phone", {"Windows Phone"}},
	{"Windows CE", {"Windows CE"}},
	{"Windows Mobile", {"Windows CE"}},
	{"Xbox", {"Windows"}},
	{"Windows", {"Windows"}},
	{"Win64", {"Windows"}},
	{"Win32", {"Windows"}},
	{"Win98", {"Windows"}},
	{"Microsoft-", {"Windows"}},
	{"Microsoft BITS", {"Windows"}},
	{"Microsoft NCSI", {"Windows"}},
	{"Microsoft WinRM", {"Windows"}},
	{"CrOS", {"ChromeOS", "Linux"}},
	{"iPhone", {"iOS"}},
	{"iPad", {"iOS"}},
	{"iPod", {"iOS"}},
	{"; iOS ", {"iOS"}},
	{"watchOS", {"iOS"}},
	{"tvOS", {"iOS"}},
	{"AppleTV", {"iOS"}},
	{"AppleCoreMedia", {"iOS", "macOS"}},
	{"Macintosh", {"macOS", "iOS"}},
	{"Mac OS X", {"macOS", "iOS"}},
	{"Mac_PowerPC", {"macOS"}},
	{"CFNetwork", {"iOS", "macOS"}},
	{"; macOS ", {"macOS", "iOS"}},
	{"Darwin", {"macOS", "iOS"}},
	{"Tizen", {"Linux", "Android"}},
	{"Web0S", {"Linux", "Android"}},
	{"webOS", {"Linux", "Android"}},
	{"SMART-TV", {"Linux", "Android"}},
	{"KAIOS", {"Android", "Linux"}},
	{"OpenHarmony", {"HarmonyOS"}}, /* from version 5 on with a kernel of its own */
	{"HarmonyOS", {"Android", "Linux"}},
	{"Fuchsia", {"Fuchsia"}},
	{"CrKey", {"Android", "Linux"}},
	{"Android", {"Android", "ChromeOS"}}, /* Chromebooks run Android's apps */
	{"PlayStation Portable", {"PSP"}},
	{"PlayStation Vita", {"PlayStation", "NetBSD"}},
	{"PlayStation", {"PlayStation", "FreeBSD"}},
	{"PLAYSTATION 3", {"PlayStation", "FreeBSD"}},
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
	{"Symbian", {"Symbian"}},
	/* Android's look whether a network wants a login (NetworkMonitor) */
	{"Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/60.0.3112.32 ",
	 {"Android", "Linux", "ChromeOS"}},
	{"Linux", {"Linux", "Android", "ChromeOS"}},
	{"Ubuntu", {"Linux"}},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Googlebot/2.1, Googlebot-Image, Pingdom.com_bot_version; but CUBOT makes phones. */
static bool names_bot(const char *ua)
{
	for (const char *at = strstr(ua, "ot"); at; at = strstr(at + 2, "ot"))
		if (at > ua && (at[-1] == 'b' || at[-1] == 'B') && at[2] && strchr("/;)-_.", at[2]))
			return true;
	return false;
}

static bool claims_nothing(const char *ua)
{
	if (names_bot(ua))
		return true;
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
	for (size_t i = 0; row->classes[i]; i++) {
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

static float claimed_prob(const struct ua_claim *claim, const struct match *match)
{
	float prob = 0;

	VOCAB_EACH_CLASS (id)
		if (claim->classes >> id & 1)
			prob += match->class_prob[id];
	return MIN(prob, 1);
}

/* A lie needs another system that the SYN is likely to be, not only doubt about the claimed one. */
static enum ua_answer answer_of(unsigned lie_permille, float family_confidence)
{
	if (lie_permille >= UA_LIE_PERMILLE && family_confidence * 1000 >= UA_CLEAR_PERMILLE)
		return UA_LIE;
	return lie_permille <= UA_HONEST_PERMILLE ? UA_HONEST : UA_UNSURE;
}

void ua_judge(const struct ua_claim *claim, const struct match *match,
	      struct ua_judgement *ret_judgement)
{
	*ret_judgement = (struct ua_judgement){.answer = UA_NO_CLAIM};
	if (!claim->name)
		return;
	ret_judgement->answer = UA_NO_CLASS;
	if (!claim->class_id)
		return;
	ret_judgement->answer = UA_NO_SYSTEM;
	if (match->kind == MATCH_NONE || match->tool)
		return;
	ret_judgement->lie_permille = (unsigned)((1 - claimed_prob(claim, match)) * 1000 + 0.5f);
	ret_judgement->answer = answer_of(ret_judgement->lie_permille, match->family_confidence);
}

bool ua_answer_has_probability(enum ua_answer answer)
{
	switch (answer) {
	case UA_NO_CLAIM:
	case UA_NO_CLASS:
	case UA_NO_SYSTEM: return false;
	case UA_UNSURE:
	case UA_OTHER_FITS:
	case UA_HONEST:
	case UA_LIE: break;
	}
	return true;
}

const char *ua_answer_text(enum ua_answer answer)
{
	switch (answer) {
	case UA_NO_CLAIM: return "the User-Agent claims no system";
	case UA_NO_CLASS: return "the database does not know the claimed system";
	case UA_NO_SYSTEM: return "the SYN is unknown, or a tool's own";
	case UA_UNSURE: return "the SYN does not say enough about the claim";
	case UA_OTHER_FITS: return "another connection from this address may fit the claim";
	case UA_HONEST: return "the SYN fits the claim";
	case UA_LIE: return "the SYN is not that of a system which honestly says so";
	}
	return "";
}
