/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nft sets as a target. Where the kernel does not update elements, each is added, deleted and added
 * again in one transaction: only a new element has a new expiry there, and neither a missing element
 * nor one that exists makes the transaction fail. Where it does, adding is enough. Elements are written as netlink attributes
 * without libnftnl's objects, which would be one allocation for each.
 */
#include "publish/nftset.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nl/nft_ask.h"
#include "sys/clock.h"

#define KEY_BYTES_MAX 20 /* an IPv6 address, and a port padded to a register */

/* An IPv6 element with its port and mark takes 44 bytes, and 24 for its times; six messages go
 * around those of a commit. */
_Static_assert(SETOPS_MAX *(3 * 44 + 24) + 6 * NL_MESSAGE_BYTES <= NFT_BATCH_BYTES,
	       "a transaction must fit");

/* What one transaction deletes, 32 bytes each, in one list of 64 KB at the most (struct nlattr). */
#define DROP_MAX 1536

_Static_assert(DROP_MAX * 32 <= UINT16_MAX, "a list must fit");
_Static_assert(DROP_MAX * 32 + SETOPS_MAX * 68 + 2 * NL_MESSAGE_BYTES <= NFT_BATCH_BYTES,
	       "and with as many as enter, too");

struct nftset {
	struct target target;
	struct nl *nl;
	struct nft_batch *batch;
	uint8_t family; /* NFPROTO_* */
	bool updates; /* the kernel gives an element that exists its new timeout */
	/* Else what a predecessor left in a map of ours may map to another mark. */
	bool is_right[SETOPS_VERSIONS];
	char table[NFT_NAME_MAXLEN];
};

static const struct key {
	uint32_t type, len;
	const char *name;
} keys[][SETOPS_VERSIONS] = {
	{
		[SETOPS_V4] = {NFT_TYPE_IPV4_ADDR, 4, "ipv4_addr"},
		[SETOPS_V6] = {NFT_TYPE_IPV6_ADDR, 16, "ipv6_addr"},
	},
	{
		[SETOPS_V4] = {NFT_TYPE_CONCAT(NFT_TYPE_IPV4_ADDR, NFT_TYPE_INET_SERVICE), 8,
			       "ipv4_addr . inet_service"},
		[SETOPS_V6] = {NFT_TYPE_CONCAT(NFT_TYPE_IPV6_ADDR, NFT_TYPE_INET_SERVICE), 20,
			       "ipv6_addr . inet_service"},
	},
};

static const struct key *key_of(const struct nftset *set, enum setops_version version)
{
	return &keys[set->target.params.has_port][version];
}

static const struct family {
	uint8_t nfproto;
	const char *name;
} families[] = {
	[TARGET_INET] = {NFPROTO_INET, "inet"},
	[TARGET_IP] = {NFPROTO_IPV4, "ip"},
	[TARGET_IP6] = {NFPROTO_IPV6, "ip6"},
};

static struct nftset *from_target(struct target *target)
{
	return (struct nftset *)target;
}

static const char *nftset_explain(const struct target *target, int rc)
{
	const struct nftset *set = (const struct nftset *)target;

	return nft_explain(set->nl, set->family, set->table, rc);
}

/* ---- sets ---- */

/* Whether a set that exists can take our elements. */
static int check_set(const struct nftset *set, enum setops_version version,
		     const struct nft_set_info *info, struct text_error *ret_error)
{
	const struct key *key = key_of(set, version);
	const char *name = set->target.sets[version];
	bool is_map = set->target.params.is_map;
	bool is_mark_map = info->flags & NFT_SET_MAP && info->data_type == NFT_TYPE_MARK;

	if (info->key_type != key->type || info->flags & NFT_SET_OBJECT ||
	    (is_map ? !is_mark_map : (info->flags & NFT_SET_MAP) != 0))
		return text_error_set(ret_error, 0, 0, "nft %s %s must have 'type %s%s'",
				      is_map ? "map" : "set", name, key->name,
				      is_map ? " : mark" : "");
	if (!(info->flags & NFT_SET_TIMEOUT))
		return text_error_set(ret_error, 0, 0, "nft set %s must have 'flags timeout'",
				      name);
	if (info->flags & (NFT_SET_INTERVAL | NFT_SET_CONSTANT))
		return text_error_set(ret_error, 0, 0,
				      "nft set %s must not have the flag 'interval' or 'constant'",
				      name);
	return 0;
}

