/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Publish rules in the configuration: which clients go into which sets, and for how long. */
#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "config/config_private.h"
#include "config/ingress.h"

#define DEFAULT_TIMEOUT_S 3600
#define DEFAULT_SIZE 65536
#define OWN_TABLE "inet synprint"
#define NFTSET_NAME_MAX 240 /* NFT_SET_MAXNAMELEN is 256 with its NUL, and a digit is appended */
#define IPSET_NAME_MAX 30 /* IPSET_MAXNAMELEN is 32, likewise */

/* A rule while it is read: of a set, or, with has_mark and without a name, of packets. */
struct rule {
	struct config_set set;
	struct reported_rule reported; /* with origins: what others say, not what was seen here */
	uint32_t mark, value;
	bool has_mark, has_value, has_confirm;
};

static void add_default(struct config *config, const char *name, unsigned flags,
			enum config_confirm confirm)
{
	config->sets[config->set_count++] = (struct config_set){
		.kind = CONFIG_NFTSET,
		.name = name,
		.table = OWN_TABLE,
		.is_own_table = true,
		.prefix6 = 128,
		.timeout_s = DEFAULT_TIMEOUT_S,
		.size = DEFAULT_SIZE,
		.confirm = confirm,
		.filter.flags = (uint16_t)flags,
	};
}

void config_default_sets(struct config *config)
{
	add_default(config, "vpn", VERDICT_VPN, CONFIG_SERVED);
	/* A SYN scan never finishes a handshake. */
	add_default(config, "scanner", VERDICT_SCANNER, CONFIG_SYN);
	add_default(config, "suspect",
		    VERDICT_VPN | VERDICT_SCANNER | VERDICT_OS_MISMATCH | VERDICT_INCONSISTENT |
			    VERDICT_PROXY,
		    CONFIG_SERVED);
}

static int refuse(const config_setting_t *setting, struct text_error *ret_error, const char *what)
{
	return source_refuse(setting, ret_error, "publish.sets: %s", what);
}

static int read_target(const config_setting_t *setting, enum config_set_kind kind,
		       struct rule *rule, struct text_error *ret_error)
{
	const char *name = config_setting_get_string(setting);
	size_t max = kind == CONFIG_IPSET ? IPSET_NAME_MAX : NFTSET_NAME_MAX;

	if (rule->set.name)
		return refuse(setting, ret_error,
			      "a rule has one target: an nftset, an nftmap or an ipset");
	if (!name || !*name || strlen(name) > max ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") !=
		    strlen(name))
		return refuse(setting, ret_error,
			      "a set's name has letters, digits, '_', '-' and '.', and '4' or '6' "
			      "is put behind it");
	if (kind != CONFIG_IPSET && !isalpha((unsigned char)*name) && *name != '_')
		return refuse(
			setting, ret_error,
			"the name of an nft set begins with a letter or '_': nft takes no other");
	rule->set.name = name;
	rule->set.kind = kind;
	return 0;
}

static int read_nftset(const config_setting_t *setting, struct rule *rule,
		       struct text_error *ret_error)
{
	return read_target(setting, CONFIG_NFTSET, rule, ret_error);
}

static int read_nftmap(const config_setting_t *setting, struct rule *rule,
		       struct text_error *ret_error)
{
	return read_target(setting, CONFIG_NFTMAP, rule, ret_error);
}

static int read_ipset(const config_setting_t *setting, struct rule *rule,
		      struct text_error *ret_error)
{
	return read_target(setting, CONFIG_IPSET, rule, ret_error);
}

int config_read_duration(const config_setting_t *setting, const char *path, unsigned min,
			 unsigned max, uint32_t *ret_seconds, struct text_error *ret_error)
{
	const char *text = config_setting_get_string(setting);
	long value = config_setting_get_int(setting), unit = 1;
	char *end = NULL;

	if (text) {
		value = strtol(text, &end, 10);
		unit = end == text             ? 0
		       : strcmp(end, "d") == 0 ? 86400
		       : strcmp(end, "h") == 0 ? 3600
		       : strcmp(end, "m") == 0 ? 60
		       : strcmp(end, "s") == 0 ? 1
					       : 0;
	} else if (config_setting_type(setting) != CONFIG_TYPE_INT) {
		unit = 0;
	}
	if (value < (long)min || value > (long)max || unit == 0 || value * unit > (long)max)
		return source_refuse(setting, ret_error,
				     "%s must be %u to %u seconds, such as 600 or \"10m\"", path,
				     min, max);
	*ret_seconds = (uint32_t)(value * unit);
	return 0;
}

