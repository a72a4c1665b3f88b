/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The plain keys of the configuration file: one table holds each with its type, range and default,
 * and whether a reload changes it. Whatever is in a file and not in the table is an error with its
 * line.
 */
#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "config/config_private.h"
#include "core/baseline/baseline.h"

enum key_kind {
	KEY_UINT,
	KEY_BOOL,
	KEY_STRING,
	KEY_FILE,
	KEY_WORD,
	KEY_MODE,
	KEY_STRINGS,
	KEY_MARK,
	KEY_DURATION, /* in seconds */
	KEY_SETS,
	KEY_PRIORS,
	KEY_EXCEPT,
};

struct word {
	const char *text; /* NULL: the end */
	unsigned value;
};

struct key {
	const char *path;
	enum key_kind kind;
	bool needs_restart;
	size_t offset, size; /* of the member of struct config */
	unsigned min, max, init; /* KEY_UINT; init also of KEY_BOOL, KEY_WORD and KEY_MODE */
	const char *text; /* KEY_STRING, KEY_FILE: the default; NULL: none */
	const struct word *words; /* KEY_WORD */
	size_t count_offset; /* KEY_STRINGS: of the unsigned beside it */
};

static const struct word engines[] = {{"auto", RULES_AUTO},
				      {"nft", RULES_NFT},
				      {"xt", RULES_XT},
				      {"none", RULES_NONE},
				      {NULL, 0}};

static const struct word grades[] = {{"access", LINK_ACCESS},
				     {"possible", LINK_POSSIBLE},
				     {"likely", LINK_LIKELY},
				     {NULL, 0}};

static const struct word matches[] = {{"mark", CONFIG_MATCH_MARK},
				      {"counter", CONFIG_MATCH_COUNTER},
				      {NULL, 0}};

static const struct word levels[] = {{"error", LOG_LEVEL_ERROR},
				     {"warning", LOG_LEVEL_WARNING},
				     {"info", LOG_LEVEL_INFO},
				     {"debug", LOG_LEVEL_DEBUG},
				     {NULL, 0}};

#define SOCKET_PATH_MAX (sizeof(((struct sockaddr_un *)0)->sun_path) - 1) /* bytes, of unix(7) */

/* What changes the value of a key while the daemon runs. */
#define RELOAD false
#define RESTART true

/* A member must have the type that the row writes. */
#define IS(type, field) (0 * sizeof((type *)NULL == &((struct config *)NULL)->field))
#define AT(field)                                                                                  \
	.offset = offsetof(struct config, field), .size = sizeof(((struct config *)NULL)->field)

#define UINT(path, when, field, least, most, default)                                              \
	{                                                                                          \
		path, KEY_UINT, when, AT(field), .min = least, .max = most, .init = default        \
	}
#define BOOL(path, when, field, default)                                                           \
	{                                                                                          \
		path, KEY_BOOL, when, AT(field), .init = default + IS(bool, field)                 \
	}
#define STRING(path, when, field, default)                                                         \
	{                                                                                          \
		path, KEY_STRING, when, AT(field), .init = IS(const char *, field),                \
						   .text = default                                 \
	}
#define SOCKET(path, when, field, default)                                                         \
	{                                                                                          \
		path, KEY_STRING, when, AT(field),                                                 \
			.max = SOCKET_PATH_MAX, .init = IS(const char *, field), .text = default   \
	}
#define PATH(path, when, field, default)                                                           \
	{                                                                                          \
		path, KEY_FILE, when, AT(field), .init = IS(const char *, field), .text = default  \
	}
#define WORD(path, when, field, list, default)                                                     \
	{                                                                                          \
		path, KEY_WORD, when, AT(field), .words = list, .init = default                    \
	}
#define MODE(path, when, field, default)                                                           \
	{                                                                                          \
		path, KEY_MODE, when, AT(field), .max = 0777, .init = default + IS(mode_t, field)  \
	}