static void say_missing(const struct nftset *set, enum setops_version version,
			struct text_error *ret_error)
{
	const struct target_params *params = &set->target.params;
	const char *word = params->is_map ? "map" : "set", *name = set->target.sets[version];

	text_error_set(ret_error, 0, 0,
		       "there is no %s %s; nft 'add %s %s %s %s { type %s%s; flags timeout; }' "
		       "makes it",
		       word, name, word, families[params->family].name, set->table, name,
		       key_of(set, version)->name, params->is_map ? " : mark" : "");
}

static int nftset_find(struct target *target, enum setops_version version,
		       struct text_error *ret_error)
{
	struct nftset *set = from_target(target);
	struct nft_set_info info;
	int rc = nft_get_set(set->nl, set->family, set->table, target->sets[version], &info);

	if (rc == -ENOENT)
		say_missing(set, version, ret_error);
	if (rc == 0)
		rc = check_set(set, version, &info, ret_error);
	return rc == 0 && !set->is_right[version] ? -ENOENT : rc;
}

static void put_set(struct nftset *set, enum setops_version version)
{
	const struct target_params *params = &set->target.params;
	uint64_t timeout_ms = UINT64_C(1000) * params->timeout_s;
	struct nft_set_spec spec = {
		.name = set->target.sets[version],
		.key_type = key_of(set, version)->type,
		.key_len = key_of(set, version)->len,
		.is_mark_map = params->is_map,
		.timeout_ms = timeout_ms,
		.size = params->size,
		.collect_ms = nft_collect_ms(timeout_ms),
	};

	nft_batch_put_table(set->batch, false);
	nft_batch_put_set(set->batch, &spec, NULL);
}

static int nftset_make(struct target *target, enum setops_version version,
		       struct text_error *ret_error)
{
	struct nftset *set = from_target(target);
	int rc = -ENOENT;

	(void)ret_error;
	if (!set->is_right[version]) {
		nft_batch_put_flush(set->batch, target->sets[version]);
		rc = nft_batch_commit(set->batch, NULL);
	}
	if (rc == -ENOENT) {
		put_set(set, version);
		rc = nft_batch_commit(set->batch, NULL);
	}
	set->is_right[version] |= rc == 0;
	return rc;
}

/* The table goes with the last one in it. */
static int nftset_remove(struct target *target, enum setops_version version)
{
	struct nftset *set = from_target(target);
	int rc;

	if (target->params.is_foreign)
		return 0;
	rc = nft_remove_set(set->nl, set->batch, target->sets[version]);
	if (rc < 0 || (version == SETOPS_V4 && target->sets[SETOPS_V6][0]))
		return rc;
	return nft_remove_table(set->nl, set->batch);
}

/* ---- elements ---- */

enum step { STEP_MAKE_PRESENT, STEP_DELETE, STEP_ADD, STEP_ASK };

static size_t make_key(const struct nftset *set, enum setops_version version,
		       const struct publish_op *op, uint8_t ret_key[KEY_BYTES_MAX])
{
	size_t len;
	const uint8_t *bytes = setops_bytes(&op->addr, version, &len);

	memset(ret_key, 0, KEY_BYTES_MAX);
	memcpy(ret_key, bytes, len);
	if (!set->target.params.has_port)
		return len;
	ret_key[len] = (uint8_t)(op->port >> 8);
	ret_key[len + 1] = (uint8_t)op->port;
	return len + 4; /* a register's width */
}

