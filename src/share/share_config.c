/* SPDX-License-Identifier: GPL-2.0-or-later */
/* share.conf: tables of fields, their defaults, and what only holds for several of them together. */
#include "share/share_config.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/verdict/verdict.h"
#include "fields/fields.h"

#define DAY_S 86400
#define DEFAULT_CONTROL "/run/synprint/control.sock"
#define SOCKET_PATH_MAX 107 /* bytes, of unix(7) */
#define DEFAULT_FLAGS ((unsigned)(VERDICT_VPN | VERDICT_TUNNEL | VERDICT_OS_MISMATCH))
#define ALL_FLAGS ((1u << VERDICT_FLAG_COUNT) - 1)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- words ---- */

static int read_choice(const config_setting_t *setting, const char *const *words, int *ret_choice,
		       struct text_error *ret_error)
{
	const char *text = config_setting_get_string(setting);
	char expected[80] = "one of";

	for (int i = 0; words[i]; i++) {
		size_t len = strlen(expected);

		if (text && strcmp(text, words[i]) == 0) {
			*ret_choice = i;
			return 0;
		}
		snprintf(expected + len, sizeof(expected) - len, " \"%s\"", words[i]);
	}
	return fields_refuse(setting, ret_error, expected);
}

static int read_gateway(const config_setting_t *setting, void *into, struct text_error *ret_error)
{
	const char *name = config_setting_get_string(setting);

	if (!name || !message_is_gateway(name))
		return fields_refuse(setting, ret_error,
				     "a name of 1 to 32 characters of a-z, 0-9, '-' and '.'");
	memcpy(into, name, strlen(name) + 1);
	return 0;
}

static int read_confirm(const config_setting_t *setting, void *into, struct text_error *ret_error)
{
	static const char *const words[] = {"syn", "served", NULL};
	int choice = 0;
	int rc = read_choice(setting, words, &choice, ret_error);

	if (rc == 0)
		*(bool *)into = choice == 1;
	return rc;
}

static int read_kind(const config_setting_t *setting, void *into, struct text_error *ret_error)
{
	static const char *const words[] = {"file", "journal", "list", "crowdsec", NULL};
	int choice = 0;
	int rc = read_choice(setting, words, &choice, ret_error);

	if (rc == 0)
		*(enum sink_kind *)into = (enum sink_kind)choice;
	return rc;
}

static int read_form(const config_setting_t *setting, void *into, struct text_error *ret_error)
{
	static const char *const words[] = {"synprint", "eve", "ecs", NULL};
	int choice = 0;
	int rc = read_choice(setting, words, &choice, ret_error);

	if (rc == 0)
		*(enum sink_form *)into = (enum sink_form)choice;
	return rc;
}

/* ---- lists ---- */

static int read_broker(const config_setting_t *group, void *into, unsigned number,
		       struct text_error *ret_error)
{
#define AT(member) offsetof(struct share_broker, member)
	static const struct field fields[] = {
		{"host", FIELD_TEXT, AT(host), 0, 0, NULL},
		{"port", FIELD_INT, AT(port), 1, 65535, NULL},
		{"ca", FIELD_TEXT, AT(ca), 0, 0, NULL},
		{"cert", FIELD_TEXT, AT(cert), 0, 0, NULL},
		{"key", FIELD_TEXT, AT(key), 0, 0, NULL},
		{"user", FIELD_TEXT, AT(user), 0, 0, NULL},
		{"password", FIELD_TEXT, AT(password), 0, 0, NULL},
	};
#undef AT
	struct share_broker *broker = (struct share_broker *)into + number;
	int rc = fields_read(group, fields, COUNT(fields), broker, ret_error);

	if (rc < 0)
		return rc;
	if (!broker->host)
		return fields_refuse(group, ret_error, "a host");
	if ((broker->cert || broker->key) && !(broker->ca && broker->cert && broker->key))
		return fields_refuse(group, ret_error, "ca, cert and key together");
	if (!broker->port)
		broker->port = broker->ca ? 8883 : 1883; /* IANA: secure-mqtt, mqtt */
	return 0;
}

static int read_publish(const config_setting_t *group, void *into, unsigned number,
			struct text_error *ret_error)
{
#define AT(member) offsetof(struct local_rule, member)
	static const struct field fields[] = {
		{"flags", FIELD_FLAGS, AT(flags), 1, 0, NULL},
		{"min_confidence", FIELD_SHARE, AT(min_permille), 0, 0, NULL},
		{"confirm", FIELD_SPECIAL, AT(is_served), 0, 0, read_confirm},
		{"expiry", FIELD_SECONDS, AT(expiry_s), 10, 7 * DAY_S, NULL},
	};
#undef AT
	struct local_rule *publish = (struct local_rule *)into + number;

