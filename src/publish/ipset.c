/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ipsets as a target, over libmnl: libipset adds one element a message and its headers clash with
 * libmnl's users. Many elements go in one message (IPSET_ATTR_ADT), without NLM_F_EXCL, which is
 * ipset's -exist: an element that is there gets its new timeout and comment, one that is missing
 * may be deleted. There are no transactions: a message that fails has done what came before the failure.
 */
#include "publish/ipset.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nl/ipset.h"
#include "publish/expiry.h"
#include "sys/clock.h"

#define COMMENT_MAX 64 /* of the 255 bytes that ipset takes; labels are shorter */
/* An IPv6 address and a timeout are 36 bytes, a prefix length 8, a comment up to 72. */
#define ADT_BYTES (SETOPS_MAX * (36 + 8 + 8 + COMMENT_MAX) + NL_MESSAGE_BYTES)
#define EXPIRE_MAX 128 /* elements that are taken out at once */
#define MAX_TIMEOUT_S 2147483 /* ip_set_timeout.h: IPSET_MAX_TIMEOUT */
#define DEFAULT_SIZE 65536 /* ip_set_hash.h: IPSET_DEFAULT_MAXELEM */

/* Every kernel has these, and every ipset(8) lists them: with timeouts, and with comments. */
#define REVISION_IP 0
#define REVISION_NET 1
#define REVISION_IP_COMMENT 2
#define REVISION_NET_COMMENT 4
/*
 * Buckets at the beginning. From the kernel's 1,024 on a set doubles them again and again while it
 * fills, and takes half as many elements a second (Linux 6.18, bench-publish). 2 MiB at the most.
 */
#define ELEMENTS_PER_BUCKET 4
#define BUCKETS_MAX (1u << 18)

struct ipset {
	struct target target;
	struct nl *nl;
	uint8_t protocol; /* 0: not asked yet */
	bool is_made[SETOPS_VERSIONS]; /* by us; atomic */
	bool is_stale[SETOPS_VERSIONS]; /* by us, before a reload, and not as it is to be now */
	struct ipset_header headers[SETOPS_VERSIONS]; /* as they were found */
	struct expiry *expiries[SETOPS_VERSIONS]; /* of sets without timeouts */
	_Alignas(8) char message[ADT_BYTES];
};

static struct ipset *from_target(struct target *target)
{
	return (struct ipset *)target;
}

static uint8_t family_of(enum setops_version version)
{
	return version == SETOPS_V4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
}

static struct nlmsghdr *begin(struct ipset *set, enum ipset_cmd command,
			      enum setops_version version, const char *name)
{
	return ipset_begin(set->message, set->protocol, command, family_of(version), name,
			   NLM_F_ACK);
}

static int send_message(struct ipset *set, struct nlmsghdr *nlh)
{
	return ipset_request(set->nl, nlh, NULL, NULL);
}

static const char *explain_error(const struct target *target, int rc)
{
	(void)target;
	switch (rc) {
	case -EPERM: return "CAP_NET_ADMIN is missing; run as root";
	case -EOPNOTSUPP:
		return "the kernel has no ipset of type " IPSET_TYPE_IP " or " IPSET_TYPE_NET;
	case -ENOSPC: return "the kernel has no room for another ipset";
	default: return strerror(-rc);
	}
}

/* ---- sets ---- */

static bool is_net(const struct ipset_header *header)
{
	return strcmp(header->type, IPSET_TYPE_NET) == 0;
}

/* Whether it holds prefixes, and not addresses. */
static bool needs_net(const struct target *target, enum setops_version version)
{
	return version == SETOPS_V6 && target->params.prefix6 < 128;
}

/* Where the kernel forgets nothing by itself, we have to. */
static int take_header(struct ipset *set, enum setops_version version,
		       const struct ipset_header *header)
{
	set->headers[version] = *header;
	if (!header->has_timeout && !set->expiries[version])
		set->expiries[version] = expiry_new(set->target.params.size);
	return header->has_timeout || set->expiries[version] ? 0 : -ENOMEM;
}

