/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules in the kernel. What they are stands in the comment of each ("synprint xt 0-3 eth0"),
 * which is how the same rules are known again, and ours from anybody else's in our chain.
 */
#include "input/rules_impl.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define OURS_MAX (2 * RULES_INTERFACES_MAX) /* twice: a saved ruleset was loaded on top of ours */
#define ANY_INTERFACE "*"
#define TRIES 3 /* somebody else may change the rules between the question and the transaction */

/* Our rules as they are in the kernel. */
struct survey {
	unsigned count;
	struct found {
		uint64_t handle;
		char comment[NFT_COMMENT_MAX + 1];
	} rules[OURS_MAX];
	uint64_t packets;
	unsigned bypassing; /* rules that let SYNs pass where nobody reads the queue */
};

static void survey_rule(struct nftnl_rule *rule, void *ctx)
{
	static const char prefix[] = NFT_OUR_TAG " ";
	const char *comment = nft_rule_comment(rule);
	struct survey *survey = ctx;
	struct found *found = &survey->rules[survey->count];

	if (survey->count == OURS_MAX || !comment ||
	    strncmp(comment, prefix, sizeof(prefix) - 1) != 0)
		return;
	found->handle = nftnl_rule_get_u64(rule, NFTNL_RULE_HANDLE);
	snprintf(found->comment, sizeof(found->comment), "%s", comment);
	survey->packets += nft_rule_packets(rule);
	survey->bypassing += rules_rule_bypasses(rule);
	survey->count++;
}

static int survey_rules(struct nl *nl, struct survey *ret_survey)
{
	return nft_list_rules(nl, NFPROTO_INET, NFT_OUR_TABLE, RULES_CHAIN, survey_rule,
			      ret_survey);
}

static unsigned rule_count(const struct rules_params *params)
{
	return params->interface_count ? params->interface_count : 1;
}

static const char *interface_of(const struct rules_params *params, unsigned rule)
{
	return params->interface_count ? params->interfaces[rule] : NULL;
}

static void describe_rule(const struct rules_params *params, enum rules_engine engine,
			  unsigned rule, char ret_comment[NFT_COMMENT_MAX + 1])
{
	const char *interface = interface_of(params, rule);
	int len = snprintf(ret_comment, NFT_COMMENT_MAX + 1, NFT_OUR_TAG " %s %u-%u %s",
			   rules_engine_name(engine), params->queue_first,
			   params->queue_first + params->queue_count - 1u,
			   interface ? interface : ANY_INTERFACE);

	if (params->limit)
		snprintf(ret_comment + len, NFT_COMMENT_MAX + 1 - (size_t)len, " limit %u",
			 params->limit);
}

static bool is_as_wanted(const struct survey *survey, const struct rules_params *params,
			 enum rules_engine engine)
{
	char comment[NFT_COMMENT_MAX + 1];

	if (survey->count != rule_count(params))
		return false;
	for (unsigned i = 0; i < survey->count; i++) {
		describe_rule(params, engine, i, comment);
		if (strcmp(comment, survey->rules[i].comment) != 0)
			return false;
	}
	return true;
}

static void put_chain(struct nft_batch *batch)
{
	struct nlmsghdr *nlh = nft_batch_put(batch, NFT_MSG_NEWCHAIN, NFPROTO_INET, NLM_F_CREATE);
	struct nlattr *hook;

	mnl_attr_put_strz(nlh, NFTA_CHAIN_TABLE, NFT_OUR_TABLE);
	mnl_attr_put_strz(nlh, NFTA_CHAIN_NAME, RULES_CHAIN);
	mnl_attr_put_strz(nlh, NFTA_CHAIN_TYPE, "filter");
	mnl_attr_put_u32(nlh, NFTA_CHAIN_POLICY, htonl(NF_ACCEPT));
	nft_put_chain_tag(nlh);
	hook = mnl_attr_nest_start(nlh, NFTA_CHAIN_HOOK);
	mnl_attr_put_u32(nlh, NFTA_HOOK_HOOKNUM, htonl(NF_INET_PRE_ROUTING));
	mnl_attr_put_u32(nlh, NFTA_HOOK_PRIORITY, htonl((uint32_t)RULES_PRIORITY));
	mnl_attr_nest_end(nlh, hook);
}