/* ipset keeps timeouts below 2^31 / 1000 seconds (ip_set_timeout.h). */
static int read_timeout(const config_setting_t *setting, struct rule *rule,
			struct text_error *ret_error)
{
	return config_read_duration(setting, "publish.sets: timeout", 1, 2147483,
				    &rule->set.timeout_s, ret_error);
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

static int read_table(const config_setting_t *setting, struct rule *rule,
		      struct text_error *ret_error)
{
	const char *table = config_setting_get_string(setting);

	if (!table || !table_name(table))
		return refuse(setting, ret_error,
			      "table must be a family (inet, ip or ip6) and a name, such as \"inet "
			      "filter\"");
	rule->set.table = table;
	rule->set.is_own_table = strcmp(table, OWN_TABLE) == 0;
	return 0;
}

static int read_size(const config_setting_t *setting, struct rule *rule,
		     struct text_error *ret_error)
{
	int size = config_setting_get_int(setting);

	if (config_setting_type(setting) != CONFIG_TYPE_INT || size < 1)
		return refuse(setting, ret_error,
			      "size must be a whole number of elements, from 1 on");
	rule->set.size = (uint32_t)size;
	return 0;
}

static int read_grade(const config_setting_t *setting, struct rule *rule,
		      struct text_error *ret_error)
{
	const char *grade = config_setting_get_string(setting);

	if (!grade || filter_set_grade(&rule->set.filter, grade) < 0)
		return refuse(setting, ret_error,
			      "grade must be \"access\", \"possible\" or \"likely\"");
	return 0;
}

static int read_confidence(const config_setting_t *setting, struct rule *rule,
			   struct text_error *ret_error)
{
	double confidence = config_setting_type(setting) == CONFIG_TYPE_FLOAT
				    ? config_setting_get_float(setting)
				    : (double)config_setting_get_int64(setting);

	if (!config_setting_is_number(setting) || confidence < 0 || confidence > 1)
		return refuse(setting, ret_error,
			      "min_confidence must be a number from 0.0 to 1.0");
	rule->set.filter.min_confidence_permille = (uint16_t)(confidence * 1000 + 0.5);
	return 0;
}

/* The lists of words, which need the vocabulary: config_resolve(). */
static const struct word_list {
	const char *name, *singular;
	enum vocab_kind pattern_kind; /* VOCAB_LABEL or VOCAB_LINK where patterns are allowed */
} word_lists[] = {
	{"flags", "flag", VOCAB_KIND_COUNT},
	{"classes", "class", VOCAB_KIND_COUNT},
	{"families", "family", VOCAB_KIND_COUNT},
	{"labels", "label", VOCAB_LABEL},
	{"links", "link", VOCAB_LINK},
	{"interfaces", "interface", VOCAB_INTERFACE},
};

static const struct word_list *find_word_list(const char *name)
{
	for (size_t i = 0; i < sizeof(word_lists) / sizeof(word_lists[0]); i++)
		if (strcmp(word_lists[i].name, name) == 0)
			return &word_lists[i];
	return NULL;
}

int config_read_mark(const config_setting_t *setting, const char *path, uint32_t *ret_mark,
		     struct text_error *ret_error)
{
	long long value = config_setting_get_int64(setting);
	bool is_int = config_setting_type(setting) == CONFIG_TYPE_INT;

	if (is_int) /* 0xffffffff without an L behind it is -1 */
		value = (uint32_t)config_setting_get_int(setting);
	if ((!is_int && config_setting_type(setting) != CONFIG_TYPE_INT64) || value < 0 ||
	    value > UINT32_MAX)
		return source_refuse(setting, ret_error,
				     "%s must be a whole number from 0 to 0xffffffff", path);
	*ret_mark = (uint32_t)value;
	return 0;
}

static int read_key(const config_setting_t *setting, struct rule *rule,
		    struct text_error *ret_error)
{
	const char *key = config_setting_get_string(setting);

