/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The group `classify.priors`: what classes weigh before anything is known, at this site. */
#include "config/config_private.h"

/* As the database allows it; sigdb_set_prior(). */
#define WEIGHT_MAX 1000000.0

static int refuse(const config_setting_t *setting, struct text_error *ret_error, const char *what)
{
	return source_refuse(setting, ret_error, "classify.priors %s", what);
}

static int read_weight(const config_setting_t *setting, double *ret_weight)
{
	if (config_setting_type(setting) == CONFIG_TYPE_FLOAT)
		*ret_weight = config_setting_get_float(setting);
	else if (config_setting_type(setting) == CONFIG_TYPE_INT)
		*ret_weight = config_setting_get_int(setting);
	else
		return -1;
	return *ret_weight > 0 && *ret_weight <= WEIGHT_MAX ? 0 : -1;
}

int config_read_priors(const config_setting_t *group, struct config *config,
		       struct text_error *ret_error)
{
	int count = config_setting_length(group);

	if (!config_setting_is_group(group) || count >= VOCAB_CLASSES_MAX)
		return refuse(group, ret_error,
			      "must be a group of at most 63 weights: { Windows = 1.0; ... }");
	for (int i = 0; i < count; i++) {
		const config_setting_t *setting = config_setting_get_elem(group, (unsigned)i);
		double weight;

		if (read_weight(setting, &weight) < 0)
			return refuse(setting, ret_error,
				      "has weights of more than 0, up to 1000000");
		config->priors[i] =
			(struct knowledge_prior){.name = config_setting_name(setting),
						 .weight = (float)weight,
						 .line = (unsigned)config_setting_source_line(
							 setting)};
	}
	config->prior_count = (unsigned)count;
	return 0;
}
