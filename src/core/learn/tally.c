/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An array of entries with an open-addressing index of twice its size or more. Whoever sends
 * ever new nonsense only replaces what was seen as rarely as that.
 */
#include "core/learn/tally.h"

#include "core/base/hash.h"
#include "core/base/order.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define CAPACITY_MIN 8
#define CAPACITY_MAX 65536
#define LOOKED_AT 8 /* entries, of which the rarest gives way */

/* RFC 9293 section 3.7.1: hosts must take 536, so what is smaller is the sender's own choice. */
#define MSS_OF_PATH_MIN 536

struct tally {
	pthread_mutex_t lock;
	struct tally_params params;
	struct tally_entry *entries;
	uint32_t *index; /* 0, or entry + 1 */
	size_t used, index_size, hand;
	uint64_t total, evicted;
};

struct tally *tally_new(const struct tally_params *params)
{
	struct tally *tally;

	if (params->capacity < CAPACITY_MIN || params->capacity > CAPACITY_MAX)
		return NULL;
	tally = calloc(1, sizeof(*tally));
	if (!tally)
		return NULL;
	tally->params = *params;
	tally->index_size = hash_slots_for(params->capacity);
	pthread_mutex_init(&tally->lock, NULL);
	tally->entries = calloc(params->capacity, sizeof(*tally->entries));
	tally->index = calloc(tally->index_size, sizeof(*tally->index));
	if (tally->entries && tally->index)
		return tally;
	tally_free(tally);
	return NULL;
}

void tally_free(struct tally *tally)
{
	if (!tally)
		return;
	pthread_mutex_destroy(&tally->lock);
	free(tally->entries);
	free(tally->index);
	free(tally);
}

void tally_pad_sig(const struct sig *sig, struct sig *ret_sig)
{
	memset(ret_sig, 0, sizeof(*ret_sig)); /* then field by field: padding stays zero */
	ret_sig->ip_version = sig->ip_version;
	ret_sig->initial_ttl = sig->initial_ttl;
	ret_sig->bad_ttl = sig->bad_ttl;
	ret_sig->win_kind = sig->win_kind;
	ret_sig->win = sig->win;
	ret_sig->ip_opt_len = sig->ip_opt_len;
	ret_sig->mss = sig->mss;
	ret_sig->wscale = sig->wscale;
	ret_sig->quirks = sig->quirks;
	ret_sig->payload = sig->payload;
	ret_sig->opt_any = sig->opt_any;
	ret_sig->opt_count = sig->opt_count;
	ret_sig->opt_eol_pad = sig->opt_eol_pad;
	memcpy(ret_sig->opt_kinds, sig->opt_kinds, sizeof(ret_sig->opt_kinds));
}

void tally_shape(const struct syn *syn, struct sig *ret_sig)
{
	struct sig raw;

	sig_from_syn(syn, &raw);
	if (raw.mss >= MSS_OF_PATH_MIN)
		raw.mss = SIG_ANY;
	tally_pad_sig(&raw, ret_sig);
}

static size_t slot_of(const struct tally *tally, const struct sig *sig, unsigned class_id)
{
	uint64_t hash = XXH3_64bits_withSeed(sig, sizeof(*sig), tally->params.seed + class_id);

	return hash_below((uint32_t)hash, (uint32_t)tally->index_size);
}

static bool entry_is(const struct tally_entry *entry, const struct sig *sig, unsigned class_id)
{
	/* Both come from tally_pad_sig(), whose padding is zero. NOLINTNEXTLINE */
	return entry->class_id == class_id && memcmp(&entry->sig, sig, sizeof(*sig)) == 0;
}

/* The slot of a shape, or the free one where it belongs. */
static size_t find_slot(const struct tally *tally, const struct sig *sig, unsigned class_id)
{
	size_t slot = slot_of(tally, sig, class_id);

	while (tally->index[slot] &&
	       !entry_is(&tally->entries[tally->index[slot] - 1], sig, class_id))
		slot = (slot + 1) & (tally->index_size - 1);
	return slot;
}

