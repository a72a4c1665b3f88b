/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conditions of signatures on addresses, ports, IDs and numbers. Inline, because every SYN is
 * held against a handful of them. All but that on an MSS are about IPv4.
 */
#ifndef SYNPRINT_CORE_MATCH_MATCH_CONDITION_H
#define SYNPRINT_CORE_MATCH_MATCH_CONDITION_H

#include "core/sig/sigdb_find.h"

static inline uint32_t dst_v4(const struct syn *syn)
{
	const uint8_t *bytes = &syn->dst.bytes[12];

	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
	       bytes[3];
}

/** seq_is_dst() - the sequence number is the IPv4 destination, or an address that stands for it. */
static inline bool seq_is_dst(const struct index *index, const struct syn *syn)
{
	if (syn->ip_version != 4)
		return false;
	for (unsigned i = 0; i < index->stand_in_count; i++)
		if (syn->seq == index->stand_ins[i])
			return true;
	return syn->seq == dst_v4(syn);
}

static inline bool is_mix_of(const struct syn *syn, uint32_t dst)
{
	return syn->ip_id == (uint16_t)(dst ^ syn->dst_port ^ syn->seq);
}

/** id_is_mix() - the IP ID is made of the destination and the sequence number, as masscan's is. */
static inline bool id_is_mix(const struct index *index, const struct syn *syn)
{
	if (syn->ip_version != 4)
		return false;
	for (unsigned i = 0; i < index->stand_in_count; i++)
		if (is_mix_of(syn, index->stand_ins[i]))
			return true;
	return is_mix_of(syn, dst_v4(syn));
}

/**
 * condition_may_hold() - any signature's condition on what a memo does not hold. With addresses that stand for this host
 * index.ip_ids has all its bits, so that nothing else has to be asked here.
 */
static inline bool condition_may_hold(const struct index *index, const struct syn *syn)
{
	return syn->ip_version == 4 && (index->ip_ids & ip_id_bit(syn->ip_id) ||
					syn->seq == dst_v4(syn) || is_mix_of(syn, dst_v4(syn)));
}

/**
 * condition_holds() - one condition.
 * @ret_value: what a key compares beside it, 0 where that is nothing
 */
static inline bool condition_holds(const struct index *index, const struct syn *syn,
				   enum sig_when when, uint16_t *ret_value)
{
	*ret_value = 0;
	switch (when) {
	case SIG_WHEN_ALWAYS: return true;
	case SIG_WHEN_IP_ID:
		*ret_value = syn->ip_id;
		return syn->ip_version == 4 && index->ip_ids & ip_id_bit(syn->ip_id);
	case SIG_WHEN_SEQ_IS_DST: return seq_is_dst(index, syn);
	case SIG_WHEN_ID_IS_MIX: return id_is_mix(index, syn);
	case SIG_WHEN_MSS: *ret_value = syn->mss; return index->msses & mss_bit(syn->mss);
	}
	return false;
}

#endif
