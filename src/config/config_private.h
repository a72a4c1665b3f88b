/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the configuration share: who owns the strings, errors, and the groups read elsewhere. */
#ifndef SYNPRINT_CONFIG_CONFIG_PRIVATE_H
#define SYNPRINT_CONFIG_CONFIG_PRIVATE_H

#include <libconfig.h>
#include <stdio.h>
#include <sys/stat.h>

#include "config/config.h"
#include "fields/source.h"

/* signatures; and other files, of which the table has 7 */
#define CONFIG_KEPT_MAX (CONFIG_FILES_MAX + 16)

struct config_storage {
	config_t file_config; /* strings of the configuration point into it */
	char *file;
	struct stat status; /* of the file as it was read */
	bool has_file; /* else these are the built-in defaults */
	unsigned refs; /* atomic */
	char *kept[CONFIG_KEPT_MAX];
	unsigned kept_count;
};

/** config_set_defaults() - of all keys. */
void config_set_defaults(struct config *config);

/** config_read_keys() - all that is in a file. Return: 0 or -EINVAL. */
int config_read_keys(const config_setting_t *root, struct config *config,
		     struct text_error *ret_error);

/**
 * config_place_files() - relative names mean files beside the configuration.
 * Return: 0, -ENOMEM, or -EINVAL for a socket's path that is too long.
 */
int config_place_files(struct config *config, struct text_error *ret_error);

/** config_check_files() - that what is written is no file of another key. Return: 0 or -EINVAL. */
int config_check_files(const struct config *config, struct text_error *ret_error);

/** config_default_sets() - the publish rules of a configuration that has none: vpn, scanner, suspect. */
void config_default_sets(struct config *config);

/** config_read_sets() - the list `publish.sets`, which replaces the default rules. */
int config_read_sets(const config_setting_t *list, struct config *config,
		     struct text_error *ret_error);

/** config_read_origins(), config_read_min_origins() - of a publish rule. */
int config_read_origins(const config_setting_t *setting, struct reported_rule *rule,
			struct text_error *ret_error);
int config_read_min_origins(const config_setting_t *setting, struct reported_rule *rule,
			    struct text_error *ret_error);

/** config_add_report_set() - a rule with origins, once it is read. */
int config_add_report_set(const config_setting_t *group, const struct config_set *set,
			  const struct reported_rule *rule, struct config *config,
			  struct text_error *ret_error);

/** config_read_networks() - a list of networks and addresses, @path; @ret_networks: room for @max. */
int config_read_networks(const config_setting_t *list, const char *path, unsigned max,
			 struct addr_net *ret_networks, unsigned *ret_count,
			 struct text_error *ret_error);

/** config_read_mark() - a packet mark: a whole number from 0 to 0xffffffff. */
int config_read_mark(const config_setting_t *setting, const char *path, uint32_t *ret_mark,
		     struct text_error *ret_error);

/** config_read_duration() - seconds, or a string such as "90s", "30m", "2h", "1d". */
int config_read_duration(const config_setting_t *setting, const char *path, unsigned min,
			 unsigned max, uint32_t *ret_seconds, struct text_error *ret_error);

/** config_finish_field() - the bits that the ruleset takes; they may not be those of the marks. */
int config_finish_field(struct config *config, struct text_error *ret_error);

/** config_finish_marks() - the mask where the file has none; marks must fit a given one. */
int config_finish_marks(struct config *config, struct text_error *ret_error);

/** config_read_priors() - the group `classify.priors`. */
int config_read_priors(const config_setting_t *group, struct config *config,
		       struct text_error *ret_error);

#endif
