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
#include "publish/setops.h"
#include "sys/clock.h"

/* Every kernel has these, and every ipset(8) lists them: with timeouts, and with comments. */
#define REVISION_IP 0
#define REVISION_NET 1
#define REVISION_IP_COMMENT 2
#define REVISION_NET_COMMENT 4
#define COMMENT_MAX 64 /* of the 255 bytes that ipset takes; labels are shorter */
#define SWEEP_MAX 128 /* elements that are taken out in one look */
#define MAX_TIMEOUT_S 2147483 /* ip_set_timeout.h: IPSET_MAX_TIMEOUT */
#define DEFAULT_SIZE 65536 /* ip_set_hash.h: IPSET_DEFAULT_MAXELEM */
/*
 * Buckets at the beginning. From the kernel's 1,024 on a set doubles them again and again while it
 * fills, and takes half as many elements a second (Linux 6.18, bench-publish). 2 MiB at the most.
 */
#define ELEMENTS_PER_BUCKET 4
#define BUCKETS_MAX (1u << 18)
/* An IPv6 address and a timeout are 36 bytes, a prefix length 8, a comment up to 72. */
#define ADT_BYTES (SETOPS_MAX * (36 + 8 + 8 + COMMENT_MAX) + NL_MESSAGE_BYTES)

struct ipset {
	struct target target;
	struct nl *nl;
	uint8_t protocol; /* 0: not asked yet */
	bool is_foreign, has_comment;
	unsigned prefix6;
	uint32_t timeout_s, size;
	char names[SETOPS_VERSIONS][IPSET_MAXNAMELEN]; /* "": not published */
	bool is_out
		[SETOPS_VERSIONS]; /* missing, or not as it must be: the other one goes on alone */
	bool is_made[SETOPS_VERSIONS]; /* by us */
	bool is_stale[SETOPS_VERSIONS]; /* by us, before a reload, and not as it is to be now */
	struct ipset_header headers[SETOPS_VERSIONS]; /* as ensure() found them */
	struct expiry *expiries[SETOPS_VERSIONS]; /* of sets without timeouts */
	struct witnesses witnesses[SETOPS_VERSIONS];
	char target_name[2 * IPSET_MAXNAMELEN + 16];
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

static bool is_published(const struct ipset *set, int version)
{
	return set->names[version][0];
}

/* Whether there is such a set for us. */
static bool is_used(const struct ipset *set, int version)
{
	return is_published(set, version) && !set->is_out[version];
}

static int explain(int rc, struct text_error *ret_error)
{
	const char *what = strerror(-rc);

	if (rc == -EPERM)
		what = "CAP_NET_ADMIN is missing; run as root";
	else if (rc == -EOPNOTSUPP)
		what = "the kernel has no ipset of type " IPSET_TYPE_IP " or " IPSET_TYPE_NET;
	else if (rc == -ENOSPC)
		what = "the kernel has no room for another ipset";
	text_error_set(ret_error, 0, 0, "%s", what);
	return rc;
}

/* Begins a message about one set. */
static struct nlmsghdr *begin(struct ipset *set, enum ipset_cmd command, int version,
			      uint16_t flags)
{
	return ipset_begin(set->message, set->protocol, command,
			   family_of((enum setops_version)version), set->names[version], flags);
}

static int request(struct ipset *set, struct nlmsghdr *nlh)
{
	return ipset_request(set->nl, nlh, NULL, NULL);
}

static int ask_protocol(struct ipset *set)
{
	return set->protocol ? 0 : ipset_ask_protocol(set->nl, &set->protocol);
}

static bool is_net(const struct ipset_header *header)
{
	return strcmp(header->type, IPSET_TYPE_NET) == 0;
}

static int check_header(const struct ipset *set, int version, const struct ipset_header *header,
			struct text_error *ret_error)
{
	bool is_v4 = version == SETOPS_V4;
	bool needs_net = !is_v4 && set->prefix6 < 128;

