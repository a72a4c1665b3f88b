/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Evidence of each client, in chains by address and in a list by age, and what it is worth. The
 * thresholds were measured over paths of 5 to 120 ms with jitter, on some 4,000 direct and 1,500
 * proxied connections: one direct connection in 400 has two clocks of 15 ms or more, three one after
 * another never had; on a machine that starts 60 clients at once 1 in 12 groups of three has.
 */
#include "core/clocks/evidence.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define NONE UINT32_MAX
/* So many connections without a grade, and the minima begin anew: one odd one is not for ever. */
#define FRESH_AFTER 32
#define SPLIT_MS 30
/*
 * Measured with 60 curl at once, each with a processor's thirtieth: 7 of 10 groups of five had
 * minima as a proxy has them; none of 108 when those count half that agree so well, and others not.
 * Five at once through a proxy 50 ms away agree.
 */
#define AGREE_PERCENT 15
#define AGREE_MS 5
#define BURST_MS 5000 /* a busy machine may be a busy proxy: after so long the next one counts */
#define SPLIT_CONNECTIONS 10

struct entry {
	struct addr addr;
	struct evidence evidence;
	uint32_t hash;
	uint32_t next; /* in its chain; of a free one: the next free one */
	uint32_t older, newer;
	uint64_t counted_ms,
		busy_until_ms; /* the last one that counted fully, and the last of all */
	uint8_t grade;
	bool has_half; /* one more would count */
};

struct evidence_table {
	struct evidence_params params;
	struct entry *entries;
	uint32_t *heads; /* of chains, as many as entries */
	uint32_t free_head, oldest, newest;
	struct evidence_stats stats;
	size_t likely; /* atomic: stats.graded[EVIDENCE_LIKELY] for who has no lock */
	pthread_mutex_t lock;
};

/*
 * Both minima, in so many connections; in more of them where most were timed by their arrival. Few
 * may be: what a radio holds back for 100 ms makes a good clock look wrong. Of five by arrival the
 * second smallest counts: with jitter of 10 ms that was 31 ms and more for a client 50 ms behind a
 * proxy, and 1 ms at the most for one that speaks for himself, in 108 and 100 groups.
 */
static const struct threshold {
	enum evidence_grade grade;
	uint32_t ms, connections, by_arrival;
} thresholds[] = {
	{EVIDENCE_LIKELY, 30, 3, 5},
	{EVIDENCE_LIKELY, 20, 5, 5},
	{EVIDENCE_LIKELY, 15, 10, 20},
	{EVIDENCE_SUSPECTED, 15, 3, 5},
};

enum evidence_grade evidence_grade(const struct evidence *evidence)
{
	uint32_t c1_ms = evidence_c1_ms(evidence), c2_ms = evidence_c2_ms(evidence);
	uint32_t both_ms = MIN(c1_ms, c2_ms);
	bool is_by_arrival = evidence_is_by_arrival(evidence);

	for (unsigned i = 0; i < sizeof(thresholds) / sizeof(thresholds[0]); i++)
		if (both_ms >= thresholds[i].ms &&
		    evidence->connections >=
			    (is_by_arrival ? thresholds[i].by_arrival : thresholds[i].connections))
			return thresholds[i].grade;
	if (c1_ms < EVIDENCE_QUICK_MS && c2_ms >= SPLIT_MS &&
	    evidence->connections >= SPLIT_CONNECTIONS)
		return EVIDENCE_SPLIT;
	return EVIDENCE_NONE;
}

