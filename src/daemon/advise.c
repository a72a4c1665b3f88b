/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the administrator should know while synprintd works: interfaces that rules.interfaces means
 * and that are not there, chains of his that vanished from our table, files that cannot be written.
 * It is looked at where the kernel said that something has changed, and otherwise never.
 */
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "daemon/wiring.h"
#include "nl/nft_ask.h"
#include "sys/log.h"

#define LIMITS 256 /* each text has one by its hash, so that none is left out for another */
#define LOOK_S 2 /* between two looks at interfaces, however often they change */

void daemon_note_interfaces(struct daemon *daemon)
{
	daemon->advised.must_look = true;
}

static void take_chain(const char *name, bool is_ours, void *ctx)
{
	struct advised *advised = ctx;
	struct known_chain *chain = advised->chains;
	unsigned i = 0;

	if (is_ours || strlen(name) >= sizeof(chain->name))
		return;
	while (i < advised->chain_count && strcmp(chain[i].name, name) != 0)
		i++;
	if (i == ADVISED_CHAINS_MAX)
		return;
	if (i == advised->chain_count)
		snprintf(chain[advised->chain_count++].name, sizeof(chain->name), "%s", name);
	chain[i].is_there = true;
}

/* Those that were there once and are not now have vanished, until they are back or a reload. */
static void look_at_chains(struct advised *advised)
{
	struct nl *nl = NULL;

	if (nl_open(&nl) < 0)
		return;
	for (unsigned i = 0; i < advised->chain_count; i++)
		advised->chains[i].is_there = false;
	if (nft_list_chains(nl, take_chain, advised) < 0)
		for (unsigned i = 0; i < advised->chain_count; i++)
			advised->chains[i].is_there = true;
	nl_close(nl);
}

static void advise_chains(const struct advised *advised, struct advice_list *list)
{
	for (unsigned i = 0; i < advised->chain_count; i++)
		if (!advised->chains[i].is_there)
			advice_add(
				list, ADVICE_FAULT, "your chains",
				"chain '%s' of yours is gone from table inet synprint, and what "
				"it did is not done any more: load your rules again (nft -f), or "
				"'synprint reload' where that is as it should be",
				advised->chains[i].name);
}

static void advise_interfaces(const struct config *config, struct advice_list *list)
{
	struct netdevs netdevs;

	list->count = 0;
	if (!config->interface_count || netdevs_read(&netdevs) < 0)
		return;
	advice_interfaces(config, &netdevs, list);
	netdevs_done(&netdevs);
}

static void say_news(const struct advice_list *before, const struct advice_list *now)
{
	static struct log_limit limits[LIMITS];

	for (unsigned i = 0; i < now->count; i++) {
		const struct advice *advice = &now->list[i];
		uint64_t hash = XXH3_64bits(advice->text, strlen(advice->text));

		if (!advice_has(before, advice))
			log_limited(&limits[hash % LIMITS],
				    advice->level == ADVICE_NOTE ? LOG_LEVEL_INFO
								 : LOG_LEVEL_WARNING,
				    "%s", advice->text);
	}
}

static void renew(struct advised *advised)
{
	struct advice_list now = advised->interfaces;

	advise_chains(advised, &now);
	say_news(&advised->list, &now);
	advised->list = now;
}

static void look_at_interfaces(struct daemon *daemon)
{
	struct advised *advised = &daemon->advised;

	advise_interfaces(daemon->generation->config, &advised->interfaces);
	advised->looked_s = clock_boot_s();
	advised->must_look = false;
}

void daemon_advise(struct daemon *daemon)
{
	struct advised *advised = &daemon->advised;
	uint32_t ruleset = keeper_ruleset(daemon->keeper);

	bool is_due = advised->must_look && clock_boot_s() >= advised->looked_s + LOOK_S;

	if (is_due)
		look_at_interfaces(daemon);
	if (ruleset != advised->ruleset)
		look_at_chains(advised);
	if (is_due || ruleset != advised->ruleset)
		renew(advised);
	advised->ruleset = ruleset;
}

/* Who reads the configuration again has seen to his chains. */
void daemon_advise_anew(struct daemon *daemon)
{
	struct advised *advised = &daemon->advised;

	advised->chain_count = 0;
	look_at_chains(advised);
	look_at_interfaces(daemon);
	renew(advised);
}
