/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ipsets as a target, over libmnl: libipset adds one element a message and its headers clash with
 * libmnl's users. Many elements go in one message (IPSET_ATTR_ADT), without NLM_F_EXCL, which is
 * ipset's -exist: an element that is there gets its new timeout and comment, one that is missing
 * may be deleted. There are no transactions: a message that fails has done what came before the failure.
 */
#include "publish/ipset_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sys/clock.h"

#define SWEEP_MAX 128 /* elements that are taken out in one look */
#define MAX_TIMEOUT_S 2147483 /* ip_set_timeout.h: IPSET_MAX_TIMEOUT */
#define DEFAULT_SIZE 65536 /* ip_set_hash.h: IPSET_DEFAULT_MAXELEM */

/* Whether there is such a set for us. */
static bool is_used(const struct ipset *set, int version)
{
	return ipset_is_published(set, version) && !set->is_out[version];
}

static struct addr masked(const struct ipset *set, const struct addr *addr, int version)
{
	return version == SETOPS_V6 && set->prefix6 < 128 ? addr_mask(addr, set->prefix6) : *addr;
}

/* @timeout_s: 0 for none; @comment: NULL for none */
static void put_element(const struct ipset *set, struct nlmsghdr *nlh, const struct addr *whole,
			int version, uint32_t timeout_s, const char *comment)
{
	const struct ipset_header *header = &set->headers[version];
	struct nlattr *data = mnl_attr_nest_start(nlh, IPSET_ATTR_DATA);
	struct addr addr = masked(set, whole, version);
	size_t len;
	const uint8_t *bytes = setops_bytes(&addr, (enum setops_version)version, &len);
	char text[IPSET_COMMENT_MAX];

	ipset_put_address(nlh, bytes, len);
	if (ipset_is_net(header))
		mnl_attr_put_u8(nlh, IPSET_ATTR_CIDR,
				version == SETOPS_V4 ? 32 : (uint8_t)set->prefix6);
	if (timeout_s && header->has_timeout)
		ipset_put_u32(nlh, IPSET_ATTR_TIMEOUT, timeout_s);
	if (comment && header->has_comment) {
		snprintf(text, sizeof(text), "%s", comment);
		mnl_attr_put_strz(nlh, IPSET_ATTR_COMMENT, text);
	}
	mnl_attr_nest_end(nlh, data);
}

static uint32_t timeout_of(const struct ipset *set, const struct publish_op *op)
{
	uint32_t timeout_s = op->timeout_s ? op->timeout_s : set->timeout_s;

	return timeout_s < MAX_TIMEOUT_S ? timeout_s : MAX_TIMEOUT_S;
}

/* All removals of a list, or all else, from @first on and @count at the most, as one message. */
static int send_some(struct ipset *set, int version, const struct setops_list *list, size_t first,
		     size_t count, bool is_removal)
{
	struct nlmsghdr *nlh =
		ipset_start(set, is_removal ? IPSET_CMD_DEL : IPSET_CMD_ADD, version, NLM_F_ACK);
	struct nlattr *nest;
	size_t sent = 0;

	mnl_attr_put_u32(nlh, IPSET_ATTR_LINENO, 0); /* must be there beside ADT */
	nest = mnl_attr_nest_start(nlh, IPSET_ATTR_ADT);
	for (size_t i = first; i < first + count; i++) {
		const struct publish_op *op = list->ops[i];

		if ((op->kind == PUBLISH_REMOVE) != is_removal)
			continue;
		put_element(set, nlh, &op->addr, version, is_removal ? 0 : timeout_of(set, op),
			    is_removal ? NULL : op->comment);
		sent++;
	}
	mnl_attr_nest_end(nlh, nest);
	return sent ? ipset_send(set, nlh) : 0;
}