struct evidence_table *evidence_new(const struct evidence_params *params)
{
	struct evidence_table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->params = *params;
	table->entries = calloc(params->capacity, sizeof(*table->entries));
	table->heads = calloc(params->capacity, sizeof(*table->heads));
	pthread_mutex_init(&table->lock, NULL);
	if (!table->entries || !table->heads) {
		evidence_free(table);
		return NULL;
	}
	table->free_head = table->oldest = table->newest = NONE;
	for (uint32_t i = 0; i < params->capacity; i++) {
		table->heads[i] = NONE;
		table->entries[i].next = table->free_head;
		table->free_head = i;
	}
	table->stats.capacity = params->capacity;
	table->stats.memory_bytes =
		sizeof(*table) + params->capacity * (sizeof(struct entry) + sizeof(*table->heads));
	return table;
}

void evidence_free(struct evidence_table *table)
{
	if (!table)
		return;
	pthread_mutex_destroy(&table->lock);
	free(table->entries);
	free(table->heads);
	free(table);
}

static struct addr key_of(const struct evidence_table *table, const struct addr *addr)
{
	return addr_is_v4(addr) ? *addr : addr_mask(addr, table->params.v6_prefix_bits);
}

static uint32_t hash_of(const struct evidence_table *table, const struct addr *key)
{
	return (uint32_t)XXH3_64bits_withSeed(key->bytes, sizeof(key->bytes), table->params.seed);
}

static uint32_t *head_of(const struct evidence_table *table, uint32_t hash)
{
	return &table->heads[hash % table->params.capacity];
}

static struct entry *next_of(const struct evidence_table *table, uint32_t at,
			     const struct addr *key)
{
	while (at != NONE && !addr_equal(&table->entries[at].addr, key))
		at = table->entries[at].next;
	return at != NONE ? &table->entries[at] : NULL;
}

static struct entry *find(const struct evidence_table *table, const struct addr *key,
			  uint32_t shape)
{
	uint32_t head = *head_of(table, hash_of(table, key));
	struct entry *entry = next_of(table, head, key);

	while (entry && entry->evidence.shape != shape)
		entry = next_of(table, entry->next, key);
	return entry;
}

static void set_grade(struct evidence_table *table, struct entry *entry, enum evidence_grade grade)
{
	table->stats.graded[entry->grade]--;
	table->stats.graded[grade]++;
	entry->grade = (uint8_t)grade;
	__atomic_store_n(&table->likely, table->stats.graded[EVIDENCE_LIKELY], __ATOMIC_RELAXED);
}

static void unlink_age(struct evidence_table *table, struct entry *entry)
{
	*(entry->older != NONE ? &table->entries[entry->older].newer : &table->oldest) =
		entry->newer;
	*(entry->newer != NONE ? &table->entries[entry->newer].older : &table->newest) =
		entry->older;
}

static void link_newest(struct evidence_table *table, struct entry *entry)
{
	uint32_t at = (uint32_t)(entry - table->entries);

	entry->older = table->newest;
	entry->newer = NONE;
	*(table->newest != NONE ? &table->entries[table->newest].newer : &table->oldest) = at;
	table->newest = at;
}

static void drop(struct evidence_table *table, struct entry *entry)
{
	uint32_t *link = head_of(table, entry->hash);

	while (*link != (uint32_t)(entry - table->entries))
		link = &table->entries[*link].next;
	*link = entry->next;
	unlink_age(table, entry);
	set_grade(table, entry, EVIDENCE_NONE);
	table->stats.graded[EVIDENCE_NONE]--;
	table->stats.used--;
	entry->next = table->free_head;
	table->free_head = (uint32_t)(entry - table->entries);
}

static struct entry *add(struct evidence_table *table, const struct addr *key, uint32_t shape)
{
	struct entry *entry;
	uint32_t *head;

	if (table->free_head == NONE) {
		drop(table, &table->entries[table->oldest]);
		table->stats.evicted++;
	}
	entry = &table->entries[table->free_head];
	table->free_head = entry->next;
	*entry = (struct entry){.addr = *key, .evidence.shape = shape, .hash = hash_of(table, key)};
	head = head_of(table, entry->hash);
	entry->next = *head;
	*head = (uint32_t)(entry - table->entries);
	link_newest(table, entry);
	table->stats.used++;
	table->stats.graded[EVIDENCE_NONE]++;
	return entry;
}