#define STRINGS(path, field, count, least, most)                                                   \
	{                                                                                          \
		path, KEY_STRINGS, RELOAD, AT(field),                                              \
			.min = least, .max = most, .count_offset = offsetof(struct config, count)  \
	}
#define MARK(path, when, field, least)                                                             \
	{                                                                                          \
		path, KEY_MARK, when, AT(field), .min = least, .init = IS(uint32_t, field)         \
	}
#define DURATION(path, when, field, most, default)                                                 \
	{                                                                                          \
		path, KEY_DURATION, when, AT(field), .max = most,                                  \
						     .init = default + IS(uint32_t, field)         \
	}

static const struct key keys[] = {
	UINT("queue.first", RESTART, queue_first, 0, 65535, 0),
	UINT("queue.count", RESTART, queue_count, 0, CONFIG_QUEUES_MAX, 0),
	UINT("queue.length", RESTART, queue_length, 64, 1 << 20, 8192),
	UINT("queue.receive_buffer", RESTART, receive_buffer, 1 << 16, 1 << 28, 1 << 23),
	WORD("rules.engine", RESTART, engine, engines, RULES_AUTO),
	BOOL("rules.conntrack", RELOAD, conntrack, false),
	{"rules.ct_mark_field", KEY_MARK, RESTART, AT(ct_mark_field),
	 .init = 0xff000000 + IS(uint32_t, ct_mark_field)},
	UINT("rules.nflog_group", RESTART, nflog_group, 0, 65535, 175),
	BOOL("clocks.enabled", RELOAD, clocks_enabled, false),
	WORD("clocks.match", RELOAD, clocks_match, matches, CONFIG_MATCH_MARK),
	UINT("clocks.limit", RELOAD, clocks_limit, 1, 2000, 100),
	UINT("clocks.nflog_group", RESTART, clocks_group, 0, 65535, 176),
	UINT("clocks.clients", RESTART, clocks_clients, 64, 1 << 22, 1 << 14),
	UINT("rules.limit", RELOAD, rules_limit, 0, 1000000, 0),
	MARK("rules.mark_field", RESTART, mark_field, 1),
	DURATION("rules.skip_known", RELOAD, skip_known_s, 3600, 0),
	BOOL("rules.defragment", RELOAD, defragments, true),
	STRINGS("rules.interfaces", interfaces, interface_count, 0, CONFIG_INTERFACES_MAX),
	STRINGS("signatures", signatures, signatures_count, 1, CONFIG_FILES_MAX),
	PATH("links", RELOAD, links, "links.db"),
	{.path = "classify.priors", .kind = KEY_PRIORS},
	STRINGS("classify.addresses", addresses, address_count, 0, SIGDB_ADDRESSES_MAX),
	UINT("classify.community_seed", RELOAD, community_seed, 0, 65535, 0),
	BOOL("learn.enabled", RESTART, learn_enabled, false),
	PATH("learn.file", RESTART, learn_file, "/var/lib/synprint/learned.db"),
	UINT("learn.max_shapes", RESTART, learn_shapes, 64, 65536, 4096),
	UINT("clients.capacity", RESTART, clients, 64, 1 << 26, 1 << 17),
	UINT("clients.recent", RESTART, recent, 64, 1 << 22, 1 << 12),
	UINT("clients.ipv6_prefix", RESTART, ipv6_prefix, 32, 128, 128),
	WORD("link.threshold", RELOAD, link_threshold, grades, LINK_LIKELY),
	UINT("link.local_clamp", RELOAD, local_clamp, 0, 65535, 0),
	BOOL("servers.enabled", RESTART, servers_enabled, false),
	PATH("servers.database", RELOAD, servers_db, "servers.db"),
	UINT("servers.capacity", RESTART, servers, 64, 1 << 20, 4096),
	BOOL("baseline.enabled", RESTART, baseline_enabled, true),
	UINT("baseline.prefixes", RESTART, baseline_prefixes, BASELINE_PREFIXES_MIN,
	     BASELINE_PREFIXES_MAX, 4096),
	UINT("baseline.ipv4_prefix", RESTART, baseline_v4_prefix, 8, 32, 16),
	UINT("baseline.ipv6_prefix", RESTART, baseline_v6_prefix, 16, 64, 32),
	UINT("baseline.half_life_hours", RESTART, baseline_half_life, 1, 8760, 168),
	PATH("baseline.names", RELOAD, baseline_names, NULL),
	UINT("publish.deadline_ms", RELOAD, deadline_ms, 1, 1000, 5),
	UINT("publish.once_percent", RELOAD, once_percent, 1, 100, 50),
	UINT("publish.network_percent", RELOAD, network_percent, 1, 100, 25),
	{.path = "publish.except", .kind = KEY_EXCEPT},
	MARK("publish.mark_mask", RELOAD, mark_mask, 0),
	MARK("publish.mark_seen", RELOAD, mark_seen, 0),
	{.path = "publish.sets", .kind = KEY_SETS},
	SOCKET("control.socket", RESTART, socket, CONFIG_DEFAULT_SOCKET),
	MODE("control.mode", RESTART, socket_mode, 0660),
	STRING("control.group", RESTART, socket_group, NULL),
	STRING("control.claims", RESTART, claims, "root"),
	STRING("control.reports", RESTART, reports_user, CONFIG_DEFAULT_REPORTS_USER),
	UINT("reports.capacity", RESTART, reports, 64, 1 << 22, 1 << 16),
	BOOL("state.enabled", RESTART, state_enabled, true),
	PATH("state.file", RESTART, state_file, "/var/lib/synprint/state"),
	UINT("state.interval", RESTART, state_interval_s, 1, 86400, 300),
	PATH("metrics.textfile", RELOAD, metrics_file, NULL),
	UINT("metrics.interval", RELOAD, metrics_interval_s, 1, 3600, 15),
	BOOL("p0f.enabled", RESTART, p0f_enabled, false),
	SOCKET("p0f.socket", RESTART, p0f_socket, "/run/synprint/p0f.sock"),
	MODE("p0f.mode", RESTART, p0f_mode, 0660),
	STRING("p0f.group", RESTART, p0f_group, NULL),
	STRING("user", RESTART, user, NULL),
	WORD("log.level", RELOAD, log_level, levels, LOG_LEVEL_INFO),
};

