/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records in an array; those of one address hang together behind a bucket of its hash. */
#include "core/reported/reported.h"

#include "core/base/order.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define NONE UINT32_MAX

struct record {
	struct reported_word word;
	uint64_t expires_s;
	uint32_t next; /* of the bucket, or of the free ones */
	uint32_t round; /* in which it was told */
	bool is_used;
};

struct reported {
	pthread_mutex_t lock; /* of all below */
	uint64_t seed, refused;
	uint32_t capacity, used, round, first_free;
	uint32_t *buckets; /* as many as records */
	struct record *records;
};

struct reported *reported_new(unsigned capacity, uint64_t seed)
{
	struct reported *reported = calloc(1, sizeof(*reported));

	if (!reported)
		return NULL;
	pthread_mutex_init(&reported->lock, NULL);
	reported->seed = seed;
	reported->capacity = capacity;
	reported->records = calloc(capacity, sizeof(*reported->records));
	reported->buckets = malloc(capacity * sizeof(*reported->buckets));
	if (!reported->records || !reported->buckets) {
		reported_free(reported);
		return NULL;
	}
	reported->first_free = NONE;
	for (uint32_t i = 0; i < capacity; i++) {
		reported->buckets[i] = NONE;
		reported->records[i].next = reported->first_free;
		reported->first_free = i;
	}
	return reported;
}

void reported_free(struct reported *reported)
{
	if (!reported)
		return;
	pthread_mutex_destroy(&reported->lock);
	free(reported->buckets);
	free(reported->records);
	free(reported);
}

static uint32_t *bucket_of(const struct reported *reported, const struct addr *addr)
{
	uint64_t hash = XXH3_64bits_withSeed(addr->bytes, sizeof(addr->bytes), reported->seed);

	return &reported->buckets[hash % reported->capacity];
}

/* The link that leads to the record, or to NONE. @ret_count: words about the address on the way. */
static uint32_t *find_link(struct reported *reported, const struct reported_word *word,
			   unsigned *ret_count)
{
	uint32_t *link = bucket_of(reported, &word->addr);

	*ret_count = 0;
	for (; *link != NONE; link = &reported->records[*link].next) {
		const struct reported_word *found = &reported->records[*link].word;

		if (!addr_equal(&found->addr, &word->addr))
			continue;
		if (strcmp(found->origin, word->origin) == 0)
			break;
		++*ret_count;
	}
	return link;
}

static void drop(struct reported *reported, uint32_t *link)
{
	uint32_t at = *link;
	struct record *record = &reported->records[at];

	*link = record->next;
	record->is_used = false;
	record->next = reported->first_free;
	reported->first_free = at;
	reported->used--;
}

static int add(struct reported *reported, uint32_t *link)
{
	uint32_t at = reported->first_free;

	if (at == NONE) {
		reported->refused++;
		return -ENOSPC;
	}
	reported->first_free = reported->records[at].next;
	reported->records[at].next = NONE;
	reported->records[at].is_used = true;
	reported->used++;
	*link = at;
	return 0;
}

static int put(struct reported *reported, uint64_t now_s, const struct reported_word *word)
{
	unsigned count;
	uint32_t *link = find_link(reported, word, &count);
	struct record *record;

	if (!word->left_s) {
		if (*link != NONE)
			drop(reported, link);
		return 0;
	}
	if (*link == NONE && count >= REPORTED_PER_ADDRESS) {
		reported->refused++;
		return -ENOSPC;
	}
	if (*link == NONE && add(reported, link) < 0)
		return -ENOSPC;
	record = &reported->records[*link];
	record->word = *word;
	record->expires_s = now_s + word->left_s;
	record->round = reported->round;
	return 0;
}

int reported_put(struct reported *reported, uint64_t now_s, const struct reported_word *word)
{
	int rc;

	pthread_mutex_lock(&reported->lock);
	rc = put(reported, now_s, word);
	pthread_mutex_unlock(&reported->lock);
	return rc;
}

void reported_begin(struct reported *reported)
{
	pthread_mutex_lock(&reported->lock);
	reported->round++;
	pthread_mutex_unlock(&reported->lock);
}

static void drop_record(struct reported *reported, const struct record *record)
{
	unsigned count;

	drop(reported, find_link(reported, &record->word, &count));
}

void reported_end(struct reported *reported, void (*fn)(void *ctx, const struct addr *addr),
		  void *ctx)
{
	pthread_mutex_lock(&reported->lock);
	for (uint32_t i = 0; i < reported->capacity; i++) {
		const struct record *record = &reported->records[i];

		if (!record->is_used || record->round == reported->round)
			continue;
		fn(ctx, &record->word.addr);
		drop_record(reported, record);
	}
	pthread_mutex_unlock(&reported->lock);
}

