/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration file. One table holds every plain key with its type, range and default;
 * whatever is in a file and not in the table is an error with its line. Publish rules are in
 * config_sets.c.
 */
#include "config/config.h"

#include <errno.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config_private.h"
#include "sys/log.h"

#define AUTO_QUEUES_MAX 4

enum key_kind {
	KEY_INT,
	KEY_BOOL,
	KEY_STRING,
	KEY_WORD,
	KEY_MODE,
	KEY_STRINGS,
	KEY_MARK,
	KEY_SETS,
	KEY_PRIORS,
};

struct word {
	const char *text;
	int value;
};

struct key {
	const char *path;
	enum key_kind kind;
	size_t offset; /* of an int or a string in struct config */
	int min, max, init; /* KEY_INT; init also of KEY_WORD and KEY_MODE */
	const struct word *words; /* KEY_WORD; ends with NULL */
	size_t count_offset; /* KEY_STRINGS: of the unsigned beside it */
};

static const struct word engine_words[] = {{"auto", RULES_AUTO},
					   {"nft", RULES_NFT},
					   {"xt", RULES_XT},
					   {"none", RULES_NONE},
					   {NULL, 0}};

static const struct word grade_words[] = {{"access", LINK_ACCESS},
					  {"possible", LINK_POSSIBLE},
					  {"likely", LINK_LIKELY},
					  {NULL, 0}};

static const struct word level_words[] = {{"error", LOG_LEVEL_ERROR},
					  {"warning", LOG_LEVEL_WARNING},
					  {"info", LOG_LEVEL_INFO},
					  {"debug", LOG_LEVEL_DEBUG},
					  {NULL, 0}};

#define AT(field) offsetof(struct config, field)

static const struct key keys[] = {
	{"queue.first", KEY_INT, AT(queue_first), 0, 65535, 0, NULL, 0},
	{"queue.count", KEY_INT, AT(queue_count), 0, CONFIG_QUEUES_MAX, 0, NULL, 0},
	{"queue.length", KEY_INT, AT(queue_length), 64, 1 << 20, 8192, NULL, 0},
	{"queue.receive_buffer", KEY_INT, AT(receive_buffer), 1 << 16, 1 << 28, 1 << 23, NULL, 0},
	{"rules.engine", KEY_WORD, AT(engine), 0, 0, RULES_AUTO, engine_words, 0},
	{"rules.limit", KEY_INT, AT(rules_limit), 0, 1000000, 0, NULL, 0},
	{"rules.interfaces", KEY_STRINGS, AT(interfaces), 0, CONFIG_INTERFACES_MAX, 0, NULL,
	 AT(interface_count)},
	{"signatures", KEY_STRINGS, AT(signatures), 1, CONFIG_FILES_MAX, 0, NULL,
	 AT(signatures_count)},
	{"links", KEY_STRING, AT(links), 0, 0, 0, NULL, 0},
	{"classify.priors", KEY_PRIORS, 0, 0, 0, 0, NULL, 0},
	{"learn.enabled", KEY_BOOL, AT(learn_enabled), 0, 0, 0, NULL, 0},
	{"learn.file", KEY_STRING, AT(learn_file), 0, 0, 0, NULL, 0},
	{"learn.max_shapes", KEY_INT, AT(learn_shapes), 64, 65536, 4096, NULL, 0},
	{"clients.capacity", KEY_INT, AT(clients), 64, 1 << 26, 1 << 17, NULL, 0},
	{"clients.recent", KEY_INT, AT(recent), 64, 1 << 22, 1 << 12, NULL, 0},
	{"clients.ipv6_prefix", KEY_INT, AT(ipv6_prefix), 32, 128, 128, NULL, 0},
	{"link.threshold", KEY_WORD, AT(link_threshold), 0, 0, LINK_LIKELY, grade_words, 0},
	{"link.local_clamp", KEY_INT, AT(local_clamp), 0, 65535, 0, NULL, 0},
	{"baseline.enabled", KEY_BOOL, AT(baseline_enabled), 0, 0, 0, NULL, 0},
	{"baseline.prefixes", KEY_INT, AT(baseline_prefixes), BASELINE_PREFIXES_MIN,
	 BASELINE_PREFIXES_MAX, 4096, NULL, 0},
	{"baseline.ipv4_prefix", KEY_INT, AT(baseline_v4_prefix), 8, 32, 16, NULL, 0},
	{"baseline.ipv6_prefix", KEY_INT, AT(baseline_v6_prefix), 16, 64, 32, NULL, 0},
	{"baseline.half_life_hours", KEY_INT, AT(baseline_half_life), 1, 8760, 168, NULL, 0},
	{"baseline.names", KEY_STRING, AT(baseline_names), 0, 0, 0, NULL, 0},
	{"publish.deadline_ms", KEY_INT, AT(deadline_ms), 1, 1000, 5, NULL, 0},
	{"publish.once_percent", KEY_INT, AT(once_percent), 1, 100, 50, NULL, 0},
	{"publish.network_percent", KEY_INT, AT(network_percent), 1, 100, 25, NULL, 0},
	{"publish.mark_mask", KEY_MARK, AT(mark_mask), 0, 0, 0, NULL, 0},
	{"publish.mark_seen", KEY_MARK, AT(mark_seen), 0, 0, 0, NULL, 0},
	{"publish.sets", KEY_SETS, 0, 0, CONFIG_SETS_MAX, 0, NULL, 0},
	{"control.socket", KEY_STRING, AT(socket), 0, 0, 0, NULL, 0},
	{"control.mode", KEY_MODE, AT(socket_mode), 0, 0777, 0660, NULL, 0},
	{"control.group", KEY_STRING, AT(socket_group), 0, 0, 0, NULL, 0},
	{"control.claims", KEY_STRING, AT(claims), 0, 0, 0, NULL, 0},
	{"state.enabled", KEY_BOOL, AT(state_enabled), 0, 0, 0, NULL, 0},
	{"state.file", KEY_STRING, AT(state_file), 0, 0, 0, NULL, 0},
	{"state.interval", KEY_INT, AT(state_interval_s), 1, 86400, 300, NULL, 0},
	{"metrics.textfile", KEY_STRING, AT(metrics_file), 0, 0, 0, NULL, 0},
	{"metrics.interval", KEY_INT, AT(metrics_interval_s), 1, 3600, 15, NULL, 0},
	{"p0f.enabled", KEY_BOOL, AT(p0f_enabled), 0, 0, 0, NULL, 0},
	{"p0f.socket", KEY_STRING, AT(p0f_socket), 0, 0, 0, NULL, 0},
	{"p0f.mode", KEY_MODE, AT(p0f_mode), 0, 0777, 0660, NULL, 0},
	{"p0f.group", KEY_STRING, AT(p0f_group), 0, 0, 0, NULL, 0},
	{"user", KEY_STRING, AT(user), 0, 0, 0, NULL, 0},
	{"log.level", KEY_WORD, AT(log_level), 0, 0, LOG_LEVEL_INFO, level_words, 0},
};