_Static_assert(sizeof(enum rules_engine) == sizeof(unsigned), "words are written as numbers");

#define KEY_COUNT (sizeof(keys) / sizeof(keys[0]))

static void *member_of(struct config *config, const struct key *key)
{
	return (char *)config + key->offset;
}

/* Numbers of 16 and 32 bits; enums are as wide as int here. */
static void set_number(struct config *config, const struct key *key, unsigned value)
{
	if (key->size == sizeof(uint16_t))
		*(uint16_t *)member_of(config, key) = (uint16_t)value;
	else if (key->size == sizeof(bool))
		*(bool *)member_of(config, key) = value;
	else
		memcpy(member_of(config, key), &value, sizeof(value));
}

static void set_text(struct config *config, const struct key *key, const char *text)
{
	*(const char **)member_of(config, key) = text;
}

void config_set_defaults(struct config *config)
{
	for (size_t i = 0; i < KEY_COUNT; i++) {
		const struct key *key = &keys[i];

		switch (key->kind) {
		case KEY_UINT:
		case KEY_BOOL:
		case KEY_WORD:
		case KEY_MODE:
		case KEY_DURATION:
		case KEY_MARK: set_number(config, key, key->init); break;
		case KEY_STRING:
		case KEY_FILE: set_text(config, key, key->text); break;
		case KEY_STRINGS:
		case KEY_PRIORS:
		case KEY_EXCEPT: break;
		case KEY_SETS: config_default_sets(config); break;
		}
	}
}

