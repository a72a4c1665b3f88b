/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration as a whole: loaded, checked, counted by those who use it. Its plain keys are in
 * config_keys.c, publish rules in config_sets.c.
 */
#include "config/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config_private.h"
#include "config/config_rules.h"

#define AUTO_QUEUES_MAX 4

static int check_interfaces(const struct config *config, struct text_error *ret_error)
{
	const struct config_storage *storage = config->storage;
	const config_setting_t *setting = config_lookup(&storage->file_config, "rules.interfaces");
	struct rules_params params;
	struct text_error error;

	config_rules_params(config, NULL, NULL, &params);
	if (rules_check(&params, &error) == 0)
		return 0;
	if (setting)
		return source_refuse(setting, ret_error, "rules.interfaces: %s", error.what);
	return text_error_set(ret_error, 0, 0, "rules.interfaces: %s", error.what);
}

static unsigned count_cpus(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	return cpus < 1 ? 1 : cpus > AUTO_QUEUES_MAX ? AUTO_QUEUES_MAX : (unsigned)cpus;
}

static int finish(struct config *config, struct text_error *ret_error)
{
	int rc;

	if (!config->queue_count)
		config->queue_count = count_cpus();
	if (config->queue_first + config->queue_count > 65536)
		return text_error_set(ret_error, 0, 0,
				      "queue.first + queue.count goes beyond queue number 65535");
	if (config_finish_marks(config, ret_error) < 0 ||
	    config_finish_field(config, ret_error) < 0 || check_interfaces(config, ret_error) < 0)
		return -EINVAL;
	rc = config_place_files(config, ret_error);
	return rc < 0 ? rc : config_check_files(config, ret_error);
}

static int read_file(struct config *config, struct text_error *ret_error)
{
	struct config_storage *storage = config->storage;
	int rc = source_read(&storage->file_config, storage->file, &storage->status, ret_error);

	if (rc == 0)
		rc = config_read_keys(config_root_setting(&storage->file_config), config,
				      ret_error);
	return rc < 0 ? rc : source_check_numbers(&storage->file_config, ret_error);
}

static void free_all(struct config *config)
{
	struct config_storage *storage = config->storage;

	config_destroy(&storage->file_config);
	for (unsigned i = 0; i < config->set_count; i++)
		filter_clear(&config->sets[i].filter);
	for (unsigned i = 0; i < config->mark_count; i++)
		filter_clear(&config->marks[i].filter);
	for (unsigned i = 0; i < storage->kept_count; i++)
		free(storage->kept[i]);
	free(storage->file);
	free(storage);
	free(config);
}

static int load(const char *path, struct config *config, struct text_error *ret_error)
{
	struct config_storage *storage = config->storage;
	int rc;

	storage->refs = 1;
	storage->has_file = path != NULL;
	storage->file = strdup(path ? path : CONFIG_DEFAULT_PATH);
	if (!storage->file)
		return -ENOMEM;
	config->path = path ? storage->file : "built-in defaults";
	config_set_defaults(config);
	rc = path ? read_file(config, ret_error) : 0;
	return rc < 0 ? rc : finish(config, ret_error);
}

int config_load(const char *path, struct text_error *ret_error, struct config **ret_config)
{
	struct config *config = calloc(1, sizeof(*config));
	struct config_storage *storage = calloc(1, sizeof(*storage));
	int rc;

	if (!config || !storage) {
		free(config);
		free(storage);
		return -ENOMEM;
	}
	config_init(&storage->file_config);
	config->storage = storage;
	rc = load(path, config, ret_error);
	if (rc < 0)
		free_all(config);
	else
		*ret_config = config;
	return rc;
}

const struct config *config_ref(const struct config *config)
{
	__atomic_add_fetch(&config->storage->refs, 1, __ATOMIC_RELAXED);
	return config;
}

const char *config_file(const struct config *config)
{
	return config->storage->has_file ? config->storage->file : NULL;
}

bool config_is_changed(const struct config *config)
{
	const struct stat *before = &config->storage->status;
	struct stat now;

	if (!config->storage->has_file || stat(config->storage->file, &now) < 0)
		return false;
	return now.st_ino != before->st_ino || now.st_size != before->st_size ||
	       now.st_mtim.tv_sec != before->st_mtim.tv_sec ||
	       now.st_mtim.tv_nsec != before->st_mtim.tv_nsec;
}

void config_free(const struct config *config)
{
	if (config && __atomic_sub_fetch(&config->storage->refs, 1, __ATOMIC_ACQ_REL) == 0)
		free_all((struct config *)(uintptr_t)config);
}

struct knowledge_params config_knowledge_params(const struct config *config)
{
	return (struct knowledge_params){.signatures = config->signatures,
					 .signature_count = config->signatures_count,
					 .links = config->links,
					 .servers = &config->servers_db,
					 .server_count = config->servers_enabled ? 1 : 0,
					 .names = config->baseline_enabled ? config->baseline_names
									   : NULL,
					 .learned =
						 config->learn_enabled ? config->learn_file : NULL,
					 .priors = config->priors,
					 .prior_count = config->prior_count,
					 .addresses = config->addresses,
					 .address_count = config->address_count,
					 .config = config->path};
}
