/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules in the kernel. The first of them carries a fingerprint of all, by which the same rules
 * are known again, and a tag, by which ours are told from anybody else's in our chains.
 */
#include "input/rules_impl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "ruleset/ruleset_kernel.h"

#define STRAYS_MAX 32 /* chains that are removed at once */
#define TRIES 3 /* somebody else may change the rules between the question and the transaction */
#define SWITCH_SETS 2
#define DELETED_MAX 160 /* sets that are made anew; of more the rest is not named */

/* Base chains first. */
static const char *const own_chains[] = {"divert",  "served",      "promote",      "promote_out",
					 "clocks",  "clocks_out",  "syn",          "back",
					 "send",    "publish",     "dispute",      "confirm",
					 "whole",   "back_answer", "clocks_begin", "clocks_copy",
					 "inbound", "marked",      "foreign"};

int rules_check_kernel(struct text_error *ret_error)
{
	struct utsname name;
	unsigned major, minor;

	if (uname(&name) < 0 || sscanf(name.release, "%u.%u", &major, &minor) != 2 || major > 5 ||
	    (major == 5 && minor >= 4))
		return 0;
	text_error_set(ret_error, 0, 0,
		       "Linux %.60s is too old: the rules need 5.4 or later (packets that delete "
		       "elements of sets)",
		       name.release);
	return -EOPNOTSUPP;
}

/* What one try works with. */
struct attempt {
	struct nl *nl;
	struct nft_batch *batch;
	const struct rules_params *params;
	uint32_t generation; /* before the survey; 0: whatever was committed since */
	struct rules_survey survey;
	struct ruleset ruleset;
	struct rules_applied applied; /* where this try succeeds */
	unsigned messages; /* put so far */
	unsigned first_delete, first_rule; /* messages of the batch, counted from 0 */
	bool is_dormant; /* somebody switched our table off */
	bool keeps_sizes; /* of sets of ours that others' rules refer to */
	char kept[RULESET_NAME_MAX + 1]; /* such a set, which is to have another one */
	unsigned deleted_count;
	struct {
		unsigned message;
		const char *set; /* of the ruleset */
	} deleted[DELETED_MAX];
	char busy[RULESET_NAME_MAX + 1]; /* one that cannot be: rules outside of ours refer to it */
};

static bool is_found(const struct rules_survey *survey, const struct rule *rule)
{
	for (unsigned i = 0; i < survey->count; i++)
		if (strcmp(survey->rules[i].chain, rule->chain) == 0 &&
		    !survey->rules[i].is_foreign &&
		    strcmp(survey->rules[i].comment, rule->comment) == 0)
			return true;
	return false;
}

/* Whether the rules that are there are those of the ruleset: the first ones tell them all by a hash. */
static bool is_as_wanted(const struct attempt *attempt)
{
	const struct ruleset *ruleset = &attempt->ruleset;

	if (attempt->survey.count != ruleset->rule_count || attempt->is_dormant)
		return false;
	for (unsigned i = 0; i < ruleset->rule_count; i++)
		if (strcmp(ruleset->rules[i].chain, RULES_CHAIN) == 0 &&
		    !is_found(&attempt->survey, &ruleset->rules[i]))
			return false;
	return true;
}

static void put_delete_set(struct attempt *attempt, const char *name)
{
	struct nlmsghdr *nlh = nft_batch_put(attempt->batch, NFT_MSG_DELSET, NFPROTO_INET, 0);

	mnl_attr_put_strz(nlh, NFTA_SET_TABLE, NFT_OUR_TABLE);
	mnl_attr_put_strz(nlh, NFTA_SET_NAME, name);
	if (attempt->deleted_count < DELETED_MAX) {
		attempt->deleted[attempt->deleted_count].message = attempt->messages;
		attempt->deleted[attempt->deleted_count++].set = name;
	}
	attempt->messages++;
}

static void put_delete_rules(struct attempt *attempt)
{
	for (unsigned i = 0; i < attempt->survey.count; i++) {
		const struct rules_found *found = &attempt->survey.rules[i];
		struct nlmsghdr *nlh =
			nft_batch_put(attempt->batch, NFT_MSG_DELRULE, NFPROTO_INET, 0);

		mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, NFT_OUR_TABLE);
		mnl_attr_put_strz(nlh, NFTA_RULE_CHAIN, found->chain);
		mnl_attr_put_u64(nlh, NFTA_RULE_HANDLE, htobe64(found->handle));
		attempt->messages++;
	}
}