/* ---- reading ---- */

static int bad(const config_setting_t *setting, struct text_error *ret_error, const char *path,
	       const char *expected)
{
	return source_refuse(setting, ret_error, "%s must be %s", path, expected);
}

static int read_uint(const config_setting_t *setting, const struct key *key, struct config *config,
		     struct text_error *ret_error)
{
	int value = config_setting_get_int(setting);

	if (config_setting_type(setting) != CONFIG_TYPE_INT || value < 0 ||
	    (unsigned)value < key->min || (unsigned)value > key->max)
		return source_refuse(setting, ret_error, "%s must be a whole number from %u to %u",
				     key->path, key->min, key->max);
	set_number(config, key, (unsigned)value);
	return 0;
}

static int read_bool(const config_setting_t *setting, const struct key *key, struct config *config,
		     struct text_error *ret_error)
{
	if (config_setting_type(setting) != CONFIG_TYPE_BOOL)
		return bad(setting, ret_error, key->path, "true or false");
	set_number(config, key, (unsigned)config_setting_get_bool(setting));
	return 0;
}

static int read_string(const config_setting_t *setting, const struct key *key,
		       struct config *config, struct text_error *ret_error)
{
	const char *text = config_setting_get_string(setting);

	if (!text || !*text)
		return bad(setting, ret_error, key->path,
			   text ? "a string that is not empty (without a value, leave the key out)"
				: "a string");
	set_text(config, key, text);
	return 0;
}

static int read_word(const config_setting_t *setting, const struct key *key, struct config *config,
		     struct text_error *ret_error)
{
	const char *text = config_setting_get_string(setting);
	char expected[80] = "one of";
	size_t len = strlen(expected);

	for (const struct word *word = key->words; word->text; word++) {
		if (text && strcmp(text, word->text) == 0) {
			set_number(config, key, word->value);
			return 0;
		}
		len += (size_t)snprintf(expected + len, sizeof(expected) - len, " \"%s\"",
					word->text);
	}
	return bad(setting, ret_error, key->path, expected);
}

static int read_mode(const config_setting_t *setting, const struct key *key, struct config *config,
		     struct text_error *ret_error)
{
	const char *text = config_setting_get_string(setting);
	char *end = NULL;
	unsigned long mode = text ? strtoul(text, &end, 8) : 0;

	if (!text || !*text || *end || mode > key->max)
		return bad(setting, ret_error, key->path,
			   "an octal mode in quotes, such as \"0660\"");
	set_number(config, key, (unsigned)mode);
	return 0;
}

static int read_mark(const config_setting_t *setting, const struct key *key, struct config *config,
		     struct text_error *ret_error)
{
	uint32_t *mark = member_of(config, key);
	int rc = config_read_mark(setting, key->path, mark, ret_error);

	if (rc == 0 && *mark < key->min)
		return bad(setting, ret_error, key->path, "a mask of one bit or more");
	return rc;
}

static int read_strings(const config_setting_t *setting, const struct key *key,
			struct config *config, struct text_error *ret_error)
{
	const char **strings = member_of(config, key);
	unsigned count = (unsigned)config_setting_length(setting);
	char expected[80];

	snprintf(expected, sizeof(expected), "a list of %u to %u strings", key->min, key->max);
	if (!config_setting_is_aggregate(setting) || config_setting_is_group(setting) ||
	    count < key->min || count > key->max)
		return bad(setting, ret_error, key->path, expected);
	for (unsigned i = 0; i < count; i++) {
		strings[i] = config_setting_get_string_elem(setting, (int)i);
		if (!strings[i] || !*strings[i])
			return bad(setting, ret_error, key->path, expected);
	}
	*(unsigned *)((char *)config + key->count_offset) = count;
	return 0;
}

