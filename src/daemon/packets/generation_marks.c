/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bits of the packet mark: what each means in this generation, and which of them a SYN gets.
 * A bit means a set and the clients that belong in it, so that a rule that changes has another
 * one: SYNs that were judged by the old rule fill nothing by the new one.
 */
#include "daemon/packets/generation_marks.h"
#include "config/config_rules.h"

#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

/* So much of a set's timeout its elements count as fresh; who waits for confirmations waits no longer. */
#define RENEWED_PART 8
#define RENEWED_MAX_MS 300000

static uint64_t mix(uint64_t hash, const void *data, size_t len)
{
	return XXH3_64bits_withSeed(data, len, hash);
}

static uint64_t mix_number(uint64_t hash, uint64_t number)
{
	return mix(hash, &number, sizeof(number));
}

static uint64_t mix_filter(uint64_t hash, const struct filter *filter)
{
	struct filter plain = *filter;

	if (filter->has_labels)
		hash = mix(hash, filter->labels,
			   (filter->label_count / 64 + 1) * sizeof(*filter->labels));
	plain.labels = NULL;
	return mix(hash, &plain, sizeof(plain));
}

/* Never 0, which is no meaning. */
static uint64_t meaning_of(const struct config_set *set)
{
	uint64_t hash = mix(1, set->name, strlen(set->name));

	hash = mix_number(hash, set->kind);
	hash = mix_number(hash, set->has_port);
	hash = mix_number(hash, set->mark);
	hash = mix_number(hash, set->removes);
	hash = mix_number(hash, set->confirm);
	hash = mix_number(hash, (uint64_t)set->prefix6);
	return mix_filter(hash, &set->filter) | 1;
}

uint32_t generation_kept(const struct generation *generation, const struct generation *old)
{
	uint32_t kept = 0;

	for (unsigned i = 0; old && i < generation->config->set_count; i++)
		for (unsigned j = 0; j < old->config->set_count; j++)
			if (generation->marks.sets[i] && old->marks.sets[j] &&
			    generation->meanings.meanings[i] == old->meanings.meanings[j])
				kept |= UINT32_C(1) << i;
	return kept;
}

static void assign_ct(struct generation *generation, const struct generation *old)
{
	const struct config *config = generation->config;
	uint64_t meanings[MARKS_SETS_MAX];

	config_wanted_ct_marks(config, &generation->marks, generation->meanings.meanings, meanings);
	config_assign_ct_marks(config, meanings, old ? &old->ct : NULL, &generation->ct);
}

/* What becomes of each set, from its rule and the bits that it has. */
static void sort_sets(struct generation *generation)
{
	const struct config *config = generation->config;

	for (unsigned i = 0; i < config->set_count; i++) {
		uint32_t bit = UINT32_C(1) << i;
		bool is_served = config->sets[i].confirm == CONFIG_SERVED;

		if (is_served) {
			generation->served_sets |= bit;
			generation->served_bits |= generation->marks.sets[i];
		}
		if (generation->marks.sets[i])
			generation->mark_sets |= bit;
		if (generation->ct.sets[i] && config->engine != RULES_NONE)
			generation->ct_sets |= bit;
		if (generation->marks.sets[i] && generation->marks.judged &&
		    config->sets[i].removes && !is_served)
			generation->removing_sets |= bit;
		if (generation->marks.sets[i] & generation->late_bits)
			generation->late_sets |= bit;
	}
}

void generation_assign_marks(struct generation *generation, const struct generation *old)
{
	const struct config *config = generation->config;

	config_wanted_marks(config, &generation->meanings);
	/* An administrator's rules have the bits that rules print gave them, in order. */
	if (config->engine == RULES_NONE)
		old = NULL;
	for (unsigned i = 0; config->engine != RULES_NONE && i < config->set_count; i++)
		if (generation->meanings.meanings[i])
			generation->meanings.meanings[i] = meaning_of(&config->sets[i]);
	marks_assign(config->mark_field, &generation->meanings, old ? &old->marks : NULL,
		     old ? &old->meanings : NULL, &generation->marks, &generation->late_bits);
	assign_ct(generation, old);
	sort_sets(generation);
	if (old)
		generation->late_removing =
			generation->removing_sets & ~generation_kept(generation, old);
}