	if (header->family == family_of((enum setops_version)version) &&
	    (is_net(header) || (!needs_net && strcmp(header->type, IPSET_TYPE_IP) == 0)))
		return 0;
	return text_error_set(ret_error, 0, 0, "ipset %s must be of type %s and family %s",
			      set->names[version],
			      needs_net ? IPSET_TYPE_NET : IPSET_TYPE_IP " or " IPSET_TYPE_NET,
			      is_v4 ? "inet" : "inet6");
}

/* Where the kernel forgets nothing by itself, we have to. */
static int take_header(struct ipset *set, int version, const struct ipset_header *header)
{
	set->headers[version] = *header;
	if (!header->has_timeout && !set->expiries[version])
		set->expiries[version] = expiry_new(set->size);
	if (header->has_timeout)
		return 0;
	return header->has_timeout || set->expiries[version] ? 0 : -ENOMEM;
}

static uint32_t buckets_for(uint32_t size)
{
	uint32_t buckets = size / ELEMENTS_PER_BUCKET;

	return buckets < BUCKETS_MAX ? buckets : BUCKETS_MAX;
}

static bool wants_nets(const struct ipset *set, int version)
{
	return version == SETOPS_V6 && set->prefix6 < 128;
}

static int create(struct ipset *set, int version)
{
	struct nlmsghdr *nlh = begin(set, IPSET_CMD_CREATE, version, NLM_F_ACK | NLM_F_EXCL);
	bool has_nets = wants_nets(set, version);
	struct ipset_header header = {.has_timeout = true, .has_comment = set->has_comment};
	struct nlattr *nest;
	int rc;

	strcpy(header.type, has_nets ? IPSET_TYPE_NET : IPSET_TYPE_IP);
	mnl_attr_put_strz(nlh, IPSET_ATTR_TYPENAME, header.type);
	mnl_attr_put_u8(nlh, IPSET_ATTR_REVISION,
			has_nets ? (header.has_comment ? REVISION_NET_COMMENT : REVISION_NET)
				 : (header.has_comment ? REVISION_IP_COMMENT : REVISION_IP));
	mnl_attr_put_u8(nlh, IPSET_ATTR_FAMILY, family_of((enum setops_version)version));
	nest = mnl_attr_nest_start(nlh, IPSET_ATTR_DATA);
	ipset_put_u32(nlh, IPSET_ATTR_TIMEOUT, set->timeout_s);
	ipset_put_u32(nlh, IPSET_ATTR_MAXELEM, set->size);
	ipset_put_u32(nlh, IPSET_ATTR_HASHSIZE, buckets_for(set->size));
	if (header.has_comment)
		ipset_put_u32(nlh, IPSET_ATTR_CADT_FLAGS, IPSET_FLAG_WITH_COMMENT);
	mnl_attr_nest_end(nlh, nest);
	rc = request(set, nlh);
	if (rc < 0)
		return rc;
	__atomic_store_n(&set->is_made[version], true, __ATOMIC_RELAXED);
	return take_header(set, version, &header);
}

static int destroy(struct ipset *set, int version, const char *name)
{
	return request(set, ipset_begin(set->message, set->protocol, IPSET_CMD_DESTROY,
					family_of((enum setops_version)version), name, NLM_F_ACK));
}

/* What rules refer to stays what they refer to, and is of the same type: the new one takes its name. */
static int swap(struct ipset *set, int version, const char *name)
{
	struct nlmsghdr *nlh = begin(set, IPSET_CMD_SWAP, version, NLM_F_ACK);

	mnl_attr_put_strz(nlh, IPSET_ATTR_SETNAME2, name);
	return request(set, nlh);
}

/*
 * A set of ours that is to be another: made anew beside the old one, which then goes. One that is to
 * be of another type can only be deleted before, and not while rules refer to it.
 */
static int remake(struct ipset *set, int version, struct text_error *ret_error)
{
	char name[IPSET_MAXNAMELEN], beside[IPSET_MAXNAMELEN];
	int rc;

	memcpy(name, set->names[version], sizeof(name));
	snprintf(beside, sizeof(beside), "%.*s.new", (int)sizeof(beside) - 5, name);
	destroy(set, version, beside);
	memcpy(set->names[version], beside, sizeof(beside));
	rc = create(set, version);
	memcpy(set->names[version], name, sizeof(name));
	if (rc == 0)
		rc = swap(set, version, beside);
	destroy(set, version, beside);
	if (rc < 0 && destroy(set, version, name) == 0)
		rc = create(set, version);
	if (rc == 0) {
		set->is_stale[version] = false;
		return 0;
	}
	text_error_set(ret_error, 0, 0,
		       "ipset %s cannot be made anew as the configuration has it now while rules "
		       "refer to it",
		       name);
	return -EBUSY;
}

static int ensure_set(struct ipset *set, int version, bool *is_created,
		      struct text_error *ret_error)
{
	struct ipset_header header;
	int rc = ipset_get_header(set->nl, set->protocol, set->names[version], &header);