static void put_element(const struct nftset *set, struct nlmsghdr *nlh, const struct publish_op *op,
			enum setops_version version, enum step step)
{
	const struct target_params *params = &set->target.params;
	bool has_mark = params->is_map && (step == STEP_MAKE_PRESENT || step == STEP_ADD);
	uint32_t timeout_s = op->timeout_s ? op->timeout_s : params->timeout_s;
	uint64_t timeout_ms = step == STEP_ADD ? UINT64_C(1000) * timeout_s : 0;
	uint8_t key[KEY_BYTES_MAX];
	size_t len = make_key(set, version, op, key);

	nft_put_element(nlh, key, len, has_mark ? &params->mark : NULL, timeout_ms,
			set->updates ? timeout_ms : 0);
}

/* One message, with those of a list that are to be in the set (STEP_ADD) or not. */
static void put_step(struct nftset *set, enum setops_version version, struct setops_list list,
		     enum step step)
{
	uint16_t type = step == STEP_DELETE ? NFT_MSG_DELSETELEM : NFT_MSG_NEWSETELEM;
	struct nlmsghdr *nlh = NULL;
	struct nlattr *nest = NULL;

	for (size_t i = 0; i < list.count; i++) {
		bool is_removal = list.ops[i].kind == PUBLISH_REMOVE;

		/* What is to be deleted is made present first, so that it is there. */
		if (step == STEP_ADD ? is_removal : !is_removal && set->updates)
			continue;
		if (!nlh) {
			nlh = nft_batch_put(set->batch, type, set->family,
					    step == STEP_DELETE ? 0 : NLM_F_CREATE);
			nest = nft_begin_elements(nlh, set->table, set->target.sets[version]);
		}
		put_element(set, nlh, &list.ops[i], version, step);
	}
	if (nlh)
		mnl_attr_nest_end(nlh, nest);
}

/* One transaction for the lists of both versions. */
static int commit_lists(struct nftset *set, const struct setops_list lists[SETOPS_VERSIONS])
{
	const struct target *target = &set->target;
	uint64_t now_ms = clock_monotonic_ms();
	int rc;

	for (int v = 0; v < SETOPS_VERSIONS; v++)
		for (int step = STEP_MAKE_PRESENT; step <= STEP_ADD; step++)
			put_step(set, v, lists[v], (enum step)step);
	rc = nft_batch_commit(set->batch, NULL);
	for (int v = 0; v < SETOPS_VERSIONS && rc == 0; v++)
		witnesses_note(&set->target.witnesses[v], &lists[v], target->params.timeout_s,
			       now_ms);
	return rc;
}

static int commit_one(struct nftset *set, enum setops_version version, const struct publish_op *ops,
		      size_t count)
{
	struct setops_list lists[SETOPS_VERSIONS] = {{.count = 0}};

	lists[version] = (struct setops_list){ops, count};
	return commit_lists(set, lists);
}

/* Asks for some elements by their keys: -ENOENT where one of them, or the set, is missing. */
static int nftset_ask(struct target *target, enum setops_version version,
		      const struct publish_op *ops, unsigned count)
{
	struct nftset *set = from_target(target);
	_Alignas(8) char buf[NL_MESSAGE_BYTES];
	struct nft_set_info info;
	struct nlmsghdr *nlh;
	struct nlattr *nest;

	if (!count)
		return nft_get_set(set->nl, set->family, set->table, target->sets[version], &info);
	nlh = nl_header(buf, NFT_MSG_TYPE(NFT_MSG_GETSETELEM), set->family, NLM_F_ACK);
	nest = nft_begin_elements(nlh, set->table, target->sets[version]);
	for (unsigned i = 0; i < count; i++)
		put_element(set, nlh, &ops[i], version, STEP_ASK);
	mnl_attr_nest_end(nlh, nest);
	return nl_request(set->nl, nlh, NULL, NULL);
}

