/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the configuration to the ruleset: bits of marks, and what the rules are made from. */
#ifndef SYNPRINT_CONFIG_CONFIG_RULES_H
#define SYNPRINT_CONFIG_CONFIG_RULES_H

#include "config/config.h"

/**
 * config_check_kept() - whether what a reload changes goes with what config_keep() put back.
 * Return: 0, or -EINVAL: the marks of publish rules would be in the rules' own bits.
 */
int config_check_kept(const struct config *config, struct text_error *ret_error);

/** config_fills_by_packet() - whether a set is ours, so that packets can fill it. */
bool config_fills_by_packet(const struct config_set *set);

/**
 * config_size_with_room() - a set's size as the kernel is told. It makes room at once for as many
 * elements as the lower 16 bits say: with room for 65535 elements the first 98,000 need no growing
 * table, and cost a third less (make bench-queue).
 */
uint32_t config_size_with_room(uint32_t size);

/** config_wanted_marks() - what needs a bit of the mark; the meaning of a set's is its place. */
void config_wanted_marks(const struct config *config, struct marks_wanted *ret_wanted);

/**
 * config_wanted_ct_marks() - what needs a bit of the connection mark.
 * @meanings: of the sets' bits of the packet mark
 * @ret_meanings: MARKS_SETS_MAX; 0 for what needs none
 */
void config_wanted_ct_marks(const struct config *config, const struct marks *marks,
			    const uint64_t *meanings, uint64_t *ret_meanings);

/** config_assign_ct_marks() - the bits of the connection mark for them, and for the clocks. */
void config_assign_ct_marks(const struct config *config, const uint64_t *meanings,
			    const struct marks_ct *old, struct marks_ct *ret_marks);

/**
 * config_rules_params() - what the ruleset is made from; points into @config.
 * @marks, @ct: NULL: as they are assigned where nothing was before
 */
void config_rules_params(const struct config *config, const struct marks *marks,
			 const struct marks_ct *ct, struct rules_params *ret_params);

#endif
