/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For the time of a trial, whether diverting does harm: half of the new SYNs pass unasked, by chance,
 * and of both halves it is noted which come again, the same ports with the same sequence number. One
 * that passed once passes again. SYNs that were seen for the first time before the trial begin here.
 * Nobody sends a SYN again within FRESH_MS (RFC 6298: a second): that is the same one, which comes
 * through the hook twice, as behind a VRF.
 */
#include <arpa/inet.h>

#include "ruleset/groups.h"

#define FRESH_MS 500

static const struct half {
	const char *seen, *again;
} halves[] = {{GROUPS_TRIAL_PASSED, GROUPS_TRIAL_PASSED_AGAIN},
	      {GROUPS_TRIAL_SENT, GROUPS_TRIAL_SENT_AGAIN}};

static const struct rule_key key = {.count = 2, .fields = {FIELD_TCP_PORTS, FIELD_TCP_SEQ}};

static const char *add_set(struct ruleset *ruleset, const char *name, uint64_t timeout_ms)
{
	struct ruleset_set set = {.key = key,
				  .is_typeof = true,
				  .size = GROUPS_TRIAL_SIZE,
				  .timeout_ms = timeout_ms};

	snprintf(set.name, sizeof(set.name), "%s", name);
	return ruleset_add_set(ruleset, &set);
}

void group_trial(struct ruleset *ruleset, const struct rules_params *params)
{
	const char *seen[2], *again[2], *fresh;
	struct rule *rule;

	if (!params->is_trial)
		return;
	for (unsigned i = 0; i < 2; i++) {
		seen[i] = add_set(ruleset, halves[i].seen, GROUPS_TRIAL_MS);
		again[i] = add_set(ruleset, halves[i].again, GROUPS_TRIAL_MS);
	}
	fresh = add_set(ruleset, GROUPS_TRIAL_FRESH, FRESH_MS);
	for (unsigned i = 0; i < 2; i++) {
		rule = ruleset_add_rule(ruleset, "syn", "trial: comes again");
		rule_lookup(rule, &key, seen[i]);
		rule_lookup_not(rule, &key, fresh);
		rule_change(rule, RULE_ADD, &key, again[i], 0);
	}
	rule = ruleset_add_rule(ruleset, "syn", "trial: passed before");
	rule_lookup(rule, &key, seen[0]);
	rule_end(rule, RULE_RETURN, NULL);
	rule = ruleset_add_rule(ruleset, "syn", "trial: passes");
	rule_match_masked(rule, FIELD_RANDOM, 1, 1);
	rule_lookup_not(rule, &key, seen[1]);
	rule_change(rule, RULE_ADD, &key, seen[0], 0);
	rule_change(rule, RULE_ADD, &key, fresh, 0);
	rule_end(rule, RULE_RETURN, NULL);
	rule = ruleset_add_rule(ruleset, "syn", "trial: is sent");
	rule_change(rule, RULE_ADD, &key, seen[1], 0);
	rule_change(rule, RULE_ADD, &key, fresh, 0);
}
