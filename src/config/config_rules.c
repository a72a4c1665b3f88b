/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the ruleset is made from: the configuration's part, and the bits of the packet mark. */
#include "config/config_private.h"
#include "config/config_rules.h"

/*
 * Of the highest byte, but for the sign: Kubernetes takes 0xc000, Tailscale 0xff0000, wg-quick and OpenVPN small whole
 * values. Calico may take all of 0xffff0000; synprint.conf(5) says what to do then.
 */
#define DEFAULT_FIELD UINT32_C(0x7f000000)

bool config_fills_by_packet(const struct config_set *set)
{
	return set->kind != CONFIG_IPSET && set->is_own_table;
}

void config_wanted_marks(const struct config *config, struct marks_wanted *ret_wanted)
{
	*ret_wanted =
		(struct marks_wanted){.needs_ask = true, .needs_fresh = config->skip_known_s > 0};
	for (unsigned i = 0; i < config->set_count; i++) {
		ret_wanted->asks_first |= config->sets[i].confirm == CONFIG_SERVED;
		if (!config_fills_by_packet(&config->sets[i]))
			continue;
		ret_wanted->meanings[i] = i + 1;
		ret_wanted->needs_judged |= config->sets[i].removes;
	}
}

void config_wanted_ct_marks(const struct config *config, const struct marks *marks,
			    const uint64_t *meanings, uint64_t *ret_meanings)
{
	for (unsigned i = 0; i < MARKS_SETS_MAX; i++)
		ret_meanings[i] = i < config->set_count && marks->sets[i] &&
						  config->sets[i].confirm == CONFIG_SERVED
					  ? meanings[i]
					  : 0;
}

static bool wants_clocks_bit(const struct config *config)
{
	return config->clocks_enabled && config->clocks_match == CONFIG_MATCH_MARK;
}

void config_assign_ct_marks(const struct config *config, const uint64_t *meanings,
			    const struct marks_ct *old, struct marks_ct *ret_marks)
{
	marks_assign_ct(config->ct_mark_field, meanings, old, ret_marks);
	marks_add_clocks(config->ct_mark_field, wants_clocks_bit(config), old, ret_marks);
}

int config_finish_field(struct config *config, struct text_error *ret_error)
{
	if (config->clocks_group == config->nflog_group)
		return text_error_set(ret_error, 0, 0,
				      "clocks.nflog_group and rules.nflog_group are both %u: give "
				      "one of them another",
				      config->nflog_group);
	if (!config->mark_field)
		config->mark_field = DEFAULT_FIELD & ~config->mark_mask;
	if (config->mark_field & config->mark_mask)
		return text_error_set(
			ret_error, 0, 0,
			"rules.mark_field 0x%x and publish.mark_mask 0x%x have bits in "
			"common: give the rules others",
			config->mark_field, config->mark_mask);
	if (!config->mark_field)
		return text_error_set(ret_error, 0, 0,
				      "publish.mark_mask 0x%x leaves rules.mark_field no bit: name "
				      "some that nobody else uses",
				      config->mark_mask);
	if (config->skip_known_s && (config->mark_count || config->mark_seen))
		return text_error_set(
			ret_error, 0, 0,
			"rules.skip_known does not go with publish.mark_seen or rules "
			"with a mark: what is skipped gets none");
	return 0;
}

int config_check_kept(const struct config *config, struct text_error *ret_error)
{
	if (!(config->mark_field & config->mark_mask))
		return config_check_files(config, ret_error);
	return text_error_set(
		ret_error, 0, 0,
		"publish.mark_mask 0x%x has bits in common with rules.mark_field "
		"0x%x, which changes with a restart only: take other bits, or restart",
		config->mark_mask, config->mark_field);
}

/* nelem_hint, linux/rhashtable-types.h: of 65536 the lower 16 bits are none. */
uint32_t config_size_with_room(uint32_t size)
{
	return size & 0xffff ? size : size - 1;
}

static void add_set(const struct config_set *set, uint32_t bit, uint32_t ct_bit,
		    struct rules_params *params)
{
	params->sets[params->set_count++] =
		(struct rules_set){.name = set->name,
				   .has_port = set->has_port,
				   .is_map = set->kind == CONFIG_NFTMAP,
				   .removes = set->removes,
				   .value = set->mark,
				   .prefix6 = set->prefix6,
				   .timeout_s = set->timeout_s,
				   .size = config_size_with_room(set->size),
				   .bit = bit,
				   .is_served = set->confirm == CONFIG_SERVED,
				   .ct_bit = ct_bit};
}

/* In the order of the configuration, for who has no others. */
static void assign(const struct config *config, struct marks *ret_marks, struct marks_ct *ret_ct)
{
	uint64_t ct_meanings[MARKS_SETS_MAX];
	struct marks_wanted wanted;

	config_wanted_marks(config, &wanted);
	marks_assign(config->mark_field, &wanted, NULL, NULL, ret_marks, NULL);
	config_wanted_ct_marks(config, ret_marks, wanted.meanings, ct_meanings);
	config_assign_ct_marks(config, ct_meanings, NULL, ret_ct);
}

void config_rules_params(const struct config *config, const struct marks *marks,
			 const struct marks_ct *ct, struct rules_params *ret_params)
{
	struct marks own = {0};
	struct marks_ct own_ct = {0};

	if (!marks) {
		assign(config, &own, &own_ct);
		marks = &own;
		ct = &own_ct;
	}
	*ret_params =
		(struct rules_params){.engine = config->engine,
				      .queue_first = config->queue_first,
				      .queue_count = (uint16_t)config->queue_count,
				      .interfaces = config->interfaces,
				      .interface_count = config->interface_count,
				      .limit = config->rules_limit,
				      .diverts_answers = config->servers_enabled,
				      .skip_known_s = config->skip_known_s,
				      .defragments = config->defragments,
				      .marks = *marks,
				      .confirm = {.is_on = config->conntrack,
						  .ask = ct->ask,
						  .has_log = true,
						  .group = config->nflog_group},
				      .clocks = {.is_on = config->clocks_enabled &&
							  config->conntrack,
						 .bit = wants_clocks_bit(config) ? ct->clocks : 0,
						 .limit = config->clocks_limit,
						 .group = config->clocks_group}};
	for (unsigned i = 0; i < config->set_count; i++)
		if (config_fills_by_packet(&config->sets[i]))
			add_set(&config->sets[i], marks->sets[i], ct->sets[i], ret_params);
}