static int find(struct target *target, enum setops_version version, struct text_error *ret_error)
{
	struct ipset *set = from_target(target);
	struct ipset_header header = {.family = NFPROTO_UNSPEC};
	bool must_be_net = needs_net(target, version);
	int rc = set->protocol ? 0 : ipset_ask_protocol(set->nl, &set->protocol);

	if (rc == 0)
		rc = ipset_get_header(set->nl, set->protocol, target->sets[version], &header);
	if (rc == -ENOENT)
		text_error_set(ret_error, 0, 0, "there is no ipset %s", target->sets[version]);
	if (rc < 0)
		return rc;
	if (set->is_stale[version])
		return -ENOENT;
	if (header.family == family_of(version) &&
	    (is_net(&header) || (!must_be_net && strcmp(header.type, IPSET_TYPE_IP) == 0)))
		return take_header(set, version, &header);
	return text_error_set(ret_error, 0, 0, "ipset %s must be of type %s and family %s",
			      target->sets[version],
			      must_be_net ? IPSET_TYPE_NET : IPSET_TYPE_IP " or " IPSET_TYPE_NET,
			      version == SETOPS_V4 ? "inet" : "inet6");
}

static uint32_t buckets_for(uint32_t size)
{
	uint32_t buckets = size / ELEMENTS_PER_BUCKET;

	return buckets < BUCKETS_MAX ? buckets : BUCKETS_MAX;
}

static int create(struct ipset *set, enum setops_version version, const char *name)
{
	const struct target_params *params = &set->target.params;
	struct nlmsghdr *nlh = begin(set, IPSET_CMD_CREATE, version, name);
	bool has_nets = needs_net(&set->target, version), has_comment = params->has_comment;
	struct ipset_header header = {.has_timeout = true, .has_comment = has_comment};
	struct nlattr *nest;
	int rc;

	nlh->nlmsg_flags |= NLM_F_EXCL;
	snprintf(header.type, sizeof(header.type), "%s", has_nets ? IPSET_TYPE_NET : IPSET_TYPE_IP);
	mnl_attr_put_strz(nlh, IPSET_ATTR_TYPENAME, header.type);
	mnl_attr_put_u8(nlh, IPSET_ATTR_REVISION,
			has_nets ? (has_comment ? REVISION_NET_COMMENT : REVISION_NET)
				 : (has_comment ? REVISION_IP_COMMENT : REVISION_IP));
	mnl_attr_put_u8(nlh, IPSET_ATTR_FAMILY, family_of(version));
	nest = mnl_attr_nest_start(nlh, IPSET_ATTR_DATA);
	ipset_put_u32(nlh, IPSET_ATTR_TIMEOUT, params->timeout_s);
	ipset_put_u32(nlh, IPSET_ATTR_MAXELEM, params->size);
	ipset_put_u32(nlh, IPSET_ATTR_HASHSIZE, buckets_for(params->size));
	if (has_comment)
		ipset_put_u32(nlh, IPSET_ATTR_CADT_FLAGS, IPSET_FLAG_WITH_COMMENT);
	mnl_attr_nest_end(nlh, nest);
	rc = send_message(set, nlh);
	if (rc < 0)
		return rc;
	__atomic_store_n(&set->is_made[version], true, __ATOMIC_RELAXED);
	return take_header(set, version, &header);
}

static int destroy(struct ipset *set, enum setops_version version, const char *name)
{
	return send_message(set, begin(set, IPSET_CMD_DESTROY, version, name));
}

/* What rules refer to stays what they refer to, and is of the same type: the new one takes its name. */
static int swap(struct ipset *set, enum setops_version version, const char *beside)
{
	struct nlmsghdr *nlh = begin(set, IPSET_CMD_SWAP, version, set->target.sets[version]);

	mnl_attr_put_strz(nlh, IPSET_ATTR_SETNAME2, beside);
	return send_message(set, nlh);
}

/*
 * A set of ours that is to be another: made anew beside the old one, which then goes. One that is to
 * be of another type can only be deleted before, and not while rules refer to it.
 */
static int remake(struct ipset *set, enum setops_version version, struct text_error *ret_error)
{
	const char *name = set->target.sets[version];
	char beside[IPSET_MAXNAMELEN];
	int rc;

	snprintf(beside, sizeof(beside), "%.*s.new", (int)sizeof(beside) - 5, name);
	destroy(set, version, beside);
	rc = create(set, version, beside);
	if (rc == 0)
		rc = swap(set, version, beside);
	destroy(set, version, beside);
	if (rc < 0 && destroy(set, version, name) == 0)
		rc = create(set, version, name);
	if (rc == 0)
		return 0;
	text_error_set(ret_error, 0, 0,
		       "ipset %s cannot be made anew as the configuration has it now while rules "
		       "refer to it",
		       name);
	return -EBUSY;
}

static int make(struct target *target, enum setops_version version, struct text_error *ret_error)
{
	struct ipset *set = from_target(target);
	int rc = create(set, version, target->sets[version]);

	if (rc == -EEXIST && set->is_stale[version])
		rc = remake(set, version, ret_error);
	if (rc == 0)
		set->is_stale[version] = false;
	return rc;
}