void generation_rules_params(const struct generation *generation, bool is_settled,
			     struct rules_params *ret_params)
{
	unsigned own = 0;

	config_rules_params(generation->config, &generation->marks, &generation->ct, ret_params);
	ret_params->confirm.is_on = generation->confirms;
	ret_params->confirm.has_labels = generation->has_labels;
	ret_params->confirm.has_log = generation->has_log;
	ret_params->clocks.is_on = generation->has_clocks;
	if (is_settled)
		return;
	ret_params->marks.judged &= ~generation->late_bits;
	ret_params->marks.fresh &= ~generation->late_bits;
	ret_params->marks.ask &= ~generation->late_bits;
	for (unsigned i = 0; i < generation->config->set_count; i++) {
		struct rules_set *set = &ret_params->sets[own];

		if (!config_fills_by_packet(&generation->config->sets[i]))
			continue;
		set->is_paused = generation->late_sets >> i & 1;
		set->removes &= !(generation->late_removing >> i & 1);
		own++;
	}
}

bool generation_must_settle(const struct generation *generation)
{
	return generation->late_bits || generation->late_removing;
}

/* Whether the same shape may pass unasked: of a client that nobody has anything against. */
static bool is_worth_skipping(const struct syn *syn, const struct verdict *verdict)
{
	return verdict->flags == 0 && syn->has_mss && syn->opt_count &&
	       syn->opt_kinds[0] == SYN_OPT_MSS && syn->payload_len == 0;
}

/*
 * A SYN with data may be answered before there is a handshake, by a server that takes Fast Open
 * without a cookie: it makes no candidate.
 */
uint32_t generation_bits_of(const struct generation *generation, const struct syn *syn,
			    const struct verdict *verdict, uint32_t met, uint32_t withheld)
{
	const struct marks *marks = &generation->marks;
	uint32_t bits = 0, by_mark = met & generation->mark_sets;

	if (syn->payload_len)
		by_mark &= ~generation->served_sets;
	for (uint32_t left = by_mark; left; left &= left - 1)
		bits |= marks->sets[__builtin_ctz(left)];
	if (marks->judged && !(withheld & generation->removing_sets))
		bits |= marks->judged;
	if (marks->fresh && !met && !withheld && is_worth_skipping(syn, verdict))
		bits |= marks->fresh;
	return bits;
}

/* The rules fill them, and nobody else; so nobody else has to hear of each confirmation. */
static bool are_by_rules(const struct generation *generation, uint32_t served)
{
	return generation->renewed && served && !(served & ~generation->ct_sets);
}

/* Then more than seven eighths of each element's timeout are left. */
bool generation_is_renewed(const struct generation *generation, const struct addr *addr,
			   uint32_t met, uint64_t now_ms)
{
	uint32_t served = met & generation->served_sets;
	uint64_t when_ms;

	if (!are_by_rules(generation, served))
		return false;
	when_ms = renewed_when(generation->renewed, addr, served);
	if (!when_ms || when_ms > now_ms)
		return false;
	for (; served; served &= served - 1) {
		unsigned set = (unsigned)__builtin_ctz(served);
		uint64_t timeout_ms = UINT64_C(1000) * generation->config->sets[set].timeout_s;

		if (now_ms - when_ms >= timeout_ms / RENEWED_PART ||
		    now_ms - when_ms >= RENEWED_MAX_MS)
			return false;
	}
	return true;
}

void generation_note_renewed(const struct generation *generation, const struct addr *addr,
			     uint32_t met, uint64_t seen_ms)
{
	if (generation->renewed)
		renewed_note(generation->renewed, addr, met & generation->served_sets, seen_ms);
}
