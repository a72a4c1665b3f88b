/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Learning: a tally of shapes for each class, and a memory of who has voted for what. */
#include "core/learn/learn.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define VOTES_PER_SHAPE 16
#define VOTE_WAYS 4
#define NETWORK_BITS 64
#define PERMILLE_PER_COUNT 0.4

/* A provider gives each customer a /64 (RFC 6177): all of it is one client, with one vote. */
#define CLIENT_PREFIX_V6 64

struct learn {
	const struct vocab *vocab;
	struct tally *tally;
	uint64_t *votes; /* hashes, in groups of VOTE_WAYS, newest first */
	size_t vote_groups, max_shapes;
	uint64_t seed;
};

struct learn *learn_new(const struct learn_params *params)
{
	struct tally_params tally_params = {.capacity = params->max_shapes,
					    .seed = params->seed,
					    .keep_above = LEARN_VOTERS_MIN - 1};
	struct learn *learn = calloc(1, sizeof(*learn));

	if (!learn)
		return NULL;
	learn->max_shapes = params->max_shapes;
	learn->seed = params->seed;
	learn->vocab = params->vocab;
	learn->tally = tally_new(&tally_params);
	learn->vote_groups = params->max_shapes * VOTES_PER_SHAPE / VOTE_WAYS;
	learn->votes = calloc(learn->vote_groups, VOTE_WAYS * sizeof(*learn->votes));
	if (learn->tally && learn->votes)
		return learn;
	learn_free(learn);
	return NULL;
}

void learn_free(struct learn *learn)
{
	if (!learn)
		return;
	tally_free(learn->tally);
	free(learn->votes);
	free(learn);
}

static bool is_lie(const struct sigdb *base, const struct syn *syn, const struct ua_claim *claim)
{
	struct match match;
	float prob = 0;

	match_syn(base, syn, &match);
	if (match.kind == MATCH_NONE)
		return false;
	VOCAB_EACH_CLASS (id)
		if (claim->classes >> id & 1)
			prob += match.class_prob[id];
	return prob < LEARN_PROB_MIN;
}

/* Which of 64 bits stands for a client's network. */
static uint64_t network_bit(const struct learn *learn, const struct addr *client)
{
	struct addr network = addr_network(client);

	return UINT64_C(1) << XXH3_64bits_withSeed(network.bytes, sizeof(network.bytes),
						   learn->seed) %
				      NETWORK_BITS;
}

/* How many networks are behind so many bits: more than there are bits, once most are taken. */
static unsigned networks_of(uint64_t bits)
{
	unsigned taken = (unsigned)__builtin_popcountll(bits);

	if (taken == NETWORK_BITS)
		return LEARN_COUNT_MAX;
	return (unsigned)lround(-NETWORK_BITS * log(1 - (double)taken / NETWORK_BITS));
}

/* What networks_of() makes at least so many of. */
static uint64_t bits_for(unsigned networks)
{
	uint64_t bits = 0;

	while (networks_of(bits) < networks)
		bits = bits << 1 | 1;
	return bits;
}

/* What a shape counts for; 0: too few say so. */
static unsigned weight_of(const struct tally_entry *entry)
{
	unsigned networks = networks_of(entry->networks), most = networks * LEARN_NETWORK_MAX;

	if (entry->count < LEARN_VOTERS_MIN || networks < LEARN_NETWORKS_MIN)
		return 0;
	if (most > LEARN_COUNT_MAX)
		most = LEARN_COUNT_MAX;
	return entry->count < most ? (unsigned)entry->count : most;
}

static uint64_t hash_vote(const struct learn *learn, const struct syn *syn, const struct sig *shape)
{
	struct addr client = syn->src;
	uint64_t seed = learn->seed;

	if (!addr_is_v4(&client))
		client = addr_mask(&client, CLIENT_PREFIX_V6);
	seed = XXH3_64bits_withSeed(client.bytes, sizeof(client.bytes), seed);
	return XXH3_64bits_withSeed(shape, sizeof(*shape), seed);
}

/* Return: false where this vote is remembered already. */
static bool vote(struct learn *learn, uint64_t hash)
{
	uint64_t *group = &learn->votes[(hash >> 32) % learn->vote_groups * VOTE_WAYS];

	for (unsigned i = 0; i < VOTE_WAYS; i++)
		if (group[i] == hash)
			return false;
	memmove(&group[1], &group[0], (VOTE_WAYS - 1) * sizeof(group[0]));
	group[0] = hash;
	return true;
}