/*
 * Those of a list that are in the set come first, and behind them those that are to be in it; what is to
 * be removed and is not there is done. Return: how many are in it.
 */
static size_t sort_present(struct nftset *set, enum setops_version version, struct setops_list list,
			   struct publish_op ret_ops[SETOPS_MAX], size_t *ret_count)
{
	struct publish_op missing[SETOPS_MAX];
	size_t there = 0, missing_count = 0;

	for (size_t i = 0; i < list.count; i++)
		if (nftset_ask(&set->target, version, &list.ops[i], 1) == 0)
			ret_ops[there++] = list.ops[i];
		else if (list.ops[i].kind != PUBLISH_REMOVE)
			missing[missing_count++] = list.ops[i];
	/* cppcheck-suppress uninitvar ; so many of them were set */
	memcpy(ret_ops + there, missing, missing_count * sizeof(*missing));
	*ret_count = there + missing_count;
	return there;
}

#define SQUEEZE 32 /* new elements tried at once where room is short */

/*
 * Of one version, where something is in the way. In a full set, removals make room first, what is in it
 * is refreshed, and of what is not in it as much is tried as there is room for. In a map, an element
 * that is there with another mark can neither be added nor updated: it is taken out before, in the same
 * transaction.
 */
static int commit_carefully(struct nftset *set, enum setops_version version,
			    struct setops_list list)
{
	struct publish_op ops[SETOPS_MAX], gone[SETOPS_MAX];
	size_t count, next, tried = sort_present(set, version, list, ops, &count);
	int rc;

	for (size_t i = 0; i < tried; i++) {
		gone[i] = ops[i];
		gone[i].kind = PUBLISH_REMOVE;
	}
	if (set->target.params.is_map)
		put_step(set, version, (struct setops_list){gone, tried}, STEP_DELETE);
	rc = commit_one(set, version, ops, tried);
	for (; rc == 0 && tried < count; tried = next) {
		next = tried + SQUEEZE < count ? tried + SQUEEZE : count;
		rc = commit_one(set, version, ops + tried, next - tried);
	}
	return rc;
}

/*
 * After a failure, @rc, each set by itself, so that one does not spoil the other. A transaction
 * that fails costs about 9 ms (the kernel waits for all readers), so none is tried twice.
 */
static int commit_apart(struct nftset *set, const struct setops_list lists[SETOPS_VERSIONS], int rc)
{
	bool is_both = lists[SETOPS_V4].count && lists[SETOPS_V6].count;
	int first_rc = 0;

	for (int v = 0; v < SETOPS_VERSIONS; v++) {
		if (!lists[v].count)
			continue;
		if (is_both)
			rc = commit_one(set, v, lists[v].ops, lists[v].count);
		if (rc == -ENFILE || rc == -EEXIST)
			rc = commit_carefully(set, v, lists[v]);
		if (rc < 0 && (first_rc == 0 || first_rc == -ENFILE))
			first_rc = rc;
	}
	return first_rc;
}

static int nftset_commit(struct target *target, const struct setops_list lists[SETOPS_VERSIONS])
{
	struct nftset *set = from_target(target);
	int rc = commit_lists(set, lists);

	if (rc == -ENFILE || rc == -ENOENT || rc == -EEXIST)
		rc = commit_apart(set, lists, rc);
	return rc;
}

struct walk {
	bool has_port;
	size_t addr_len;
	const struct target_visitor *visitor;
};

/* What is no key of ours was put there by somebody who has another idea of the set. */
static void show(const void *key, size_t len, uint64_t left_ms, void *ctx)
{
	const struct walk *walk = ctx;
	struct target_element element = {.left_ms = left_ms};
	const uint8_t *bytes = key, *port = bytes + walk->addr_len;

	if (len < walk->addr_len + (walk->has_port ? 2 : 0))
		return;
	element.addr = walk->addr_len == 4 ? addr_from_v4(bytes) : addr_from_v6(bytes);
	if (walk->has_port)
		element.port = (uint16_t)(port[0] << 8 | port[1]);
	walk->visitor->visit(walk->visitor->ctx, &element);
}