/* What the kernel does where the set has timeouts. */
static void note_expiries(struct ipset *set, int version, const struct setops_list *list,
			  uint64_t now_ms)
{
	if (!set->expiries[version])
		return;
	for (size_t i = 0; i < list->count; i++) {
		const struct publish_op *op = list->ops[i];
		struct addr addr = masked(set, &op->addr, version);
		uint64_t until_ms = now_ms + UINT64_C(1000) * timeout_of(set, op);

		expiry_set(set->expiries[version], &addr,
			   op->kind == PUBLISH_REMOVE ? 0 : until_ms);
	}
}

static int expire(struct ipset *set, int version)
{
	struct addr addrs[SWEEP_MAX];
	uint64_t now_ms = clock_monotonic_ms();
	struct expiry *expiry = set->expiries[version];
	size_t count = SWEEP_MAX;
	int rc = 0;

	while (rc == 0 && count == SWEEP_MAX && expiry) {
		struct nlmsghdr *nlh = ipset_start(set, IPSET_CMD_DEL, version, NLM_F_ACK);
		struct nlattr *nest;

		count = expiry_due(expiry, now_ms, addrs, SWEEP_MAX);
		mnl_attr_put_u32(nlh, IPSET_ATTR_LINENO, 0);
		nest = mnl_attr_nest_start(nlh, IPSET_ATTR_ADT);
		for (size_t i = 0; i < count; i++)
			put_element(set, nlh, &addrs[i], version, 0, NULL);
		mnl_attr_nest_end(nlh, nest);
		if (count)
			rc = ipset_send(set, nlh);
		if (rc == 0)
			expiry_forget(expiry, now_ms, addrs, count);
	}
	return rc;
}

/* Removals first, they make room. In a full set, elements that are there are still refreshed. */
static int commit_list(struct ipset *set, int version, const struct setops_list *list)
{
	uint64_t now_ms = clock_monotonic_ms();
	bool is_full = false;
	int rc = send_some(set, version, list, 0, list->count, true);

	if (rc == 0)
		rc = send_some(set, version, list, 0, list->count, false);
	for (size_t i = 0; rc == -ENOSPC && i < list->count; i++) {
		int one_rc = send_some(set, version, list, i, 1, false);

		is_full |= one_rc == -ENOSPC;
		if (one_rc < 0 && one_rc != -ENOSPC)
			return one_rc;
	}
	if (rc == 0)
		witnesses_note(&set->witnesses[version], list, set->timeout_s, now_ms);
	if (rc == 0 || rc == -ENOSPC)
		note_expiries(set, version, list, now_ms);
	return is_full ? -ENOSPC : rc == -ENOSPC ? 0 : rc;
}

static int ipset_commit(struct target *target, const struct publish_op *ops, size_t count)
{
	struct ipset *set = ipset_from_target(target);
	int first_rc = ipset_know_protocol(set);

	for (size_t done = 0; done < count && (first_rc == 0 || first_rc == -ENOSPC);
	     done += SETOPS_MAX) {
		struct setops_list lists[SETOPS_VERSIONS];
		size_t rest = count - done;

		setops_split(ops + done, rest < SETOPS_MAX ? rest : SETOPS_MAX, false, lists);
		for (int v = 0; v < SETOPS_VERSIONS; v++) {
			int rc = is_used(set, v) ? commit_list(set, v, &lists[v]) : 0;

			if (rc < 0 && (first_rc == 0 || first_rc == -ENOSPC))
				first_rc = rc;
		}
	}
	return first_rc;
}

static int has_element(struct ipset *set, int version, const struct addr *addr)
{
	struct nlmsghdr *nlh = ipset_start(set, IPSET_CMD_TEST, version, NLM_F_ACK);

	put_element(set, nlh, addr, version, 0, NULL);
	return ipset_send(set, nlh);
}

static int look_at(struct ipset *set, int version)
{
	struct witness witnesses[WITNESSES];
	unsigned count = witnesses_list(&set->witnesses[version], clock_monotonic_ms(), witnesses);
	int rc = 0;

	if (!count)
		rc = ipset_send(set, ipset_start(set, IPSET_CMD_HEADER, version, NLM_F_ACK));
	for (unsigned i = 0; i < count && rc == 0; i++)
		rc = has_element(set, version, &witnesses[i].addr);
	if (rc == 0 || rc == -ENOENT)
		witnesses_looked(&set->witnesses[version], rc == 0);
	return rc;
}

