/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The slots: an array, an index by address with open addressing, the queue of free slots, and a
 * binary heap by expiry, in which each record knows its place.
 */
#include "share/words/slots.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define INDEX_SIZE (2 * MESSAGE_SLOTS) /* a power of two, half full at the most */
#define INDEX_EMPTY 0 /* else slot + 1 */

enum record_state { RECORD_FREE, RECORD_LIVE, RECORD_GONE };

struct record {
	struct message message;
	uint64_t expires_s, published_until_s;
	enum record_state state;
	uint32_t heap_at; /* only while not free */
	bool is_queued; /* it stands in the queue of free slots */
	bool is_own; /* said by this process, not restored */
};

struct slots {
	uint64_t seed, epoch, seq, evicted;
	unsigned live;
	struct record records[MESSAGE_SLOTS];
	uint32_t index[INDEX_SIZE];
	uint16_t queue[MESSAGE_SLOTS], heap[MESSAGE_SLOTS];
	uint32_t queue_first, queue_count, heap_count;
};

/* ---- the heap: whoever expires first is on top ---- */

static bool comes_first(const struct slots *slots, uint32_t a, uint32_t b)
{
	return slots->records[slots->heap[a]].expires_s < slots->records[slots->heap[b]].expires_s;
}

static void heap_swap(struct slots *slots, uint32_t a, uint32_t b)
{
	uint16_t slot = slots->heap[a];

	slots->heap[a] = slots->heap[b];
	slots->heap[b] = slot;
	slots->records[slots->heap[a]].heap_at = a;
	slots->records[slots->heap[b]].heap_at = b;
}

static void heap_settle(struct slots *slots, uint32_t at)
{
	while (at > 0) {
		uint32_t parent = (at - 1) / 2;

		if (!comes_first(slots, at, parent))
			break;
		heap_swap(slots, at, parent);
		at = parent;
	}
	for (;;) {
		uint32_t least = at, child = 2 * at + 1;

		if (child < slots->heap_count && comes_first(slots, child, least))
			least = child;
		if (child + 1 < slots->heap_count && comes_first(slots, child + 1, least))
			least = child + 1;
		if (least == at)
			return;
		heap_swap(slots, at, least);
		at = least;
	}
}

static void heap_add(struct slots *slots, uint16_t slot)
{
	slots->records[slot].heap_at = slots->heap_count;
	slots->heap[slots->heap_count] = slot;
	heap_settle(slots, slots->heap_count++);
}

static void heap_remove(struct slots *slots, uint16_t slot)
{
	uint32_t at = slots->records[slot].heap_at, last = --slots->heap_count;

	if (at == last)
		return;
	heap_swap(slots, at, last);
	heap_settle(slots, at);
}

/* ---- the index by address ---- */

static uint32_t home_of(const struct slots *slots, const struct addr *addr)
{
	return (uint32_t)XXH3_64bits_withSeed(addr->bytes, sizeof(addr->bytes), slots->seed) &
	       (INDEX_SIZE - 1);
}

/* Where the address stands, or the empty place where it would. */
static uint32_t index_find(const struct slots *slots, const struct addr *addr)
{
	uint32_t at = home_of(slots, addr);

	while (slots->index[at] != INDEX_EMPTY &&
	       !addr_equal(&slots->records[slots->index[at] - 1].message.addr, addr))
		at = (at + 1) & (INDEX_SIZE - 1);
	return at;
}

static bool lies_between(uint32_t place, uint32_t after, uint32_t at)
{
	return after <= at ? place > after && place <= at : place > after || place <= at;
}

/* What stands behind it moves up where it may (Knuth, volume 3, algorithm 6.4 R). */
static void index_remove(struct slots *slots, const struct addr *addr)
{
	uint32_t hole = index_find(slots, addr), at = hole;

	for (;;) {
		slots->index[hole] = INDEX_EMPTY;
		do {
			at = (at + 1) & (INDEX_SIZE - 1);
			if (slots->index[at] == INDEX_EMPTY)
				return;
		} while (lies_between(home_of(slots,
					      &slots->records[slots->index[at] - 1].message.addr),
				      hole, at));
		slots->index[hole] = slots->index[at];
		hole = at;
	}
}

/* ---- slots that are free ---- */

static void queue_slot(struct slots *slots, uint16_t slot)
{
	if (slots->records[slot].is_queued)
		return;
	slots->records[slot].is_queued = true;
	slots->queue[(slots->queue_first + slots->queue_count++) % MESSAGE_SLOTS] = slot;
}

static void clear_record(struct slots *slots, uint16_t slot)
{
	struct record *record = &slots->records[slot];

	if (record->state == RECORD_FREE)
		return;
	if (record->state == RECORD_LIVE) {
		index_remove(slots, &record->message.addr);
		slots->live--;
	}
	heap_remove(slots, slot);
	record->state = RECORD_FREE;
	queue_slot(slots, slot);
}

/* Slots that were restored are in use although the queue still names them: those are passed over. */
static uint16_t take_slot(struct slots *slots)
{
	while (slots->queue_count) {
		uint16_t slot = slots->queue[slots->queue_first];

		slots->queue_first = (slots->queue_first + 1) % MESSAGE_SLOTS;
		slots->queue_count--;
		slots->records[slot].is_queued = false;
		if (slots->records[slot].state != RECORD_LIVE) {
			if (slots->records[slot].state == RECORD_GONE)
				heap_remove(slots, slot);
			slots->records[slot].state = RECORD_FREE;
			return slot;
		}
	}
	slots->evicted++;
	clear_record(slots, slots->heap[0]);
	return take_slot(slots);
}

