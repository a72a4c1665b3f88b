/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the rules of a trial have noted in their sets; see ruleset/group_trial.c. */
#include <errno.h>
#include <linux/netfilter.h>

#include "input/rules_impl.h"

/*
 * A SYN is sent again after a second for the first time (RFC 6298). So what was seen for the first
 * time this long ago either has come again, as long ago as the rest, or did not.
 */
#define RIPE_MS 2000
#define AGAIN_MS 1000

static const char *const sets[] = {GROUPS_TRIAL_SENT, GROUPS_TRIAL_SENT_AGAIN, GROUPS_TRIAL_PASSED,
				   GROUPS_TRIAL_PASSED_AGAIN};

#define SETS (sizeof(sets) / sizeof(sets[0]))

struct count {
	uint64_t age_ms; /* at least */
	unsigned found;
};

static void take(const void *key, size_t len, uint64_t left_ms, void *ctx)
{
	struct count *count = ctx;

	(void)key;
	(void)len;
	count->found += left_ms + count->age_ms <= GROUPS_TRIAL_MS;
}

int rules_trial_read(struct nl *nl, struct rules_trial *ret_trial)
{
	struct count counts[SETS] = {{RIPE_MS, 0}, {AGAIN_MS, 0}, {RIPE_MS, 0}, {AGAIN_MS, 0}};
	int rc = 0;

	for (size_t i = 0; i < SETS && rc == 0; i++) {
		struct nft_set_place place = {NFPROTO_INET, NFT_OUR_TABLE, sets[i]};

		rc = nft_list_elements(nl, &place, take, &counts[i]);
	}
	if (rc == 0)
		*ret_trial = (struct rules_trial){.sent = counts[0].found,
						  .sent_again = counts[1].found,
						  .passed = counts[2].found,
						  .passed_again = counts[3].found};
	return rc;
}

int rules_trial_forget(struct nl *nl)
{
	struct nft_batch *batch = nft_batch_new(nl);
	int rc = 0;

	if (!batch)
		return -ENOMEM;
	for (size_t i = 0; i < SETS && rc == 0; i++)
		rc = nft_remove_set(nl, batch, sets[i]);
	nft_batch_free(batch);
	return rc;
}