static void put_delete_rules(struct nft_batch *batch, const struct survey *survey)
{
	for (unsigned i = 0; i < survey->count; i++) {
		struct nlmsghdr *nlh = nft_batch_put(batch, NFT_MSG_DELRULE, NFPROTO_INET, 0);

		mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, NFT_OUR_TABLE);
		mnl_attr_put_strz(nlh, NFTA_RULE_CHAIN, RULES_CHAIN);
		mnl_attr_put_u64(nlh, NFTA_RULE_HANDLE, htobe64(survey->rules[i].handle));
	}
}

static int put_rule(struct nft_batch *batch, const struct rules_params *params,
		    enum rules_engine engine, unsigned index)
{
	char comment[NFT_COMMENT_MAX + 1];
	struct nftnl_rule *rule = rules_rule_new(params, engine, interface_of(params, index));
	int rc = -ENOMEM;

	if (!rule)
		return rc;
	describe_rule(params, engine, index, comment);
	rc = nft_rule_set_comment(rule, comment);
	if (rc == 0)
		nftnl_rule_nlmsg_build_payload(nft_batch_put(batch, NFT_MSG_NEWRULE, NFPROTO_INET,
							     NLM_F_CREATE | NLM_F_APPEND),
					       rule);
	nftnl_rule_free(rule);
	return rc;
}

/* How replacing the rules went. */
enum outcome { OUTCOME_OK, OUTCOME_FAILED, OUTCOME_CHANGED_MEANWHILE, OUTCOME_NO_ENGINE };

/* One transaction: table, set and chain where they are missing, our old rules away, the new ones. */
static enum outcome replace_rules(struct nft_batch *batch, const struct survey *survey,
				  const struct rules_params *params, enum rules_engine engine,
				  int *ret_rc)
{
	static const struct nft_set_spec alive = {.name = RULES_ALIVE,
						  .key_type = NFT_TYPE_INET_PROTO,
						  .key_len = 1};
	const unsigned chain = 2, first_delete = 3, first_new = first_delete + survey->count;
	unsigned failed = 0;
	int rc = 0;

	nft_batch_put_table(batch);
	nft_batch_put_set(batch, &alive);
	put_chain(batch);
	put_delete_rules(batch, survey);
	for (unsigned i = 0; i < rule_count(params) && rc == 0; i++)
		rc = put_rule(batch, params, engine, i);
	if (rc == 0)
		rc = nft_batch_commit(batch, &failed);
	if (rc == -EOPNOTSUPP && failed == chain) /* there is one of that name on another hook */
		rc = -EEXIST;
	*ret_rc = rc;
	if (rc == 0)
		return OUTCOME_OK;
	if (rc != -ENOENT || failed < first_delete)
		return OUTCOME_FAILED;
	return failed < first_new ? OUTCOME_CHANGED_MEANWHILE : OUTCOME_NO_ENGINE;
}

/* Replaces with the first engine that the kernel has. */
static enum outcome try_engines(struct nft_batch *batch, const struct survey *survey,
				const struct rules_params *params, enum rules_engine *ret_engine,
				int *ret_rc)
{
	enum outcome outcome = OUTCOME_NO_ENGINE;

	for (int e = RULES_NFT; e <= RULES_XT && outcome == OUTCOME_NO_ENGINE; e++) {
		enum rules_engine engine = (enum rules_engine)e;

		if (params->engine != RULES_AUTO && params->engine != engine)
			continue;
		outcome = replace_rules(batch, survey, params, engine, ret_rc);
		*ret_engine = engine;
	}
	return outcome;
}

static int explain_engine(enum rules_engine engine, struct text_error *ret_error)
{
	static const char *const nft = "the nft expression 'queue' (CONFIG_NFT_QUEUE)";
	static const char *const xt = "the target NFQUEUE through nft_compat (CONFIG_NFT_COMPAT, "
				      "CONFIG_NETFILTER_XT_TARGET_NFQUEUE)";

	if (engine == RULES_AUTO)
		text_error_set(ret_error, 0, 0, "this kernel has neither %s nor %s", nft, xt);
	else
		text_error_set(ret_error, 0, 0, "this kernel does not have %s%s",
			       engine == RULES_NFT ? nft : xt,
			       engine == RULES_NFT ? "; use rules.engine = \"auto\"" : "");
	return -EOPNOTSUPP;
}