static bool is_of_kind(const struct nft_set_info *info, const struct ruleset_set *set)
{
	uint32_t len, type = ruleset_key_type(&set->key, &len);
	bool is_map = info->flags & NFT_SET_MAP;

	return info->key_type == type && info->flags & NFT_SET_TIMEOUT &&
	       is_map == set->is_mark_map && !(info->flags & (NFT_SET_INTERVAL | NFT_SET_CONSTANT));
}

/*
 * How often a set is collected the kernel takes over from the message about one that is there, if all
 * else is the same: those of version 0.1 have other flags.
 */
static bool must_tell(const struct nft_set_info *info, const struct ruleset_set *set)
{
	return info->has_tag && info->size == set->size && info->flags & NFT_SET_EVAL &&
	       info->collect_ms != set->collect_ms;
}

/* One of our names that something else has: anew if it is ours and of another kind, else an error. */
static int put_set(struct attempt *attempt, const struct ruleset_set *set)
{
	struct nft_set_info info;
	int rc = nft_get_set(attempt->nl, NFPROTO_INET, NFT_OUR_TABLE, set->name, &info);

	if (rc < 0 && rc != -ENOENT)
		return rc;
	if (rc == 0 && is_of_kind(&info, set) &&
	    (info.size == set->size || attempt->keeps_sizes || !info.has_tag)) {
		if (info.size != set->size && info.has_tag && !attempt->kept[0])
			snprintf(attempt->kept, sizeof(attempt->kept), "%s", set->name);
		if (!must_tell(&info, set))
			return 0;
	} else if (rc == 0) {
		if (!info.has_tag)
			return -EEXIST;
		put_delete_set(attempt, set->name);
	}
	ruleset_batch_set(attempt->batch, &attempt->ruleset, set);
	attempt->messages++;
	return 0;
}

/* The switch of version 0.1, which nothing of ours refers to any more. */
static int put_delete_old_switch(struct attempt *attempt)
{
	struct nft_set_info info;
	int rc = nft_get_set(attempt->nl, NFPROTO_INET, NFT_OUR_TABLE, RULES_OLD_ALIVE, &info);

	if (rc == 0 && info.has_tag && info.key_type == NFT_TYPE_INET_PROTO)
		put_delete_set(attempt, RULES_OLD_ALIVE);
	return rc == -ENOENT ? 0 : rc;
}

static int put_all(struct attempt *attempt)
{
	const struct ruleset *ruleset = &attempt->ruleset;
	int rc = 0;

	nft_batch_expect(attempt->batch, attempt->generation);
	nft_batch_put_table(attempt->batch, true);
	attempt->messages = attempt->first_delete = 1;
	attempt->deleted_count = 0;
	put_delete_rules(attempt);
	rc = put_delete_old_switch(attempt);
	for (unsigned i = 0; i < ruleset->set_count && rc == 0; i++)
		rc = put_set(attempt, &ruleset->sets[i]);
	for (unsigned i = 0; i < ruleset->chain_count; i++, attempt->messages++)
		ruleset_batch_chain(attempt->batch, &ruleset->chains[i]);
	attempt->first_rule = attempt->messages;
	for (unsigned i = 0; i < ruleset->rule_count && rc == 0; i++)
		rc = ruleset_batch_rule(attempt->batch, ruleset, &ruleset->rules[i]);
	return rc;
}

/* How replacing the rules went. */
enum outcome { OUTCOME_OK, OUTCOME_FAILED, OUTCOME_CHANGED_MEANWHILE, OUTCOME_NO_ENGINE };

/* The set that a message would have deleted. */
static void name_busy(struct attempt *attempt, unsigned message)
{
	for (unsigned i = 0; i < attempt->deleted_count; i++)
		if (attempt->deleted[i].message == message)
			snprintf(attempt->busy, sizeof(attempt->busy), "%s",
				 attempt->deleted[i].set);
}

/* One transaction: our old rules away; table, sets and chains where they are missing; the new rules. */
static enum outcome replace_rules(struct attempt *attempt, int *ret_rc)
{
	unsigned failed = 0, chains = attempt->ruleset.chain_count;
	int rc = put_all(attempt);

	if (rc == 0)
		rc = nft_batch_commit(attempt->batch, &failed);
	else
		nft_batch_clear(attempt->batch);
	/* There is a chain of that name on another hook. */
	if (rc == -EOPNOTSUPP && failed < attempt->first_rule &&
	    failed >= attempt->first_rule - chains)
		rc = -EEXIST;
	*ret_rc = rc;
	if (rc == -EBUSY && !attempt->keeps_sizes) {
		attempt->keeps_sizes = true;
		return replace_rules(attempt, ret_rc);
	}
	if (rc == -EBUSY)
		name_busy(attempt, failed);
	if (rc == 0)
		return OUTCOME_OK;
	if (rc == -ERESTART)
		return OUTCOME_CHANGED_MEANWHILE;
	if (rc != -ENOENT || failed < attempt->first_delete)
		return OUTCOME_FAILED;
	return failed < attempt->first_rule ? OUTCOME_CHANGED_MEANWHILE : OUTCOME_NO_ENGINE;
}