#define KEY_COUNT (sizeof(keys) / sizeof(keys[0]))

/* What a restart alone can change: a key, or a whole group that ends in a dot. */
static const char *const restart_only[] = {
	"queue.",
	"rules.engine",
	"clients.",
	"learn.",
	"control.",
	"p0f.",
	"state.",
	"user",
	"baseline.enabled",
	"baseline.prefixes",
	"baseline.ipv4_prefix",
	"baseline.ipv6_prefix",
	"baseline.half_life_hours",
};

#define RESTART_ONLY_COUNT (sizeof(restart_only) / sizeof(restart_only[0]))

static int *int_at(struct config *config, size_t offset)
{
	return (int *)((char *)config + offset);
}

static const char **string_at(struct config *config, size_t offset)
{
	return (const char **)((char *)config + offset);
}

/* An error's line is in the main file; of an included one, file and line go into the text. */
static int refuse_at(const struct config_storage *storage, const char *file, int line,
		     const char *what, struct text_error *ret_error)
{
	if (!file || strcmp(file, storage->file) == 0)
		return text_error_set(ret_error, (unsigned)line, 0, "%s", what);
	return text_error_set(ret_error, 0, 0, "%s:%d: %s", file, line, what);
}

int config_refuse(const config_setting_t *setting, struct text_error *ret_error, const char *format,
		  ...)
{
	char what[sizeof(ret_error->what)];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	return refuse_at(setting->config->root->hook, config_setting_source_file(setting),
			 config_setting_source_line(setting), what, ret_error);
}

static int bad(const config_setting_t *setting, struct text_error *ret_error, const char *path,
	       const char *expected)
{
	return config_refuse(setting, ret_error, "%s must be %s", path, expected);
}

static int read_int(const config_setting_t *setting, const struct key *key, int *ret_value,
		    struct text_error *ret_error)
{
	char expected[80];