	if (!key || (strcmp(key, "addr") != 0 && strcmp(key, "addr . port") != 0))
		return refuse(setting, ret_error, "key must be \"addr\" or \"addr . port\"");
	rule->set.has_port = strlen(key) > strlen("addr");
	return 0;
}

static int read_prefix6(const config_setting_t *setting, struct rule *rule,
			struct text_error *ret_error)
{
	int bits = config_setting_get_int(setting);

	if (config_setting_type(setting) != CONFIG_TYPE_INT || bits < 16 || bits > 128)
		return refuse(setting, ret_error, "prefix6 must be a whole number from 16 to 128");
	rule->set.prefix6 = (unsigned)bits;
	return 0;
}

static int read_comment(const config_setting_t *setting, struct rule *rule,
			struct text_error *ret_error)
{
	if (config_setting_type(setting) != CONFIG_TYPE_BOOL)
		return refuse(setting, ret_error, "comment must be true or false");
	rule->set.has_comment = config_setting_get_bool(setting);
	return 0;
}

static int read_on_change(const config_setting_t *setting, struct rule *rule,
			  struct text_error *ret_error)
{
	const char *text = config_setting_get_string(setting);

	if (!text || (strcmp(text, "remove") != 0 && strcmp(text, "expire") != 0))
		return refuse(setting, ret_error, "on_change must be \"remove\" or \"expire\"");
	rule->set.removes = *text == 'r';
	return 0;
}

static int read_confirm(const config_setting_t *setting, struct rule *rule,
			struct text_error *ret_error)
{
	const char *text = config_setting_get_string(setting);

	if (!text || (strcmp(text, "served") != 0 && strcmp(text, "syn") != 0))
		return refuse(setting, ret_error, "confirm must be \"served\" or \"syn\"");
	rule->set.confirm = strcmp(text, "syn") == 0 ? CONFIG_SYN : CONFIG_SERVED;
	rule->has_confirm = true;
	return 0;
}

static int read_rule_mark(const config_setting_t *setting, struct rule *rule,
			  struct text_error *ret_error)
{
	rule->has_mark = true;
	return config_read_mark(setting, "publish.sets: mark", &rule->mark, ret_error);
}

static int read_value(const config_setting_t *setting, struct rule *rule,
		      struct text_error *ret_error)
{
	rule->has_value = true;
	return config_read_mark(setting, "publish.sets: value", &rule->value, ret_error);
}

static int read_origins(const config_setting_t *setting, struct rule *rule,
			struct text_error *ret_error)
{
	return config_read_origins(setting, &rule->reported, ret_error);
}

static int read_min_origins(const config_setting_t *setting, struct rule *rule,
			    struct text_error *ret_error)
{
	return config_read_min_origins(setting, &rule->reported, ret_error);
}

static int read_except(const config_setting_t *setting, struct rule *rule,
		       struct text_error *ret_error)
{
	struct filter *filter = &rule->set.filter;

	return config_read_networks(setting, "publish.sets: except", FILTER_EXCEPT_MAX,
				    filter->except, &filter->except_count, ret_error);
}

static const struct member {
	const char *name;
	int (*read)(const config_setting_t *setting, struct rule *rule,
		    struct text_error *ret_error);
} members[] = {
	{"nftset", read_nftset},       {"nftmap", read_nftmap},
	{"ipset", read_ipset},         {"mark", read_rule_mark},
	{"value", read_value},         {"key", read_key},
	{"prefix6", read_prefix6},     {"comment", read_comment},
	{"on_change", read_on_change}, {"timeout", read_timeout},
	{"table", read_table},         {"size", read_size},
	{"grade", read_grade},         {"min_confidence", read_confidence},
	{"confirm", read_confirm},     {"except", read_except},
	{"origins", read_origins},     {"min_origins", read_min_origins},
};

static int read_member(const config_setting_t *setting, struct rule *rule,
		       struct text_error *ret_error)
{
	const char *name = config_setting_name(setting);

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (strcmp(name, members[i].name) == 0)
			return members[i].read(setting, rule, ret_error);
	if (find_word_list(name))
		return 0;
	return source_refuse(setting, ret_error,
			     "unknown key '%s' in publish.sets (synprint.conf(5) lists them)",
			     name);
}

/* Rules that mark packets have no set, and no name. */
static bool is_same_set(const struct config_set *a, const struct config_set *b)
{
	return (a->kind == CONFIG_IPSET) == (b->kind == CONFIG_IPSET) && a->name && b->name &&
	       strcmp(a->name, b->name) == 0 &&
	       (a->kind == CONFIG_IPSET || strcmp(a->table, b->table) == 0);
}

static int check_rule(const config_setting_t *group, const struct rule *rule,
		      struct text_error *ret_error)
{
	const struct config_set *set = &rule->set;
	bool is_ipset = set->kind == CONFIG_IPSET;