static void fill_record(struct slots *slots, uint16_t slot, const struct message *message,
			uint64_t expires_s)
{
	struct record *record = &slots->records[slot];

	record->message = *message;
	record->expires_s = record->published_until_s = expires_s;
	record->state = message->is_gone ? RECORD_GONE : RECORD_LIVE;
	record->is_own = false;
	heap_add(slots, slot);
	if (message->is_gone) {
		queue_slot(slots, slot);
		return;
	}
	slots->index[index_find(slots, &message->addr)] = slot + 1u;
	slots->live++;
}

/* ---- the interface ---- */

struct slots *slots_new(uint64_t seed)
{
	struct slots *slots = calloc(1, sizeof(*slots));

	if (!slots)
		return NULL;
	slots->seed = seed;
	for (uint32_t slot = 0; slot < MESSAGE_SLOTS; slot++)
		queue_slot(slots, (uint16_t)slot);
	return slots;
}

void slots_free(struct slots *slots)
{
	free(slots);
}

static bool says_the_same(const struct message *a, const struct message *b)
{
	return a->flags == b->flags && a->confidence_permille == b->confidence_permille &&
	       strcmp(a->label, b->label) == 0;
}

static void number_message(struct slots *slots, struct message *message)
{
	message->epoch = slots->epoch;
	message->seq = ++slots->seq;
}

static int renew(struct slots *slots, uint64_t now_s, uint16_t slot, const struct message *suspect,
		 uint64_t expires_s)
{
	struct record *record = &slots->records[slot];
	uint64_t left_s = record->published_until_s > now_s ? record->published_until_s - now_s : 0;

	record->expires_s = expires_s;
	heap_settle(slots, record->heap_at);
	if (says_the_same(&record->message, suspect) && left_s > (expires_s - now_s) / 2)
		return 0;
	record->message = *suspect;
	record->published_until_s = expires_s;
	record->is_own = true;
	number_message(slots, &record->message);
	return 1;
}

int slots_put(struct slots *slots, uint64_t now_s, const struct message *suspect, uint32_t left_s,
	      uint16_t *ret_slot)
{
	uint32_t at = index_find(slots, &suspect->addr);
	struct message message = *suspect;
	uint16_t slot;

	message.is_gone = false;
	if (slots->index[at] != INDEX_EMPTY) {
		*ret_slot = (uint16_t)(slots->index[at] - 1);
		return renew(slots, now_s, *ret_slot, &message, now_s + left_s);
	}
	slot = take_slot(slots);
	number_message(slots, &message);
	fill_record(slots, slot, &message, now_s + left_s);
	slots->records[slot].is_own = true;
	*ret_slot = slot;
	return 1;
}

int slots_withdraw(struct slots *slots, uint64_t now_s, const struct addr *addr, uint16_t *ret_slot)
{
	uint32_t at = index_find(slots, addr);
	struct message gone = {.is_gone = true};
	uint64_t expires_s;
	uint16_t slot;

	if (slots->index[at] == INDEX_EMPTY)
		return -ENOENT;
	slot = (uint16_t)(slots->index[at] - 1);
	expires_s = slots->records[slot].published_until_s;
	clear_record(slots, slot);
	number_message(slots, &gone);
	fill_record(slots, slot, &gone, expires_s > now_s ? expires_s : now_s + 1);
	slots->records[slot].is_own = true;
	*ret_slot = slot;
	return 0;
}

/* The slot is asked about by its number, whoever stands in it now. */
static bool is_known(const struct slots *slots, uint16_t slot, const struct message *message)
{
	const struct record *record = &slots->records[slot];

	return record->state != RECORD_FREE && !message_is_newer(message, &record->message);
}

static void raise_epoch(struct slots *slots, uint64_t epoch)
{
	if (epoch >= slots->epoch && epoch < MESSAGE_EXACT_MAX)
		slots->epoch = epoch + 1;
}

int slots_restore(struct slots *slots, uint64_t now_s, uint16_t slot, const struct message *message,
		  uint32_t left_s)
{
	uint32_t at;

	if (is_known(slots, slot, message) || !left_s)
		return 0;
	raise_epoch(slots, message->epoch);
	if (slots->records[slot].state != RECORD_FREE && slots->records[slot].is_own) {
		number_message(slots, &slots->records[slot].message);
		return 1;
	}
	clear_record(slots, slot);
	at = message->is_gone ? 0 : index_find(slots, &message->addr);
	if (!message->is_gone && slots->index[at] != INDEX_EMPTY)
		return 0; /* it stands in another slot of ours */
	fill_record(slots, slot, message, now_s + left_s);
	return 1;
}

void slots_expire(struct slots *slots, uint64_t now_s)
{
	while (slots->heap_count && slots->records[slots->heap[0]].expires_s <= now_s)
		clear_record(slots, slots->heap[0]);
}

int slots_get(const struct slots *slots, uint64_t now_s, uint16_t slot, struct message *ret_message,
	      uint32_t *ret_left_s)
{
	const struct record *record = &slots->records[slot];

	if (record->state == RECORD_FREE || record->published_until_s <= now_s)
		return -ENOENT;
	*ret_message = record->message;
	*ret_left_s = (uint32_t)(record->published_until_s - now_s);
	return 0;
}

uint64_t slots_epoch(const struct slots *slots)
{
	return slots->epoch;
}

void slots_set_epoch(struct slots *slots, uint64_t epoch)
{
	slots->epoch = epoch;
}

void slots_get_stats(const struct slots *slots, struct slots_stats *ret_stats)
{
	*ret_stats = (struct slots_stats){.used = slots->live, .evicted = slots->evicted};
}
