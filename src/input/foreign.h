/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What others' rules do with connections: whether anybody uses conntrack at all, which one ct rule
 * switches on for a whole namespace; whether somebody treats the connection mark as his alone, so
 * that a bit of ours in it would lead packets astray; whether flowtables take connections away
 * before they can be confirmed. Rules of nf_tables, with what iptables-nft makes of xt among them.
 */
#ifndef SYNPRINT_INPUT_FOREIGN_H
#define SYNPRINT_INPUT_FOREIGN_H

#include <stdbool.h>

#include "nl/nl.h"

#define FOREIGN_WHERE_MAX 256

struct foreign {
	bool uses_conntrack; /* some rule that is not ours needs it */
	bool takes_mark; /* some rule copies, compares or overwrites our bits of the ct mark */
	bool offloads; /* some flowtable takes connections without looking at our bits */
	/* The first rule that does, such as "table inet filter, chain forward, rule 7". */
	char mark_where[FOREIGN_WHERE_MAX], offload_where[FOREIGN_WHERE_MAX];
};

/**
 * foreign_look() - look at every rule of the namespace. Changes nothing.
 * @bits: of the connection mark that are ours
 * Return: 0 or -errno; -EINTR: the rules changed meanwhile, and something may be missing.
 */
int foreign_look(struct nl *nl, uint32_t bits, struct foreign *ret_foreign);

/* The administrator's rules that lead packets into queues, of which he makes what he likes. */
struct foreign_queues {
	unsigned count; /* rules */
	bool holds; /* one of them holds packets while nobody reads the queue */
	char where[FOREIGN_WHERE_MAX], holds_where[FOREIGN_WHERE_MAX]; /* the first one of each */
};

/**
 * foreign_find_queues() - which rules that are not ours lead into one of these queues; rules of
 * iptables-legacy are not seen.
 * @may_be: also those of which only each packet says which queue it is, as with 'numgen'
 * Return: as foreign_look().
 */
int foreign_find_queues(struct nl *nl, uint16_t first, uint16_t count, bool may_be,
			struct foreign_queues *ret_queues);

/** foreign_look_at() - one rule, for tests. @rule: of libnftnl; not of our table */
struct nftnl_rule;
void foreign_look_at(const struct nftnl_rule *rule, uint32_t bits, struct foreign *foreign);

#endif