static int read_key(const config_setting_t *setting, const struct key *key, struct config *config,
		    struct text_error *ret_error)
{
	switch (key->kind) {
	case KEY_UINT: return read_uint(setting, key, config, ret_error);
	case KEY_BOOL: return read_bool(setting, key, config, ret_error);
	case KEY_STRING:
	case KEY_FILE: return read_string(setting, key, config, ret_error);
	case KEY_WORD: return read_word(setting, key, config, ret_error);
	case KEY_MODE: return read_mode(setting, key, config, ret_error);
	case KEY_STRINGS: return read_strings(setting, key, config, ret_error);
	case KEY_MARK: return read_mark(setting, key, config, ret_error);
	case KEY_DURATION:
		return config_read_duration(setting, key->path, key->min, key->max,
					    member_of(config, key), ret_error);
	case KEY_SETS: return config_read_sets(setting, config, ret_error);
	case KEY_PRIORS: return config_read_priors(setting, config, ret_error);
	case KEY_EXCEPT:
		return config_read_networks(setting, key->path, CONFIG_NETWORKS_MAX, config->except,
					    &config->except_count, ret_error);
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
			rc = source_refuse(setting, ret_error,
					   "unknown key '%s' (synprint.conf(5) lists them)", path);
		else if (!config_setting_is_group(setting))
			rc = bad(setting, ret_error, path, "a group: { ... }");
		else
			rc = read_group(setting, path, config, ret_error);
	}
	return rc;
}

int config_read_keys(const config_setting_t *root, struct config *config,
		     struct text_error *ret_error)
{
	return read_group(root, "", config, ret_error);
}

/* ---- files ---- */

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
	base = strdup(config->storage->file);
	if (base && asprintf(&full, "%s/%s", dirname(base), name) < 0)
		full = NULL;
	free(base);
	return keep(config, full);
}

static int refuse_length(const struct config *config, const struct key *key, size_t len,
			 struct text_error *ret_error)
{
	const config_t *tree = &config->storage->file_config;

	return source_refuse(config_lookup(tree, key->path), ret_error,
			     "%s has at most %u bytes, not %zu", key->path, key->max, len);
}

/* Sockets too: theirs has room for so many bytes. */
static bool is_file(const struct key *key)
{
	return key->kind == KEY_FILE || (key->kind == KEY_STRING && key->max);
}

int config_place_files(struct config *config, struct text_error *ret_error)
{
	if (!config->signatures_count)
		config->signatures[config->signatures_count++] = "signatures.db";
	for (unsigned i = 0; i < config->signatures_count; i++) {
		config->signatures[i] = beside(config, config->signatures[i]);
		if (!config->signatures[i])
			return -ENOMEM;
	}
	for (size_t i = 0; i < KEY_COUNT; i++) {
		const char **file = member_of(config, &keys[i]);

		if (!is_file(&keys[i]) || !*file)
			continue;
		*file = beside(config, *file);
		if (!*file)
			return -ENOMEM;
		if (keys[i].max && strlen(*file) > keys[i].max)
			return refuse_length(config, &keys[i], strlen(*file), ret_error);
	}
	return 0;
}

/* ---- what a reload leaves as it was ---- */

static bool is_same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* Whether the value of the start was another one; it is put back. */
static bool keep_key(struct config *config, const struct config *boot, const struct key *key)
{
	void *here = member_of(config, key);
	const void *there = (const char *)boot + key->offset;
	bool is_text = key->kind == KEY_STRING || key->kind == KEY_FILE;

	if (is_text ? is_same_text(*(const char *const *)here, *(const char *const *)there)
		    : memcmp(here, there, key->size) == 0)
		return false;
	memcpy(here, there, key->size);
	return true;
}

unsigned config_keep(struct config *config, const struct config *boot, const char **ret_keys,
		     unsigned max)
{
	unsigned count = 0;

	for (size_t i = 0; i < KEY_COUNT; i++)
		if (keys[i].needs_restart && keep_key(config, boot, &keys[i]) && count < max)
			ret_keys[count++] = keys[i].path;
	return count;
}
