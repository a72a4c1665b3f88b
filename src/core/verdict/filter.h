/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A condition on verdicts, as publish rules, subscriptions and client listings state it: every
 * condition that is given must hold; of a list, one word is enough. The empty filter matches all.
 */
#ifndef SYNPRINT_CORE_VERDICT_FILTER_H
#define SYNPRINT_CORE_VERDICT_FILTER_H

#include "core/verdict/verdict.h"

#define FILTER_EXCEPT_MAX 16

struct filter {
	uint64_t classes; /* a bit for each class id */
	uint32_t families; /* a bit for each family id */
	uint64_t links[VOCAB_LINKS_MAX / 64 + 1]; /* a bit for each id; only with has_links */
	uint64_t *labels; /* a bit for each label id below label_count; only with has_labels */
	unsigned label_count;
	uint16_t flags; /* enum verdict_flag, or-ed */
	uint16_t interfaces; /* a bit for each interface number */
	uint16_t
		min_confidence_permille; /* of the class; of the family where only families are given */
	enum link_grade min_grade;
	struct addr_net net; /* only with has_net */
	bool has_net, has_links, has_labels;
	unsigned except_count;
	struct addr_net except[FILTER_EXCEPT_MAX]; /* no address of these meets it */
};

/** filter_excepts() - true for an address of a network that the filter leaves out. */
bool filter_excepts(const struct filter *filter, const struct addr *addr);

/** filter_match() - true where the verdict about an address meets every condition. */
bool filter_match(const struct filter *filter, const struct vocab *vocab, const struct addr *addr,
		  const struct verdict *verdict);

/**
 * filter_add_word() - add one more word to a list of the filter.
 * @list: "flags", "classes" or "families"
 * Return: 0, -ENOENT for a word that nobody knows, -EINVAL for no such list.
 */
int filter_add_word(struct filter *filter, const struct vocab *vocab, const char *list,
		    const char *word);

/**
 * filter_add_id() - add one more label or link.
 * @kind: VOCAB_LABEL, after which the filter needs filter_clear(), or VOCAB_LINK
 * @id: one of the vocabulary's words
 * Return: 0 or -ENOMEM.
 */
int filter_add_id(struct filter *filter, const struct vocab *vocab, enum vocab_kind kind,
		  unsigned id);

/** filter_add_interface() - limit to what came in there. @number: VOCAB_INTERFACE, not 0 */
void filter_add_interface(struct filter *filter, unsigned number);

/** filter_clear() - make it the empty filter, which owns nothing. */
void filter_clear(struct filter *filter);

/** filter_set_net() - limit to a prefix such as "203.0.113.0/24". Return: 0 or -EINVAL. */
int filter_set_net(struct filter *filter, const char *text);

/** filter_set_grade() - "none", "access", "possible" or "likely". Return: 0 or -EINVAL. */
int filter_set_grade(struct filter *filter, const char *text);

#endif