	if (rc == 0 && set->is_stale[version]) {
		*is_created = true;
		return remake(set, version, ret_error);
	}
	if (rc == 0) {
		rc = check_header(set, version, &header, ret_error);
		return rc < 0 ? rc : take_header(set, version, &header);
	}
	if (rc == -ENOENT && set->is_foreign) {
		text_error_set(ret_error, 0, 0, "there is no ipset %s", set->names[version]);
		return rc;
	}
	if (rc == -ENOENT) {
		rc = create(set, version);
		*is_created = true;
	}
	return rc < 0 ? explain(rc, ret_error) : 0;
}

/*
 * Both sets of the pair. Return: 0 where one of them is good; of one that is not, and of a failure,
 * the text says why.
 */
static int ensure_pair(struct ipset *set, bool *is_created, struct text_error *ret_error)
{
	unsigned good = 0;
	int first_rc = 0;

	for (int v = 0; v < SETOPS_VERSIONS; v++) {
		bool was_out = set->is_out[v];
		int rc;

		if (!is_published(set, v))
			continue;
		rc = ensure_set(set, v, is_created, first_rc ? NULL : ret_error);
		set->is_out[v] = rc < 0;
		*is_created |= was_out && rc == 0;
		good += rc == 0;
		if (rc < 0 && rc != -ENOENT && rc != -EINVAL)
			return rc;
		first_rc = first_rc ? first_rc : rc;
	}
	return good ? 0 : first_rc;
}

static int ipset_ensure(struct target *target, bool *ret_created, struct text_error *ret_error)
{
	struct ipset *set = from_target(target);
	bool is_created = false;
	int rc = ask_protocol(set);

	if (rc < 0)
		return explain(rc, ret_error);
	rc = ensure_pair(set, &is_created, ret_error);
	if (rc == 0)
		*ret_created = is_created;
	return rc;
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
	char text[COMMENT_MAX];

	ipset_put_address(nlh, bytes, len);
	if (is_net(header))
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
		begin(set, is_removal ? IPSET_CMD_DEL : IPSET_CMD_ADD, version, NLM_F_ACK);
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
	return sent ? request(set, nlh) : 0;
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
		struct nlmsghdr *nlh = begin(set, IPSET_CMD_DEL, version, NLM_F_ACK);
		struct nlattr *nest;

		count = expiry_due(expiry, now_ms, addrs, SWEEP_MAX);
		mnl_attr_put_u32(nlh, IPSET_ATTR_LINENO, 0);
		nest = mnl_attr_nest_start(nlh, IPSET_ATTR_ADT);
		for (size_t i = 0; i < count; i++)
			put_element(set, nlh, &addrs[i], version, 0, NULL);
		mnl_attr_nest_end(nlh, nest);
		if (count)
			rc = request(set, nlh);
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
	struct ipset *set = from_target(target);
	int first_rc = ask_protocol(set);

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
	struct nlmsghdr *nlh = begin(set, IPSET_CMD_TEST, version, NLM_F_ACK);

	put_element(set, nlh, addr, version, 0, NULL);
	return request(set, nlh);
}

static int look_at(struct ipset *set, int version)
{
	struct witness witnesses[WITNESSES];
	unsigned count = witnesses_list(&set->witnesses[version], clock_monotonic_ms(), witnesses);
	int rc = 0;

	if (!count)
		rc = request(set, begin(set, IPSET_CMD_HEADER, version, NLM_F_ACK));
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
	       check_header(set, version, &header, NULL) == 0;
}

static int ipset_check(struct target *target, bool *ret_intact)
{
	struct ipset *set = from_target(target);
	bool is_intact = true;
	int rc = ask_protocol(set);

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

/* Of sets without timeouts, when who is to go out of them. */
static void inherit_expiries(struct ipset *set, const struct ipset *before, int version)
{
	if (before->expiries[version] && !set->expiries[version])
		set->expiries[version] = expiry_share(before->expiries[version]);
}

static void ipset_inherit(struct target *target, const struct target *old)
{
	const struct ipset *before = (const struct ipset *)old;
	struct ipset *set = from_target(target);

	for (int v = 0; v < SETOPS_VERSIONS; v++) {
		set->is_made[v] = __atomic_load_n(&before->is_made[v], __ATOMIC_RELAXED);
		set->is_stale[v] =
			set->is_made[v] && (before->is_stale[v] || before->size != set->size ||
					    before->has_comment != set->has_comment ||
					    wants_nets(before, v) != wants_nets(set, v) ||
					    before->prefix6 != set->prefix6);
		inherit_expiries(set, before, v);
	}
}

static void ipset_adopt(struct target *target, const struct target *old)
{
	const struct ipset *before = (const struct ipset *)old;
	struct ipset *set = from_target(target);

	for (int v = 0; v < SETOPS_VERSIONS; v++)
		if (before->is_made[v])
			__atomic_store_n(&set->is_made[v], true, __ATOMIC_RELAXED);
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
	struct ipset *set = from_target(target);
	int rc = ask_protocol(set);

	for (int v = 0; v < SETOPS_VERSIONS && rc == 0; v++)
		if (is_used(set, v))
			rc = ipset_list_elements(set->nl, set->protocol, set->names[v], show,
						 &copy);
	return rc;
}

static int ipset_remove(struct target *target)
{
	struct ipset *set = from_target(target);
	int first_rc = 0;

	for (int v = 0; v < SETOPS_VERSIONS; v++) {
		int rc;

		if (!set->is_made[v])
			continue;
		rc = request(set, begin(set, IPSET_CMD_DESTROY, v, NLM_F_ACK));
		if (rc == 0 || rc == -ENOENT)
			set->is_made[v] = false;
		else if (rc != -EBUSY && first_rc == 0)
			first_rc = rc;
	}
	return first_rc;
}

static void ipset_free(struct target *target)
{
	struct ipset *set = from_target(target);

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

static bool is_name(const char *name)
{
	return name[0] && strlen(name) < IPSET_MAXNAMELEN;
}

static bool are_valid(const struct ipset_params *params)
{
	if (!params->name4 && !params->name6)
		return false;
	if (params->timeout_s == 0 || params->timeout_s > MAX_TIMEOUT_S)
		return false;
	return (!params->name4 || is_name(params->name4)) &&
	       (!params->name6 || is_name(params->name6));
}

int ipset_new(const struct ipset_params *params, struct target **ret_target)
{
	const char *name4 = params->name4 ? params->name4 : "";
	const char *name6 = params->name6 ? params->name6 : "";
	struct ipset *set;
	int rc;

	if (!are_valid(params))
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
