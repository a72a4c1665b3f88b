/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A table with open addressing over (origin, slot), half full at the most, and the names of the
 * origins. A name is given back with its last record.
 */
#include "share/words/peers.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

struct record {
	struct message message;
	uint64_t expires_s; /* what it says is believed until then */
	uint64_t kept_until_s; /* and known until then: no older word of the slot lasts longer */
	uint16_t slot;
	uint16_t origin; /* 0: empty; else one more than its number */
};

struct origin {
	char name[MESSAGE_GATEWAY_MAX];
	uint32_t records; /* 0: free */
};

struct peers {
	uint64_t seed;
	uint32_t capacity, count, places; /* places: a power of two */
	struct record *records;
	struct origin origins[PEERS_ORIGINS_MAX];
};

static uint32_t places_for(uint32_t capacity)
{
	uint32_t places = 2;

	while (places < 2 * (uint64_t)capacity && places < UINT32_C(1) << 31)
		places *= 2;
	return places;
}

struct peers *peers_new(uint32_t capacity, uint64_t seed)
{
	struct peers *peers = calloc(1, sizeof(*peers));

	if (!peers)
		return NULL;
	peers->seed = seed;
	peers->capacity = capacity;
	peers->places = places_for(capacity);
	peers->records = calloc(peers->places, sizeof(*peers->records));
	if (peers->records)
		return peers;
	free(peers);
	return NULL;
}

void peers_free(struct peers *peers)
{
	if (!peers)
		return;
	free(peers->records);
	free(peers);
}

/* Its number, a free one for a name that is not there, or PEERS_ORIGINS_MAX. */
static unsigned find_origin(const struct peers *peers, const char *name)
{
	unsigned vacant = PEERS_ORIGINS_MAX;

	for (unsigned i = 0; i < PEERS_ORIGINS_MAX; i++) {
		const struct origin *origin = &peers->origins[i];

		if (origin->records && strcmp(origin->name, name) == 0)
			return i;
		if (!origin->records && vacant == PEERS_ORIGINS_MAX)
			vacant = i;
	}
	return vacant;
}

static uint32_t home_of(const struct peers *peers, uint16_t origin, uint16_t slot)
{
	const uint16_t key[2] = {origin, slot};

	return (uint32_t)XXH3_64bits_withSeed(key, sizeof(key), peers->seed) & (peers->places - 1);
}

static struct record *find_record(const struct peers *peers, uint16_t origin, uint16_t slot)
{
	uint32_t at = home_of(peers, origin, slot);
	struct record *record = &peers->records[at];

	while (record->origin && (record->origin != origin || record->slot != slot)) {
		at = (at + 1) & (peers->places - 1);
		record = &peers->records[at];
	}
	return record;
}

static bool lies_between(uint32_t place, uint32_t after, uint32_t at)
{
	return after <= at ? place > after && place <= at : place > after || place <= at;
}

/* What stands behind it moves up where it may (Knuth, volume 3, algorithm 6.4 R). */
static void remove_at(struct peers *peers, uint32_t hole)
{
	uint32_t at = hole;

	peers->origins[peers->records[hole].origin - 1].records--;
	peers->count--;
	for (;;) {
		const struct record *record;

		peers->records[hole].origin = 0;
		do {
			at = (at + 1) & (peers->places - 1);
			record = &peers->records[at];
			if (!record->origin)
				return;
		} while (lies_between(home_of(peers, record->origin, record->slot), hole, at));
		peers->records[hole] = *record;
		hole = at;
	}
}

static void note_dropped(const struct record *record, uint64_t now_s, const struct message *next,
			 struct peers_change *ret_change)
{
	const struct message *before = &record->message;

	*ret_change = (struct peers_change){.has_dropped = false};
	if (!record->origin || before->is_gone || record->expires_s <= now_s)
		return;
	ret_change->has_dropped = next->is_gone || !addr_equal(&before->addr, &next->addr);
	ret_change->dropped = before->addr;
}

static enum peers_result add_record(struct peers *peers, struct record *record, unsigned origin,
				    uint16_t slot, uint32_t most)
{
	if (peers->count >= peers->capacity || peers->origins[origin].records >= most)
		return PEERS_FULL;
	peers->origins[origin].records++;
	peers->count++;
	record->origin = (uint16_t)(origin + 1);
	record->slot = slot;
	record->kept_until_s = 0;
	return PEERS_NEWS;
}

enum peers_result peers_take(struct peers *peers, uint64_t now_s, const struct peers_saying *saying,
			     struct peers_change *ret_change)
{
	unsigned number = find_origin(peers, saying->origin);
	struct peers_change change;
	struct record *record;

	if (number == PEERS_ORIGINS_MAX)
		return PEERS_TOO_MANY;
	record = find_record(peers, (uint16_t)(number + 1), saying->slot);
	if (record->origin && !message_is_newer(saying->message, &record->message))
		return PEERS_OLD;
	note_dropped(record, now_s, saying->message, &change);
	if (!record->origin && saying->is_refused)
		return PEERS_OLD;
	if (!record->origin &&
	    add_record(peers, record, number, saying->slot, saying->most) != PEERS_NEWS)
		return PEERS_FULL;
	memcpy(peers->origins[number].name, saying->origin, strlen(saying->origin) + 1);
	record->message = *saying->message;
	record->expires_s = now_s + saying->left_s;
	if (record->kept_until_s < record->expires_s)
		record->kept_until_s = record->expires_s;
	*ret_change = change;
	return PEERS_NEWS;
}

void peers_expire(struct peers *peers, uint64_t now_s)
{
	for (uint32_t at = 0; at < peers->places;) {
		const struct record *record = &peers->records[at];

		if (record->origin && record->kept_until_s <= now_s)
			remove_at(peers, at); /* another one may stand there now */
		else
			at++;
	}
}

bool peers_next(const struct peers *peers, uint64_t now_s, uint32_t *cursor,
		struct peers_word *ret_word)
{
	for (; *cursor < peers->places; ++*cursor) {
		const struct record *record = &peers->records[*cursor];

		if (!record->origin || record->message.is_gone || record->expires_s <= now_s)
			continue;
		*ret_word = (struct peers_word){.message = record->message,
						.left_s = (uint32_t)(record->expires_s - now_s)};
		memcpy(ret_word->origin, peers->origins[record->origin - 1].name,
		       sizeof(ret_word->origin));
		++*cursor;
		return true;
	}
	return false;
}

uint32_t peers_count(const struct peers *peers)
{
	return peers->count;
}

const char *peers_result_name(enum peers_result result)
{
	static const char *const names[PEERS_RESULT_COUNT] = {
		[PEERS_NEWS] = "news",
		[PEERS_OLD] = "old",
		[PEERS_FULL] = "full",
		[PEERS_TOO_MANY] = "too_many",
	};

	return names[result];
}
