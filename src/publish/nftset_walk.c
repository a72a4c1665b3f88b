/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys of elements; looking through nft sets, and deleting what was found there; see nftset.h. */
#include <errno.h>
#include <string.h>

#include "publish/nftset_impl.h"
#include "sys/clock.h"

#define DROP_MAX 1024 /* elements of one message: its list has 64 KB at the most (struct nlattr) */
#define TRANSACTION_MAX 2048 /* that one transaction deletes, 32 bytes each ... */
#define ENTERING_MAX 512 /* ... and adds, with a mark and a timeout 60 bytes each */

_Static_assert(TRANSACTION_MAX * 32 + ENTERING_MAX * 60 + 8 * 64 <= NFT_BATCH_BYTES,
	       "a transaction must fit");

size_t nftset_make_key(const struct nftset *set, enum setops_version version,
		       const struct addr *addr, uint16_t port,
		       uint8_t ret_key[NFTSET_KEY_BYTES_MAX])
{
	size_t len;
	const uint8_t *bytes = setops_bytes(addr, version, &len);

	memset(ret_key, 0, NFTSET_KEY_BYTES_MAX);
	memcpy(ret_key, bytes, len);
	if (!set->has_port)
		return len;
	ret_key[len] = (uint8_t)(port >> 8);
	ret_key[len + 1] = (uint8_t)port;
	return len + 4; /* a register's width */
}

struct walk {
	const struct nftset *set;
	enum setops_version version;
	const struct target_visitor *visitor;
};

/* What is no key of ours was put there by somebody who has another idea of the set. */
static void show(const void *key, size_t len, uint64_t left_ms, void *ctx)
{
	const struct walk *walk = ctx;
	size_t addr_len = walk->version == SETOPS_V4 ? 4 : 16;
	struct target_element element = {.left_ms = left_ms};
	const uint8_t *bytes = key;

	if (len < addr_len + (walk->set->has_port ? 2 : 0))
		return;
	element.addr = walk->version == SETOPS_V4 ? addr_from_v4(bytes) : addr_from_v6(bytes);
	if (walk->set->has_port)
		element.port = (uint16_t)(bytes[addr_len] << 8 | bytes[addr_len + 1]);
	walk->visitor->visit(walk->visitor->ctx, &element);
}

int nftset_walk(struct target *target, const struct target_visitor *visitor)
{
	struct nftset *set = (struct nftset *)target;
	int rc = 0;

	for (int v = 0; v < SETOPS_VERSIONS && rc == 0; v++) {
		struct nft_set_place place = {set->family, set->table, set->names[v]};
		struct walk walk = {set, (enum setops_version)v, visitor};

		if (set->names[v] && !set->is_out[v])
			rc = nft_list_elements(set->nl, &place, show, &walk);
	}
	return rc;
}

/* One message with those of a version among @ops, which are of one kind. */
static void put_version(struct nftset *set, enum setops_version version,
			const struct publish_op *ops, size_t count)
{
	bool is_removal = ops[0].kind == PUBLISH_REMOVE;
	uint64_t timeout_ms = is_removal ? 0 : UINT64_C(1000) * set->timeout_s;
	struct nlmsghdr *nlh = NULL;
	struct nlattr *nest = NULL;

	for (size_t i = 0; i < count && set->names[version] && !set->is_out[version]; i++) {
		uint8_t key[NFTSET_KEY_BYTES_MAX];
		size_t len;

		if (addr_is_v4(&ops[i].addr) != (version == SETOPS_V4))
			continue;
		if (!nlh) {
			nlh = nft_batch_put(set->batch,
					    is_removal ? NFT_MSG_DELSETELEM : NFT_MSG_NEWSETELEM,
					    set->family, is_removal ? 0 : NLM_F_CREATE);
			nest = nft_begin_elements(nlh, set->table, set->names[version]);
		}
		len = nftset_make_key(set, version, &ops[i].addr, ops[i].port, key);
		nft_put_element(nlh, key, len, set->is_map && !is_removal ? &set->mark : NULL,
				timeout_ms, 0);
	}
	if (nlh)
		mnl_attr_nest_end(nlh, nest);
}

/* A witness that is gone by our own hand is no sign that somebody flushed the set. */
static void forget_witnesses(struct nftset *set, const struct publish_op *ops, size_t count)
{
	struct setops_list lists[SETOPS_VERSIONS];

	for (size_t done = 0; done < count; done += SETOPS_MAX) {
		size_t rest = count - done < SETOPS_MAX ? count - done : SETOPS_MAX;

		setops_split(ops + done, rest, set->has_port, lists);
		for (int v = 0; v < SETOPS_VERSIONS; v++)
			witnesses_note(&set->witnesses[v], &lists[v], set->timeout_s,
				       clock_monotonic_ms());
	}
}

/* @removals: so many of @ops come first */
static int drop_some(struct nftset *set, const struct publish_op *ops, size_t removals,
		     size_t count)
{
	int rc;

	for (size_t done = 0, rest; done < count; done += rest) {
		rest = done < removals ? removals - done : count - done;
		rest = rest < DROP_MAX ? rest : DROP_MAX;
		put_version(set, SETOPS_V4, ops + done, rest);
		put_version(set, SETOPS_V6, ops + done, rest);
	}
	rc = nft_batch_commit(set->batch, NULL);
	if (rc == 0)
		forget_witnesses(set, ops, removals);
	return rc;
}

int nftset_drop(struct target *target, const struct publish_op *ops, size_t count)
{
	struct nftset *set = (struct nftset *)target;
	size_t removals = 0, rest;
	int rc = 0, first_rc;

	while (removals < count && ops[removals].kind == PUBLISH_REMOVE)
		removals++;
	/* The last transaction has those who enter, and as many who go at least. */
	for (; removals > TRANSACTION_MAX && rc == 0;
	     ops += rest, removals -= rest, count -= rest) {
		rest = removals - TRANSACTION_MAX;
		rest = rest < TRANSACTION_MAX ? rest : TRANSACTION_MAX;
		rc = drop_some(set, ops, rest, rest);
	}
	first_rc = drop_some(set, ops, removals, count);
	return rc < 0 ? rc : first_rc;
}

int nftset_remove(struct target *target)
{
	struct nftset *set = (struct nftset *)target;
	int first_rc = 0;

	if (set->is_foreign)
		return 0;
	for (int v = 0; v < SETOPS_VERSIONS; v++) {
		int rc = set->names[v] ? nft_remove_set(set->nl, set->batch, set->names[v]) : 0;

		if (rc < 0 && rc != -EBUSY && first_rc == 0)
			first_rc = rc;
	}
	return first_rc < 0 ? first_rc : nft_remove_table(set->nl, set->batch);
}
