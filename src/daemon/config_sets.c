/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Publish rules in the configuration: which clients go into which sets, and for how long. */
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config_private.h"

#define DEFAULT_TIMEOUT_S 3600
#define DEFAULT_SIZE 65536
#define OWN_TABLE "inet synprint"
#define NFTSET_NAME_MAX 240 /* NFT_SET_MAXNAMELEN is 256 with its NUL, and a digit is appended */
#define IPSET_NAME_MAX 30 /* IPSET_MAXNAMELEN is 32, likewise */

static void add_default(struct config *config, const char *name, unsigned flags)
{
	config->sets[config->set_count++] = (struct config_set){
		.kind = CONFIG_NFTSET,
		.name = name,
		.table = OWN_TABLE,
		.is_own_table = true,
		.timeout_s = DEFAULT_TIMEOUT_S,
		.size = DEFAULT_SIZE,
		.filter.flags = (uint16_t)flags,
	};
}

void config_default_sets(struct config *config)
{
	add_default(config, "vpn", VERDICT_VPN);
	add_default(config, "scanner", VERDICT_SCANNER);
	add_default(config, "suspect",
		    VERDICT_VPN | VERDICT_SCANNER | VERDICT_OS_MISMATCH | VERDICT_INCONSISTENT);
}

static int refuse(const config_setting_t *setting, struct text_error *ret_error, const char *what)
{
	return config_refuse(setting, ret_error, "publish.sets: %s", what);
}

static int read_name(const config_setting_t *setting, struct config_set *set,
		     struct text_error *ret_error)
{
	const char *name = config_setting_get_string(setting);
	size_t max = set->kind == CONFIG_IPSET ? IPSET_NAME_MAX : NFTSET_NAME_MAX;

	if (set->name)
		return refuse(setting, ret_error, "a rule has one nftset or one ipset");
	if (!name || !*name || strlen(name) > max ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") !=
		    strlen(name))
		return refuse(setting, ret_error,
			      "a set's name has letters, digits, '_', '-' and '.', and '4' or '6' "
			      "is put behind it");
	set->name = name;
	return 0;
}

/* Seconds, or a string such as "90s", "30m", "2h", "1d". */
static int read_timeout(const config_setting_t *setting, struct config_set *set,
			struct text_error *ret_error)
{
	const char *text = config_setting_get_string(setting);
	long value = config_setting_get_int(setting), unit = 1;
	char *end = NULL;

	if (text) {
		value = strtol(text, &end, 10);
		unit = strcmp(end, "d") == 0   ? 86400
		       : strcmp(end, "h") == 0 ? 3600
		       : strcmp(end, "m") == 0 ? 60
		       : strcmp(end, "s") == 0 ? 1
					       : 0;
	}
	/* ipset keeps timeouts below 2^31 / 1000 seconds (ip_set_timeout.h). */
	if (value < 1 || value > 2147483 || unit == 0 || value * unit > 2147483)
		return refuse(setting, ret_error,
			      "timeout must be 1 to 2147483 seconds, such as 600 or \"10m\"");
	set->timeout_s = (int)(value * unit);
	return 0;
}

/* The name behind "inet ", "ip " or "ip6 ", or NULL. */
static const char *table_name(const char *table)
{
	static const char *const families[] = {"inet ", "ip ", "ip6 "};

	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		size_t len = strlen(families[i]);

		if (strncmp(table, families[i], len) == 0)
			return table[len] && !strpbrk(table + len, " \t") ? table + len : NULL;
	}
	return NULL;
}

static int read_table(const config_setting_t *setting, struct config_set *set,
		      struct text_error *ret_error)
{
	const char *table = config_setting_get_string(setting);

	if (!table || !table_name(table))
		return refuse(setting, ret_error,
			      "table must be a family (inet, ip or ip6) and a name, such as \"inet "
			      "filter\"");
	set->table = table;
	set->is_own_table = strcmp(table, OWN_TABLE) == 0;
	return 0;
}

static int read_size(const config_setting_t *setting, struct config_set *set,
		     struct text_error *ret_error)
{
	int size = config_setting_get_int(setting);

	if (config_setting_type(setting) != CONFIG_TYPE_INT || size < 1)
		return refuse(setting, ret_error, "size must be a whole number of elements");
	set->size = size;
	return 0;
}

static int read_grade(const config_setting_t *setting, struct config_set *set,
		      struct text_error *ret_error)
{
	const char *grade = config_setting_get_string(setting);

	if (!grade || filter_set_grade(&set->filter, grade) < 0)
		return refuse(setting, ret_error,
			      "grade must be \"access\", \"possible\" or \"likely\"");
	return 0;
}

static int read_confidence(const config_setting_t *setting, struct config_set *set,
			   struct text_error *ret_error)
{
	double confidence = config_setting_type(setting) == CONFIG_TYPE_FLOAT
				    ? config_setting_get_float(setting)
				    : config_setting_get_int(setting);

	if (!config_setting_is_number(setting) || confidence < 0 || confidence > 1)
		return refuse(setting, ret_error,
			      "min_confidence must be a number from 0.0 to 1.0");
	set->filter.min_confidence_permille = (uint16_t)(confidence * 1000 + 0.5);
	return 0;
}

/* The lists of words, and what one word of each is called. */
static const struct word_list {
	const char *name, *singular;
	enum vocab_kind pattern_kind; /* VOCAB_LABEL or VOCAB_LINK where patterns are allowed */
} word_lists[] = {
	{"flags", "flag", VOCAB_KIND_COUNT},
	{"classes", "class", VOCAB_KIND_COUNT},
	{"families", "family", VOCAB_KIND_COUNT},
	{"labels", "label", VOCAB_LABEL},
	{"links", "link", VOCAB_LINK},
};

