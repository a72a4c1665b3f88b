/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys are a table; what it does not name is refused, with the line. */
#include "web/config.h"

#include <errno.h>
#include <libconfig.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/verdict/verdict.h"

enum kind { KIND_INT, KIND_BOOL, KIND_TEXT, KIND_LISTEN, KIND_TRUSTED, KIND_HEADERS, KIND_DENY };

struct key {
	const char *name;
	enum kind kind;
	size_t offset;
	int min, max; /* KIND_INT; KIND_TEXT: bytes at the most, with the NUL */
};

#define AT(member) offsetof(struct web_config, member)
#define TEXT(member) AT(member), 0, (int)sizeof(((struct web_config *)0)->member)

static const struct key keys[] = {
	{"listen", KIND_LISTEN, 0, 0, 0},
	{"control", KIND_TEXT, TEXT(control)},
	{"timeout_ms", KIND_INT, AT(timeout_ms), 1, 1000},
	{"trusted", KIND_TRUSTED, 0, 0, 0},
	{"headers", KIND_HEADERS, 0, 0, 0},
	{"local", KIND_BOOL, AT(trust.local), 0, 0},
	{"claims", KIND_BOOL, AT(claims), 0, 0},
	{"deny", KIND_DENY, 0, 0, 0},
	{"deny_exact_only", KIND_BOOL, AT(deny_exact_only), 0, 0},
	{"token_file", KIND_TEXT, TEXT(token_file)},
	{"chart", KIND_TEXT, TEXT(chart)},
	{"user", KIND_TEXT, TEXT(user)},
	{"group", KIND_TEXT, TEXT(group)},
	{"connections", KIND_INT, AT(connections), 16, 65536},
	{"streams", KIND_INT, AT(streams), 1, 1024},
};

void web_config_init(struct web_config *ret_config)
{
	*ret_config = (struct web_config){
		.timeout_ms = 25,
		.trust = {.unix_socket = true,
			  .sources = {VISITOR_REAL_IP, VISITOR_FORWARDED_FOR, VISITOR_FORWARDED},
			  .source_count = 3,
			  .local = true},
		.chart = "/usr/share/javascript/chart.js/chart.min.js",
		.group = "synprint-web",
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
	if (!is_unix && (visitor_parse_node(text, strlen(text), &addr, &port) < 0 || !port))
		return -EINVAL;
	memcpy(config->listen[config->listen_count++], text, strlen(text) + 1);
	return 0;
}

static unsigned find_flag(const char *word, size_t len)
{
	for (unsigned i = 0; i < VERDICT_FLAG_COUNT; i++) {
		const char *name = verdict_flag_name((enum verdict_flag)(1u << i));

		if (strlen(name) == len && memcmp(name, word, len) == 0)
			return 1u << i;
	}
	return 0;
}

int web_config_flags(const char *words, unsigned *ret_flags)
{
	unsigned flags = 0;

	while (*words) {
		size_t len = strcspn(words, ",");
		unsigned flag = find_flag(words, len);

		if (!flag)
			return -EINVAL;
		flags |= flag;
		words += len + (words[len] == ',');
	}
	*ret_flags = flags;
	return 0;
}

static int __attribute__((format(printf, 3, 4)))
refuse(const config_setting_t *setting, struct text_error *ret_error, const char *fmt, ...)
{
	char what[sizeof(ret_error->what)];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	return text_error_set(ret_error, (unsigned)config_setting_source_line(setting), 0, "%s",
			      what);
}

static int read_trusted(struct web_config *config, const char *word)
{
	if (strcmp(word, "unix") != 0)
		return visitor_trust_net(&config->trust, word);
	config->trust.unix_socket = true;
	return 0;
}

static int read_source(struct web_config *config, const char *word)
{
	static const char *const names[] = {"X-Real-IP", "X-Forwarded-For", "Forwarded"};
	struct visitor_trust *trust = &config->trust;

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcasecmp(word, names[i]) != 0 || trust->source_count == VISITOR_SOURCES_MAX)
			continue;
		trust->sources[trust->source_count++] = (enum visitor_source)i;
		return 0;
	}
	return -EINVAL;
}