static int explain_engine(const struct rules_params *params, struct text_error *ret_error)
{
	static const char *const nft = "the nft expression 'queue' (CONFIG_NFT_QUEUE)";
	static const char *const xt = "the target NFQUEUE through nft_compat (CONFIG_NFT_COMPAT, "
				      "CONFIG_NETFILTER_XT_TARGET_NFQUEUE)";
	const char *fib = params->confirm.is_on ? ", or not nft's 'fib' (CONFIG_NFT_FIB_INET)" : "";

	if (params->engine == RULES_AUTO)
		text_error_set(ret_error, 0, 0, "this kernel has neither %s nor %s%s", nft, xt,
			       fib);
	else
		text_error_set(ret_error, 0, 0, "this kernel does not have %s%s%s",
			       params->engine == RULES_NFT ? nft : xt, fib,
			       params->engine == RULES_NFT ? "; use rules.engine = \"auto\"" : "");
	return -EOPNOTSUPP;
}

static int explain_busy(const struct attempt *attempt, struct text_error *ret_error)
{
	text_error_set(ret_error, 0, 0,
		       "set %.200s of table inet synprint is to be of another type, and rules that "
		       "are not ours refer to it: delete these first, or give the set another name",
		       attempt->busy);
	return -EBUSY;
}

static int explain(struct nl *nl, int rc, struct text_error *ret_error)
{
	if (rc == -EPERM)
		text_error_set(ret_error, 0, 0, "no permission to change table inet synprint: %s",
			       nft_explain(nl, NFPROTO_INET, NFT_OUR_TABLE, rc));
	else if (rc == -EEXIST)
		text_error_set(ret_error, 0, 0,
			       "table inet " NFT_OUR_TABLE " has a chain or a set that is not ours "
			       "and has the name of one of ours: rename it");
	else if (rc == -EOPNOTSUPP)
		text_error_set(ret_error, 0, 0, "this kernel has no nf_tables for family inet");
	else
		text_error_set(ret_error, 0, 0, "the kernel did not take the rules: %s",
			       strerror(-rc));
	return rc;
}

/* With one engine. Return: as the outcome; OUTCOME_OK also where all is as it should be. */
static enum outcome try_engine(struct attempt *attempt, enum rules_engine engine, bool may_change,
			       int *ret_rc)
{
	enum outcome outcome = OUTCOME_NO_ENGINE;

	*ret_rc = groups_build(attempt->params, engine, &attempt->ruleset);
	if (*ret_rc < 0)
		return OUTCOME_FAILED;
	attempt->applied = (struct rules_applied){engine, attempt->ruleset.fingerprint};
	if (is_as_wanted(attempt))
		outcome = OUTCOME_OK;
	else if (may_change)
		outcome = replace_rules(attempt, ret_rc);
	ruleset_free(&attempt->ruleset);
	return outcome;
}

/* First whether those of some engine are there already, then with the first engine that works. */
static enum outcome try_engines(struct attempt *attempt, int *ret_rc)
{
	enum outcome outcome = OUTCOME_NO_ENGINE;

	for (int change = 0; change < 2; change++)
		for (int e = RULES_NFT; e <= RULES_XT && outcome == OUTCOME_NO_ENGINE; e++)
			if (attempt->params->engine == RULES_AUTO ||
			    attempt->params->engine == (enum rules_engine)e)
				outcome = try_engine(attempt, (enum rules_engine)e, change, ret_rc);
	return outcome;
}

/*
 * A table that is switched on takes no new base chain in the same transaction (nf_tables_addchain()
 * and __NFT_TABLE_F_UPDATE), and somebody may have removed or renamed one of ours. Then all begins anew.
 */
static int wake_table(struct attempt *attempt)
{
	int rc;

	nft_batch_put_table(attempt->batch, true);
	put_delete_rules(attempt);
	rc = nft_batch_commit(attempt->batch, NULL);
	return rc == 0 || rc == -ENOENT ? -EAGAIN : rc;
}

