/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The operation `explain`. It judges the kept SYN anew, so that the numbers are those of the
 * databases as they are now; what only the client table knows comes from the kept verdict.
 */
#include "core/report/explain.h"
#include "daemon/answers/answers_ops.h"

/* What was known, or was told, beyond the SYN. */
#define FLAGS_OF_CLIENT (VERDICT_SHARED | VERDICT_OS_MISMATCH)
#define REASONS_OF_CLIENT                                                                          \
	(UINT64_C(1) << REASON_SEVERAL_STACKS | UINT64_C(1) << REASON_SEVERAL_MTUS |               \
	 UINT64_C(1) << REASON_BASELINE_NORMAL | UINT64_C(1) << REASON_BASELINE_RARE |             \
	 UINT64_C(1) << REASON_UA_LIE)

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
	if (req->has_also)
		answers_put_pair(answers, req, reply);
	text_put_char(reply, '}');
}
