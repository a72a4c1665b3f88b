/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys of the signature index: which fields of a signature, or of a SYN, are looked up
 * together. Inline, because a SYN costs a handful of them.
 */
#ifndef SYNPRINT_CORE_SIG_SIGDB_KEY_H
#define SYNPRINT_CORE_SIG_SIGDB_KEY_H

#include <string.h>

#include "core/base/hash.h"
#include "core/sig/sigdb.h"

#define LAYOUT_WORDS (SYN_OPTS_MAX / 8)

enum level {
	LEVEL_WHOLE, /* layout, MSS, window, scale, condition */
	LEVEL_SHAPE, /* layout, window, scale */
	LEVEL_SCALE, /* layout, scale */
	LEVEL_WINDOW, /* layout, window */
	LEVEL_LAYOUT,
	LEVEL_ORDER_SHAPE, /* options in order without NOP and EOL; window, scale */
	LEVEL_STRIPPED_SHAPE, /* and without timestamps; window, scale */
	LEVEL_SET_SHAPE, /* options without NOP and EOL, in any order; window, scale */
	LEVEL_ORDER, /* options in order without NOP and EOL */
	LEVEL_STRIPPED, /* and without timestamps */
	LEVEL_WINDOW_SCALE, /* whatever the options */
	LEVEL_COUNT
};

/* Which fields a key of one layout holds. */
struct form {
	uint8_t win_kind, when;
	bool has_mss, has_wscale;
	uint16_t modulus;
};

struct key {
	uint64_t what; /* level; layout or skeleton */
	uint64_t how; /* MSS, window, scale, condition */
};

/**
 * key_make() - the key of a level.
 * @what: number of the layout, or skeleton, below 2^60
 * @mss, @wscale: SIG_ANY where the key does not hold them
 */
static inline struct key key_make(enum level level, uint64_t what, uint32_t mss,
				  enum sig_win_kind win_kind, uint16_t win, uint32_t wscale)
{
	uint64_t mss_bits = mss == SIG_ANY ? 0x10000 : mss;
	uint64_t scale_bits = wscale == SIG_ANY ? 0x100 : wscale;

	return (struct key){
		.what = (uint64_t)level << 60 | what,
		.how = mss_bits << 28 | (uint64_t)win << 12 | scale_bits << 3 | (uint64_t)win_kind,
	};
}

static inline struct key key_with_when(struct key key, unsigned when, uint16_t when_value)
{
	key.how |= (uint64_t)when << 61 | (uint64_t)when_value << 45;
	return key;
}

static inline uint64_t key_hash(struct key key)
{
	return hash_mix(hash_mix(key.what) + key.how);
}

/* Option kinds as words that compare at once; what is behind the last kind does not count. */
static inline void layout_words(const uint8_t kinds[SYN_OPTS_MAX], unsigned count,
				uint64_t ret_words[LAYOUT_WORDS])
{
	static const uint8_t keep[2 * sizeof(uint64_t)] = {255, 255, 255, 255, 255, 255, 255, 255};
	uint64_t mask;

	memcpy(ret_words, kinds, SYN_OPTS_MAX);
	for (unsigned i = 0; i < LAYOUT_WORDS; i++) {
		unsigned have = count < 8 * i ? 0 : count - 8 * i;

		memcpy(&mask, keep + 8 - (have < 8 ? have : 8), sizeof(mask));
		ret_words[i] &= mask;
	}
}

static inline uint64_t layout_hash(const uint64_t words[LAYOUT_WORDS], unsigned count,
				   unsigned eol_pad)
{
	uint64_t hash = count << 8 | eol_pad;

	for (unsigned i = 0; i * 8 < count || i == 0; i++)
		hash = hash_mix(hash + words[i]);
	return hash;
}

/*
 * Options as numbers for keys: those that stacks have always had. Padding says nothing, and what
 * else a SYN may carry (MD5, AO, Fast Open, multipath) is a setting or a host's own.
 */
struct skeleton {
	uint64_t order, stripped, set; /* in order; without timestamps; in any order */
};

static inline bool is_option_of_skeleton(uint8_t kind)
{
	return kind == SYN_OPT_MSS || kind == SYN_OPT_WSCALE || kind == SYN_OPT_SACK_OK ||
	       kind == SYN_OPT_TS;
}

static inline struct skeleton skeleton_of(const uint8_t *kinds, unsigned count)
{
	struct skeleton skeleton = {0};

	for (unsigned i = 0; i < count; i++) {
		if (!is_option_of_skeleton(kinds[i]))
			continue;
		skeleton.order = hash_mix(skeleton.order + kinds[i]);
		skeleton.set += hash_mix(kinds[i]);
		if (kinds[i] != SYN_OPT_TS)
			skeleton.stripped = hash_mix(skeleton.stripped + kinds[i]);
	}
	skeleton.order >>= 4;
	skeleton.stripped >>= 4;
	skeleton.set = hash_mix(skeleton.set) >> 4;
	return skeleton;
}

#endif