/* One that was left out is to be taken in as soon as it is there and fits. */
static bool is_back(const struct ipset *set, int version)
{
	struct ipset_header header;

	return set->is_out[version] &&
	       ipset_get_header(set->nl, set->protocol, set->names[version], &header) == 0 &&
	       ipset_check_header(set, version, &header, NULL) == 0;
}

static int ipset_check(struct target *target, bool *ret_intact)
{
	struct ipset *set = ipset_from_target(target);
	bool is_intact = true;
	int rc = ipset_know_protocol(set);

	for (int v = 0; v < SETOPS_VERSIONS && rc == 0; v++) {
		rc = is_used(set, v) ? look_at(set, v) : 0;
		if (rc == 0 && is_used(set, v))
			rc = expire(set, v);
		if (rc == -ENOENT || is_back(set, v)) {
			is_intact = false;
			rc = 0;
		}
	}
	if (rc == 0)
		*ret_intact = is_intact;
	return rc;
}

static void show(const uint8_t *bytes, size_t len, void *ctx)
{
	const struct target_visitor *visitor = ctx;
	struct target_element element = {.addr = len == 4 ? addr_from_v4(bytes)
							  : addr_from_v6(bytes)};

	visitor->visit(visitor->ctx, &element);
}

static int ipset_walk(struct target *target, const struct target_visitor *visitor)
{
	struct target_visitor copy = *visitor;
	struct ipset *set = ipset_from_target(target);
	int rc = ipset_know_protocol(set);

	for (int v = 0; v < SETOPS_VERSIONS && rc == 0; v++)
		if (is_used(set, v))
			rc = ipset_list_elements(set->nl, set->protocol, set->names[v], show,
						 &copy);
	return rc;
}

static void ipset_free(struct target *target)
{
	struct ipset *set = ipset_from_target(target);

	if (!set)
		return;
	nl_close(set->nl);
	expiry_free(set->expiries[SETOPS_V4]);
	expiry_free(set->expiries[SETOPS_V6]);
	free(set);
}

static const struct target_type ipset_type = {
	.ensure = ipset_ensure,
	.commit = ipset_commit,
	.check = ipset_check,
	.inherit = ipset_inherit,
	.adopt = ipset_adopt,
	.walk = ipset_walk,
	.remove = ipset_remove,
	.free = ipset_free,
};

int ipset_new(const struct ipset_params *params, struct target **ret_target)
{
	const char *name4 = params->name4 ? params->name4 : "";
	const char *name6 = params->name6 ? params->name6 : "";
	struct ipset *set;
	int rc;

	if (!setops_are_names(params->name4, params->name6, IPSET_MAXNAMELEN) ||
	    params->timeout_s == 0 || params->timeout_s > MAX_TIMEOUT_S)
		return -EINVAL;
	set = calloc(1, sizeof(*set));
	if (!set)
		return -ENOMEM;
	set->target = (struct target){.type = &ipset_type, .name = set->target_name};
	set->is_foreign = params->is_foreign;
	set->has_comment = params->has_comment;
	set->prefix6 = params->prefix6 ? params->prefix6 : 128;
	set->timeout_s = params->timeout_s;
	set->size = params->size ? params->size : DEFAULT_SIZE;
	snprintf(set->names[SETOPS_V4], IPSET_MAXNAMELEN, "%s", name4);
	snprintf(set->names[SETOPS_V6], IPSET_MAXNAMELEN, "%s", name6);
	snprintf(set->target_name, sizeof(set->target_name), "ipset %s%s%s", name4,
		 *name4 && *name6 ? "/" : "", name6);
	rc = nl_open(&set->nl);
	if (rc < 0) {
		ipset_free(&set->target);
		return rc;
	}
	*ret_target = &set->target;
	return 0;
}