static int explain(int rc, struct text_error *ret_error)
{
	if (rc == -EPERM)
		text_error_set(
			ret_error, 0, 0,
			"no permission to change nf_tables: CAP_NET_ADMIN is missing; run as "
			"root");
	else if (rc == -EEXIST)
		text_error_set(ret_error, 0, 0,
			       "table inet " NFT_OUR_TABLE " has a chain '" RULES_CHAIN
			       "' or a set '" RULES_ALIVE "' that is not ours: rename it");
	else if (rc == -EOPNOTSUPP)
		text_error_set(ret_error, 0, 0, "this kernel has no nf_tables for family inet");
	else
		text_error_set(ret_error, 0, 0, "the kernel did not take the rules: %s",
			       strerror(-rc));
	return rc;
}

/* Older kernels say nothing when a set of another type is there under the same name. */
static int check_alive(struct nl *nl)
{
	struct nft_set_info info;
	int rc = nft_get_set(nl, NFPROTO_INET, NFT_OUR_TABLE, RULES_ALIVE, &info);

	if (rc == 0 && (info.key_type != NFT_TYPE_INET_PROTO || !(info.flags & NFT_SET_TIMEOUT)))
		return -EEXIST;
	return rc == -ENOENT ? 0 : rc;
}

/* One try; -EAGAIN where the rules changed between the question and the transaction. */
static int apply_once(struct nl *nl, struct nft_batch *batch, const struct rules_params *params,
		      enum rules_engine *ret_engine, struct text_error *ret_error)
{
	struct survey survey = {0};
	int rc = check_alive(nl);

	if (rc == 0)
		rc = survey_rules(nl, &survey);
	if (rc == -EINVAL) /* nfnetlink.c: there is no such subsystem */
		rc = -EOPNOTSUPP;
	if (rc < 0)
		return explain(rc, ret_error);
	for (int e = RULES_NFT; e <= RULES_XT; e++) {
		*ret_engine = (enum rules_engine)e;
		if ((params->engine == RULES_AUTO || params->engine == *ret_engine) &&
		    is_as_wanted(&survey, params, *ret_engine))
			return 0;
	}
	switch (try_engines(batch, &survey, params, ret_engine, &rc)) {
	case OUTCOME_OK: return 0;
	case OUTCOME_FAILED: return explain(rc, ret_error);
	case OUTCOME_CHANGED_MEANWHILE: return -EAGAIN;
	case OUTCOME_NO_ENGINE: return explain_engine(params->engine, ret_error);
	}
	return -EINVAL;
}

int rules_apply(struct nl *nl, const struct rules_params *params, enum rules_engine *ret_engine,
		struct text_error *ret_error)
{
	struct nft_batch *batch;
	enum rules_engine engine = RULES_NONE;
	int rc = rules_check(params, ret_error);

	if (rc < 0)
		return rc;
	if (params->engine == RULES_NONE)
		return text_error_set(
			ret_error, 0, 0,
			"rules.engine is \"none\": the rules are the administrator's");
	batch = nft_batch_new(nl);
	if (!batch)
		return explain(-ENOMEM, ret_error);
	rc = -EAGAIN;
	for (int try = 0; try < TRIES && rc == -EAGAIN; try++)
		rc = apply_once(nl, batch, params, &engine, ret_error);
	nft_batch_free(batch);
	if (rc == -EAGAIN)
		return explain(rc, ret_error);
	if (rc == 0 && ret_engine)
		*ret_engine = engine;
	return rc;
}

static int delete_rules(struct nl *nl, struct nft_batch *batch)
{
	int rc = -ENOENT;

	for (int try = 0; try < TRIES && rc == -ENOENT; try++) {
		struct survey survey = {0};

		rc = survey_rules(nl, &survey);
		if (rc < 0)
			return rc;
		put_delete_rules(batch, &survey);
		rc = nft_batch_commit(batch, NULL);
	}
	return rc;
}

int rules_undivert(struct nl *nl)
{
	struct nft_batch *batch = nft_batch_new(nl);
	int rc;

	if (!batch)
		return -ENOMEM;
	rc = delete_rules(nl, batch);
	nft_batch_free(batch);
	return rc;
}

