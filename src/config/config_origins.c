/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Publish rules about what other gateways say: whose word counts, and how many have to agree. */
#include <string.h>

#include "config/config_private.h"

int config_read_origins(const config_setting_t *setting, struct reported_rule *rule,
			struct text_error *ret_error)
{
	int count = config_setting_length(setting);

	if (!config_setting_is_array(setting) || count < 1 || count > REPORTED_ORIGINS_MAX)
		return source_refuse(setting, ret_error,
				     "publish.sets: origins are 1 to %d names of gateways: "
				     "[ \"gw2\" ], or [ \"*\" ] for all",
				     REPORTED_ORIGINS_MAX);
	for (int i = 0; i < count; i++)
		rule->origins[i] = config_setting_get_string_elem(setting, i);
	rule->origin_count = (unsigned)count;
	return 0;
}

int config_read_min_origins(const config_setting_t *setting, struct reported_rule *rule,
			    struct text_error *ret_error)
{
	int number = config_setting_get_int(setting);

	if (config_setting_type(setting) != CONFIG_TYPE_INT || number < 1 ||
	    number > REPORTED_PER_ADDRESS)
		return source_refuse(
			setting, ret_error,
			"publish.sets: min_origins must be a whole number from 1 to %d",
			REPORTED_PER_ADDRESS);
	rule->min_origins = (unsigned)number;
	return 0;
}

/* What a gateway tells is an address with flags and a confidence. */
static const char *foreign_condition(const config_setting_t *group)
{
	static const char *const words[] = {"classes", "families",   "labels",
					    "links",   "interfaces", "grade",
					    "key",     "on_change",  "confirm"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (config_setting_get_member(group, words[i]))
			return words[i];
	return NULL;
}

int config_add_report_set(const config_setting_t *group, const struct config_set *set,
			  const struct reported_rule *rule, struct config *config,
			  struct text_error *ret_error)
{
	struct config_report_set *report_set = &config->report_sets[config->report_set_count];
	const char *word = foreign_condition(group);

	if (config->report_set_count == CONFIG_REPORT_SETS_MAX)
		return source_refuse(group, ret_error,
				     "publish.sets: at most %d rules have origins",
				     CONFIG_REPORT_SETS_MAX);
	if (word)
		return source_refuse(group, ret_error,
				     "publish.sets: a rule with origins has no %s: others tell "
				     "addresses, flags and a confidence",
				     word);
	if (!set->name || set->kind == CONFIG_NFTMAP)
		return source_refuse(
			group, ret_error,
			"publish.sets: a rule with origins fills an nftset or an ipset");
	*report_set = (struct config_report_set){.set = *set, .rule = *rule};
	report_set->rule.flags = set->filter.flags;
	report_set->rule.min_permille = set->filter.min_confidence_permille;
	if (!report_set->rule.min_origins)
		report_set->rule.min_origins = 1;
	config->report_set_count++;
	return 0;
}