	if (!set->name && !rule->has_mark)
		return refuse(group, ret_error,
			      "a rule needs a target: an nftset, an nftmap, an ipset or a mark");
	if (rule->has_confirm && (rule->has_mark || set->has_port))
		return refuse(group, ret_error,
			      "marks and keys with a port are about one connection, which needs no "
			      "confirm");
	if (set->name && rule->has_mark)
		return refuse(group, ret_error, "a mark is a rule of its own, beside no set");
	if ((set->kind == CONFIG_NFTMAP) != rule->has_value)
		return refuse(group, ret_error, "an nftmap, and nothing else, has a value");
	if (is_ipset && !set->is_own_table)
		return refuse(group, ret_error, "an ipset is in no table");
	if (is_ipset && set->has_port)
		return refuse(group, ret_error, "only nft sets and maps have keys with a port");
	if (!is_ipset && set->has_comment)
		return refuse(group, ret_error, "a comment is for ipsets");
	if (!is_ipset && set->prefix6 != 128 && !set->is_own_table)
		return refuse(group, ret_error,
			      "prefix6 is for ipsets, and for nft sets of table inet synprint");
	return 0;
}

static int add_rule(const config_setting_t *group, struct rule *rule, struct config *config,
		    struct text_error *ret_error)
{
	if (rule->has_mark) {
		config->marks[config->mark_count++] =
			(struct config_mark){.mark = rule->mark,
					     .filter = rule->set.filter,
					     .words = group};
		return 0;
	}
	for (unsigned i = 0; i < config->set_count; i++)
		if (is_same_set(&config->sets[i], &rule->set))
			return refuse(group, ret_error, "two rules fill the same set");
	for (unsigned i = 0; i < config->report_set_count; i++)
		if (is_same_set(&config->report_sets[i].set, &rule->set))
			return refuse(group, ret_error, "two rules fill the same set");
	if (rule->reported.origin_count)
		return config_add_report_set(group, &rule->set, &rule->reported, config, ret_error);
	if (rule->reported.min_origins)
		return refuse(group, ret_error, "min_origins goes with origins");
	rule->set.mark = rule->value;
	if (rule->set.has_port)
		rule->set.confirm = CONFIG_SYN;
	config->sets[config->set_count++] = rule->set;
	return 0;
}

static int read_rule(const config_setting_t *group, struct config *config,
		     struct text_error *ret_error)
{
	struct rule rule = {.set = {.table = OWN_TABLE,
				    .is_own_table = true,
				    .prefix6 = 128,
				    .timeout_s = DEFAULT_TIMEOUT_S,
				    .size = DEFAULT_SIZE,
				    .words = group}};
	int rc = 0;

	if (!config_setting_is_group(group))
		return refuse(group, ret_error, "each rule is a group: { nftset = \"...\"; ... }");
	for (int i = 0; rc == 0 && i < config_setting_length(group); i++)
		rc = read_member(config_setting_get_elem(group, (unsigned)i), &rule, ret_error);
	if (rc == 0)
		rc = check_rule(group, &rule, ret_error);
	return rc < 0 ? rc : add_rule(group, &rule, config, ret_error);
}

int config_read_sets(const config_setting_t *list, struct config *config,
		     struct text_error *ret_error)
{
	int count = config_setting_length(list), rc = 0;

