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

#include "publish/nftset_impl.h"
#include "sys/clock.h"

/* Each IPv6 element with its port and mark takes 44 bytes, three times, and 12 for a timeout; six
 * messages go around them. */
_Static_assert(SETOPS_MAX *(3 * 44 + 12) + 6 * NL_MESSAGE_BYTES <= NFT_BATCH_BYTES,
	       "a transaction must fit");

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
	return &keys[set->has_port][version];
}

static const struct family {
	uint8_t nfproto;
	const char *name;
} families[] = {
	[NFTSET_INET] = {NFPROTO_INET, "inet"},
	[NFTSET_IP] = {NFPROTO_IPV4, "ip"},
	[NFTSET_IP6] = {NFPROTO_IPV6, "ip6"},
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

static int explain(const struct nftset *set, int rc, struct text_error *ret_error)
{
	text_error_set(ret_error, 0, 0, "%s", nftset_explain(&set->target, rc));
	return rc;
}

/* Whether there is such a set for us. */
static bool is_used(const struct nftset *set, int version)
{
	return set->names[version] && !set->is_out[version];
}

/* Whether a set that exists can take our elements. */
static int check_set(const struct nftset *set, enum setops_version version,
		     const struct nft_set_info *info, struct text_error *ret_error)
{
	const struct key *key = key_of(set, version);
	const char *name = set->names[version];
	bool is_mark_map = info->flags & NFT_SET_MAP && info->data_type == NFT_TYPE_MARK;

	if (info->key_type != key->type || info->flags & NFT_SET_OBJECT ||
	    (set->is_map ? !is_mark_map : (info->flags & NFT_SET_MAP) != 0))
		return text_error_set(ret_error, 0, 0, "nft %s %s must have 'type %s%s'",
				      set->is_map ? "map" : "set", name, key->name,
				      set->is_map ? " : mark" : "");
	if (!(info->flags & NFT_SET_TIMEOUT))
		return text_error_set(ret_error, 0, 0, "nft set %s must have 'flags timeout'",
				      name);
	if (info->flags & (NFT_SET_INTERVAL | NFT_SET_CONSTANT))
		return text_error_set(ret_error, 0, 0,
				      "nft set %s must not have the flag 'interval' or 'constant'",
				      name);
	return 0;
}

static void put_new_set(struct nftset *set, enum setops_version version)
{
	struct nft_set_spec spec = {
		.name = set->names[version],
		.key_type = key_of(set, version)->type,
		.key_len = key_of(set, version)->len,
		.is_mark_map = set->is_map,
		.timeout_ms = UINT64_C(1000) * set->timeout_s,
		.size = set->size,
		.collect_ms = nft_collect_ms(UINT64_C(1000) * set->timeout_s),
	};

	nft_batch_put_set(set->batch, &spec, NULL);
}

static void say_missing(const struct nftset *set, enum setops_version version,
			struct text_error *ret_error)
{
	const char *word = set->is_map ? "map" : "set", *family = "inet";

	if (set->family != NFPROTO_INET)
		family = set->family == NFPROTO_IPV4 ? "ip" : "ip6";
	text_error_set(ret_error, 0, 0,
		       "there is no %s %s; nft 'add %s %s %s %s { type %s%s; flags timeout; }' "
		       "makes it",
		       word, set->names[version], word, family, set->table, set->names[version],
		       key_of(set, version)->name, set->is_map ? " : mark" : "");
}

/* Checks one set, or puts it into the batch where it is missing and ours. */
static int ensure_set(void *pair, enum setops_version version, bool *is_created,
		      struct text_error *ret_error)
{
	struct nftset *set = pair;
	struct nft_set_info info;
	int rc;

	if (!set->names[version])
		return 1;
	rc = nft_get_set(set->nl, set->family, set->table, set->names[version], &info);

	if (rc == 0) {
		rc = check_set(set, version, &info, ret_error);
		if (rc == 0 && set->is_map && !set->is_foreign && !set->is_flushed)
			nft_batch_put_flush(set->batch, set->names[version]);
		return rc;
	}
	if (rc != -ENOENT)
		return explain(set, rc, ret_error);
	if (set->is_foreign) {
		say_missing(set, version, ret_error);
		return rc;
	}
	if (!*is_created) /* else the other one is there, or its table is in the batch */
		nft_batch_put_table(set->batch, false);
	*is_created = true;
	put_new_set(set, version);
	return 0;
}

static int nftset_ensure(struct target *target, bool *ret_created, struct text_error *ret_error)
{
	struct nftset *set = from_target(target);
	struct text_error error = {.what = ""};
	bool is_created = false;
	int rc = setops_ensure(ensure_set, set, set->is_out, &is_created, &error);
	int commit_rc = nft_batch_commit(set->batch, NULL);

	if (ret_error && error.what[0])
		*ret_error = error;
	if (rc < 0)
		return rc;
	if (commit_rc < 0)
		return explain(set, commit_rc, ret_error);
	set->is_flushed = true;
	*ret_created = is_created;
	return 0;
}

enum step { STEP_MAKE_PRESENT, STEP_DELETE, STEP_ADD, STEP_ASK };

static void put_element(const struct nftset *set, struct nlmsghdr *nlh, const struct publish_op *op,
			enum setops_version version, enum step step)
{
	bool has_mark = set->is_map && (step == STEP_MAKE_PRESENT || step == STEP_ADD);
	uint32_t timeout_s = op->timeout_s ? op->timeout_s : set->timeout_s;
	uint64_t timeout_ms = step == STEP_ADD ? UINT64_C(1000) * timeout_s : 0;
	uint8_t key[NFTSET_KEY_BYTES_MAX];
	size_t len = nftset_make_key(set, version, &op->addr, op->port, key);

	nft_put_element(nlh, key, len, has_mark ? &set->mark : NULL, timeout_ms,
			set->updates ? timeout_ms : 0);
}

/* What is to be deleted is made present first, so that it is there. */
static bool needs_step(const struct nftset *set, const struct publish_op *op, enum step step)
{
	if (step == STEP_ADD)
		return op->kind != PUBLISH_REMOVE;
	return op->kind == PUBLISH_REMOVE || !set->updates;
}

static bool needs_any(const struct nftset *set, const struct setops_list *list, enum step step)
{
	for (size_t i = 0; i < list->count; i++)
		if (needs_step(set, list->ops[i], step))
			return true;
	return false;
}

static void put_step(struct nftset *set, enum setops_version version,
		     const struct setops_list *list, enum step step)
{
	uint16_t type = step == STEP_DELETE ? NFT_MSG_DELSETELEM : NFT_MSG_NEWSETELEM;
	struct nlmsghdr *nlh;
	struct nlattr *nest;

	if (!needs_any(set, list, step))
		return;
	nlh = nft_batch_put(set->batch, type, set->family, step == STEP_DELETE ? 0 : NLM_F_CREATE);
	nest = nft_begin_elements(nlh, set->table, set->names[version]);
	for (size_t i = 0; i < list->count; i++) {
		const struct publish_op *op = list->ops[i];

		if (needs_step(set, op, step))
			put_element(set, nlh, op, version, step);
	}
	mnl_attr_nest_end(nlh, nest);
}

static void put_list(struct nftset *set, enum setops_version version,
		     const struct setops_list *list)
{
	if (!list->count || !is_used(set, version))
		return;
	put_step(set, version, list, STEP_MAKE_PRESENT);
	put_step(set, version, list, STEP_DELETE);
	put_step(set, version, list, STEP_ADD);
}

/* One transaction for the lists of both versions. */
static int commit_lists(struct nftset *set, const struct setops_list lists[SETOPS_VERSIONS])
{
	uint64_t now_ms = clock_monotonic_ms();
	int rc;

	put_list(set, SETOPS_V4, &lists[SETOPS_V4]);
	put_list(set, SETOPS_V6, &lists[SETOPS_V6]);
	rc = nft_batch_commit(set->batch, NULL);
	if (rc < 0)
		return rc;
	for (int v = 0; v < SETOPS_VERSIONS; v++)
		if (is_used(set, v))
			witnesses_note(&set->witnesses[v], &lists[v], set->timeout_s, now_ms);
	return 0;
}

/* Asks for some elements by their keys: -ENOENT where one of them, or the set, is missing. */
static int get_elements(struct nftset *set, enum setops_version version,
			const struct witness *witnesses, unsigned count)
{
	_Alignas(8) char buf[NL_MESSAGE_BYTES];
	struct nlmsghdr *nlh =
		nl_header(buf, NFT_MSG_TYPE(NFT_MSG_GETSETELEM), set->family, NLM_F_ACK);
	struct nlattr *nest = nft_begin_elements(nlh, set->table, set->names[version]);

	for (unsigned i = 0; i < count; i++) {
		struct publish_op op = {.addr = witnesses[i].addr, .port = witnesses[i].port};

		put_element(set, nlh, &op, version, STEP_ASK);
	}
	mnl_attr_nest_end(nlh, nest);
	return nl_request(set->nl, nlh, NULL, NULL);
}

#define SQUEEZE 32 /* new elements tried at once where room is short */

/*
 * In a full set, of one version: removals make room first, what is in it is refreshed, and of what
 * is not in it as much is tried as there is room for.
 */
static void commit_full(struct nftset *set, enum setops_version version,
			const struct setops_list *all)
{
	struct setops_list lists[SETOPS_VERSIONS] = {{.count = 0}}, missing = {.count = 0};
	struct setops_list *list = &lists[version];

	for (size_t i = 0; i < all->count; i++) {
		const struct publish_op *op = all->ops[i];
		struct witness witness = {op->addr, op->port, 0};
		bool is_there =
			op->kind == PUBLISH_REMOVE || get_elements(set, version, &witness, 1) == 0;

		if (is_there)
			list->ops[list->count++] = op;
		else
			missing.ops[missing.count++] = op;
	}
	commit_lists(set, lists);
	for (size_t done = 0; done < missing.count; done += list->count) {
		size_t left = missing.count - done;

		list->count = left < SQUEEZE ? left : SQUEEZE;
		memcpy(list->ops, missing.ops + done, list->count * sizeof(missing.ops[0]));
		if (commit_lists(set, lists) < 0)
			return;
	}
}

/*
 * In a map, an element that is there with another mark can neither be added nor updated: it is taken
 * out in the same transaction.
 */
static int commit_remapped(struct nftset *set, enum setops_version version,
			   const struct setops_list *all)
{
	struct setops_list there = {.count = 0}, to_add = {.count = 0};
	struct publish_op removals[SETOPS_MAX];
	int rc;

	for (size_t i = 0; i < all->count; i++) {
		struct witness witness = {all->ops[i]->addr, all->ops[i]->port, 0};

		if (all->ops[i]->kind != PUBLISH_REMOVE)
			to_add.ops[to_add.count++] = all->ops[i];
		if (get_elements(set, version, &witness, 1) < 0)
			continue;
		removals[there.count] = *all->ops[i];
		removals[there.count].kind = PUBLISH_REMOVE;
		there.ops[there.count] = &removals[there.count];
		there.count++;
	}
	put_step(set, version, &there, STEP_DELETE);
	put_step(set, version, &to_add, STEP_ADD);
	rc = nft_batch_commit(set->batch, NULL);
	if (rc == 0)
		witnesses_note(&set->witnesses[version], &to_add, set->timeout_s,
			       clock_monotonic_ms());
	return rc;
}

/*
 * After a failure, @rc, each set by itself, so that one does not spoil the other. A transaction
 * that fails costs about 9 ms (the kernel waits for all readers), so none is tried twice.
 */
static int commit_apart(struct nftset *set, struct setops_list lists[SETOPS_VERSIONS], int rc)
{
	bool is_both = lists[SETOPS_V4].count && is_used(set, SETOPS_V4) &&
		       lists[SETOPS_V6].count && is_used(set, SETOPS_V6);
	int first_rc = 0;

	for (int v = 0; v < SETOPS_VERSIONS; v++) {
		struct setops_list alone[SETOPS_VERSIONS];

		if (!lists[v].count || !is_used(set, v))
			continue;
		alone[v] = lists[v];
		alone[!v].count = 0;
		if (is_both)
			rc = commit_lists(set, alone);
		if (rc == -EEXIST && set->is_map)
			rc = commit_remapped(set, (enum setops_version)v, &lists[v]);
		if (rc == -ENFILE)
			commit_full(set, (enum setops_version)v, &lists[v]);
		if (rc < 0 && (first_rc == 0 || first_rc == -ENFILE))
			first_rc = rc;
	}
	return first_rc;
}

/* What the set holds instead of IPv6 addresses: their prefixes, of which several may be one. */
static const struct publish_op *cut_prefixes(const struct nftset *set, const struct publish_op *ops,
					     size_t count, struct publish_op buf[SETOPS_MAX])
{
	if (set->prefix6 >= 128)
		return ops;
	for (size_t i = 0; i < count; i++) {
		buf[i] = ops[i];
		if (!addr_is_v4(&ops[i].addr))
			buf[i].addr = addr_mask(&ops[i].addr, set->prefix6);
	}
	return buf;
}

static int nftset_commit(struct target *target, const struct publish_op *ops, size_t count)
{
	struct nftset *set = from_target(target);
	bool is_full = false;

	for (size_t done = 0; done < count; done += SETOPS_MAX) {
		struct setops_list lists[SETOPS_VERSIONS];
		struct publish_op cut[SETOPS_MAX];
		size_t rest = count - done < SETOPS_MAX ? count - done : SETOPS_MAX;
		int rc;

		setops_split(cut_prefixes(set, ops + done, rest, cut), rest, set->has_port, lists);
		rc = commit_lists(set, lists);
		if (rc == -ENFILE || rc == -ENOENT || (rc == -EEXIST && set->is_map))
			rc = commit_apart(set, lists, rc);
		if (rc < 0 && rc != -ENFILE)
			return rc;
		is_full |= rc == -ENFILE;
	}
	return is_full ? -ENFILE : 0;
}

/* What is in it may have been renewed an eighth of the timeout ago; see generation_is_renewed(). */
static void nftset_note(struct target *target, const struct publish_op *op)
{
	struct nftset *set = from_target(target);
	uint32_t left_s = set->timeout_s - (set->timeout_s + 7) / 8;
	struct publish_op cut[SETOPS_MAX];
	struct setops_list lists[SETOPS_VERSIONS];
	uint64_t now_ms = clock_monotonic_ms();

	setops_split(cut_prefixes(set, op, 1, cut), 1, set->has_port, lists);
	for (int v = 0; v < SETOPS_VERSIONS; v++) {
		struct witness witness;

		if (!lists[v].count || !is_used(set, v))
			continue;
		witness = (struct witness){lists[v].ops[0]->addr, lists[v].ops[0]->port, 0};
		if (get_elements(set, (enum setops_version)v, &witness, 1) == 0)
			witnesses_note(&set->witnesses[v], &lists[v], left_s, now_ms);
	}
}

static int look_at(struct nftset *set, enum setops_version version)
{
	struct witness witnesses[WITNESSES];
	unsigned count = witnesses_list(&set->witnesses[version], clock_monotonic_ms(), witnesses);
	struct nft_set_info info;
	int rc;

	if (count)
		rc = get_elements(set, version, witnesses, count);
	else
		rc = nft_get_set(set->nl, set->family, set->table, set->names[version], &info);
	if (rc == 0 || rc == -ENOENT)
		witnesses_looked(&set->witnesses[version], rc == 0);
	return rc;
}

/* One that was left out is to be taken in as soon as it is there and fits. */
static bool is_back(const struct nftset *set, enum setops_version version)
{
	struct nft_set_info info;

	return set->is_out[version] &&
	       nft_get_set(set->nl, set->family, set->table, set->names[version], &info) == 0 &&
	       check_set(set, version, &info, NULL) == 0;
}

static int nftset_check(struct target *target, bool *ret_intact)
{
	struct nftset *set = from_target(target);
	bool is_intact = true;

	for (int v = 0; v < SETOPS_VERSIONS; v++) {
		int rc = is_used(set, v) ? look_at(set, (enum setops_version)v) : 0;

		if (rc == -ENOENT || is_back(set, (enum setops_version)v))
			is_intact = false;
		else if (rc < 0)
			return rc;
	}
	*ret_intact = is_intact;
	return 0;
}

static void nftset_free(struct target *target)
{
	struct nftset *set = from_target(target);

	if (!set)
		return;
	nft_batch_free(set->batch);
	nl_close(set->nl);
	free(set->table);
	free(set->names[SETOPS_V4]);
	free(set->names[SETOPS_V6]);
	free(set);
}

static const struct target_type nftset_type = {
	.ensure = nftset_ensure,
	.commit = nftset_commit,
	.explain = nftset_explain,
	.check = nftset_check,
	.note = nftset_note,
	.walk = nftset_walk,
	.drop = nftset_drop,
	.remove = nftset_remove,
	.free = nftset_free,
};

static bool are_valid(const struct nftset_params *params)
{
	if (params->table &&
	    (!setops_are_names(params->table, NULL, NFT_NAME_MAXLEN) || !params->is_foreign))
		return false;
	if (!params->table && params->family != NFTSET_INET)
		return false;
	return params->timeout_s != 0 &&
	       setops_are_names(params->name4, params->name6, NFT_NAME_MAXLEN);
}

static int copy_names(struct nftset *set, const struct nftset_params *params)
{
	set->table = strdup(params->table ? params->table : NFT_OUR_TABLE);
	if (params->name4)
		set->names[SETOPS_V4] = strdup(params->name4);
	if (params->name6)
		set->names[SETOPS_V6] = strdup(params->name6);
	if (!set->table || (params->name4 && !set->names[SETOPS_V4]) ||
	    (params->name6 && !set->names[SETOPS_V6]))
		return -ENOMEM;
	snprintf(set->target_name, sizeof(set->target_name), "nft %s %s %s %s%s%s",
		 params->is_map ? "map" : "set", families[params->family].name, set->table,
		 params->name4 ? params->name4 : "", params->name4 && params->name6 ? "/" : "",
		 params->name6 ? params->name6 : "");
	return 0;
}

int nftset_new(const struct nftset_params *params, struct target **ret_target)
{
	struct nftset *set;
	int rc;

	if (!are_valid(params))
		return -EINVAL;
	set = calloc(1, sizeof(*set));
	if (!set)
		return -ENOMEM;
	set->target = (struct target){.type = &nftset_type, .name = set->target_name};
	set->family = families[params->family].nfproto;
	set->is_foreign = params->is_foreign;
	set->updates = nft_updates_elements();
	set->has_port = params->has_port;
	set->is_map = params->is_map;
	set->mark = params->mark;
	set->is_flushed = params->is_kept;
	set->prefix6 = params->prefix6 ? params->prefix6 : 128;
	for (int v = 0; v < SETOPS_VERSIONS; v++)
		set->witnesses[v].has_port = params->has_port;
	set->timeout_s = params->timeout_s;
	set->size = params->size;
	rc = copy_names(set, params);
	if (rc == 0)
		rc = nl_open(&set->nl);
	if (rc == 0) {
		set->batch = nft_batch_new(set->nl);
		rc = set->batch ? 0 : -ENOMEM;
	}
	if (rc < 0) {
		nftset_free(&set->target);
		return rc;
	}
	*ret_target = &set->target;
	return 0;
}