	*publish = (struct local_rule){.is_served = true, .expiry_s = 3600};
	if (fields_read(group, fields, COUNT(fields), publish, ret_error) < 0)
		return -EINVAL;
	return publish->flags ? 0 : fields_refuse(group, ret_error, "flags");
}

static int read_accept(const config_setting_t *group, void *into, unsigned number,
		       struct text_error *ret_error)
{
#define AT(member) offsetof(struct share_accept, member)
	static const struct field fields[] = {
		{"origin", FIELD_TEXT, AT(origin), 0, 0, NULL},
		{"flags", FIELD_FLAGS, AT(flags), 1, 0, NULL},
		{"most", FIELD_INT, AT(most), 1, MESSAGE_SLOTS, NULL},
		{"expiry", FIELD_SECONDS, AT(expiry_s), 1, 7 * DAY_S, NULL},
		{"key", FIELD_TEXT, AT(key_file), 0, 0, NULL},
	};
#undef AT
	struct share_accept *accept = (struct share_accept *)into + number;

	*accept =
		(struct share_accept){.flags = ALL_FLAGS, .most = MESSAGE_SLOTS, .expiry_s = DAY_S};
	if (fields_read(group, fields, COUNT(fields), accept, ret_error) < 0)
		return -EINVAL;
	if (!accept->origin ||
	    (strcmp(accept->origin, "*") != 0 && !message_is_gateway(accept->origin)))
		return fields_refuse(group, ret_error, "origin, a gateway's name or \"*\"");
	return 0;
}

static const char *missing_of_sink(const struct sink_config *sink)
{
	if ((sink->kind == SINK_FILE || sink->kind == SINK_LIST) && !sink->path)
		return "path, the file to write";
	if (sink->kind == SINK_CROWDSEC && !(sink->url && sink->machine && sink->password_file))
		return "url, machine and password_file of the LAPI";
	return NULL;
}

static int read_sink(const config_setting_t *group, void *into, unsigned number,
		     struct text_error *ret_error)
{
#define AT(member) offsetof(struct sink_config, member)
	static const struct field fields[] = {
		{"kind", FIELD_SPECIAL, AT(kind), 0, 0, read_kind},
		{"form", FIELD_SPECIAL, AT(form), 0, 0, read_form},
		{"flags", FIELD_FLAGS, AT(rule.flags), 1, 0, NULL},
		{"min_confidence", FIELD_SHARE, AT(rule.min_permille), 0, 0, NULL},
		{"confirm", FIELD_SPECIAL, AT(rule.is_served), 0, 0, read_confirm},
		{"syns", FIELD_BOOL, AT(syns), 0, 0, NULL},
		{"path", FIELD_TEXT, AT(path), 0, 0, NULL},
		{"max_mb", FIELD_INT, AT(max_mb), 1, 1 << 20, NULL},
		{"keep", FIELD_INT, AT(keep), 0, 99, NULL},
		{"expiry", FIELD_SECONDS, AT(rule.expiry_s), 10, 7 * DAY_S, NULL},
		{"url", FIELD_TEXT, AT(url), 0, 0, NULL},
		{"machine", FIELD_TEXT, AT(machine), 0, 0, NULL},
		{"password_file", FIELD_TEXT, AT(password_file), 0, 0, NULL},
	};
#undef AT
	struct sink_config *sink = (struct sink_config *)into + number;
	const char *missing;

	*sink = (struct sink_config){.max_mb = 100, .keep = 5, .rule = {.expiry_s = 3600}};
	if (fields_read(group, fields, COUNT(fields), sink, ret_error) < 0)
		return -EINVAL;
	if (!config_setting_get_member(group, "kind"))
		return fields_refuse(group, ret_error, "kind");
	missing = missing_of_sink(sink);
	return missing ? fields_refuse(group, ret_error, missing) : 0;
}

static int add_net(void *into, const char *text)
{
	struct share_config *config = into;

	return config->never_count == SHARE_NETS_MAX
		       ? -ENOSPC
		       : addr_net_parse(text, &config->never[config->never_count++]);
}

static int read_nets(const config_setting_t *setting, void *into, struct text_error *ret_error)
{
	return fields_read_words(setting, add_net, into, "networks, such as [ \"192.0.2.0/24\" ]",
				 ret_error);
}

static int read_brokers(const config_setting_t *setting, void *into, struct text_error *ret_error)
{
	struct share_config *config = into;
	int count = fields_read_list(setting, SHARE_BROKERS_MAX, read_broker, config->brokers,
				     ret_error);

	config->broker_count = count < 0 ? 0 : (unsigned)count;
	return count < 0 ? count : 0;
}

static int read_publishes(const config_setting_t *setting, void *into, struct text_error *ret_error)
{
	struct share_config *config = into;
	int count = fields_read_list(setting, SHARE_RULES_MAX, read_publish, config->publish,
				     ret_error);

	config->publish_count = count < 0 ? 0 : (unsigned)count;
	return count < 0 ? count : 0;
}

