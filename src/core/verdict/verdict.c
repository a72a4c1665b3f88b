/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The last step of the core: what the machine is and what it came through, as one small
 * answer with flags. Nothing is measured here; flags that need more than one SYN, or what
 * the client says about itself, are added by those who know.
 */
#include <string.h>
#include <sys/param.h>

#include "core/link/link_weigh.h"
#include "core/verdict/verdict.h"

static const char *const flag_names[VERDICT_FLAG_COUNT] = {
	"vpn",    "tunnel",      "scanner", "os_mismatch", "inconsistent",
	"shared", "mss_clamped", "unknown", "malformed",   "proxy",
};

/* An access network never flags, whatever the threshold. */
unsigned verdict_link_flags(enum link_kind kind, enum link_grade grade, enum link_grade threshold)
{
	if (grade < LINK_POSSIBLE || grade < threshold)
		return 0;
	return kind == LINK_TUNNEL ? VERDICT_TUNNEL : VERDICT_VPN;
}

static unsigned flag_match(const struct match *match)
{
	unsigned flags = 0;

	if (match->tool)
		flags |= VERDICT_SCANNER;
	if (match->inconsistent)
		flags |= VERDICT_INCONSISTENT;
	if (match->unknown)
		flags |= VERDICT_UNKNOWN;
	return flags;
}

static uint16_t permille(float fraction)
{
	if (!(fraction > 0))
		return 0;
	return fraction < 1 ? (uint16_t)(((unsigned)(fraction * 2000) + 1) / 2) : 1000;
}

/*
 * What the window says of the MSS it says only of stacks that make the one of the other: lwIP's MSS
 * is a constant, and a load balancer copies it. And a phone's carrier may have any MTU: it takes a
 * network in which this one is rare (verdict_weigh()) to make a tunnel likely.
 */
static void believe_window(const struct match *match, struct link *link)
{
	if (!match->sizes_window) {
		link->reasons &= ~reason_bit(REASON_WIN_OWN_MSS);
		link->reasons |= reason_bit(REASON_WIN_NO_EVIDENCE);
		if (link->kind == LINK_AMBIGUOUS || link->kind == LINK_UNKNOWN)
			link->grade = MIN(link->grade, LINK_ACCESS);
	}
	if (link->grade == LINK_LIKELY)
		link->grade = LINK_POSSIBLE;
}

static struct verdict decide_doubted(const struct syn *syn, const struct match *match,
				     const struct link *link, enum link_grade link_threshold)
{
	struct link believed = *link;

	believe_window(match, &believed);
	believed.mss_own = false;
	return verdict_decide(syn, match, &believed, link_threshold);
}

struct verdict verdict_decide(const struct syn *syn, const struct match *match,
			      const struct link *link, enum link_grade link_threshold)
{
	unsigned flags =
		verdict_link_flags(link->kind, link->grade, link_threshold) | flag_match(match);
	uint64_t reasons = match->reasons | link->reasons;

	if (link->mss_own && link->grade > LINK_ACCESS && match->doubts_window)
		return decide_doubted(syn, match, link, link_threshold);
	if (link->mss_clamped && !(link->reasons & reason_bit(REASON_LOCAL_CLAMP)))
		flags |= VERDICT_MSS_CLAMPED;
	if (syn->quirks & QUIRK_OPT_BAD) {
		flags |= VERDICT_MALFORMED;
		reasons |= reason_bit(REASON_OPT_MALFORMED);
	}
	return (struct verdict){
		.reasons = reasons & VERDICT_REASONS_MASK,
		.flags = flags & VERDICT_FLAGS_MASK,
		.match = match->kind & 3,
		.grade = link->grade & 3,
		.dist_hops = match->dist_hops & 0x7fu,
		.label = match->label,
		.mss = syn->mss,
		.confidence_permille = permille(match->confidence) & 0x3ffu,
		.family_permille = permille(match->family_confidence) & 0x3ffu,
		.class_id = match->class_id & 0x3fu,
		.link = link->label,
	};
}

void verdict_weigh(struct verdict *verdict, enum link_grade link_threshold)
{
	enum link_grade grade = link_weigh((enum link_grade)verdict->grade, verdict->reasons);
	bool is_tunnel = verdict->reasons & reason_bit(REASON_MTU_TUNNEL);
	unsigned flags = verdict->flags & ~(unsigned)(VERDICT_VPN | VERDICT_TUNNEL);

	if (grade == verdict->grade)
		return;
	flags |= verdict_link_flags(is_tunnel ? LINK_TUNNEL : LINK_VPN, grade, link_threshold);
	verdict->grade = grade & 3;
	verdict->flags = flags & VERDICT_FLAGS_MASK;
}

bool verdict_is_same(const struct verdict *a, const struct verdict *b)
{
	return a->class_id == b->class_id && a->label == b->label && a->flags == b->flags &&
	       a->grade == b->grade && a->link == b->link;
}

const char *verdict_flag_name(enum verdict_flag flag)
{
	for (unsigned i = 0; i < VERDICT_FLAG_COUNT; i++) {
		if ((unsigned)flag == 1u << i)
			return flag_names[i];
	}
	return NULL;
}

unsigned verdict_flag_parse(const char *name, size_t len)
{
	for (unsigned i = 0; i < VERDICT_FLAG_COUNT; i++) {
		if (strlen(flag_names[i]) == len && memcmp(flag_names[i], name, len) == 0)
			return 1u << i;
	}
	return 0;
}