static bool is_another(const struct target *target, const struct target *before,
		       enum setops_version version)
{
	return before->params.size != target->params.size ||
	       before->params.has_comment != target->params.has_comment ||
	       needs_net(before, version) != needs_net(target, version) ||
	       before->params.prefix6 != target->params.prefix6;
}

static void inherit(struct target *target, const struct target *old)
{
	const struct ipset *before = (const struct ipset *)old;
	struct ipset *set = from_target(target);

	for (int v = 0; v < SETOPS_VERSIONS; v++) {
		set->is_made[v] = __atomic_load_n(&before->is_made[v], __ATOMIC_RELAXED);
		set->is_stale[v] =
			set->is_made[v] && (before->is_stale[v] || is_another(target, old, v));
		if (before->expiries[v])
			set->expiries[v] = expiry_share(before->expiries[v]);
	}
}

static void adopt(struct target *target, const struct target *old)
{
	const struct ipset *before = (const struct ipset *)old;

	for (int v = 0; v < SETOPS_VERSIONS; v++)
		if (before->is_made[v])
			__atomic_store_n(&from_target(target)->is_made[v], true, __ATOMIC_RELAXED);
}

static int remove_made(struct target *target, enum setops_version version)
{
	struct ipset *set = from_target(target);
	int rc = set->is_made[version] ? destroy(set, version, target->sets[version]) : 0;

	if (rc < 0 && rc != -ENOENT)
		return rc;
	set->is_made[version] = false;
	return 0;
}

/* ---- elements ---- */

static uint32_t timeout_of(const struct ipset *set, const struct publish_op *op)
{
	uint32_t timeout_s = op->timeout_s ? op->timeout_s : set->target.params.timeout_s;

	return timeout_s < MAX_TIMEOUT_S ? timeout_s : MAX_TIMEOUT_S;
}

static void put_element(const struct ipset *set, struct nlmsghdr *nlh, enum setops_version version,
			const struct publish_op *op, bool is_new)
{
	const struct ipset_header *header = &set->headers[version];
	struct nlattr *data = mnl_attr_nest_start(nlh, IPSET_ATTR_DATA);
	size_t len;
	const uint8_t *bytes = setops_bytes(&op->addr, version, &len);
	char text[COMMENT_MAX];

	ipset_put_address(nlh, bytes, len);
	if (is_net(header))
		mnl_attr_put_u8(nlh, IPSET_ATTR_CIDR,
				version == SETOPS_V4 ? 32 : (uint8_t)set->target.params.prefix6);
	if (is_new && header->has_timeout)
		ipset_put_u32(nlh, IPSET_ATTR_TIMEOUT, timeout_of(set, op));
	if (is_new && op->comment && header->has_comment) {
		snprintf(text, sizeof(text), "%s", op->comment);
		mnl_attr_put_strz(nlh, IPSET_ATTR_COMMENT, text);
	}
	mnl_attr_nest_end(nlh, data);
}

/* All removals, or all else, as one message. */
static int send_some(struct ipset *set, enum setops_version version, const struct publish_op *ops,
		     size_t count, bool is_removal)
{
	struct nlmsghdr *nlh = begin(set, is_removal ? IPSET_CMD_DEL : IPSET_CMD_ADD, version,
				     set->target.sets[version]);
	struct nlattr *nest;
	size_t sent = 0;

	mnl_attr_put_u32(nlh, IPSET_ATTR_LINENO, 0); /* must be there beside ADT */
	nest = mnl_attr_nest_start(nlh, IPSET_ATTR_ADT);
	for (size_t i = 0; i < count; i++) {
		if ((ops[i].kind == PUBLISH_REMOVE) != is_removal)
			continue;
		put_element(set, nlh, version, &ops[i], !is_removal);
		sent++;
	}
	mnl_attr_nest_end(nlh, nest);
	return sent ? send_message(set, nlh) : 0;
}

/* What the kernel does where the set has timeouts. */
static void note_expiries(struct ipset *set, enum setops_version version,
			  const struct setops_list *list, uint64_t now_ms)
{
	for (size_t i = 0; set->expiries[version] && i < list->count; i++) {
		const struct publish_op *op = &list->ops[i];
		uint64_t until_ms = now_ms + UINT64_C(1000) * timeout_of(set, op);

		expiry_set(set->expiries[version], &op->addr,
			   op->kind == PUBLISH_REMOVE ? 0 : until_ms);
	}
}