enum learn_result learn_add(struct learn *learn, const struct sigdb *base, uint64_t now_ms,
			    const struct syn *syn, const struct ua_claim *claim)
{
	struct sig shape;

	if (!claim->class_id)
		return LEARN_NO_CLAIM;
	if (is_lie(base, syn, claim))
		return LEARN_LIE;
	tally_shape(syn, &shape);
	if (!vote(learn, hash_vote(learn, syn, &shape)))
		return LEARN_VOTED;
	if (tally_vote(learn->tally, now_ms, &shape, claim->class_id, 1,
		       network_bit(learn, &syn->src)) < 0)
		return LEARN_FULL;
	return LEARN_COUNTED;
}

/* A file does not say how many networks there were: as many as it takes. */
static uint64_t networks_behind(unsigned count)
{
	unsigned networks = (count + LEARN_NETWORK_MAX - 1) / LEARN_NETWORK_MAX;

	return bits_for(networks > LEARN_NETWORKS_MIN ? networks : LEARN_NETWORKS_MIN);
}

void learn_take(struct learn *learn, uint64_t now_ms, const struct sigdb *db)
{
	struct sigdb_stats stats;

	sigdb_get_stats(db, &stats);
	for (size_t i = 0; i < stats.sigs; i++) {
		struct sigdb_info info = sigdb_info(db, i);
		long count = lround((double)info.permille / PERMILLE_PER_COUNT);
		struct sig shape;

		tally_pad_sig(info.sig, &shape);
		if (count > 0)
			tally_vote(learn->tally, now_ms, &shape, info.class_id, (uint64_t)count,
				   networks_behind((unsigned)count));
	}
}

static void put_class(const struct vocab *vocab, unsigned class_id,
		      const struct tally_entry *entries, size_t count, struct text_buf *buf)
{
	bool is_first = true;

	for (size_t i = 0; i < count; i++) {
		const struct tally_entry *entry = &entries[i];
		unsigned syns = weight_of(entry);

		if (entry->class_id != class_id || !syns)
			continue;
		if (is_first)
			text_putf(buf, "\nlabel = s:other:%s:learned\n",
				  vocab_text(vocab, VOCAB_CLASS, class_id));
		is_first = false;
		text_put(buf, "sig = ");
		sig_format(&entry->sig, buf);
		text_put(buf, " @ ");
		text_put_permille(buf, syns * 400);
		text_put_char(buf, '\n');
	}
}

/*
 * Which classes come here, and how often: what each weighs beside the mean of those that were seen
 * often. Where only a few were, nothing is said: a site is no office of three. Where enough were,
 * one that is seen seldom is rare here.
 */
static void put_weights(const struct vocab *vocab, const struct tally_entry *entries, size_t count,
			struct text_buf *buf)
{
	unsigned long syns[VOCAB_CLASSES_MAX] = {0}, sum = 0, classes = 0;

	for (size_t i = 0; i < count; i++)
		syns[entries[i].class_id] += weight_of(&entries[i]);
	VOCAB_EACH_CLASS (id) {
		classes += syns[id] >= LEARN_CLASS_MIN;
		sum += syns[id] >= LEARN_CLASS_MIN ? syns[id] : 0;
	}
	if (classes < LEARN_CLASSES_MIN)
		return;
	VOCAB_EACH_CLASS (id) {
		if (!syns[id])
			continue;
		text_putf(buf, "class = %s, ", vocab_text(vocab, VOCAB_CLASS, id));
		text_put(buf, vocab_text(vocab, VOCAB_FAMILY, vocab_family_of(vocab, id)));
		text_put(buf, ", ");
		text_put_permille(buf, (unsigned)(1000 * classes * syns[id] / sum));
		text_put_char(buf, '\n');
	}
}

int learn_put_text(struct learn *learn, struct text_buf *buf)
{
	struct tally_entry *entries = malloc(learn->max_shapes * sizeof(*entries));
	size_t count;

	if (!entries)
		return -ENOMEM;
	count = tally_list(learn->tally, entries, learn->max_shapes);
	text_put(buf, "; What clients of this gateway said of themselves, written by synprintd.\n"
		      "; Behind @ stands 0.4 for each client that was counted.\n");
	put_weights(learn->vocab, entries, count, buf);
	text_put(buf, "\n[tcp:request]\nfrom = " SIGDB_FROM_LEARNED "\n");
	VOCAB_EACH_CLASS (id)
		put_class(learn->vocab, id, entries, count, buf);
	free(entries);
	return 0;
}

void learn_get_stats(struct learn *learn, struct tally_stats *ret_stats)
{
	tally_get_stats(learn->tally, ret_stats);
}

const char *learn_result_name(enum learn_result result)
{
	switch (result) {
	case LEARN_COUNTED: return "counted";
	case LEARN_NO_CLAIM: return "no claim";
	case LEARN_LIE: return "lie";
	case LEARN_VOTED: return "voted";
	case LEARN_FULL: return "full";
	}
	return "";
}
