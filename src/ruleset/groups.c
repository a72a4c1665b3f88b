/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All groups, in their order; see groups.h. */
#include "ruleset/groups.h"

#include <errno.h>
#include <stdlib.h>
#include <xxhash.h>

#include "ruleset/ruleset_text.h"

#define TEXT_BYTES (1 << 18)

/* By which the same rules are known again: of the text of all of them. Return: 0 or -ENOMEM. */
static int fingerprint(const struct ruleset *ruleset, uint32_t *ret_fingerprint)
{
	char *data = malloc(TEXT_BYTES);
	struct text_buf text;

	if (!data)
		return -ENOMEM;
	text_buf_init(&text, data, TEXT_BYTES);
	ruleset_put_text(ruleset, "", "", &text);
	*ret_fingerprint = (uint32_t)XXH3_64bits(text.data, text.len);
	free(data);
	return text.overflow ? -ENOMEM : 0;
}

/* The diverting rules come first, and say what all of them are. */
static int describe(struct ruleset *ruleset, const struct rules_params *params)
{
	unsigned count = params->interface_count ? params->interface_count : 1;
	int rc = fingerprint(ruleset, &ruleset->fingerprint);

	for (unsigned i = 0; rc == 0 && i < count; i++)
		snprintf(ruleset->rules[i].comment, sizeof(ruleset->rules[i].comment),
			 "%s %u-%u %s of %u #%08x", ruleset->is_xt ? "xt" : "nft",
			 params->queue_first, params->queue_first + params->queue_count - 1u,
			 params->interface_count ? params->interfaces[i] : "*", ruleset->rule_count,
			 ruleset->fingerprint);
	return rc;
}

int groups_build(const struct rules_params *params, enum rules_engine engine,
		 struct ruleset *ret_ruleset)
{
	struct ruleset ruleset = {.is_xt = engine == RULES_XT,
				  .queue_first = params->queue_first,
				  .queue_count = params->queue_count};

	group_divert(&ruleset, params);
	group_skip(&ruleset, params);
	group_trial(&ruleset, params);
	group_publish(&ruleset, params);
	group_switch(&ruleset, params);
	group_whole(&ruleset, params);
	group_confirm(&ruleset, params);
	group_clocks(&ruleset, params);
	if (ruleset.failed || describe(&ruleset, params) < 0) {
		ruleset_free(&ruleset);
		return -ENOMEM;
	}
	*ret_ruleset = ruleset;
	return 0;
}