static int expire(struct target *target, enum setops_version version)
{
	struct ipset *set = from_target(target);
	struct expiry *expiry = set->expiries[version];
	uint64_t now_ms = clock_monotonic_ms();
	size_t count = EXPIRE_MAX;
	int rc = 0;

	while (rc == 0 && count == EXPIRE_MAX && expiry) {
		struct publish_op ops[EXPIRE_MAX];

		count = expiry_due(expiry, now_ms, ops, EXPIRE_MAX);
		rc = send_some(set, version, ops, count, true);
		if (rc == 0)
			expiry_forget(expiry, now_ms, ops, count);
	}
	return rc;
}

/* Removals first, they make room. In a full set, elements that are there are still refreshed. */
static int commit_list(struct ipset *set, enum setops_version version,
		       const struct setops_list *list)
{
	uint64_t now_ms = clock_monotonic_ms();
	bool is_full = false;
	int rc = send_some(set, version, list->ops, list->count, true);

	if (rc == 0)
		rc = send_some(set, version, list->ops, list->count, false);
	for (size_t i = 0; rc == -ENOSPC && i < list->count; i++) {
		int one_rc = send_some(set, version, &list->ops[i], 1, false);

		is_full |= one_rc == -ENOSPC;
		if (one_rc < 0 && one_rc != -ENOSPC)
			return one_rc;
	}
	if (rc == 0)
		witnesses_note(&set->target.witnesses[version], list, set->target.params.timeout_s,
			       now_ms);
	if (rc == 0 || rc == -ENOSPC)
		note_expiries(set, version, list, now_ms);
	return is_full ? -ENOSPC : rc == -ENOSPC ? 0 : rc;
}

static int commit(struct target *target, const struct setops_list lists[SETOPS_VERSIONS])
{
	int first_rc = 0;

	for (int v = 0; v < SETOPS_VERSIONS; v++) {
		int rc = lists[v].count ? commit_list(from_target(target), v, &lists[v]) : 0;

		if (rc < 0 && (first_rc == 0 || first_rc == -ENOSPC))
			first_rc = rc;
	}
	return first_rc;
}

static int ask(struct target *target, enum setops_version version, const struct publish_op *ops,
	       unsigned count)
{
	struct ipset *set = from_target(target);
	const char *name = target->sets[version];
	int rc = 0;

	if (!count)
		rc = send_message(set, begin(set, IPSET_CMD_HEADER, version, name));
	for (unsigned i = 0; i < count && rc == 0; i++) {
		struct nlmsghdr *nlh = begin(set, IPSET_CMD_TEST, version, name);

		put_element(set, nlh, version, &ops[i], false);
		rc = send_message(set, nlh);
	}
	return rc;
}

static void show(const uint8_t *bytes, size_t len, void *ctx)
{
	const struct target_visitor *visitor = ctx;
	struct target_element element = {.addr = len == 4 ? addr_from_v4(bytes)
							  : addr_from_v6(bytes)};

	visitor->visit(visitor->ctx, &element);
}

static int walk(struct target *target, enum setops_version version,
		const struct target_visitor *visitor)
{
	const struct ipset *set = from_target(target);
	struct target_visitor copy = *visitor;

	return ipset_list_elements(set->nl, set->protocol, target->sets[version], show, &copy);
}

static void free_set(struct target *target)
{
	struct ipset *set = from_target(target);

	nl_close(set->nl);
	expiry_free(set->expiries[SETOPS_V4]);
	expiry_free(set->expiries[SETOPS_V6]);
	free(set);
}

static const struct target_type type = {
	.find = find,
	.make = make,
	.commit = commit,
	.ask = ask,
	.expire = expire,
	.walk = walk,
	.explain = explain_error,
	.inherit = inherit,
	.adopt = adopt,
	.remove = remove_made,
	.free = free_set,
};

int ipset_new(const struct target_params *params, struct target **ret_target)
{
	struct ipset *set = calloc(1, sizeof(*set));
	int rc;

	if (!set)
		return -ENOMEM;
	rc = target_init(&set->target, &type, params, "ipset", IPSET_MAXNAMELEN);
	if (rc == 0 && params->timeout_s > MAX_TIMEOUT_S)
		rc = -EINVAL;
	if (!params->size)
		set->target.params.size = DEFAULT_SIZE;
	if (rc == 0)
		rc = nl_open(&set->nl);
	if (rc < 0)
		free_set(&set->target);
	else
		*ret_target = &set->target;
	return rc;
}