	if (config_setting_type(setting) != CONFIG_TYPE_INT ||
	    config_setting_get_int(setting) < key->min ||
	    config_setting_get_int(setting) > key->max) {
		snprintf(expected, sizeof(expected), "a whole number from %d to %d", key->min,
			 key->max);
		return bad(setting, ret_error, key->path, expected);
	}
	*ret_value = config_setting_get_int(setting);
	return 0;
}

static int read_word(const config_setting_t *setting, const struct key *key, int *ret_value,
		     struct text_error *ret_error)
{
	const char *text = config_setting_get_string(setting);
	char expected[80] = "one of";
	size_t len = strlen(expected);

	for (const struct word *word = key->words; word->text; word++) {
		if (text && strcmp(text, word->text) == 0) {
			*ret_value = word->value;
			return 0;
		}
		len += (size_t)snprintf(expected + len, sizeof(expected) - len, " \"%s\"",
					word->text);
	}
	return bad(setting, ret_error, key->path, expected);
}

static int read_mode(const config_setting_t *setting, const struct key *key, int *ret_value,
		     struct text_error *ret_error)
{
	const char *text = config_setting_get_string(setting);
	char *end = NULL;
	long mode = text ? strtol(text, &end, 8) : -1;

	if (!text || !*text || *end || mode < key->min || mode > key->max)
		return bad(setting, ret_error, key->path,
			   "an octal mode in quotes, such as \"0660\"");
	*ret_value = (int)mode;
	return 0;
}

static int read_strings(const config_setting_t *setting, const struct key *key,
			struct config *config, struct text_error *ret_error)
{
	const char **strings = string_at(config, key->offset);
	unsigned *ret_count = (unsigned *)((char *)config + key->count_offset);
	int count = config_setting_length(setting);
	char expected[80];

	snprintf(expected, sizeof(expected), "a list of %d to %d strings", key->min, key->max);
	if (!config_setting_is_aggregate(setting) || config_setting_is_group(setting) ||
	    count < key->min || count > key->max)
		return bad(setting, ret_error, key->path, expected);
	for (int i = 0; i < count; i++) {
		strings[i] = config_setting_get_string_elem(setting, i);
		if (!strings[i] || !*strings[i])
			return bad(setting, ret_error, key->path, expected);
	}
	*ret_count = (unsigned)count;
	return 0;
}

static int read_key(const config_setting_t *setting, const struct key *key, struct config *config,
		    struct text_error *ret_error)
{
	const char *text;

	switch (key->kind) {
	case KEY_INT: return read_int(setting, key, int_at(config, key->offset), ret_error);
	case KEY_WORD: return read_word(setting, key, int_at(config, key->offset), ret_error);
	case KEY_MODE: return read_mode(setting, key, int_at(config, key->offset), ret_error);
	case KEY_STRINGS: return read_strings(setting, key, config, ret_error);
	case KEY_MARK:
		return config_read_mark(setting, key->path,
					(uint32_t *)((char *)config + key->offset), ret_error);
	case KEY_SETS: return config_read_sets(setting, config, ret_error);
	case KEY_PRIORS: return config_read_priors(setting, config, ret_error);
	case KEY_BOOL:
		if (config_setting_type(setting) != CONFIG_TYPE_BOOL)
			return bad(setting, ret_error, key->path, "true or false");
		*int_at(config, key->offset) = config_setting_get_bool(setting);
		return 0;
	case KEY_STRING:
		text = config_setting_get_string(setting);
		if (!text || !*text)
			return bad(setting, ret_error, key->path, "a string");
		*string_at(config, key->offset) = text;
		return 0;
	}
	return -EINVAL;
}

static const struct key *find_key(const char *path)
{
	for (size_t i = 0; i < KEY_COUNT; i++)
		if (strcmp(keys[i].path, path) == 0)
			return &keys[i];
	return NULL;
}

static bool is_key_group(const char *path)
{
	size_t len = strlen(path);

	for (size_t i = 0; i < KEY_COUNT; i++)
		if (strncmp(keys[i].path, path, len) == 0 && keys[i].path[len] == '.')
			return true;
	return false;
}

static int read_group(const config_setting_t *group, const char *prefix, struct config *config,
		      struct text_error *ret_error)
{
	int rc = 0;