/* One try; -EAGAIN where the rules changed between the question and the transaction. */
static int apply_once(struct attempt *attempt, struct text_error *ret_error)
{
	uint32_t flags = 0;
	int rc = rules_survey(attempt->nl, &attempt->survey);

	nft_get_table(attempt->nl, NFT_OUR_TABLE, &flags);
	attempt->is_dormant = flags & NFT_TABLE_F_DORMANT;
	if (rc == -EINVAL) /* nfnetlink.c: there is no such subsystem */
		rc = -EOPNOTSUPP;
	if (rc == 0 && attempt->is_dormant)
		rc = wake_table(attempt);
	if (rc < 0)
		return rc == -EAGAIN ? rc : explain(attempt->nl, rc, ret_error);
	switch (try_engines(attempt, &rc)) {
	case OUTCOME_OK: return 0;
	case OUTCOME_FAILED:
		return attempt->busy[0] ? explain_busy(attempt, ret_error)
					: explain(attempt->nl, rc, ret_error);
	case OUTCOME_CHANGED_MEANWHILE: return -EAGAIN;
	case OUTCOME_NO_ENGINE: return explain_engine(attempt->params, ret_error);
	}
	return -EINVAL;
}

static int apply(struct attempt *attempt, struct rules_applied *ret_applied,
		 struct text_error *ret_error)
{
	int rc = -EAGAIN;

	for (int try = 0; try < TRIES && rc == -EAGAIN; try++) {
		attempt->generation = 0;
		/* Once: where somebody commits without end, each try waits for him. */
		if (try == 0)
			nft_generation(attempt->nl, &attempt->generation);
		rc = apply_once(attempt, ret_error);
	}
	if (rc == -EAGAIN)
		return explain(attempt->nl, rc, ret_error);
	if (rc == 0 && ret_applied)
		*ret_applied = attempt->applied;
	if (rc == 0 && attempt->kept[0] && attempt->params->may_resize)
		text_error_set(ret_error, 0, 0,
			       "size of set %.255s, because rules outside of ours refer to it",
			       attempt->kept);
	return rc;
}

int rules_apply(struct nl *nl, const struct rules_params *params, struct rules_applied *ret_applied,
		struct text_error *ret_error)
{
	struct rules_params without = *params;
	struct attempt *attempt;
	int rc = rules_check(params, ret_error);

	if (rc == 0)
		rc = rules_check_kernel(ret_error);
	if (rc < 0)
		return rc;
	if (params->engine == RULES_NONE)
		return text_error_set(
			ret_error, 0, 0,
			"rules.engine is \"none\": the rules are the administrator's");
	attempt = calloc(1, sizeof(*attempt));
	if (!attempt)
		return explain(nl, -ENOMEM, ret_error);
	attempt->nl = nl;
	attempt->params = params;
	attempt->keeps_sizes = !params->may_resize;
	attempt->batch = nft_batch_new(nl);
	rc = attempt->batch ? apply(attempt, ret_applied, ret_error)
			    : explain(nl, -ENOMEM, ret_error);
	if (rc == -EOPNOTSUPP && params->defragments) {
		if (ret_error)
			ret_error->what[0] = '\0';
		without.defragments = false;
		attempt->params = &without;
		rc = apply(attempt, ret_applied, ret_error);
	}
	nft_batch_free(attempt->batch);
	free(attempt);
	return rc;
}

/* Rules of ours, of all chains or of those whose names begin so. */
static int delete_rules(struct nl *nl, struct nft_batch *batch, const char *chain)
{
	struct attempt *attempt = calloc(1, sizeof(*attempt));
	int rc = -ENOENT;

	if (!attempt)
		return -ENOMEM;
	attempt->batch = batch;
	for (int try = 0; try < TRIES && rc == -ENOENT; try++) {
		struct rules_survey *survey = &attempt->survey;
		unsigned kept = 0;

		rc = rules_survey(nl, survey);
		for (unsigned i = 0; i < survey->count; i++)
			if (!survey->rules[i].is_foreign &&
			    strncmp(survey->rules[i].chain, chain, strlen(chain)) == 0)
				survey->rules[kept++] = survey->rules[i];
		survey->count = kept;
		if (rc == 0) {
			put_delete_rules(attempt);
			rc = nft_batch_commit(batch, NULL);
		}
	}
	free(attempt);
	return rc;
}

int rules_undivert(struct nl *nl)
{
	struct nft_batch *batch = nft_batch_new(nl);
	int rc;

	if (!batch)
		return -ENOMEM;
	rc = delete_rules(nl, batch, RULES_CHAIN);
	nft_batch_free(batch);
	return rc;
}

struct strays {
	unsigned count;
	char names[STRAYS_MAX][NFT_CHAIN_MAXNAMELEN];
};

