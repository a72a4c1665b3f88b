/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Published sets as text. They carry no tag of ours: whoever loads them keeps them, and synprintd
 * fills what it finds. A set has the type, size and timeout with which synprintd would make it.
 */
#include "cli/rules_sets.h"

#include <string.h>

#define ELEMENTS_PER_BUCKET 4 /* as synprintd makes ipsets, so that they need not grow */
#define BUCKETS_MIN 64u /* ip_set_hash_gen.h: mimsize */
#define BUCKETS_MAX (1u << 18)
#define SETS_MAX (CONFIG_SETS_MAX + CONFIG_REPORT_SETS_MAX)

static const char suffixes[] = {'4', '6'};

/* All of them, whoever says who belongs in: what is seen here, and what other gateways say. */
static unsigned collect(const struct config *config, const struct config_set *ret_sets[SETS_MAX])
{
	unsigned count = 0;

	for (unsigned i = 0; i < config->set_count; i++)
		ret_sets[count++] = &config->sets[i];
	for (unsigned i = 0; i < config->report_set_count; i++)
		ret_sets[count++] = &config->report_sets[i].set;
	return count;
}

static bool has_version(const struct config_set *set, char suffix)
{
	if (set->kind == CONFIG_IPSET)
		return true;
	return suffix == '4' ? strncmp(set->table, "ip6 ", 4) != 0
			     : strncmp(set->table, "ip ", 3) != 0;
}

static void put_nft_set(const struct config_set *set, char suffix, struct text_buf *out)
{
	bool is_map = set->kind == CONFIG_NFTMAP;

	text_putf(out, "\t%s %s%c {\n\t\ttype ipv%c_addr%s%s\n", is_map ? "map" : "set", set->name,
		  suffix, suffix, set->has_port ? " . inet_service" : "", is_map ? " : mark" : "");
	text_putf(out, "\t\tsize %u\n\t\tflags %stimeout\n\t\ttimeout %us\n\t}\n",
		  config_size_with_room(set->size), set->is_own_table ? "dynamic," : "",
		  set->timeout_s);
}

static void put_nft_pair(const struct config_set *set, struct text_buf *out)
{
	for (unsigned v = 0; v < sizeof(suffixes); v++)
		if (has_version(set, suffixes[v]))
			put_nft_set(set, suffixes[v], out);
}

/* Whether the rules' own text has it. */
static bool is_filled(const struct config *config, const struct config_set *set)
{
	return set >= config->sets && set < config->sets + config->set_count &&
	       config_fills_by_packet(set);
}

static void put_nft(const struct config *config, bool has_filled, struct text_buf *out)
{
	const struct config_set *sets[SETS_MAX];
	unsigned count = collect(config, sets);

	for (unsigned i = 0; i < count; i++) {
		if (sets[i]->kind == CONFIG_IPSET || (!has_filled && is_filled(config, sets[i])))
			continue;
		text_putf(out, "table %s {\n", sets[i]->table);
		put_nft_pair(sets[i], out);
		text_put(out, "}\n");
	}
}

static unsigned buckets_for(uint32_t size)
{
	unsigned buckets = size / ELEMENTS_PER_BUCKET;

	if (buckets < BUCKETS_MIN)
		return BUCKETS_MIN;
	return buckets < BUCKETS_MAX ? buckets : BUCKETS_MAX;
}

static void put_ipset_pair(const struct config_set *set, struct text_buf *out)
{
	for (unsigned v = 0; v < sizeof(suffixes); v++) {
		bool has_nets = suffixes[v] == '6' && set->prefix6 < 128;

		text_putf(out,
			  "create %s%c hash:%s family inet%s hashsize %u maxelem %u timeout %u%s\n",
			  set->name, suffixes[v], has_nets ? "net" : "ip",
			  suffixes[v] == '6' ? "6" : "", buckets_for(set->size), set->size,
			  set->timeout_s, set->has_comment ? " comment" : "");
	}
}

static void put_ipset(const struct config *config, struct text_buf *out)
{
	const struct config_set *sets[SETS_MAX];
	unsigned count = collect(config, sets);

	for (unsigned i = 0; i < count; i++)
		if (sets[i]->kind == CONFIG_IPSET)
			put_ipset_pair(sets[i], out);
}

void rules_sets_put(const struct config *config, enum rules_format format, bool has_filled,
		    struct text_buf *out)
{
	if (format == RULES_FORMAT_IPSET)
		put_ipset(config, out);
	else
		put_nft(config, has_filled, out);
}

void rules_sets_put_hints(const struct config *config, struct text_buf *out)
{
	const struct config_set *sets[SETS_MAX];
	unsigned count = collect(config, sets), first = 0;

	while (first < count && sets[first]->kind != CONFIG_IPSET)
		first++;
	if (first == count)
		text_put(out,
			 "# No rule of publish.sets fills an ipset, and iptables sees no other "
			 "sets: name one there.\n");
	else
		text_putf(
			out,
			"# Behind table raw the verdict is in the ipsets already, for example:\n"
			"#   iptables  -t mangle -A PREROUTING -m set --match-set %s4 src -j MARK "
			"--set-mark 1\n"
			"#   ip6tables -t mangle -A PREROUTING -m set --match-set %s6 src -j MARK "
			"--set-mark 1\n",
			sets[first]->name, sets[first]->name);
	text_put(out, "# To remove them, with the configuration and the options of now:\n"
		      "#   synprint rules print --format iptables --remove | iptables-restore "
		      "--noflush\n"
		      "#   synprint rules print --format iptables --remove | ip6tables-restore "
		      "--noflush\n"
		      "#   synprint rules print --format ipset --remove | ipset restore -exist\n"
		      "# Where these have changed since, instead of the first two:\n"
		      "#   iptables-save | grep -v SYNPRINT | iptables-restore\n"
		      "#   ip6tables-save | grep -v SYNPRINT | ip6tables-restore\n");
}