static int read_deny(struct web_config *config, const char *word)
{
	unsigned flag = find_flag(word, strlen(word));

	config->deny |= flag;
	return flag ? 0 : -EINVAL;
}

/* A list in the file replaces the default one. */
static int read_list(struct web_config *config, enum kind kind, const config_setting_t *setting,
		     struct text_error *ret_error)
{
	static const struct {
		int (*read)(struct web_config *config, const char *word);
		const char *expected;
	} readers[] = {
		[KIND_LISTEN] =
			{web_config_add_listener,
			 "an address and port such as \"127.0.0.1:8250\", or \"unix:/PATH\""},
		[KIND_TRUSTED] = {read_trusted, "\"unix\", an address or a prefix"},
		[KIND_HEADERS] = {read_source,
				  "\"X-Real-IP\", \"X-Forwarded-For\" or \"Forwarded\""},
		[KIND_DENY] = {read_deny, "a flag, see synprint-control(7)"},
	};
	int count = config_setting_length(setting);

	if (!config_setting_is_array(setting) && !config_setting_is_list(setting))
		return refuse(setting, ret_error, "%s must be a list", setting->name);
	for (int i = 0; i < count; i++) {
		const char *word = config_setting_get_string_elem(setting, i);

		if (!word || readers[kind].read(config, word) < 0)
			return refuse(setting, ret_error, "%s: \"%.80s\" is not %s", setting->name,
				      word ? word : "?", readers[kind].expected);
	}
	return 0;
}

static void forget_default(struct web_config *config, enum kind kind)
{
	if (kind == KIND_LISTEN)
		config->listen_count = 0;
	if (kind == KIND_TRUSTED)
		config->trust.unix_socket = false;
	if (kind == KIND_HEADERS)
		config->trust.source_count = 0;
}

static int read_value(struct web_config *config, const struct key *key,
		      const config_setting_t *setting, struct text_error *ret_error)
{
	char *place = (char *)config + key->offset;
	const char *text;
	int number;

	switch (key->kind) {
	case KIND_INT:
		number = config_setting_get_int(setting);
		if (config_setting_type(setting) != CONFIG_TYPE_INT || number < key->min ||
		    number > key->max)
			return refuse(setting, ret_error, "%s must be a whole number from %d to %d",
				      key->name, key->min, key->max);
		memcpy(place, &number, sizeof(number));
		return 0;
	case KIND_BOOL:
		if (config_setting_type(setting) != CONFIG_TYPE_BOOL)
			return refuse(setting, ret_error, "%s must be true or false", key->name);
		*(bool *)place = config_setting_get_bool(setting);
		return 0;
	case KIND_TEXT:
		text = config_setting_get_string(setting);
		if (!text || strlen(text) >= (size_t)key->max)
			return refuse(setting, ret_error, "%s must be a text of at most %d bytes",
				      key->name, key->max - 1);
		memcpy(place, text, strlen(text) + 1);
		return 0;
	case KIND_LISTEN:
	case KIND_TRUSTED:
	case KIND_HEADERS:
	case KIND_DENY: break;
	}
	forget_default(config, key->kind);
	return read_list(config, key->kind, setting, ret_error);
}

static int read_setting(struct web_config *config, const config_setting_t *setting,
			struct text_error *ret_error)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(keys[i].name, setting->name) == 0)
			return read_value(config, &keys[i], setting, ret_error);
	return refuse(setting, ret_error, "there is no key %s", setting->name);
}

int web_config_read(struct web_config *config, const char *path, struct text_error *ret_error)
{
	FILE *file = fopen(path, "re");
	config_t parsed;
	int rc = 0;

	if (!file) {
		rc = -errno;
		text_error_set(ret_error, 0, 0, "%s", strerror(errno));
		return rc;
	}
	config_init(&parsed);
	if (!config_read(&parsed, file))
		rc = text_error_set(ret_error, (unsigned)config_error_line(&parsed), 0, "%s",
				    config_error_text(&parsed));
	for (int i = 0; rc == 0 && i < config_setting_length(config_root_setting(&parsed)); i++)
		rc = read_setting(config,
				  config_setting_get_elem(config_root_setting(&parsed),
							  (unsigned)i),
				  ret_error);
	config_destroy(&parsed);
	fclose(file);
	return rc;
}