static int nftset_walk(struct target *target, enum setops_version version,
		       const struct target_visitor *visitor)
{
	struct nftset *set = from_target(target);
	struct nft_set_place place = {set->family, set->table, target->sets[version]};
	struct walk walk = {target->params.has_port, version == SETOPS_V4 ? 4 : 16, visitor};

	return nft_list_elements(set->nl, &place, show, &walk);
}

/* The last transaction has those who enter, and as many who go at least. */
static int nftset_drop(struct target *target, const struct publish_op *ops, size_t count)
{
	struct nftset *set = from_target(target);
	enum setops_version v = setops_version_of(&ops[0].addr);
	struct setops_list go = {ops, 0}, enter = {ops, 0};
	size_t left = 0;
	int first_rc = 0;

	while (left < count && ops[left].kind == PUBLISH_REMOVE)
		left++;
	enter.ops += left;
	do {
		int rc;

		go.count = left <= DROP_MAX       ? left
			   : left <= 2 * DROP_MAX ? left - DROP_MAX
						  : DROP_MAX;
		left -= go.count;
		enter.count = left ? 0 : count - (size_t)(enter.ops - ops);
		put_step(set, v, go, STEP_DELETE);
		put_step(set, v, enter, STEP_ADD);
		rc = nft_batch_commit(set->batch, NULL);
		if (rc == 0) /* one that is gone by our own hand gives no flush away */
			witnesses_note(&target->witnesses[v], &go, 0, 0);
		first_rc = first_rc ? first_rc : rc;
		go.ops += go.count;
	} while (left);
	return first_rc;
}

static void nftset_free(struct target *target)
{
	struct nftset *set = from_target(target);

	nft_batch_free(set->batch);
	nl_close(set->nl);
	free(set);
}

static const struct target_type nftset_type = {
	.find = nftset_find,
	.make = nftset_make,
	.commit = nftset_commit,
	.ask = nftset_ask,
	.walk = nftset_walk,
	.drop = nftset_drop,
	.explain = nftset_explain,
	.remove = nftset_remove,
	.free = nftset_free,
};

static int init(struct nftset *set, const struct target_params *params)
{
	const char *table = params->table ? params->table : NFT_OUR_TABLE;
	char kind[NFT_NAME_MAXLEN + 16];
	int rc;

	if (params->table ? !params->is_foreign || !*table || strlen(table) >= sizeof(set->table)
			  : params->family != TARGET_INET)
		return -EINVAL;
	snprintf(set->table, sizeof(set->table), "%s", table);
	snprintf(kind, sizeof(kind), "nft %s %s %s", params->is_map ? "map" : "set",
		 families[params->family].name, table);
	rc = target_init(&set->target, &nftset_type, params, kind, NFT_NAME_MAXLEN);
	if (rc < 0)
		return rc;
	set->family = families[params->family].nfproto;
	set->updates = nft_updates_elements();
	set->is_right[SETOPS_V4] = set->is_right[SETOPS_V6] =
		!params->is_map || params->is_foreign || params->is_kept;
	rc = nl_open(&set->nl);
	if (rc == 0)
		set->batch = nft_batch_new(set->nl);
	return rc == 0 && !set->batch ? -ENOMEM : rc;
}

int nftset_new(const struct target_params *params, struct target **ret_target)
{
	struct nftset *set = calloc(1, sizeof(*set));
	int rc;

	if (!set)
		return -ENOMEM;
	rc = init(set, params);
	if (rc < 0)
		nftset_free(&set->target);
	else
		*ret_target = &set->target;
	return rc;
}
