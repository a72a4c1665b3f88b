/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The operation `explain`. It judges the kept SYN anew, so that the numbers are those of the
 * databases as they are now; what only the client table knows comes from the kept verdict.
 */
#include "core/report/explain.h"
#include "daemon/answers/answers_ops.h"

/* What was known, or was told, beyond the SYN. */
#define FLAGS_OF_CLIENT (VERDICT_SHARED | VERDICT_OS_MISMATCH | VERDICT_PROXY)
#define REASONS_OF_CLIENT                                                                          \
	(UINT64_C(1) << REASON_SEVERAL_STACKS | UINT64_C(1) << REASON_SEVERAL_MTUS |               \
	 UINT64_C(1) << REASON_BASELINE_NORMAL | UINT64_C(1) << REASON_BASELINE_RARE |             \
	 UINT64_C(1) << REASON_UA_LIE | UINT64_C(1) << REASON_CLOCKS)

/* By the databases and the settings as they are now. */
static void decide_anew(const struct generation *generation, struct details *details)
{
	struct verdict *verdict = &details->report.verdict, kept = *verdict;
	enum link_grade threshold = generation->config->link_threshold;

	*verdict = verdict_decide(&details->syn, &details->match, &details->link, threshold);
	verdict->flags |= kept.flags & FLAGS_OF_CLIENT;
	verdict->reasons |= kept.reasons & REASONS_OF_CLIENT;
	verdict_weigh(verdict, threshold);
}

/*
 * Three witnesses of one who is not where his packets come from, and each sees what the others do
 * not: what the browser claims, what the packets went through, how long somebody waits.
 */
enum witness { WITNESS_USER_AGENT, WITNESS_LINK, WITNESS_CLOCKS, WITNESSES };

static const struct {
	const char *name, *for_text, *none_text;
} witnesses[WITNESSES] = {
	{"user_agent", "it claims another system than the one that sends its packets",
	 "no User-Agent was caught in a lie"},
	{"link", "its packets went through a VPN or a tunnel",
	 "its link looks like an ordinary one"},
	{"clocks", "its data and its answers wait for somebody behind it",
	 "they show nobody behind it"},
};

static unsigned count_witnesses(const bool is_for[WITNESSES])
{
	unsigned count = 0;

	for (unsigned i = 0; i < WITNESSES; i++)
		count += is_for[i];
	return count;
}

static void put_witnesses(const struct answers *answers, const struct details *details,
			  struct text_buf *reply)
{
	unsigned flags = details->report.verdict.flags;
	const bool is_for[WITNESSES] = {(flags & VERDICT_OS_MISMATCH) != 0,
					(flags & (VERDICT_VPN | VERDICT_TUNNEL)) != 0,
					(flags & VERDICT_PROXY) != 0};

	text_putf(reply, ",\"witnesses\":{\"agree\":%u", count_witnesses(is_for));
	for (unsigned i = 0; i < WITNESSES; i++) {
		bool is_silent = i == WITNESS_CLOCKS && !details->has_clocks;

		text_putf(reply, ",\"%s\":{\"speaks_for_it\":%s,\"text\":", witnesses[i].name,
			  is_for[i] ? "true" : "false");
		text_put_json(reply, is_for[i]    ? witnesses[i].for_text
				     : !is_silent ? witnesses[i].none_text
				     : answers_generation(answers)->evidence
					     ? "none of its connections was measured"
					     : "connections are not measured (clocks.enabled)");
		text_put_char(reply, '}');
	}
	text_put_char(reply, '}');
}

static void put_explanation(const struct answers *answers, struct details *details,
			    struct text_buf *reply)
{
	const struct generation *generation = answers_generation(answers);
	struct explain_bases bases = {.sigdb = generation->knowledge->sigdb,
				      .linkdb = generation->knowledge->linkdb,
				      .vocab = answers->vocab};

	if (details->report.syn)
		decide_anew(generation, details);
	report_put_members(&details->report, answers->vocab, reply);
	if (details->report.syn)
		explain_put_members(&details->report, &bases, reply);
	else
		text_put(reply, ",\"explain\":null");
}

void answers_explain(struct answers *answers, const struct proto_request *req,
		     struct text_buf *reply)
{
	struct details details;
	struct client client;

	if (details_find(answers, req, &client, &details, reply) < 0)
		return;
	put_explanation(answers, &details, reply);
	details_put_clocks(answers, &details, reply);
	put_witnesses(answers, &details, reply);
	if (req->has_also)
		answers_put_pair(answers, req, reply);
	text_put_char(reply, '}');
}