static int read_accepts(const config_setting_t *setting, void *into, struct text_error *ret_error)
{
	struct share_config *config = into;
	int count =
		fields_read_list(setting, SHARE_RULES_MAX, read_accept, config->accept, ret_error);

	config->accept_count = count < 0 ? 0 : (unsigned)count;
	return count < 0 ? count : 0;
}

static int read_sinks(const config_setting_t *setting, void *into, struct text_error *ret_error)
{
	struct share_config *config = into;
	int count = fields_read_list(setting, SHARE_SINKS_MAX, read_sink, config->sinks, ret_error);

	config->sink_count = count < 0 ? 0 : (unsigned)count;
	return count < 0 ? count : 0;
}

#define AT(member) offsetof(struct share_config, member)
static const struct field top_fields[] = {
	{"gateway", FIELD_SPECIAL, AT(gateway), 0, 0, read_gateway},
	{"control", FIELD_TEXT, AT(control), 0, SOCKET_PATH_MAX, NULL},
	{"brokers", FIELD_SPECIAL, 0, 0, 0, read_brokers},
	{"publish", FIELD_SPECIAL, 0, 0, 0, read_publishes},
	{"accept", FIELD_SPECIAL, 0, 0, 0, read_accepts},
	{"never", FIELD_SPECIAL, 0, 0, 0, read_nets},
	{"accept_private", FIELD_BOOL, AT(accepts_private), 0, 0, NULL},
	{"entries", FIELD_INT, AT(entries), 1024, 1 << 24, NULL},
	{"sign_key", FIELD_TEXT, AT(sign_file), 0, 0, NULL},
	{"sinks", FIELD_SPECIAL, 0, 0, 0, read_sinks},
	{"metrics_textfile", FIELD_TEXT, AT(textfile), 0, 0, NULL},
};
#undef AT

/* ---- the file ---- */

/* The host's name up to its first dot, where it may stand in a topic. */
static void set_gateway(struct share_config *config)
{
	char name[HOST_NAME_MAX + 1] = "";

	if (gethostname(name, sizeof(name) - 1) == 0 && strchr(name, '.'))
		*strchr(name, '.') = '\0';
	if (message_is_gateway(name))
		memcpy(config->gateway, name, strlen(name) + 1);
}

static struct share_config *with_defaults(void)
{
	struct share_config *config = calloc(1, sizeof(*config));
	struct local_rule publish = {.flags = DEFAULT_FLAGS, .is_served = true, .expiry_s = 3600};

	if (!config)
		return NULL;
	set_gateway(config);
	config->control = DEFAULT_CONTROL;
	config->publish[0] = publish;
	config->publish_count = 1;
	config->entries = 1 << 18;
	return config;
}

static int load_key(const char *file, bool is_private, struct sign_key **ret_key,
		    struct text_error *ret_error)
{
	int rc = file ? sign_key_load(file, is_private, ret_key) : 0;

	if (rc == 0)
		return 0;
	return text_error_set(ret_error, 0, 0, "%s: %s", file,
			      rc == -EINVAL ? "is no Ed25519 key in PEM form" : strerror(-rc));
}

static int finish(struct share_config *config, struct text_error *ret_error)
{
	int rc = load_key(config->sign_file, true, &config->sign_key, ret_error);

	if (!config->gateway[0])
		return text_error_set(ret_error, 0, 0,
				      "the host name cannot be a gateway's name: set gateway");
	for (unsigned i = 0; rc == 0 && i < config->accept_count; i++)
		rc = load_key(config->accept[i].key_file, false, &config->accept[i].key, ret_error);
	return rc;
}

int share_config_load(const char *path, char *ret_error, size_t size,
		      struct share_config **ret_config)
{
	struct text_error error = {.what = "out of memory"};
	struct share_config *config = with_defaults();
	int rc = -EINVAL;

	if (config && (config->storage = malloc(sizeof(config_t)))) {
		config_init(config->storage);
		rc = fields_read_file(config->storage, path, top_fields, COUNT(top_fields), config,
				      &error);
		rc = rc ? rc : finish(config, &error);
	}
	if (rc == 0) {
		*ret_config = config;
		return 0;
	}
	share_config_free(config);
	if (error.line)
		snprintf(ret_error, size, "%s:%u: %s", path, error.line, error.what);
	else
		snprintf(ret_error, size, "%s: %s", path, error.what);
	return rc;
}

void share_config_free(struct share_config *config)
{
	if (!config)
		return;
	for (unsigned i = 0; i < config->accept_count; i++)
		sign_key_free(config->accept[i].key);
	sign_key_free(config->sign_key);
	if (config->storage)
		config_destroy(config->storage);
	free(config->storage);
	free(config);
}