static const struct word_list *find_word_list(const char *name)
{
	for (size_t i = 0; i < sizeof(word_lists) / sizeof(word_lists[0]); i++)
		if (strcmp(word_lists[i].name, name) == 0)
			return &word_lists[i];
	return NULL;
}

static int read_member(const config_setting_t *setting, struct config_set *set,
		       struct text_error *ret_error)
{
	const char *name = config_setting_name(setting);

	if (strcmp(name, "nftset") == 0 || strcmp(name, "ipset") == 0) {
		set->kind = *name == 'i' ? CONFIG_IPSET : CONFIG_NFTSET;
		return read_name(setting, set, ret_error);
	}
	if (strcmp(name, "timeout") == 0)
		return read_timeout(setting, set, ret_error);
	if (strcmp(name, "table") == 0)
		return read_table(setting, set, ret_error);
	if (strcmp(name, "size") == 0)
		return read_size(setting, set, ret_error);
	if (strcmp(name, "grade") == 0)
		return read_grade(setting, set, ret_error);
	if (strcmp(name, "min_confidence") == 0)
		return read_confidence(setting, set, ret_error);
	if (find_word_list(name))
		return 0; /* needs the vocabulary: config_resolve() */
	return config_refuse(setting, ret_error,
			     "unknown key '%s' in publish.sets (synprint.conf(5) lists them)",
			     name);
}

static bool is_same_set(const struct config_set *a, const struct config_set *b)
{
	return a->kind == b->kind && strcmp(a->name, b->name) == 0 &&
	       (a->kind == CONFIG_IPSET || strcmp(a->table, b->table) == 0);
}

static int read_set(const config_setting_t *group, struct config *config,
		    struct text_error *ret_error)
{
	struct config_set set = {.table = OWN_TABLE,
				 .is_own_table = true,
				 .timeout_s = DEFAULT_TIMEOUT_S,
				 .size = DEFAULT_SIZE,
				 .words = group};
	int rc = 0;

	if (!config_setting_is_group(group))
		return refuse(group, ret_error, "each rule is a group: { nftset = \"...\"; ... }");
	for (int i = 0; rc == 0 && i < config_setting_length(group); i++)
		rc = read_member(config_setting_get_elem(group, (unsigned)i), &set, ret_error);
	if (rc < 0)
		return rc;
	if (!set.name)
		return refuse(group, ret_error, "a rule needs an nftset or an ipset");
	if (set.kind == CONFIG_IPSET && !set.is_own_table)
		return refuse(group, ret_error, "an ipset is in no table");
	for (unsigned i = 0; i < config->set_count; i++)
		if (is_same_set(&config->sets[i], &set))
			return refuse(group, ret_error, "two rules fill the same set");
	config->sets[config->set_count++] = set;
	return 0;
}

int config_read_sets(const config_setting_t *list, struct config *config,
		     struct text_error *ret_error)
{
	int count = config_setting_length(list), rc = 0;

	if (!config_setting_is_list(list) || count > CONFIG_SETS_MAX)
		return refuse(list, ret_error,
			      "must be a list of at most 32 rules: ( { ... }, ... )");
	config->set_count = 0;
	for (int i = 0; rc == 0 && i < count; i++)
		rc = read_set(config_setting_get_elem(list, (unsigned)i), config, ret_error);
	return rc;
}

/* All words that a name or a shell pattern fits. Number 0 is "unknown", which "*" does not mean. */
static int add_pattern(struct filter *filter, const struct vocab *vocab, enum vocab_kind kind,
		       const char *pattern)
{
	int rc = -ENOENT;

	for (unsigned id = 0; id < vocab_count(vocab, kind) && rc != -ENOMEM; id++) {
		const char *word = vocab_text(vocab, kind, id);

		if (strcmp(pattern, word) == 0 || (id > 0 && fnmatch(pattern, word, 0) == 0))
			rc = filter_add_id(filter, vocab, kind, id);
	}
	return rc;
}

static int add_word(struct filter *filter, const struct vocab *vocab, const struct word_list *list,
		    const char *word)
{
	if (list->pattern_kind == VOCAB_KIND_COUNT)
		return filter_add_word(filter, vocab, list->name, word);
	return add_pattern(filter, vocab, list->pattern_kind, word);
}

static int resolve_list(struct config_set *set, const config_setting_t *words,
			const struct word_list *list, const struct vocab *vocab,
			struct text_error *ret_error)
{
	char what[160];

	if (!config_setting_is_aggregate(words) || config_setting_is_group(words))
		return refuse(words, ret_error,
			      "flags, classes, families, labels and links are lists: [ \"...\" ]");
	for (int i = 0; i < config_setting_length(words); i++) {
		const char *word = config_setting_get_string_elem(words, i);

		if (word && add_word(&set->filter, vocab, list, word) == 0)
			continue;
		snprintf(what, sizeof(what),
			 "no %s is named '%.60s' in this version or its database", list->singular,
			 word ? word : "");
		return refuse(words, ret_error, what);
	}
	return 0;
}

int config_resolve(struct config *config, const struct vocab *vocab, struct text_error *ret_error)
{
	int rc = 0;

	for (unsigned s = 0; rc == 0 && s < config->set_count; s++) {
		const config_setting_t *group = config->sets[s].words;

		for (int i = 0; group && rc == 0 && i < config_setting_length(group); i++) {
			const config_setting_t *words = config_setting_get_elem(group, (unsigned)i);
			const struct word_list *list = find_word_list(config_setting_name(words));

			if (list)
				rc = resolve_list(&config->sets[s], words, list, vocab, ret_error);
		}
	}
	return rc;
}
