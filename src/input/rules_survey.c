/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Our rules as they are in the kernel, and what their counters say. */
#include "input/rules_impl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libnftnl/expr.h>
#include <linux/netfilter.h>
#include <linux/netfilter/xt_NFQUEUE.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where the text behind a tag begins, or NULL: another's rule. */
static const char *behind_tag(const char *comment, const char *tag)
{
	size_t len = strlen(tag);

	if (!comment || strncmp(comment, tag, len) != 0 || (comment[len] && comment[len] != ' '))
		return NULL;
	return comment[len] ? comment + len + 1 : comment + len;
}

static void look_at_queue(struct nftnl_expr *expr, const char *name, struct rules_found *found)
{
	uint32_t len = 0;

	if (strcmp(name, "queue") == 0) {
		found->bypasses |=
			nftnl_expr_get_u16(expr, NFTNL_EXPR_QUEUE_FLAGS) & NFT_QUEUE_FLAG_BYPASS;
	} else if (strcmp(name, "target") == 0) {
		const struct xt_NFQ_info_v3 *info = nftnl_expr_get(expr, NFTNL_EXPR_TG_INFO, &len);

		found->bypasses |= info && len >= sizeof(*info) && info->flags & NFQ_FLAG_BYPASS;
	}
}

struct expr_visit {
	struct rules_found *found;
	unsigned counters;
};

static int look_at_expr(struct nftnl_expr *expr, void *ctx)
{
	struct expr_visit *visit = ctx;
	const char *name = nftnl_expr_get_str(expr, NFTNL_EXPR_NAME);

	if (strcmp(name, "counter") == 0) {
		uint64_t packets = nftnl_expr_get_u64(expr, NFTNL_EXPR_CTR_PACKETS);

		if (visit->counters++ == 0)
			visit->found->packets = packets;
		else
			visit->found->packets_behind = packets;
	}
	if (strcmp(name, "dynset") == 0)
		snprintf(visit->found->set, sizeof(visit->found->set), "%s",
			 nftnl_expr_get_str(expr, NFTNL_EXPR_DYNSET_SET_NAME));
	look_at_queue(expr, name, visit->found);
	return 0;
}

static void take_rule(struct nftnl_rule *rule, void *ctx)
{
	const char *comment = nft_rule_comment(rule);
	const char *own = behind_tag(comment, NFT_OUR_TAG);
	const char *foreign = own ? NULL : behind_tag(comment, RULES_FOREIGN_TAG);
	struct rules_survey *survey = ctx;
	struct rules_found *found = &survey->rules[survey->count];

	if (survey->count == RULES_FOUND_MAX || (!own && !foreign))
		return;
	*found = (struct rules_found){.handle = nftnl_rule_get_u64(rule, NFTNL_RULE_HANDLE),
				      .is_foreign = foreign != NULL};
	snprintf(found->chain, sizeof(found->chain), "%s",
		 nftnl_rule_get_str(rule, NFTNL_RULE_CHAIN));
	snprintf(found->comment, sizeof(found->comment), "%s", own ? own : foreign);
	nftnl_expr_foreach(rule, look_at_expr, &(struct expr_visit){.found = found});
	survey->count++;
}

int rules_survey(struct nl *nl, struct rules_survey *ret_survey)
{
	ret_survey->count = 0;
	return nft_list_rules(nl, NFPROTO_INET, NFT_OUR_TABLE, NULL, take_rule, ret_survey);
}

/* Reads "xt 0-3 eth0 of 40 #0123abcd" back; a foreign text that only begins like ours is passed over. */
static void read_divert(const struct rules_found *found, struct rules_status *status)
{
	char engine[8], interface[16];
	unsigned first, last, total = 0, fingerprint = 0;

	status->syns += found->packets;
	if (sscanf(found->comment, "%7s %u-%u %15s of %u #%x", engine, &first, &last, interface,
		   &total, &fingerprint) < 4 ||
	    rules_engine_parse(engine, &status->engine) < 0 || last < first || last > UINT16_MAX)
		return;
	if (!status->is_present)
		status->fingerprint = fingerprint;
	else if (status->fingerprint != fingerprint)
		status->fingerprint = 0;
	status->is_present = true;
	status->is_foreign = found->is_foreign;
	status->is_complete = total != 0;
	status->queue_first = (uint16_t)first;
	status->queue_count = (uint16_t)(last - first + 1);
	if (strcmp(interface, "*") != 0 && status->interface_count < RULES_INTERFACES_MAX)
		memcpy(status->interfaces[status->interface_count++], interface, sizeof(interface));
}