/* Without a mark in the slot: what follows moves up where it may. */
static void remove_slot(struct tally *tally, size_t slot)
{
	size_t mask = tally->index_size - 1, next = slot;

	for (;;) {
		const struct tally_entry *entry;
		size_t home;

		next = (next + 1) & mask;
		if (!tally->index[next])
			break;
		entry = &tally->entries[tally->index[next] - 1];
		home = slot_of(tally, &entry->sig, entry->class_id);
		if (((next - home) & mask) < ((next - slot) & mask))
			continue;
		tally->index[slot] = tally->index[next];
		slot = next;
	}
	tally->index[slot] = 0;
}

static struct tally_entry *rarest_here(struct tally *tally)
{
	struct tally_entry *rarest = &tally->entries[tally->hand];

	for (unsigned i = 1; i < LOOKED_AT; i++) {
		size_t at = (tally->hand + i) % tally->params.capacity;

		if (tally->entries[at].count < rarest->count)
			rarest = &tally->entries[at];
	}
	tally->hand = (tally->hand + LOOKED_AT) % tally->params.capacity;
	return rarest;
}

static struct tally_entry *make_room(struct tally *tally)
{
	struct tally_entry *rarest;

	if (tally->used < tally->params.capacity)
		return &tally->entries[tally->used++];
	rarest = rarest_here(tally);
	if (tally->params.keep_above && rarest->count > tally->params.keep_above)
		return NULL;
	remove_slot(tally, find_slot(tally, &rarest->sig, rarest->class_id));
	tally->evicted++;
	return rarest;
}

static struct tally_entry *add_entry(struct tally *tally, uint32_t now_s, const struct sig *sig,
				     unsigned class_id)
{
	struct tally_entry *entry = make_room(tally);

	if (!entry)
		return NULL;
	memset(entry, 0, sizeof(*entry));
	memcpy(&entry->sig, sig, sizeof(*sig)); /* an assignment need not copy the padding */
	entry->class_id = (uint8_t)class_id;
	entry->first_seen_s = now_s;
	tally->index[find_slot(tally, sig, class_id)] = (uint32_t)(entry - tally->entries) + 1;
	return entry;
}

static int count_shape(struct tally *tally, uint32_t now_s, const struct sig *sig,
		       unsigned class_id, uint64_t count, uint64_t networks)
{
	uint32_t at = tally->index[find_slot(tally, sig, class_id)];
	struct tally_entry *entry =
		at ? &tally->entries[at - 1] : add_entry(tally, now_s, sig, class_id);

	if (!entry)
		return -ENOSPC;
	entry->count += count;
	entry->networks |= networks;
	entry->last_seen_s = now_s;
	tally->total += count;
	return 0;
}

int tally_vote(struct tally *tally, uint64_t now_ms, const struct sig *shape, unsigned class_id,
	       uint64_t count, uint64_t networks)
{
	int r;

	pthread_mutex_lock(&tally->lock);
	r = count_shape(tally, (uint32_t)(now_ms / 1000), shape, class_id, count, networks);
	pthread_mutex_unlock(&tally->lock);
	return r;
}

int tally_add(struct tally *tally, uint64_t now_ms, const struct sig *shape, unsigned class_id,
	      uint64_t count)
{
	return tally_vote(tally, now_ms, shape, class_id, count, 0);
}

static int compare(const void *a, const void *b)
{
	const struct tally_entry *left = a, *right = b;
	int order = order_down(left->count, right->count);

	return order ? order : order_down(left->last_seen_s, right->last_seen_s);
}

size_t tally_list(struct tally *tally, struct tally_entry *ret_entries, size_t max)
{
	struct tally_entry *all = malloc(tally->params.capacity * sizeof(*all));
	size_t count;

	if (!all)
		return 0;
	pthread_mutex_lock(&tally->lock);
	count = tally->used;
	memcpy(all, tally->entries, count * sizeof(*all));
	pthread_mutex_unlock(&tally->lock);
	qsort(all, count, sizeof(*all), compare);
	count = MIN(count, max);
	memcpy(ret_entries, all, count * sizeof(*all));
	free(all);
	return count;
}

void tally_get_stats(struct tally *tally, struct tally_stats *ret_stats)
{
	pthread_mutex_lock(&tally->lock);
	*ret_stats = (struct tally_stats){.used = tally->used,
					  .capacity = tally->params.capacity,
					  .total = tally->total,
					  .evicted = tally->evicted};
	pthread_mutex_unlock(&tally->lock);
}