static bool is_known(const struct entry *entry, uint32_t now_s)
{
	return entry && (int32_t)(now_s - entry->evidence.seen_s) < EVIDENCE_LIFE_S;
}

static void begin_anew(struct entry *entry)
{
	struct evidence *evidence = &entry->evidence;

	evidence->connections = evidence->by_arrival = 0;
	evidence->c1_ms = evidence->c2_ms = 0;
	entry->has_half = false;
}

/* A clock that was set back ends a burst, too. */
static bool is_at_once(const struct entry *entry, const struct clocks_measure *measure)
{
	int64_t since_ms = (int64_t)(measure->began_ms - entry->counted_ms);

	return entry->evidence.connections && measure->began_ms < entry->busy_until_ms &&
	       since_ms < BURST_MS && since_ms > -1000 * CLOCKS_LIFE_S;
}

static bool agrees(const struct evidence *evidence, const struct clocks_measure *measure)
{
	uint32_t apart_ms =
		MAX(evidence->c1_ms, measure->c1_ms) - MIN(evidence->c1_ms, measure->c1_ms);

	return apart_ms <= AGREE_MS || apart_ms * 100 <= evidence->c1_ms * AGREE_PERCENT;
}

/* By its place among the others, before its clocks are among the minima. */
static bool counts(struct entry *entry, const struct clocks_measure *measure)
{
	bool is_one = !is_at_once(entry, measure);

	if (is_one)
		entry->counted_ms = measure->ended_ms;
	if (is_one || measure->ended_ms > entry->busy_until_ms)
		entry->busy_until_ms = measure->ended_ms;
	if (is_one || !agrees(&entry->evidence, measure))
		return is_one;
	entry->has_half = !entry->has_half;
	return !entry->has_half;
}

static void keep_smallest(uint32_t ms, uint32_t *least_ms, uint32_t *next_ms)
{
	if (ms < *least_ms) {
		*next_ms = *least_ms;
		*least_ms = ms;
	} else if (ms < *next_ms) {
		*next_ms = ms;
	}
}

static void weigh(struct entry *entry, uint32_t now_s, const struct clocks_measure *measure)
{
	struct evidence *evidence = &entry->evidence;
	bool is_counted;

	evidence->seen_s = now_s;
	if (measure->c1_ms < EVIDENCE_QUICK_MS && measure->c2_ms < EVIDENCE_QUICK_MS) {
		begin_anew(entry);
		evidence->quick_s = now_s;
		return;
	}
	if (evidence->connections >= FRESH_AFTER && evidence_grade(evidence) == EVIDENCE_NONE)
		begin_anew(entry);
	if (evidence->connections == 0)
		evidence->c1_ms = evidence->c2_ms = evidence->c1_next_ms = evidence->c2_next_ms =
			UINT32_MAX;
	is_counted = counts(entry, measure);
	keep_smallest(measure->c1_ms, &evidence->c1_ms, &evidence->c1_next_ms);
	keep_smallest(measure->c2_ms, &evidence->c2_ms, &evidence->c2_next_ms);
	evidence->connections += is_counted;
	evidence->by_arrival += measure->is_by_arrival && is_counted;
}

enum evidence_grade evidence_note(struct evidence_table *table, uint32_t now_s,
				  const struct clocks_measure *measure,
				  struct evidence *ret_evidence)
{
	struct addr key = key_of(table, &measure->client);
	enum evidence_grade grade;
	struct entry *entry;

	pthread_mutex_lock(&table->lock);
	entry = find(table, &key, measure->shape);
	if (entry && !is_known(entry, now_s)) {
		drop(table, entry);
		entry = NULL;
	}
	if (!entry)
		entry = add(table, &key, measure->shape);
	unlink_age(table, entry);
	link_newest(table, entry);
	weigh(entry, now_s, measure);
	grade = evidence_grade(&entry->evidence);
	set_grade(table, entry, grade);
	if (ret_evidence)
		*ret_evidence = entry->evidence;
	pthread_mutex_unlock(&table->lock);
	return grade;
}