	for (int i = 0; rc == 0 && i < config_setting_length(group); i++) {
		const config_setting_t *setting = config_setting_get_elem(group, (unsigned)i);
		const struct key *key;
		char path[128];

		snprintf(path, sizeof(path), "%s%s%s", prefix, *prefix ? "." : "",
			 config_setting_name(setting));
		key = find_key(path);
		if (key)
			rc = read_key(setting, key, config, ret_error);
		else if (!is_key_group(path))
			rc = config_refuse(setting, ret_error,
					   "unknown key '%s' (synprint.conf(5) lists them)", path);
		else if (!config_setting_is_group(setting))
			rc = bad(setting, ret_error, path, "a group: { ... }");
		else
			rc = read_group(setting, path, config, ret_error);
	}
	return rc;
}

static const char *keep(struct config *config, char *text)
{
	struct config_storage *storage = config->storage;

	if (!text || storage->kept_count == CONFIG_KEPT_MAX) {
		free(text);
		return NULL;
	}
	storage->kept[storage->kept_count++] = text;
	return text;
}

/* A relative file name in a configuration means a file beside the configuration. */
static const char *beside(struct config *config, const char *name)
{
	char *base, *full = NULL;

	if (*name == '/')
		return name;
	base = strdup(((struct config_storage *)config->storage)->file);
	if (base && asprintf(&full, "%s/%s", dirname(base), name) < 0)
		full = NULL;
	free(base);
	return keep(config, full);
}

static int place_files(struct config *config)
{
	if (!config->signatures_count)
		config->signatures[config->signatures_count++] = "signatures.db";
	for (unsigned i = 0; i < config->signatures_count; i++) {
		config->signatures[i] = beside(config, config->signatures[i]);
		if (!config->signatures[i])
			return -ENOMEM;
	}
	config->links = beside(config, config->links);
	config->learn_file = beside(config, config->learn_file);
	config->state_file = beside(config, config->state_file);
	if (config->baseline_names) {
		config->baseline_names = beside(config, config->baseline_names);
		if (!config->baseline_names)
			return -ENOMEM;
	}
	if (config->metrics_file) {
		config->metrics_file = beside(config, config->metrics_file);
		if (!config->metrics_file)
			return -ENOMEM;
	}
	return config->links && config->learn_file && config->state_file ? 0 : -ENOMEM;
}

static void set_defaults(struct config *config)
{
	for (size_t i = 0; i < KEY_COUNT; i++)
		if (keys[i].kind == KEY_INT || keys[i].kind == KEY_WORD || keys[i].kind == KEY_MODE)
			*int_at(config, keys[i].offset) = keys[i].init;
	config->links = "links.db";
	config->baseline_enabled = true;
	config->learn_file = CONFIG_DEFAULT_LEARNED;
	config->state_enabled = true;
	config->state_file = CONFIG_DEFAULT_STATE;
	config->socket = CONFIG_DEFAULT_SOCKET;
	config->claims = "root";
	config->p0f_socket = CONFIG_DEFAULT_P0F_SOCKET;
	config_default_sets(config);
}

static int check_interfaces(const struct config *config, struct text_error *ret_error)
{
	const struct config_storage *storage = config->storage;
	const config_setting_t *setting = config_lookup(&storage->file_config, "rules.interfaces");
	struct rules_params params = config_rules_params(config);
	struct text_error error;

	if (rules_check(&params, &error) == 0)
		return 0;
	if (setting)
		return config_refuse(setting, ret_error, "rules.interfaces: %s", error.what);
	return text_error_set(ret_error, 0, 0, "rules.interfaces: %s", error.what);
}

static int finish(struct config *config, struct text_error *ret_error)
{
	if (!config->queue_count) {
		long cpus = sysconf(_SC_NPROCESSORS_ONLN);

		config->queue_count = cpus < 1                 ? 1
				      : cpus > AUTO_QUEUES_MAX ? AUTO_QUEUES_MAX
							       : (int)cpus;
	}
	if (config->queue_first + config->queue_count > 65536)
		return text_error_set(ret_error, 0, 0,
				      "queue.first + queue.count goes beyond queue number 65535");
	if (check_interfaces(config, ret_error) < 0 || config_finish_marks(config, ret_error) < 0)
		return -EINVAL;
	return place_files(config);
}

static int read_file(struct config *config, const char *path, struct text_error *ret_error)
{
	struct config_storage *storage = config->storage;
	config_setting_t *root;
	int rc;

	if (access(path, R_OK) < 0) {
		rc = -errno;
		text_error_set(ret_error, 0, 0, "cannot read it: %s", strerror(-rc));
		return rc;
	}
	if (!config_read_file(&storage->file_config, path)) {
		if (config_error_type(&storage->file_config) == CONFIG_ERR_PARSE)
			return refuse_at(storage, config_error_file(&storage->file_config),
					 config_error_line(&storage->file_config),
					 config_error_text(&storage->file_config), ret_error);
		text_error_set(ret_error, 0, 0, "cannot read it: %s",
			       config_error_text(&storage->file_config));
		return -EIO;
	}
	root = config_root_setting(&storage->file_config);
	config_setting_set_hook(root, storage);
	return read_group(root, "", config, ret_error);
}