	if (!config_setting_is_list(list) || count > CONFIG_SETS_MAX)
		return refuse(list, ret_error,
			      "must be a list of at most 32 rules: ( { ... }, ... )");
	config->set_count = config->mark_count = config->report_set_count = 0;
	for (int i = 0; rc == 0 && i < count; i++)
		rc = read_rule(config_setting_get_elem(list, (unsigned)i), config, ret_error);
	return rc;
}

int config_finish_marks(struct config *config, struct text_error *ret_error)
{
	uint32_t used = config->mark_seen;

	for (unsigned i = 0; i < config->mark_count; i++)
		used |= config->marks[i].mark;
	if (!config->mark_mask)
		config->mark_mask = used;
	if (used & ~config->mark_mask)
		return text_error_set(ret_error, 0, 0,
				      "publish.mark_mask 0x%x does not cover the bits 0x%x of the "
				      "marks and of publish.mark_seen",
				      config->mark_mask, used & ~config->mark_mask);
	return 0;
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

static int add_interface(struct filter *filter, struct vocab *vocab, const char *word)
{
	int id;

	if (!rules_is_interface(word) && strcmp(word, "*") != 0)
		return -EINVAL;
	id = vocab_add(vocab, VOCAB_INTERFACE, word, strlen(word));
	if (id < 0)
		return id;
	filter_add_interface(filter, (unsigned)id);
	return 0;
}

static int add_word(struct filter *filter, struct vocab *vocab, const struct word_list *list,
		    const char *word)
{
	if (list->pattern_kind == VOCAB_INTERFACE)
		return add_interface(filter, vocab, word);
	if (list->pattern_kind == VOCAB_KIND_COUNT)
		return filter_add_word(filter, vocab, list->name, word);
	return add_pattern(filter, vocab, list->pattern_kind, word);
}

static int resolve_list(struct filter *filter, const config_setting_t *words,
			const struct word_list *list, struct vocab *vocab,
			struct text_error *ret_error)
{
	if (!config_setting_is_aggregate(words) || config_setting_is_group(words))
		return refuse(words, ret_error,
			      "flags, classes, families, labels, links and interfaces are lists: "
			      "[ \"...\" ]");
	for (int i = 0; i < config_setting_length(words); i++) {
		const char *word = config_setting_get_string_elem(words, i);
		int rc = word ? add_word(filter, vocab, list, word) : -ENOENT;

		if (rc == -ENOSPC)
			return refuse(words, ret_error, "all rules together name 15 interfaces");
		if (rc == -EINVAL)
			return source_refuse(words, ret_error, "publish.sets: " RULES_NO_INTERFACE,
					     word, IFNAMSIZ - 1);
		if (rc < 0)
			return source_refuse(words, ret_error,
					     "publish.sets: no %s is named '%.60s' in this version "
					     "or its database",
					     list->singular, word ? word : "");
	}
	return 0;
}

static int resolve_rule(struct filter *filter, const config_setting_t *group, struct vocab *vocab,
			struct text_error *ret_error)
{
	int rc = 0;

	for (int i = 0; group && rc == 0 && i < config_setting_length(group); i++) {
		const config_setting_t *words = config_setting_get_elem(group, (unsigned)i);
		const struct word_list *list = find_word_list(config_setting_name(words));

		if (list)
			rc = resolve_list(filter, words, list, vocab, ret_error);
	}
	return rc;
}

/* A packet has the number of the longest word that fits; "wg*" means that of "wg0" as well. */
static void widen_interfaces(struct filter *filter, const struct vocab *vocab)
{
	unsigned count = vocab_count(vocab, VOCAB_INTERFACE);

	for (unsigned word = 1; word < count; word++) {
		const char *text = vocab_text(vocab, VOCAB_INTERFACE, word);

		for (unsigned other = 1; filter->interfaces >> word & 1 && other < count; other++)
			if (ingress_covers(text, vocab_text(vocab, VOCAB_INTERFACE, other)))
				filter_add_interface(filter, other);
	}
}

int config_resolve(struct config *config, struct vocab *vocab, struct text_error *ret_error)
{
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < config->set_count; i++)
		rc = resolve_rule(&config->sets[i].filter, config->sets[i].words, vocab, ret_error);
	for (unsigned i = 0; rc == 0 && i < config->report_set_count; i++)
		rc = resolve_rule(&config->report_sets[i].set.filter,
				  config->report_sets[i].set.words, vocab, ret_error);
	for (unsigned i = 0; rc == 0 && i < config->mark_count; i++)
		rc = resolve_rule(&config->marks[i].filter, config->marks[i].words, vocab,
				  ret_error);
	for (unsigned i = 0; i < config->set_count; i++)
		widen_interfaces(&config->sets[i].filter, vocab);
	for (unsigned i = 0; i < config->mark_count; i++)
		widen_interfaces(&config->marks[i].filter, vocab);
	return rc;
}
