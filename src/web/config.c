/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys are a table of fields; a list in the file replaces the default one. */
#include "web/config.h"

#include <errno.h>
#include <string.h>

#include "core/verdict/verdict.h"
#include "fields/fields.h"

void web_config_init(struct web_config *ret_config)
{
	*ret_config = (struct web_config){
		.timeout_ms = 25,
		.trust = {.unix_socket = true,
			  .sources = {VISITOR_REAL_IP, VISITOR_FORWARDED_FOR, VISITOR_FORWARDED},
			  .source_count = 3,
			  .local = true},
		.chart = "/usr/share/javascript/chart.js/chart.min.js",
		.group = WEB_CONFIG_DEFAULT_GROUP,
		.connections = 4096,
		.streams = 128,
	};
}

int web_config_add_listener(struct web_config *config, const char *text)
{
	struct addr addr;
	uint16_t port = 0;
	bool is_unix = strncmp(text, "unix:/", 6) == 0;

	if (config->listen_count == WEB_LISTEN_MAX)
		return -ENOSPC;
	if (strlen(text) >= WEB_PATH_MAX)
		return -EINVAL;
	if (is_unix && strlen(text + 5) >= WEB_SOCKET_MAX)
		return -EINVAL;
	if (!is_unix && (visitor_parse_node(text, strlen(text), &addr, &port) < 0 || !port))
		return -EINVAL;
	memcpy(config->listen[config->listen_count++], text, strlen(text) + 1);
	return 0;
}

int web_config_flags(const char *words, unsigned *ret_flags)
{
	unsigned flags = 0;

	while (*words) {
		size_t len = strcspn(words, ",");
		unsigned flag = verdict_flag_parse(words, len);

		if (!flag)
			return -EINVAL;
		flags |= flag;
		words += len + (words[len] == ',');
	}
	*ret_flags = flags;
	return 0;
}

/* ---- lists ---- */

static int add_listener(void *config, const char *word)
{
	return web_config_add_listener(config, word);
}

static int read_listen(const config_setting_t *setting, void *into, struct text_error *ret_error)
{
	((struct web_config *)into)->listen_count = 0;
	return fields_read_words(setting, add_listener, into,
				 "addresses with a port, such as \"127.0.0.1:8250\", and "
				 "\"unix:/PATH\" of at most 107 bytes",
				 ret_error);
}

static int add_trusted(void *into, const char *word)
{
	struct visitor_trust *trust = into;

	if (strcmp(word, "unix") != 0)
		return visitor_trust_net(trust, word);
	trust->unix_socket = true;
	return 0;
}

static int read_trusted(const config_setting_t *setting, void *into, struct text_error *ret_error)
{
	((struct visitor_trust *)into)->unix_socket = false;
	return fields_read_words(setting, add_trusted, into, "addresses, prefixes and \"unix\"",
				 ret_error);
}

static int add_source(void *into, const char *word)
{
	static const char *const names[] = {"X-Real-IP", "X-Forwarded-For", "Forwarded"};
	struct visitor_trust *trust = into;

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcasecmp(word, names[i]) != 0 || trust->source_count == VISITOR_SOURCES_MAX)
			continue;
		trust->sources[trust->source_count++] = (enum visitor_source)i;
		return 0;
	}
	return -EINVAL;
}

static int read_headers(const config_setting_t *setting, void *into, struct text_error *ret_error)
{
	((struct visitor_trust *)into)->source_count = 0;
	return fields_read_words(setting, add_source, into,
				 "\"X-Real-IP\", \"X-Forwarded-For\" and \"Forwarded\"", ret_error);
}

/* ---- the file ---- */

#define AT(member) offsetof(struct web_config, member)
#define CHARS(member)                                                                              \
	FIELD_CHARS, AT(member), 0, (int)sizeof(((struct web_config *)0)->member), NULL

static const struct field fields[] = {
	{"listen", FIELD_SPECIAL, 0, 0, 0, read_listen},
	{"control", CHARS(control)},
	{"timeout_ms", FIELD_INT, AT(timeout_ms), 1, 1000, NULL},
	{"trusted", FIELD_SPECIAL, AT(trust), 0, 0, read_trusted},
	{"headers", FIELD_SPECIAL, AT(trust), 0, 0, read_headers},
	{"local", FIELD_BOOL, AT(trust.local), 0, 0, NULL},
	{"claims", FIELD_BOOL, AT(claims), 0, 0, NULL},
	{"deny", FIELD_FLAGS, AT(deny), 0, 0, NULL},
	{"deny_exact_only", FIELD_BOOL, AT(deny_exact_only), 0, 0, NULL},
	{"token_file", CHARS(token_file)},
	{"chart", CHARS(chart)},
	{"user", CHARS(user)},
	{"group", CHARS(group)},
	{"connections", FIELD_INT, AT(connections), 16, 65536, NULL},
	{"streams", FIELD_INT, AT(streams), 1, 1024, NULL},
};

int web_config_read(struct web_config *config, const char *path, struct text_error *ret_error)
{
	config_t tree;
	int rc;

	config_init(&tree);
	rc = fields_read_file(&tree, path, fields, sizeof(fields) / sizeof(fields[0]), config,
			      ret_error);
	config_destroy(&tree);
	return rc;
}