static void read_fill(const struct rules_found *found, struct rules_status *status)
{
	struct rules_set_counts *set = &status->sets[status->set_count];

	status->tried += found->packets;
	status->filled += found->packets_behind;
	if (status->set_count == 2 * RULES_SETS_MAX)
		return;
	memcpy(set->name, found->set, sizeof(set->name));
	set->tried = found->packets;
	set->filled = found->packets_behind;
	status->set_count++;
}

static void read_rule(const struct rules_found *found, struct rules_status *status)
{
	if (strcmp(found->chain, RULES_CHAIN) == 0)
		read_divert(found, status);
	else if (strncmp(found->comment, "our mark bits", 13) == 0)
		status->marked += found->packets;
	else if (strcmp(found->comment, "skipped") == 0)
		status->skipped += found->packets;
	else if (strcmp(found->comment, "the queue does not answer") == 0)
		status->unanswered += found->packets;
	else if (strncmp(found->comment, "fills ", 6) == 0)
		read_fill(found, status);
}

/* How many rules a diverting one says there are; 0: none says it. Its chain may be any in the table. */
static unsigned expected_count(const struct rules_survey *survey)
{
	for (unsigned i = 0; i < survey->count; i++) {
		const struct rules_found *found = &survey->rules[i];
		const char *of = strcmp(found->chain, RULES_CHAIN) == 0
					 ? strstr(found->comment, " of ")
					 : NULL;

		if (of)
			return (unsigned)strtoul(of + 4, NULL, 10);
	}
	return 0;
}

/* The queues that are elements of the set; with one queue the element is the protocol. */
static void take_waiting(const void *key, size_t len, uint64_t left_ms, void *ctx)
{
	struct rules_status *status = ctx;
	uint32_t queue = status->queue_first;

	(void)left_ms;
	if (len == sizeof(queue))
		memcpy(&queue, key, sizeof(queue));
	if (queue >= status->queue_first && queue - status->queue_first < 32)
		status->waiting |= UINT32_C(1) << (queue - status->queue_first);
}

static int look_at_table(struct nl *nl, struct rules_status *status)
{
	static const struct nft_set_place place = {NFPROTO_INET, NFT_OUR_TABLE, GROUPS_WAITING};
	struct nft_set_info info;
	uint32_t flags = 0;
	int rc = nft_get_table(nl, NFT_OUR_TABLE, &flags);

	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	status->is_dormant = flags & NFT_TABLE_F_DORMANT;
	rc = nft_get_set(nl, NFPROTO_INET, NFT_OUR_TABLE, RULES_OLD_ALIVE, &info);
	status->has_old_switch = rc == 0 && info.key_type == NFT_TYPE_INET_PROTO;
	rc = nft_list_elements(nl, &place, take_waiting, status);
	return rc == -ENOENT ? 0 : rc;
}

int rules_get_status(struct nl *nl, struct rules_status *ret_status)
{
	struct rules_survey *survey = malloc(sizeof(*survey));
	struct rules_status status = {.has_bypass = true};
	unsigned queues = 0, bypassing = 0;
	int rc = survey ? rules_survey(nl, survey) : -ENOMEM;

	for (unsigned i = 0; rc == 0 && i < survey->count; i++) {
		read_rule(&survey->rules[i], &status);
		queues += strcmp(survey->rules[i].chain, "send") == 0 &&
			  strcmp(survey->rules[i].comment, "a SYN waits") != 0;
		bypassing += survey->rules[i].bypasses;
	}
	if (rc == 0) {
		status.is_complete &= expected_count(survey) == survey->count;
		status.has_bypass = bypassing > 0 || !queues;
		rc = look_at_table(nl, &status);
	}
	free(survey);
	if (rc == 0)
		*ret_status = status;
	return rc;
}

uint32_t rules_printed_fingerprint(const struct rules_params *params,
				   const struct rules_status *status)
{
	const char *interfaces[RULES_INTERFACES_MAX];
	struct rules_params printed = *params;
	struct ruleset ruleset;
	uint32_t fingerprint;

	printed.queue_first = status->queue_first;
	printed.queue_count = status->queue_count;
	printed.interfaces = interfaces;
	printed.interface_count = status->interface_count;
	for (unsigned i = 0; i < status->interface_count; i++)
		interfaces[i] = status->interfaces[i];
	if (groups_build(&printed, status->engine, &ruleset) < 0)
		return 0;
	fingerprint = ruleset.fingerprint;
	ruleset_free(&ruleset);
	return fingerprint;
}