static struct config_storage *storage_of(const struct config *config)
{
	return config->storage;
}

static void free_all(struct config *config)
{
	struct config_storage *storage = storage_of(config);

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

int config_load(const char *path, struct text_error *ret_error, struct config **ret_config)
{
	struct config *config = calloc(1, sizeof(*config));
	struct config_storage *storage = calloc(1, sizeof(*storage));
	int rc = 0;

	if (!config || !storage) {
		free(config);
		free(storage);
		return -ENOMEM;
	}
	config_init(&storage->file_config);
	config->storage = storage;
	storage->refs = 1;
	storage->has_file = path != NULL;
	storage->file = strdup(path ? path : CONFIG_DEFAULT_PATH);
	if (!storage->file) {
		rc = -ENOMEM;
		goto fail;
	}
	config->path = path ? storage->file : "built-in defaults";
	set_defaults(config);
	if (path)
		rc = read_file(config, path, ret_error);
	if (rc == 0)
		rc = finish(config, ret_error);
	if (rc < 0)
		goto fail;
	*ret_config = config;
	return 0;
fail:
	free_all(config);
	return rc;
}

struct config *config_ref(struct config *config)
{
	__atomic_add_fetch(&storage_of(config)->refs, 1, __ATOMIC_RELAXED);
	return config;
}

const char *config_file(const struct config *config)
{
	return storage_of(config)->has_file ? storage_of(config)->file : NULL;
}

static bool is_restart_only(const char *path)
{
	for (size_t i = 0; i < RESTART_ONLY_COUNT; i++) {
		const char *name = restart_only[i];
		size_t len = strlen(name);

		if (strcmp(path, name) == 0 ||
		    (name[len - 1] == '.' && strncmp(path, name, len) == 0))
			return true;
	}
	return false;
}

static bool is_same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* Whether the value of the start was another one; it is put back. */
static bool keep_key(struct config *config, struct config *boot, const struct key *key)
{
	bool is_same = true;

	switch (key->kind) {
	case KEY_INT:
	case KEY_BOOL:
	case KEY_WORD:
	case KEY_MODE:
		is_same = *int_at(config, key->offset) == *int_at(boot, key->offset);
		*int_at(config, key->offset) = *int_at(boot, key->offset);
		break;
	case KEY_STRING:
		is_same = is_same_text(*string_at(config, key->offset),
				       *string_at(boot, key->offset));
		*string_at(config, key->offset) = *string_at(boot, key->offset);
		break;
	case KEY_STRINGS:
	case KEY_MARK:
	case KEY_SETS:
	case KEY_PRIORS: break; /* no such key is restart-only */
	}
	return !is_same;
}

unsigned config_keep(struct config *config, struct config *boot, const char **ret_keys,
		     unsigned max)
{
	unsigned count = 0;

	for (size_t i = 0; i < KEY_COUNT; i++)
		if (is_restart_only(keys[i].path) && keep_key(config, boot, &keys[i]) &&
		    count < max)
			ret_keys[count++] = keys[i].path;
	return count;
}

void config_free(struct config *config)
{
	if (!config)
		return;
	if (__atomic_sub_fetch(&storage_of(config)->refs, 1, __ATOMIC_ACQ_REL) == 0)
		free_all(config);
}

struct knowledge_params config_knowledge_params(const struct config *config)
{
	return (struct knowledge_params){.signatures = config->signatures,
					 .signature_count = config->signatures_count,
					 .links = config->links,
					 .names = config->baseline_enabled ? config->baseline_names
									   : NULL,
					 .learned =
						 config->learn_enabled ? config->learn_file : NULL,
					 .priors = config->priors,
					 .prior_count = config->prior_count,
					 .config = config->path};
}

struct rules_params config_rules_params(const struct config *config)
{
	return (struct rules_params){.engine = config->engine,
				     .queue_first = (uint16_t)config->queue_first,
				     .queue_count = (uint16_t)config->queue_count,
				     .interfaces = config->interfaces,
				     .interface_count = config->interface_count,
				     .limit = (uint32_t)config->rules_limit};
}