static bool is_own_chain(const char *name)
{
	for (size_t i = 0; i < sizeof(own_chains) / sizeof(own_chains[0]); i++)
		if (strcmp(name, own_chains[i]) == 0)
			return true;
	return false;
}

static void take_stray(const char *name, bool is_ours, void *ctx)
{
	struct strays *strays = ctx;

	if (is_ours && !is_own_chain(name) && strays->count < STRAYS_MAX)
		snprintf(strays->names[strays->count++], sizeof(strays->names[0]), "%s", name);
}

/* What somebody renamed has our tag still. */
static int remove_strays(struct nl *nl, struct nft_batch *batch)
{
	struct strays strays = {.count = 0};
	int rc = nft_list_chains(nl, take_stray, &strays);

	for (unsigned i = 0; rc == 0 && i < strays.count; i++)
		rc = nft_remove_chain(nl, batch, strays.names[i]);
	return rc;
}

static int remove_chains(struct nl *nl, struct nft_batch *batch, const char *chain)
{
	int rc = delete_rules(nl, batch, chain);

	for (size_t i = 0; rc == 0 && i < sizeof(own_chains) / sizeof(own_chains[0]); i++)
		if (strncmp(own_chains[i], chain, strlen(chain)) == 0)
			rc = nft_remove_chain(nl, batch, own_chains[i]);
	return rc;
}

int rules_remove_clocks(struct nl *nl)
{
	struct nft_batch *batch = nft_batch_new(nl);
	int rc;

	if (!batch)
		return -ENOMEM;
	rc = remove_chains(nl, batch, "clocks");
	nft_batch_free(batch);
	return rc;
}

static int remove_sets(struct nl *nl, struct nft_batch *batch, const char *const *sets,
		       size_t set_count)
{
	static const char *const own[] = {GROUPS_ANSWERING,          GROUPS_WAITING,
					  "known_shapes_v4s",        "known_shapes_v6s",
					  RULES_OLD_ALIVE,           GROUPS_TRIAL_SENT,
					  GROUPS_TRIAL_SENT_AGAIN,   GROUPS_TRIAL_PASSED,
					  GROUPS_TRIAL_PASSED_AGAIN, GROUPS_TRIAL_FRESH};
	int rc = 0;

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]) && (rc == 0 || rc == -EBUSY); i++)
		rc = nft_remove_set(nl, batch, own[i]);
	for (size_t i = 0; i < set_count && (rc == 0 || rc == -EBUSY); i++)
		rc = nft_remove_set(nl, batch, sets[i]);
	return rc == -EBUSY ? 0 : rc;
}

int rules_remove(struct nl *nl, const char *const *sets, size_t set_count)
{
	struct nft_batch *batch = nft_batch_new(nl);
	int rc;

	if (!batch)
		return -ENOMEM;
	rc = remove_chains(nl, batch, "");
	if (rc == 0)
		rc = remove_strays(nl, batch);
	if (rc == 0)
		rc = remove_sets(nl, batch, sets, set_count);
	if (rc == 0)
		rc = nft_remove_table(nl, batch);
	nft_batch_free(batch);
	return rc;
}

static void put_forget(struct nft_batch *batch, const void *key, size_t len, uint16_t type)
{
	struct nlmsghdr *nlh = nft_batch_put(batch, type, NFPROTO_INET,
					     type == NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0);
	struct nlattr *nest = nft_begin_elements(nlh, NFT_OUR_TABLE, GROUPS_WAITING);

	nft_put_element(nlh, key, len, NULL, 0, 0);
	mnl_attr_nest_end(nlh, nest);
}

int rules_forget_waiting(struct nl *nl, const struct rules_status *status, uint32_t queues)
{
	struct nft_batch *batch;
	int rc;

	if (status->queue_count < 32)
		queues &= (UINT32_C(1) << status->queue_count) - 1;
	if (!queues)
		return 0;
	batch = nft_batch_new(nl);
	if (!batch)
		return -ENOMEM;
	for (; queues; queues &= queues - 1) {
		uint32_t queue = status->queue_first + (uint32_t)__builtin_ctz(queues);
		const uint8_t tcp = IPPROTO_TCP;
		const void *key = status->queue_count > 1 ? (const void *)&queue : &tcp;
		size_t len = status->queue_count > 1 ? sizeof(queue) : sizeof(tcp);

		put_forget(batch, key, len,
			   NFT_MSG_NEWSETELEM); /* so that there is one to delete */
		put_forget(batch, key, len, NFT_MSG_DELSETELEM);
	}
	rc = nft_batch_commit(batch, NULL);
	nft_batch_free(batch);
	return rc == -ENOENT ? 0 : rc;
}