void reported_expire(struct reported *reported, uint64_t now_s)
{
	pthread_mutex_lock(&reported->lock);
	for (uint32_t i = 0; i < reported->capacity && reported->used; i++)
		if (reported->records[i].is_used && reported->records[i].expires_s <= now_s)
			drop_record(reported, &reported->records[i]);
	pthread_mutex_unlock(&reported->lock);
}

static bool is_one_address(const struct addr_net *net)
{
	return net->bits == (addr_is_v4(&net->addr) ? 32 : 128);
}

static void forget_address(struct reported *reported, const struct addr *addr)
{
	uint32_t *link = bucket_of(reported, addr);

	while (*link != NONE)
		if (addr_equal(&reported->records[*link].word.addr, addr))
			drop(reported, link);
		else
			link = &reported->records[*link].next;
}

static void forget_network(struct reported *reported, const struct addr_net *net)
{
	for (uint32_t i = 0; i < reported->capacity && reported->used; i++) {
		const struct record *record = &reported->records[i];

		if (record->is_used && addr_net_holds(net, &record->word.addr))
			drop_record(reported, record);
	}
}

unsigned reported_forget(struct reported *reported, const struct addr_net *net)
{
	uint32_t before;

	pthread_mutex_lock(&reported->lock);
	before = reported->used;
	if (is_one_address(net))
		forget_address(reported, &net->addr);
	else
		forget_network(reported, net);
	before -= reported->used;
	pthread_mutex_unlock(&reported->lock);
	return before;
}

/* The next live word about an address after @at (NONE: from the beginning), or NONE. */
static uint32_t next_live(const struct reported *reported, uint64_t now_s, const struct addr *addr,
			  uint32_t at)
{
	at = at == NONE ? *bucket_of(reported, addr) : reported->records[at].next;
	while (at != NONE && (!addr_equal(&reported->records[at].word.addr, addr) ||
			      reported->records[at].expires_s <= now_s))
		at = reported->records[at].next;
	return at;
}

unsigned reported_get(struct reported *reported, uint64_t now_s, const struct addr *addr,
		      struct reported_word *ret_words, unsigned max)
{
	unsigned count = 0;
	uint32_t at = NONE;

	pthread_mutex_lock(&reported->lock);
	while (count < max && (at = next_live(reported, now_s, addr, at)) != NONE) {
		const struct record *record = &reported->records[at];

		ret_words[count] = record->word;
		ret_words[count++].left_s = (uint32_t)(record->expires_s - now_s);
	}
	pthread_mutex_unlock(&reported->lock);
	return count;
}

static bool names(const struct reported_rule *rule, const char *origin)
{
	for (unsigned i = 0; i < rule->origin_count; i++)
		if (strcmp(rule->origins[i], "*") == 0 || strcmp(rule->origins[i], origin) == 0)
			return true;
	return false;
}

static bool meets(const struct reported_rule *rule, const struct reported_word *word)
{
	return names(rule, word->origin) && (!rule->flags || rule->flags & word->flags) &&
	       rule->min_permille <= word->confidence_permille;
}

static int longest_first(const void *a, const void *b)
{
	return order_down(*(const uint32_t *)a, *(const uint32_t *)b);
}

uint32_t reported_left(struct reported *reported, uint64_t now_s, const struct addr *addr,
		       const struct reported_rule *rule)
{
	uint32_t left_s[REPORTED_PER_ADDRESS], at = NONE;
	unsigned count = 0;

	pthread_mutex_lock(&reported->lock);
	while ((at = next_live(reported, now_s, addr, at)) != NONE)
		if (meets(rule, &reported->records[at].word))
			left_s[count++] = (uint32_t)(reported->records[at].expires_s - now_s);
	pthread_mutex_unlock(&reported->lock);
	if (count < rule->min_origins || !count)
		return 0;
	qsort(left_s, count, sizeof(left_s[0]), longest_first);
	return left_s[rule->min_origins - 1];
}

unsigned reported_page(struct reported *reported, uint64_t now_s, uint64_t *cursor,
		       struct addr *ret_addrs, unsigned max)
{
	unsigned count = 0;
	uint64_t at = *cursor;

	pthread_mutex_lock(&reported->lock);
	for (; at < reported->capacity && count < max; at++)
		if (reported->records[at].is_used && reported->records[at].expires_s > now_s)
			ret_addrs[count++] = reported->records[at].word.addr;
	*cursor = at < reported->capacity ? at : 0;
	pthread_mutex_unlock(&reported->lock);
	return count;
}

void reported_get_stats(struct reported *reported, struct reported_stats *ret_stats)
{
	pthread_mutex_lock(&reported->lock);
	*ret_stats = (struct reported_stats){.capacity = reported->capacity,
					     .used = reported->used,
					     .refused = reported->refused};
	pthread_mutex_unlock(&reported->lock);
}