int rules_remove(struct nl *nl, const char *const *sets, size_t set_count)
{
	struct nft_batch *batch = nft_batch_new(nl);
	int rc;

	if (!batch)
		return -ENOMEM;
	rc = delete_rules(nl, batch);
	if (rc == 0)
		rc = nft_remove_chain(nl, batch, RULES_CHAIN);
	if (rc == 0)
		rc = nft_remove_set(nl, batch, RULES_ALIVE);
	for (size_t i = 0; i < set_count && (rc == 0 || rc == -EBUSY); i++)
		rc = nft_remove_set(nl, batch, sets[i]);
	if (rc == 0 || rc == -EBUSY)
		rc = nft_remove_table(nl, batch);
	nft_batch_free(batch);
	return rc;
}

/* Reads a comment back; a foreign text that only begins like ours is passed over. */
static void read_comment(const char *comment, struct rules_status *status)
{
	char engine[8], interface[16];
	unsigned first, last;

	if (sscanf(comment, NFT_OUR_TAG " %7s %u-%u %15s", engine, &first, &last, interface) != 4 ||
	    rules_engine_parse(engine, &status->engine) < 0 || last < first || last > UINT16_MAX)
		return;
	status->is_present = true;
	status->queue_first = (uint16_t)first;
	status->queue_count = (uint16_t)(last - first + 1);
	if (strcmp(interface, ANY_INTERFACE) != 0 && status->interface_count < RULES_INTERFACES_MAX)
		memcpy(status->interfaces[status->interface_count++], interface, sizeof(interface));
}

static void put_alive(struct nlmsghdr *nlh, uint64_t timeout_ms)
{
	const uint8_t tcp = IPPROTO_TCP;
	struct nlattr *nest = nft_begin_elements(nlh, NFT_OUR_TABLE, RULES_ALIVE);

	nft_put_element(nlh, &tcp, sizeof(tcp), NULL, timeout_ms, 0);
	mnl_attr_nest_end(nlh, nest);
}

static int get_alive(struct nl *nl)
{
	_Alignas(8) char buf[NL_MESSAGE_BYTES];
	struct nlmsghdr *nlh =
		nl_header(buf, NFT_MSG_TYPE(NFT_MSG_GETSETELEM), NFPROTO_INET, NLM_F_ACK);

	put_alive(nlh, 0);
	return nl_request(nl, nlh, NULL, NULL);
}

int rules_get_status(struct nl *nl, struct rules_status *ret_status)
{
	struct rules_status status = {0};
	struct survey survey = {0};
	int rc = survey_rules(nl, &survey);

	if (rc < 0)
		return rc;
	for (unsigned i = 0; i < survey.count; i++)
		read_comment(survey.rules[i].comment, &status);
	status.syns = survey.packets;
	status.has_bypass = survey.bypassing == survey.count;
	rc = get_alive(nl);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	status.is_armed = rc == 0;
	*ret_status = status;
	return 0;
}

/* Only a new element has a new timeout on Linux 6.1, so it is made anew; nobody sees it missing. */
/* Asked first, because a transaction that fails holds the commit mutex for milliseconds. */
static int check_alive_set(struct nl *nl)
{
	struct nft_set_info info;

	return nft_get_set(nl, NFPROTO_INET, NFT_OUR_TABLE, RULES_ALIVE, &info);
}

int rules_heartbeat(struct nl *nl, unsigned timeout_ms)
{
	struct nft_batch *batch;
	int rc = check_alive_set(nl);

	if (rc < 0)
		return rc;
	batch = nft_batch_new(nl);
	if (!batch)
		return -ENOMEM;
	put_alive(nft_batch_put(batch, NFT_MSG_NEWSETELEM, NFPROTO_INET, NLM_F_CREATE), 0);
	put_alive(nft_batch_put(batch, NFT_MSG_DELSETELEM, NFPROTO_INET, 0), 0);
	put_alive(nft_batch_put(batch, NFT_MSG_NEWSETELEM, NFPROTO_INET, NLM_F_CREATE), timeout_ms);
	rc = nft_batch_commit(batch, NULL);
	nft_batch_free(batch);
	return rc;
}

int rules_disarm(struct nl *nl)
{
	struct nft_batch *batch = nft_batch_new(nl);
	int rc;

	if (!batch)
		return -ENOMEM;
	put_alive(nft_batch_put(batch, NFT_MSG_DELSETELEM, NFPROTO_INET, 0), 0);
	rc = nft_batch_commit(batch, NULL);
	nft_batch_free(batch);
	return rc == -ENOENT ? 0 : rc;
}