bool evidence_has_likely(const struct evidence_table *table)
{
	return __atomic_load_n(&table->likely, __ATOMIC_RELAXED) != 0;
}

bool evidence_is_likely(struct evidence_table *table, uint32_t now_s, const struct addr *addr,
			uint32_t shape)
{
	const struct entry *entry;
	struct addr key;
	bool is_likely;

	if (!evidence_has_likely(table))
		return false;
	key = key_of(table, addr);
	pthread_mutex_lock(&table->lock);
	entry = find(table, &key, shape);
	is_likely = is_known(entry, now_s) && entry->grade == EVIDENCE_LIKELY;
	pthread_mutex_unlock(&table->lock);
	return is_likely;
}

/* The strongest first; of two alike the one that was measured last. */
static bool is_before(const struct evidence *a, const struct evidence *b)
{
	enum evidence_grade grade = evidence_grade(a), other = evidence_grade(b);

	return grade > other || (grade == other && a->seen_s > b->seen_s);
}

static void insert(struct evidence *list, unsigned *count, const struct evidence *evidence)
{
	unsigned at = *count;

	while (at > 0 && is_before(evidence, &list[at - 1]))
		at--;
	if (at == EVIDENCE_SHAPES)
		return;
	if (*count < EVIDENCE_SHAPES)
		(*count)++;
	memmove(&list[at + 1], &list[at], (*count - 1 - at) * sizeof(*list));
	list[at] = *evidence;
}

unsigned evidence_list(struct evidence_table *table, uint32_t now_s, const struct addr *addr,
		       struct evidence *ret_list)
{
	struct addr key = key_of(table, addr);
	const struct entry *entry;
	unsigned count = 0;

	pthread_mutex_lock(&table->lock);
	entry = next_of(table, *head_of(table, hash_of(table, &key)), &key);
	for (; entry; entry = next_of(table, entry->next, &key))
		if (is_known(entry, now_s))
			insert(ret_list, &count, &entry->evidence);
	pthread_mutex_unlock(&table->lock);
	return count;
}

/* The cursor is the number of the entry that comes next, plus one, also where that is NONE. */
bool evidence_next(struct evidence_table *table, uint64_t *cursor, struct addr *ret_addr,
		   struct evidence *ret_evidence)
{
	const struct entry *entry;
	uint64_t at;

	pthread_mutex_lock(&table->lock);
	at = *cursor ? *cursor - 1 : table->oldest;
	if (at != NONE) {
		entry = &table->entries[at];
		*ret_addr = entry->addr;
		*ret_evidence = entry->evidence;
		*cursor = (uint64_t)entry->newer + 1;
	}
	pthread_mutex_unlock(&table->lock);
	return at != NONE;
}

size_t evidence_forget(struct evidence_table *table, const struct addr_net *net)
{
	struct addr key = key_of(table, &net->addr); /* where its subnet is one client */
	size_t count = 0;
	uint32_t at;

	pthread_mutex_lock(&table->lock);
	for (at = table->oldest; at != NONE;) {
		struct entry *entry = &table->entries[at];

		at = entry->newer;
		if (!addr_net_holds(net, &entry->addr) &&
		    (net->bits <= table->params.v6_prefix_bits || !addr_equal(&key, &entry->addr)))
			continue;
		drop(table, entry);
		count++;
	}
	pthread_mutex_unlock(&table->lock);
	return count;
}

void evidence_get_stats(struct evidence_table *table, struct evidence_stats *ret_stats)
{
	pthread_mutex_lock(&table->lock);
	*ret_stats = table->stats;
	pthread_mutex_unlock(&table->lock);
}
